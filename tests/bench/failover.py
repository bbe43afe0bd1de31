"""Decides what clients of a forwarder notice when one of its three upstreams breaks under load.

The upstreams are alike: nsd with the same zone, each a process at an address of its own. All names are new, so that
each costs a query upstream. When the one that is to break has had a third of its share it is *stopped*, so that the
kernel refuses what is sent to it, or *halted*, so that it is silent. Nothing is asked again by the client.

Limits: the upstreams and the load share a core. A query that is lost counts as one that took `TIMEOUT_S`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench import hierarchy
from tests.bench.hierarchy import POOL, ZONE
from tests.bench.load import TIMEOUT_S, Outcome, percentile
from tests.bench.machine import Process, Unusable
from tests.bench.names import Fresh
from tests.bench.probe import await_answer
from tests.bench.proof import ask, fill
from tests.bench.sample import Sample, Turn
from tests.bench.servers import Arena

POLL_S: Final = 0.02
"""How closely it is seen that the one that is to break has had its part: each look costs the load a process."""


@dataclass
class Victim:
    """The upstream that is to break, by this signal, once it has been asked so much more."""

    process: Process
    directory: Path
    by: signal.Signals
    broken_at: int | None = None
    """How many queries it had had then."""
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def breaking(self, after: int) -> Iterator[None]:
        """It breaks while this lasts. Raises `Unusable` where it did not."""
        wanted = hierarchy.queries(self.directory) + after
        watching = threading.Thread(target=self._watch, args=(wanted,))
        watching.start()
        try:
            yield
        finally:
            self._over.set()
            watching.join()
        if self.broken_at is None:
            raise Unusable(f"the load was over before an upstream had had {after} queries, so that none broke")

    def _watch(self, wanted: int) -> None:
        while not self._over.wait(POLL_S):
            had = hierarchy.queries(self.directory)
            if had >= wanted:
                self.process.signal(self.by)
                self.broken_at = had
                return


@contextmanager
def pool(arena: Arena, by: signal.Signals) -> Iterator[Victim]:
    """Three upstreams answer; the first is to break. Raises `Unusable`."""
    with ExitStack() as ends:
        made: list[Victim] = []
        for address in POOL:
            directory = arena.directory(f"pool-{address}")
            zones = {ZONE: hierarchy.wildcard_zone(address)}
            process = ends.enter_context(hierarchy.nsd(directory, arena.load_core, address, 53, zones))
            made.append(Victim(process, directory, by))
        for each, address in zip(made, POOL, strict=True):
            await_answer(each.process, f"www.{ZONE}", 53, address)
        try:
            yield made[0]
        finally:
            made[0].process.signal(signal.SIGCONT)  # one that is halted could not end


@dataclass(frozen=True, slots=True)
class Failover:
    """Milliseconds that 99 of a hundred of `queries` took at most, at full speed, while one of three broke `by` that
    signal."""

    queries: int
    by: signal.Signals

    def __call__(self, turn: Turn) -> Sample:
        """The sample of `turn`. Raises `Unusable`."""
        arena, stock, count = turn.arena, Fresh(ZONE, turn.number), self.queries // turn.scale
        with pool(arena, self.by) as victim, turn.server.start(arena, "") as running:
            fill(arena, running, stock)
            with victim.breaking(count // 9):
                outcome = ask(arena, running, stock.take(count).names, each=True)
            running.process.check()
            facts = told(outcome, count)
            return Sample(facts["p99_us"] / 1000, facts | {"rss_mib": running.process.resident_mib()})


def told(outcome: Outcome, count: int) -> dict[str, float]:
    """What is told of a load of `count` queries: those that were not answered well are lost, and took `TIMEOUT_S`."""
    lost = count - outcome.codes.get("NOERROR", 0)
    took = [*outcome.latencies, *(lost * [float(TIMEOUT_S)])]
    facts = {"qps": outcome.qps, "lost": float(lost)}
    for label, percent in (("p50_us", 50.0), ("p99_us", 99.0), ("p999_us", 99.9)):
        facts[label] = percentile(took, percent) * 1e6
    return facts
