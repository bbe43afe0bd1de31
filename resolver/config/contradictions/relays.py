"""Which settings of relays, and of tables that are shared, cannot stand together.

Rules: a relay passes datagrams and streams on as they come. So it listens for itself, its members take both kinds
unencrypted, nothing that needs a name can choose among them, and nobody who has read a question can send it there.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction, wildcard
from resolver.config.values import DNS_PORT
from resolver.message import Transport

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.config.sections.pools import Pool


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among these settings of `config`."""
    for name, pool in config.pools.items():
        section = f"pools.{name}"
        yield from _relay(section, pool) if pool.mode == "relay" else _forwarding(section, pool)
        if pool.sticky_password is not None and (pool.sticky is None or "://" not in pool.sticky):
            what = "sticky_password is set, but the table is in no store"
            yield Contradiction(section, "sticky_password", what, "write a URL as `sticky`, or remove sticky_password")
    yield from _looping(config)
    yield from _taken(config)
    yield from _named(config)


def _forwarding(section: str, pool: Pool) -> Iterator[Contradiction]:
    if pool.listen:
        what = 'listen is set, but mode is "forward": questions come from forward zones and rules'
        yield Contradiction(section, "listen", what, 'write mode = "relay", or remove listen')


def _relay(section: str, pool: Pool) -> Iterator[Contradiction]:
    if not pool.listen:
        yield Contradiction(section, "mode", 'mode = "relay" needs listen', 'write listen = ["127.0.0.1:5301"]')
    if pool.policy == "qname-hash":
        what = 'policy is "qname-hash", but a relay reads no names'
        yield Contradiction(section, "policy", what, 'write "client-hash", or "consistent-hash"')
    if pool.members == "system":
        yield Contradiction(section, "members", 'members of a relay cannot be "system"', "write their addresses")
        return
    for each in pool.members:
        if each.upstream.transport is not Transport.UDP:
            what = f'"{each.upstream}" cannot be a member of a relay, which passes on what comes as it is'
            port = DNS_PORT if each.upstream.transport is not Transport.TCP else each.upstream.endpoint.port
            yield Contradiction(section, "members", what, f'write "udp://{each.upstream.endpoint._replace(port=port)}"')


def _looping(config: Config) -> Iterator[Contradiction]:
    """Members of relays that are relays of this daemon, or where it answers: what is passed on might come back."""
    ours = {*config.server.listen, *(each for pool in config.pools.values() for each in pool.listen)}
    for name, pool in config.pools.items():
        for to in pool.places if pool.mode == "relay" else ():
            if to in ours or (ipaddress.ip_address(to.host).is_loopback and wildcard(to) in ours):
                what = f'"{to}" is where this daemon itself listens'
                yield Contradiction(f"pools.{name}", "members", what, "name another server")


def _taken(config: Config) -> Iterator[Contradiction]:
    """Endpoints of relays that somebody else listens on."""
    server = config.server
    listening = (*server.listen, *server.listen_tls, *server.listen_https, *config.admin.listen)
    others = {each for each in listening if each.port}
    relays = [(name, each) for name, pool in config.pools.items() for each in pool.listen]
    count = Counter(each for _, each in relays)
    for name, each in relays:
        section = f"pools.{name}"
        if each in others or wildcard(each) in others:
            what = f'"{each}" is where this daemon already listens for something else'
            yield Contradiction(section, "listen", what, "write another port")
        elif count[each] > 1:
            yield Contradiction(section, "listen", f'"{each}" stands there twice', "remove one")
        elif wildcard(each) != each and wildcard(each) in count:
            yield Contradiction(section, "listen", f'"{wildcard(each)}" takes "{each}" too', "remove one of the two")


def _named(config: Config) -> Iterator[Contradiction]:
    """Relays to which rules would send questions that have been read; pools.py speaks of forward zones."""
    relays: set[object] = {name for name, pool in config.pools.items() if pool.mode == "relay"}
    for number, rule in enumerate(config.rules, 1):
        pool: object = getattr(rule, "pool", None)
        if pool in relays:
            what = f'"{pool}" is a relay, and cannot take what a rule has looked at'
            yield Contradiction(f"rules.{number}", "pool", what, 'name a pool with mode = "forward"')
