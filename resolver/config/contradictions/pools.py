"""Which settings about pools, forward zones and stub zones cannot stand together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction, wildcard
from resolver.config.upstreams import SYSTEM
from resolver.text import closest

if TYPE_CHECKING:
    from resolver.config.sections import Config
    from resolver.network.base import Endpoint


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among these settings of `config`."""
    yield from _zones(config)
    yield from _named(config)
    yield from _upstreams(config)
    yield from _sources(config)


def _zones(config: Config) -> Iterator[Contradiction]:
    ours = config.resolver
    for zone in sorted((ours.stub_zones.keys() & ours.forward_zones.keys()) - frozenset(ours.forward_first)):
        what = f'"{zone}" is both a stub zone and a forward zone'
        yield Contradiction("resolver", "forward_zones", what, "keep one, or add it to resolver.forward_first")
    for zone in sorted(frozenset(ours.forward_first) - ours.forward_zones.keys()):
        what = f'"{zone}" is no forward zone'
        yield Contradiction("resolver", "forward_first", what, "add it to resolver.forward_zones, or remove it here")


def _named(config: Config) -> Iterator[Contradiction]:
    """Pools that forward zones name."""
    for zone, whom in config.resolver.forward_zones.items():
        if not isinstance(whom, str) or (whom == SYSTEM and whom not in config.pools):
            continue
        if whom not in config.pools:
            near = closest(whom, config.pools)
            instead = f'did you mean "{near}"?' if near else f"add a table [pools.{whom}] with its members"
            yield Contradiction("resolver", "forward_zones", f'"{zone}": there is no pool "{whom}"', instead)
        elif config.pools[whom].mode != "forward":
            what = f'"{zone}": the pool "{whom}" passes messages on without looking inside'
            yield Contradiction("resolver", "forward_zones", what, 'name a pool with mode = "forward"')


def _upstreams(config: Config) -> Iterator[Contradiction]:
    ours, server = config.resolver, config.server
    for section, key, what, upstreams in (
        *(("resolver", "stub_zones", f'"{zone}"', servers) for zone, servers in ours.stub_zones.items()),
        *(
            ("resolver", "forward_zones", f'"{zone}"', servers)
            for zone, servers in ours.forward_zones.items()
            if not isinstance(servers, str)
        ),
        *(
            (f"pools.{name}", "members", f'"{name}"', tuple(each.upstream for each in pool.members))
            for name, pool in config.pools.items()
            if not isinstance(pool.members, str) and pool.mode == "forward"  # relays.py speaks of the others
        ),
    ):
        for each in upstreams:
            if _is_ours(each.endpoint, (*server.listen, *server.listen_tls, *server.listen_https)):
                text = f"{what} is to be asked of {each.endpoint}, where this daemon itself listens"
                yield Contradiction(section, key, text, "name another server")


def _sources(config: Config) -> Iterator[Contradiction]:
    """Pools that are to be asked from an address from which they cannot be."""
    for name, pool in config.pools.items():
        if not pool.source:
            continue
        if pool.mode == "relay" or pool.members == "system":
            what = f"source is set, but {'a relay' if pool.mode == 'relay' else 'who stands in a resolv.conf'} has none"
            yield Contradiction(f"pools.{name}", "source", what, "remove it, or list members to forward to")
            continue
        for at in pool.places:
            if not pool.source_of(at.host):
                family = "IPv6" if ":" in at.host else "IPv4"
                what = f"source has no address of {family}, and {at} is one"
                yield Contradiction(f"pools.{name}", "source", what, f"add one of {family}, or make two pools of it")


def _is_ours(endpoint: Endpoint, listening: Iterable[Endpoint]) -> bool:
    """Whether a message to `endpoint` comes to one of those that are `listening`: on loopback a wildcard takes all."""
    loopback = ipaddress.ip_address(endpoint.host).is_loopback
    return any(each == endpoint or (loopback and each == wildcard(endpoint)) for each in listening)
