"""Decides which servers a recorded world has, where they are, and how well they work.

Rules
* Each name server of a recorded zone whose address is known is a server. One that was at an address of the world
  (127.53.0.0/16) keeps it; the others are numbered, those of the root from 127.53.0.1 on, of top-level domains from
  127.53.1.1, of what is below from 127.53.2.1. It has an IPv6 address where it was known to have one.
* A server that was of use to nobody has the fault that was seen most; one that was of use for some of its zones does
  not serve the others, and so refuses them. What was lost now and then cannot be told from what was late.
* Its latency, where wanted, is the median of its replies that were of use.

* Where the root tells its NS without addresses, those that were asked go to these names in order.

Limits: a server that was never asked counts as one that works.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median
from typing import Final

from resolver.auth.values import MAX_LATENCY_MS, WORLD_V4, WORLD_V6, derived_ipv6
from resolver.recording.drawn import Drawn, DrawnServer
from resolver.recording.evidence import GOOD, TRUNCATED, Conduct, Evidence
from resolver.wire import names

_LEVELS: Final = 2
"""Names with more labels than this are numbered with these."""


def draw(drawn: Drawn, evidence: Evidence, *, latency: bool) -> None:
    """`drawn`, whose zones are known, has their servers."""
    servers: dict[bytes, DrawnServer] = {}
    levels: dict[bytes, int] = {}
    nameless = _nameless(evidence)
    for apex in drawn.zones:
        for host in sorted(evidence.targets(apex)):
            seen = tuple(evidence.addresses(host)) or (nameless.pop(0) if apex == names.ROOT and nameless else ())
            if not seen:
                continue
            levels.setdefault(host, min(names.depth(apex), _LEVELS))
            server = servers.setdefault(host, DrawnServer(host, seen=seen))
            server.zones.append(apex)
    _place(servers.values(), levels)
    for server in servers.values():
        _behave(server, [each for host in server.seen for each in evidence.conduct.get(host, ())], latency=latency)
    drawn.servers = servers


def _nameless(evidence: Evidence) -> list[tuple[str, ...]]:
    """Root servers that were of use and whose names nobody told: where the root did not add addresses to its NS."""
    if any(True for host in evidence.targets(names.ROOT) for _ in evidence.addresses(host)):
        return []
    useful = {
        host
        for host, conduct in evidence.conduct.items()
        if any(each.zone == names.ROOT and each.word == GOOD for each in conduct)
    }
    return [(host,) for host in sorted(useful)]


def _place(servers: Iterable[DrawnServer], levels: dict[bytes, int]) -> None:
    """Each server has addresses of its own."""
    taken: set[str] = set()
    for server in servers:
        parsed = [ipaddress.ip_address(each) for each in server.seen]
        own = [str(each) for each in parsed if each in WORLD_V4]
        if own and own[0] not in taken:
            server.ipv4 = own[0]
            taken.add(own[0])
            server.ipv6 = next((str(each) for each in parsed if each in WORLD_V6), None)
    free = {level: _numbered(level, taken) for level in set(levels.values())}
    for server in servers:
        if not server.ipv4:
            server.ipv4 = next(free[levels[server.name]])
            if any(":" in each for each in server.seen):
                server.ipv6 = derived_ipv6(server.ipv4)


def _numbered(level: int, taken: set[str]) -> Iterator[str]:
    """The addresses of a level that nobody has; those of the last go on to the end of the network."""
    first = int(WORLD_V4.network_address) + (level << 8)
    for number in range(first, int(WORLD_V4.broadcast_address)):
        address = str(ipaddress.IPv4Address(number))
        if number & 0xFF and address not in taken:
            taken.add(address)
            yield address


def _behave(server: DrawnServer, conduct: list[Conduct], *, latency: bool) -> None:
    """The server works as well as `conduct` shows."""
    # TC is no failure where what comes over TCP is of use: then the last word on it is another.
    bad = [each for each in conduct if each.word not in (GOOD, TRUNCATED)]
    useful = [each for each in conduct if each.word == GOOD]
    if conduct and all(each.word == TRUNCATED for each in conduct):
        server.fault = TRUNCATED
    elif bad and not useful:
        server.fault = Counter(each.word for each in bad).most_common(1)[0][0]
    elif bad:
        well = {each.zone for each in useful}
        failed = {each.zone for each in bad if each.word != "silent"} - well
        server.zones = [each for each in server.zones if each not in failed]
    if latency and useful:
        server.latency_ms = min(round(median(each.seconds for each in useful) * 1000, 1), MAX_LATENCY_MS)
