"""Decides what a person is told when the daemon has started: what listens where, and lines to paste."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from resolver.certificates import Shown
from resolver.config import Config
from resolver.network.base import Endpoint
from resolver.version import VERSION

SAMPLE: Final = "www.example.com"
"""A name that both the shipped world and the Internet have."""

ANY_WORLD: Final = ". NS"
"""What every world answers."""

FORWARDED: Final = 8
"""Forward zones that are told."""

NAMED: Final = 4
"""Members of a pool that are told by name; of more, how many they are."""


def reachable(endpoint: Endpoint) -> Endpoint:
    """Where a client on this machine asks what listens on `endpoint`: loopback for a wildcard."""
    if ipaddress.ip_address(endpoint.host).is_unspecified:
        return endpoint._replace(host="::1" if ":" in endpoint.host else "127.0.0.1")
    return endpoint


def banner(
    config: Config,
    listening: Sequence[Endpoint],
    simulated: Sequence[tuple[str, Endpoint]],
    encrypted: tuple[Sequence[Endpoint], Sequence[Endpoint]] = ((), ()),
    shown: Shown | None = None,
) -> str:
    """The text for what answers at `listening`, over TLS and HTTPS where it is `encrypted` and this certificate
    is `shown`, and the simulated servers that have their own addresses."""
    tls, https = encrypted
    mode = "forwarding" if config.forwards_all else config.resolver.mode
    lines = [f"resolverd {VERSION} ({mode}) answers on"]
    lines += [f"  {endpoint}  UDP and TCP" for endpoint in listening]
    lines += [f"  {endpoint}  TLS" for endpoint in tls]
    lines += [f"  https://{endpoint}{config.server.https_paths[0]}" for endpoint in https]
    lines += [f"  {place}  passed on to the pool {name}" for name, place in _relayed(config)]
    if shown is not None:
        kind = "certificate" if shown.ephemeral is None else "ephemeral certificate, for development"
        lines.append(f"{kind}: pin {shown.pin}")
    lines += [f"forwarded: {zone} to {_whom(config, zone)}" for zone in list(config.resolver.forward_zones)[:FORWARDED]]
    if simulated:
        ports = sorted({endpoint.port for _, endpoint in simulated})
        where = f"port {ports[0]}" if len(ports) == 1 else f"ports {ports[0]} to {ports[-1]}"
        first = simulated[0]
        count = f"{len(simulated)} address{'es' * (len(simulated) != 1)}"
        lines.append(f"simulated internet: {count} in 127.53.0.0/16, {where}")
        lines.append(f"  {first[1]}  {first[0]}")
    elif config.world_served:
        lines.append("simulated internet: in memory, only the resolver reaches it")
    if listening:
        lines += ["", "Try:", *(f"  {line}" for line in _to_paste(config, reachable(listening[0]), simulated))]
    for option, endpoints in (("", tls[:1]), (f" +https={config.server.https_paths[0]}", https[:1])):
        to = [reachable(each) for each in endpoints if shown is not None]
        lines += [f"  kdig @{each.host} -p {each.port}{option} +tls-pin={shown.pin} {SAMPLE}" for each in to if shown]
    return "\n".join(lines) + "\n"


def _relayed(config: Config) -> list[tuple[str, Endpoint]]:
    """The pools that relay, and where; a port that is drawn is told in the log."""
    return [(name, place) for name, pool in config.pools.items() for place in pool.listen if place.port]


def _whom(config: Config, zone: str) -> str:
    """Who is asked for a forward zone: the members of its pool, if they are few."""
    name = config.pool_of(zone)
    pool = config.all_pools[name]
    if pool.members == "system":
        return f"those in {pool.resolv_conf}"
    listed = f"{len(pool.members)} members" if len(pool.members) > NAMED else ", ".join(map(str, pool.members))
    return f"the pool {name} ({listed})" if name in config.pools else listed


def _to_paste(config: Config, resolver: Endpoint, simulated: Sequence[tuple[str, Endpoint]]) -> list[str]:
    port = f"-port={resolver.port} " if resolver.port != 53 else ""
    if config.world_served and config.world.directory is not None:
        lines = [_dig(resolver, ANY_WORLD), f"nslookup {port}-type=NS . {resolver.host}"]
        if simulated:
            lines.append(f"{_dig(simulated[0][1], ANY_WORLD)}   # the simulated root itself")
        return lines
    lines = [_dig(resolver, SAMPLE), f"nslookup {port}{SAMPLE} {resolver.host}"]
    if simulated:
        lines.append(f"{_dig(simulated[0][1], SAMPLE)}   # the simulated root itself: a referral to com.")
    return lines


def _dig(to: Endpoint, question: str) -> str:
    port = f" -p {to.port}" if to.port != 53 else ""
    return f"dig @{to.host}{port} {question}"
