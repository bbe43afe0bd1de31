"""Which settings cannot stand together, though each is right by itself.

Rules: a contradiction is reported under the key that a person most likely has to change, with what to write
instead.

Limits: nothing here touches a file, a socket or the environment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions import checks, filters, policies, pools, relays, rules, tls, useless
from resolver.config.contradictions.base import Contradiction, wildcard

if TYPE_CHECKING:
    from resolver.config.sections import Config


class Contradictions(ValueError):
    """All that was found, each on a line."""

    def __init__(self, found: list[Contradiction]) -> None:
        self.found = found
        super().__init__("\n".join(f"{c.section}.{c.key}: {c.what}; {c.instead}" for c in found))


def find_contradictions(config: Config) -> list[Contradiction]:
    """Every contradiction in `config`."""
    return [
        *_listeners(config),
        *tls.find(config),
        *_roots(config),
        *pools.find(config),
        *relays.find(config),
        *checks.find(config),
        *useless.find(config),
        *rules.find(config),
        *filters.find(config),
        *policies.find(config),
        *_dnssec(config),
        *_limits(config),
        *_workers(config),
        *_admin(config),
        *_log(config),
    ]


def _listeners(config: Config) -> Iterator[Contradiction]:
    server = config.server
    listeners = (
        ("listen", server.listen),
        ("listen_tls", server.listen_tls),
        ("listen_https", server.listen_https),
    )
    for key, endpoints in listeners:
        fixed = [endpoint for endpoint in endpoints if endpoint.port]
        for endpoint in sorted({one for one in fixed if fixed.count(one) > 1}):
            yield Contradiction("server", key, f'"{endpoint}" stands there twice', "remove one")
        for endpoint in sorted(set(fixed)):
            wild = wildcard(endpoint)
            if wild != endpoint and wild in fixed:
                yield Contradiction("server", key, f'"{wild}" takes "{endpoint}" too', "remove one of the two")
    if config.server.allow is not None and not beyond_loopback(config):
        what = "allow is set, but who listens on loopback alone is asked by nobody else"
        yield Contradiction("server", "allow", what, "add an address to server.listen, or remove allow")
    if config.server.deny and not beyond_loopback(config):
        what = "deny is set, but who listens on loopback alone is asked by nobody else"
        yield Contradiction("server", "deny", what, "add an address to server.listen, or remove deny")
    for network in config.server.deny:
        if network.is_loopback:
            what = f'"{network}" is on this machine, which always may ask'
            yield Contradiction("server", "deny", what, "remove it")


def beyond_loopback(config: Config) -> bool:
    """Whether anybody but this machine can ask."""
    server = config.server
    relays = (each for pool in config.pools.values() for each in pool.listen)
    listening = (*server.listen, *server.listen_tls, *server.listen_https, *relays)
    return not all(ipaddress.ip_address(endpoint.host).is_loopback for endpoint in listening)


def _roots(config: Config) -> Iterator[Contradiction]:
    ours, world = config.resolver, config.world
    if ours.roots == "file" and ours.hints_file is None:
        yield Contradiction("resolver", "roots", 'roots = "file" needs hints_file', "set resolver.hints_file")
    if ours.roots != "file" and ours.hints_file is not None:
        what = f'hints_file is set but roots is "{ours.roots}"'
        yield Contradiction("resolver", "hints_file", what, 'set resolver.roots = "file" or remove hints_file')
    if ours.mode == "recursive" and ours.roots == "internet":
        what = 'mode = "recursive" with roots = "internet": no root server of the Internet offers recursion'
        yield Contradiction("resolver", "mode", what, 'set mode = "iterative" or roots = "simulated"')
    if ours.roots == "simulated" and world.serve is False and not config.forwards_all:
        what = 'roots = "simulated" but world.serve is false, so there is no root to ask'
        yield Contradiction("world", "serve", what, 'set serve = "auto" or resolver.roots = "internet"')
    if world.in_memory and not config.world_served:
        what = "in_memory is true but the simulated world is not served"
        yield Contradiction("world", "in_memory", what, "remove it or set world.serve = true")


def _dnssec(config: Config) -> Iterator[Contradiction]:
    ours = config.dnssec
    if ours.nsec3_iterations_insecure > ours.nsec3_iterations_max:
        what = f"nsec3_iterations_insecure {ours.nsec3_iterations_insecure} is above nsec3_iterations_max"
        yield Contradiction("dnssec", "nsec3_iterations_insecure", what, f"write at most {ours.nsec3_iterations_max}")


def _limits(config: Config) -> Iterator[Contradiction]:
    cache = config.cache
    if cache.min_ttl_s > cache.max_ttl_s:
        what = f"min_ttl_s {cache.min_ttl_s} is above max_ttl_s {cache.max_ttl_s}"
        yield Contradiction("cache", "min_ttl_s", what, f"write at most {cache.max_ttl_s}")


def _workers(config: Config) -> Iterator[Contradiction]:
    for section, key, bound in divided(config):
        if bound < config.server.workers:
            what = f"{config.server.workers} workers cannot share {section}.{key} = {bound}"
            yield Contradiction("server", "workers", what, f"write at most {bound}, or raise {section}.{key}")


def divided(config: Config) -> list[tuple[str, str, int]]:
    """The settings that bound what all workers together may have, each of which needs a part: section, key, bound."""
    pairs = (
        ("server", "max_in_flight"),
        ("server", "tcp_max_connections"),
        ("cache", "size_mb"),
        ("resolver", "max_per_zone"),
        ("resolver", "max_per_server"),
    )
    found = ((section, key, getattr(getattr(config, section), key)) for section, key in pairs)
    return [(section, key, bound) for section, key, bound in found if bound is not None]


def _admin(config: Config) -> Iterator[Contradiction]:
    admin = config.admin
    if admin.token is not None and admin.token_file is not None:
        yield Contradiction("admin", "token_file", "token is set as well as token_file", "remove one of the two")
    for key, given in (("token", admin.token), ("token_file", admin.token_file), ("hosts", admin.hosts)):
        if given and not admin.listen:
            what = f"{key} is set, but the admin API listens nowhere"
            yield Contradiction("admin", key, what, f"add an address to admin.listen, or remove {key}")
    for endpoint in dict.fromkeys(admin.listen):
        if endpoint.port and admin.listen.count(endpoint) > 1:
            yield Contradiction("admin", "listen", f'"{endpoint}" stands there twice', "remove one")
        if endpoint.port and endpoint in (
            *config.server.listen,
            *config.server.listen_tls,
            *config.server.listen_https,
        ):
            yield Contradiction("admin", "listen", f'"{endpoint}" is where clients are answered', "write another port")
        if not ipaddress.ip_address(endpoint.host).is_loopback and admin.token is None and admin.token_file is None:
            what = f'"{endpoint}" is not on loopback, and there is no token'
            yield Contradiction("admin", "listen", what, "set admin.token or admin.token_file, or write 127.0.0.1")


def _log(config: Config) -> Iterator[Contradiction]:
    if config.log.explanations and not config.log.queries:
        what = "explanations stand in the events of queries, which are not written"
        yield Contradiction("log", "explanations", what, "set log.queries = true, or remove explanations")
