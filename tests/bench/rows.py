"""Decides what is measured: one row of the table for each thing, with its bound.

Rules
* A bound is a ratio to what others cost in the same run, which travels between machines better than microseconds do;
  only the start and idle memory have bounds of their own.
* Measured beside ours, unless others are asked for: Unbound, and who else the bound is a ratio to.

A new row is a line in `ROWS`: a function that takes a sample, or a `Load` of a stock of names in a mode of dnsperf.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from tests.bench.blocking import list_memory, list_start
from tests.bench.failover import Failover
from tests.bench.hierarchy import BAKED_ZONE, ZONE
from tests.bench.loading import Load
from tests.bench.names import Fresh, Hits, Mixed, NewZones, NoSuch, Signed
from tests.bench.sample import Memory, Sample, Turn, first_answer, idle_memory
from tests.bench.servers import (
    ALONE,
    AUTHORITIES,
    FORWARDER,
    FORWARDERS,
    OURS,
    POOLED,
    RESOLVERS,
    RULED,
    SHIPPED,
    UNRULED,
    VALIDATING,
    Server,
)
from tests.bench.signature import signature

BASE: Final = "unbound"
"""Whose cost is 1 in the ratios of resolvers."""

BEST: Final = "best peer"
"""The cheapest of the others that were measured, instead of one of them by name."""

RIVAL: Final = "knot-resolver"
"""Who is the best over TCP and TLS; over HTTPS it is dnsdist."""

FASTEST: Final = "dnsmasq"
"""Who does nothing but forward, and the least for it."""

CPU: Final = "µs CPU/query"
MS: Final = "ms, 99 %"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured; `take` raises `Unusable`."""

    name: str
    title: str
    unit: str
    take: Callable[[Turn], Sample]
    servers: Mapping[str, Server]
    bound: float | None = None
    """What it should be at most: a ratio to `against`, or a figure in its unit."""
    against: str | None = None
    usual: Collection[str] = (BASE,)
    """Who is measured beside ours by default."""
    forwarders: bool = False
    """Whether those that only forward can be measured too."""
    zones: int = 0
    """Bulk zones that it needs in the hierarchy."""
    signed: int = 0
    """Signed names that it needs in the hierarchy."""
    once: bool = False
    """Whether one sample is enough, because it takes long and hardly varies."""
    wanted: bool = False
    """Whether it is measured only when it is asked for by name."""

    def lineup(self, peers: Collection[str] | None) -> dict[str, Server]:
        """Who is measured, ours first: with the usual ones, or with `peers`."""
        chosen = self.usual if peers is None else peers
        return {
            name: server
            for name, server in self.servers.items()
            if name == OURS or (name in chosen and (self.forwarders or not server.forwards))
        }

    @property
    def bound_told(self) -> str:
        """The bound as text: `1.25 × unbound`, `48 MiB`, or `-`."""
        if self.bound is None:
            return "-"
        return f"{self.bound:g} {self.unit}" if self.against is None else f"{self.bound:g} × {self.against}"


def _hits(name: str, title: str, take: Load, bound: float, against: str = BASE) -> Row:
    usual = (BASE, RIVAL) if against == BEST else (BASE,)
    return Row(name, title, CPU, take, RESOLVERS, bound, against, usual, forwarders=True)


def _misses(name: str, title: str, take: Load, bound: float | None = None, zones: int = 0) -> Row:
    return Row(name, title, CPU, take, RESOLVERS, bound, None if bound is None else BASE, zones=zones)


def _memory(name: str, title: str, take: Memory, bound: float | None = None, wanted: bool = False) -> Row:
    return Row(name, title, "octets", take, RESOLVERS, bound, once=True, wanted=wanted)


def _authority(name: str, title: str, take: Load, bound: float) -> Row:
    return Row(name, title, CPU, take, AUTHORITIES, bound, "nsd", ("nsd",))


