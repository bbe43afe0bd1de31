"""Decides how one sample of a load is taken, beside one of a start or of memory.

A load has four parts: names to warm up with; as many queries as the server takes, which give its CPU time for a query;
as many as come in `STEADY_S` at four fifths of that rate, of which none should be lost; as many at `RATE`, for the
latencies.

Limits: the second part is the one that is proved (`proof.py`). What the machine does beside it changes rates and
latencies, and with them how hard the last two parts are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.bench.load import percentile
from tests.bench.machine import Absent
from tests.bench.names import MakeStock, Stock
from tests.bench.proof import ask, fill, judge, witness
from tests.bench.sample import Sample, Turn
from tests.bench.servers import Arena, Running

RATE: Final = 5000.0
"""Queries a second at which latencies are taken, of servers that can answer a tenth more than that."""

STEADY_S: Final = 0.8
"""How long queries come at a rate."""

FOUR_FIFTHS: Final = 0.8


@dataclass(frozen=True, slots=True)
class Load:
    """Microseconds of the server's CPU for a query: `queries` of them for names out of a stock, all answered by
    `code`."""

    queries: int
    stock: MakeStock
    mode: str = "udp"
    code: str = "NOERROR"

    def __call__(self, turn: Turn) -> Sample:
        """The sample of `turn`. Raises `Unusable`."""
        arena = turn.arena
        if self.mode not in turn.server.modes:
            raise Absent(f"cannot be loaded by {self.mode}")
        zones = arena.hierarchy.zones if arena.hierarchy else 0
        stock = self.stock(turn.number, zones, turn.scale)
        with turn.server.start(arena, self.mode if self.mode in ("dot", "doh") else "") as running:
            fill(arena, running, stock, self.mode)
            part, before = stock.take(self.queries // turn.scale), witness(arena, running)
            cpu_before = running.process.cpu_seconds()
            outcome = ask(arena, running, part.names, self.mode)
            cpu = running.process.cpu_seconds() - cpu_before
            running.process.check()
            facts = judge(part, outcome, before, witness(arena, running), self.code)
            facts |= {"qps": outcome.qps, "lost": outcome.lost, "rss_mib": running.process.resident_mib()}
            facts |= self.steady(arena, running, stock, outcome.qps, STEADY_S / turn.scale)
            running.process.check()
            return Sample(cpu / outcome.completed * 1e6, facts)

    def steady(self, arena: Arena, running: Running, stock: Stock, top: float, seconds: float) -> dict[str, float]:
        """What gets lost at four fifths of the rate `top`, and the latencies at `RATE`. Raises `Unusable`."""
        names = stock.take(int(min(FOUR_FIFTHS * top * seconds, self.queries))).names
        outcome = ask(arena, running, names, self.mode, FOUR_FIFTHS * top)
        facts: dict[str, float] = {"lost_80": len(names) - outcome.codes.get(self.code, 0)}
        if top > RATE * 1.1:
            names = stock.take(int(RATE * seconds)).names
            latencies = ask(arena, running, names, self.mode, RATE, each=True).latencies
            for label, percent in (("p50_us", 50.0), ("p99_us", 99.0), ("p999_us", 99.9)):
                facts[label] = percentile(latencies, percent) * 1e6
        return facts
