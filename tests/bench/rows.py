"""Decides what is measured: one row of the table for each thing, and how one sample of it is taken.

Rules
* A sample begins with a server that has just started, so that samples are alike and their order does not matter.
* A row of the load is void without its proof: hits must have come from the store without a query to the authority,
  misses must have cost one query each. A figure of something else is worse than none.

A new row is a line in `ROWS`: a function that takes a sample, or a `Load` with another mode of dnsperf.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.bench import load
from tests.bench.authority import ZONE
from tests.bench.load import Outcome
from tests.bench.machine import Unusable
from tests.bench.servers import Arena, Counts, Running, Start, shipped

NAMES: Final = 1_000
"""Names that are asked again and again in the rows of hits, and the warm-up of the others."""

LOST: Final = 0.01
"""Share of queries that may stay without response before a sample is void."""


class Sample(NamedTuple):
    """One measurement: the figure of its row, and what proves or explains it."""

    value: float
    facts: dict[str, float]


class Turn(NamedTuple):
    """What a sample is taken with: the server that is to be started, and the sample's number in its series."""

    arena: Arena
    start: Start
    number: int = 0
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured. `bound`: what it should be at most; `take` raises `Unusable`;
    `beside`: other resolvers can be measured too; `needs`: programs without which there is no such row."""

    name: str
    title: str
    unit: str
    bound: float
    take: Callable[[Turn], Sample]
    beside: bool = False
    needs: tuple[str, ...] = ()


def first_answer(turn: Turn) -> Sample:
    """Milliseconds from exec to the first answer, with the shipped world and no configuration."""
    with shipped(turn.arena.work, turn.arena.core) as (_, seconds):
        return Sample(seconds * 1000, {})


def idle_memory(turn: Turn) -> Sample:
    """MiB of resident memory after the first answer, with the shipped world and no configuration."""
    with shipped(turn.arena.work, turn.arena.core) as (process, _):
        return Sample(process.resident_mib(), {})


@dataclass(frozen=True, slots=True)
class Load:
    """Microseconds of the server's CPU for a query. With `hits`, `NAMES` names over and over; else each name once."""

    queries: int
    mode: str = "udp"
    hits: bool = True

    def __call__(self, turn: Turn) -> Sample:
        """The sample of `turn`. Raises `Unusable`."""
        arena = turn.arena
        queries = self.queries // 10 if turn.quick else self.queries
        warm = load.write_names(arena.work / "warm", (f"h{i}.{ZONE}" for i in range(NAMES)))
        names, times = warm, queries // NAMES
        if not self.hits:
            fresh = (f"m{turn.number}n{i}.{ZONE}" for i in range(queries))
            names, times = load.write_names(arena.work / "fresh", fresh), 1
        with turn.start(arena) as running:
            load.run(warm, 2, running.port, self.mode, arena.load_core)
            before = _witness(arena, running)
            cpu_before = running.process.cpu_seconds()
            outcome = load.run(names, times, running.port, self.mode, arena.load_core)
            cpu = running.process.cpu_seconds() - cpu_before
            running.process.check()
            return self.judge(outcome, cpu, before, _witness(arena, running))

    def judge(self, outcome: Outcome, cpu: float, before: Counts, after: Counts) -> Sample:
        """The sample, if what was counted proves that it is one of this row. Raises `Unusable`."""
        if outcome.lost > LOST * (outcome.completed + outcome.lost):
            raise Unusable(f"{outcome.lost} of {outcome.completed + outcome.lost} queries got no response")
        if outcome.noerror < outcome.completed:
            raise Unusable(f"{outcome.completed - outcome.noerror} of {outcome.completed} responses were errors")
        stored = (after.stored - before.stored) / outcome.completed
        upstream = (after.upstream - before.upstream) / outcome.completed
        if self.hits and (stored < 0.99 or upstream > 0.001):
            raise Unusable(f"not hits: of a query {stored:.3f} came from the store, {upstream:.3f} went upstream")
        if not self.hits and (stored > 0.01 or not 0.99 < upstream < 1.1):
            raise Unusable(f"not misses: of a query {stored:.3f} came from the store, {upstream:.3f} went upstream")
        facts = {"stored": stored, "upstream": upstream, "qps": outcome.qps, "latency_us": outcome.latency_us}
        return Sample(cpu / outcome.completed * 1e6, facts)


def _witness(arena: Arena, running: Running) -> Counts:
    """What the resolver counts; what went upstream is counted by the authority where that can."""
    counts = running.counts()
    seen = arena.authority.queries()
    return counts if seen is None else counts._replace(upstream=seen)


def _load(name: str, title: str, bound: float, take: Load) -> Row:
    return Row(name, title, "µs CPU/query", bound, take, beside=True, needs=("dnsperf",))


ROWS: Final = (
    Row("start", "exec to the first answer", "ms", 1000, first_answer),
    Row("idle-rss", "resident memory after it", "MiB", 64, idle_memory),
    _load("udp-hit", "UDP, stored answer", 10, Load(200_000)),
    _load("tcp-hit", "TCP, stored answer", 10, Load(200_000, mode="tcp")),
    _load("udp-miss", "UDP, one upstream query", 200, Load(20_000, hits=False)),
)