SIGNED_NAMES: Final = 24_000
"""Two thirds more than all parts of a sample ask for, but for a server that is very fast."""
_VALIDATED: Final = Load(8_000, lambda _, __, by: Signed(SIGNED_NAMES // by))

_GATED: Final = Load(100_000, lambda *_: Hits(1_000))
_FORWARDED: Final = Load(15_000, lambda n, *_: Fresh(ZONE, n))
_STOPPED, _HALTED = Failover(30_000, signal.SIGKILL), Failover(30_000, signal.SIGSTOP)

ROWS: Final = (
    Row("start", "exec to the first answer", "ms", first_answer, RESOLVERS, 400, forwarders=True),
    Row("start-world", "the same with the shipped world", "ms", first_answer, SHIPPED, 400),
    Row("idle-rss", "resident memory after the first answer", "MiB", idle_memory, RESOLVERS, 48, forwarders=True),
    Row("idle-rss-forwarder", "the same of a forwarder", "MiB", idle_memory, FORWARDER, 48),
    Row("idle-rss-world", "the same with the shipped world", "MiB", idle_memory, SHIPPED),
    _memory("rss-100k", "memory of a name, 100,000 kept", Memory(100_000)),
    _memory("rss-1m", "memory of a name, 1,000,000 kept", Memory(1_000_000), bound=350, wanted=True),
    Row("lists-start", "start with 1,000,000 names blocked", "ms CPU", list_start, ALONE, 10_000, once=True),
    Row("lists-rss", "memory of 1,000,000 names blocked", "MiB", list_memory, ALONE, 150, once=True),
    _hits("udp-hit", "UDP hit, 1,000 names", Load(100_000, lambda *_: Hits(1_000)), 1.25),
    _hits("udp-hit-100k", "UDP hit, 100,000 names", Load(100_000, lambda _, __, by: Hits(100_000 // by)), 1.25),
    _misses("zipf", "mixed by Zipf, 1,000,000 names", Load(40_000, lambda n, _, by: Mixed(n, 40_000 // by))),
    _hits("tcp-hit", "TCP hit, 16 connections", Load(100_000, lambda *_: Hits(1_000), "tcp"), 0.6, BEST),
    Row(
        "doh-hit",
        "HTTPS hit, 16 connections",
        CPU,
        Load(100_000, lambda *_: Hits(1_000), "doh"),
        RESOLVERS,
        1.0,
        BEST,
        (BASE, RIVAL, "dnsdist"),
        forwarders=True,
    ),
    _hits("dot-hit", "TLS hit, 16 connections", Load(100_000, lambda *_: Hits(1_000), "dot"), 0.85, BEST),
    Row("rules-0", "UDP hit of a gateway, no rules", CPU, _GATED, UNRULED, usual=("dnsdist",)),
    Row("rules-50", "UDP hit of a gateway, 50 rules", CPU, _GATED, RULED, usual=("dnsdist",)),
    _misses("miss", "miss, fresh upstream sockets", Load(15_000, lambda n, *_: Fresh(ZONE, n)), 2.0),
    _misses("miss-pooled", "miss, upstream with DNS cookies", Load(15_000, lambda n, *_: Fresh(BAKED_ZONE, n)), 1.5),
    _misses("new-zone", "miss, new zone: referral, answer", Load(15_000, lambda _, z, __: NewZones(z)), 2.0, 40_000),
    _misses("nxdomain", "NXDOMAIN flood: random names", Load(15_000, lambda n, *_: NoSuch(n), code="NXDOMAIN")),
    Row("forwarded-miss", "forwarded miss", CPU, _FORWARDED, FORWARDERS, 0.8, FASTEST, (FASTEST,), forwarders=True),
    Row("failover", "one of three upstreams is stopped", MS, _STOPPED, POOLED, usual=("dnsdist",)),
    Row("failover-silent", "one of three falls silent", MS, _HALTED, POOLED, usual=("dnsdist",)),
    Row("validate", "miss, signed and validated", CPU, _VALIDATED, VALIDATING, signed=SIGNED_NAMES),
    Row("signature", "proof of a signature, keys known", "µs CPU", signature, ALONE, 250),
    _authority("authority", "authoritative answer, 1,000 names", Load(100_000, lambda *_: Hits(1_000)), 2.0),
)
