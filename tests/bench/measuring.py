"""Decides in which order samples are taken, and what is not possible here.

Every row is measured once, the servers in turn within it, before any row is measured again: so what else the machine
does is spread over all.

Limits: a run that has a limit ends when no further sample can be begun within it, with the samples that it has.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.hierarchy import hierarchy
from tests.bench.machine import PACKAGES, Absent, Unusable, cores, find
from tests.bench.results import Result, figure
from tests.bench.rows import Row
from tests.bench.sample import QUICK, Turn
from tests.bench.servers import AUTHORITIES, OURS, RESOLVERS, Arena, Server, shipped


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do; `peers` None: those that a row usually has; `limit_s` None: until it is done."""

    rows: Sequence[Row]
    repetitions: int
    peers: Collection[str] | None = None
    quick: bool = False
    limit_s: float | None = None

    @property
    def zones(self) -> int:
        """Bulk zones that its rows need."""
        return max((row.zones for row in self.rows), default=0) // (QUICK if self.quick else 1)

    @property
    def signed(self) -> int:
        """Signed names that its rows need."""
        return max((row.signed for row in self.rows), default=0) // (QUICK if self.quick else 1)

    def lineup(self, row: Row) -> dict[str, Server]:
        """The servers of `row` that are installed."""
        chosen = row.lineup(self.peers)
        return {name: each for name, each in chosen.items() if each.program is None or find(each.program)}


def remarks(plan: Plan) -> list[str]:
    """A line for each program that the plan has no sample of because it is not installed, and for other doubts."""
    wanted = {each.program: name for row in plan.rows for name, each in row.lineup(plan.peers).items() if each.program}
    told = [
        f"{name} is not installed (Debian package {PACKAGES[program]}): it is not measured"
        for program, name in wanted.items()
        if not find(program)
    ]
    if len(set(cores())) == 1:
        told.append("one core for the server and its load: rates and latencies are not those of a server alone")
    if plan.quick:
        told.append("a quick run: a tenth of the queries, and of the names of the larger rows, in one sample of each")
    return told


def require() -> None:
    """What every run needs is installed. Raises `Unusable`."""
    for program in ("dnsperf", "nsd"):
        if find(program) is None:
            raise Unusable(f"{program} is not installed (Debian package {PACKAGES[program]})")


def measure(plan: Plan) -> list[Result]:
    """What each server of each row had to show. Raises `Unusable` when there is nothing to measure with."""
    core, load_core = cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        work = Path(place)
        with shipped(Arena(work, core, load_core)):
            pass  # the byte code of the daemon is written, as it is at any start but the first
        with hierarchy(work, load_core, plan.zones, plan.signed) as serving:
            return sample_all(plan, Arena(work, core, load_core, serving))


def sample_all(plan: Plan, arena: Arena) -> list[Result]:
    """Every sample of `plan` has been taken in `arena`, or says why not."""
    results = [Result(row) for row in plan.rows]
    ends = float("inf") if plan.limit_s is None else time.monotonic() + plan.limit_s
    for number in range(plan.repetitions):
        for result in results:
            if result.row.once and number:
                continue
            for name, server in plan.lineup(result.row).items():
                if time.monotonic() > ends:
                    result.of(name).voids.append(f"sample {number + 1} was not begun in {plan.limit_s:g} s")
                else:
                    _take(result, name, Turn(arena, server, number, plan.quick))
    return results


def peers() -> list[str]:
    """The names of all that ours can be measured beside."""
    return [name for name in (*RESOLVERS, *AUTHORITIES) if name != OURS]


def _take(result: Result, name: str, turn: Turn) -> None:
    series = result.of(name)
    if series.absent is not None:
        return
    began = time.monotonic()
    try:
        sample = result.row.take(turn)
    except Absent as wrong:
        series.absent = said = str(wrong)
    except Unusable as wrong:
        series.voids.append(str(wrong))
        said = f"void: {wrong}"
    else:
        series.samples.append(sample)
        said = f"{figure(sample.value)} {result.row.unit}"
    print(f"{result.row.name:17} {name:13} {said}  [{time.monotonic() - began:.1f} s]", file=sys.stderr, flush=True)
