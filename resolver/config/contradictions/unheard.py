"""Which rules wait for queries that never come: over a transport that nobody listens for, or of clients that may not
ask; and which clients may look into the cache, and not ask.

Limits: clients are looked at where somebody listens beyond loopback; who has only loopback to ask by tries rules out
with `resolver which`. A network of which a part may ask is no mistake.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from resolver.config.contradictions.base import Contradiction
from resolver.message import Transport

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.rules import Rule
    from resolver.config.values import Network

_LISTENERS: Final[Mapping[str, frozenset[Transport]]] = {
    "listen": frozenset((Transport.UDP, Transport.TCP)),
    "listen_tls": frozenset((Transport.TLS,)),
    "listen_https": frozenset((Transport.HTTPS,)),
}
"""Which setting opens the way for which transports."""

_NEEDED: Final = (
    ("server_names", ("listen_tls", "listen_https")),
    ("paths", ("listen_https",)),
    ("headers", ("listen_https",)),
)
"""What is known of queries that come to one of these alone."""

_LOOPBACK: Final = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))


def find(config: Config) -> Iterator[Contradiction]:
    """Every rule of `config` that can never fit for that reason, and every network of `server.snoop`."""
    allowed = _allowed(config)
    if allowed:
        yield from _snooping(config, allowed)
    for number, rule in enumerate(config.rules, 1):
        label = f"rules.{number}"
        yield from _by_transport(label, rule, config)
        if allowed and rule.clients:
            yield from _by_client(label, rule, allowed, config)


def _by_transport(label: str, rule: Rule, config: Config) -> Iterator[Contradiction]:
    """Of several matchers that wait for the same in vain the first is told."""
    wanted: list[tuple[str, tuple[str, ...], str]] = [
        (key, listeners, f", and no other has {key}") for key, listeners in _NEEDED if getattr(rule, key)
    ]
    if rule.transports:
        carrying = tuple(key for key, carried in _LISTENERS.items() if carried & frozenset(rule.transports))
        wanted.append(("transports", carrying, ""))
    for key, listeners, other in wanted:
        if not any(getattr(config.server, each) for each in listeners):
            carried = [each.value for listener in listeners for each in sorted(_LISTENERS[listener])]
            what = f"this rule can never fit: no query comes over {' or '.join(carried)}{other}"
            settings = " or ".join(f"server.{each}" for each in listeners)
            yield Contradiction(label, key, what, f"set {settings}, or remove the rule")
            return


def _allowed(config: Config) -> tuple[Network, ...]:
    """Who may ask; nobody where that does not matter, since all that can ask are on this machine."""
    from resolver.config.contradictions import beyond_loopback
    from resolver.server.access import PRIVATE

    if not beyond_loopback(config):
        return ()
    return (*_LOOPBACK, *(PRIVATE if config.server.allow is None else config.server.allow))


def _by_client(label: str, rule: Rule, allowed: tuple[Network, ...], config: Config) -> Iterator[Contradiction]:
    shut = [each for each in rule.clients if _is_below(each, config.server.deny)]
    if len(shut) == len(rule.clients):
        what = f"this rule can never fit: {shut[0]} is in server.deny"
        yield Contradiction(label, "clients", what, "remove it there, or remove the rule")
    elif not any(_overlaps(each, allowed) for each in rule.clients):
        what = f"this rule can never fit: clients in {rule.clients[0]} may not ask"
        yield Contradiction(label, "clients", what, "add them to server.allow, or remove the rule")


def _snooping(config: Config, allowed: tuple[Network, ...]) -> Iterator[Contradiction]:
    for network in config.server.snoop or ():
        what = f'clients in "{network}" may not ask, so they cannot look into the cache'
        if _is_below(network, config.server.deny):
            yield Contradiction("server", "snoop", what, "remove it here, or in server.deny")
        elif not _overlaps(network, allowed):
            yield Contradiction("server", "snoop", what, "add them to server.allow, or remove them here")


def _overlaps(network: Network, others: tuple[Network, ...]) -> bool:
    return any(network.overlaps(other) for other in others if network.version == other.version)


def _is_below(network: Network, others: tuple[Network, ...]) -> bool:
    return any(
        network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
        for other in others
    )
