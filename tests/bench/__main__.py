"""`python -m tests.bench`: what the daemon costs, measured on loopback, beside Unbound when that is installed.

docs/performance.md says what each row proves and how to read it.

Limits: Linux. A run ends after `LIMIT_S`, with the samples that it has by then.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench import report
from tests.bench.authority import authority
from tests.bench.machine import PACKAGES, Unusable, cores, find
from tests.bench.report import BESIDE, OURS, Result
from tests.bench.rows import ROWS, Row, Turn
from tests.bench.servers import Arena, Start, resolverd, shipped, unbound

LIMIT_S: Final = 200.0
"""Time after which no further sample is begun."""

REPETITIONS: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """The table has been printed. 0: every sample could be used; 1: some are void; 2: nothing could be measured."""
    args = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    if not sys.platform.startswith("linux"):
        print("bench: needs Linux, whose CPU clocks of processes it reads", file=sys.stderr)
        return 2
    machine = report.machine()
    rows, remarks = _possible([row for row in ROWS if not args.only or row.name in args.only])
    servers: dict[str, Start] = {OURS: resolverd}
    if find("unbound") and not args.alone:
        servers[BESIDE] = unbound
    try:
        results = _measure(rows, servers, 1 if args.quick else args.reps, args.quick)
    except Unusable as wrong:
        print(f"bench: {wrong}", file=sys.stderr)
        return 2
    void = report.voids(results)
    on = ", ".join(f"{key}: {value}" for key, value in machine.items())
    print("\n".join(["", report.table(results), "", on, *remarks, *void]))
    if args.json:
        about = {"machine": machine, "quick": args.quick, "remarks": remarks}
        args.json.write_text(json.dumps(report.to_data(results, about), indent=1) + "\n")
    return 1 if void else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the daemon on loopback.")
    parser.add_argument("--quick", action="store_true", help="one short sample of each row: does it run at all?")
    parser.add_argument("--reps", type=int, default=REPETITIONS, metavar="N", help="samples of each row")
    parser.add_argument("--only", action="append", metavar="ROW", choices=[row.name for row in ROWS], help="this row")
    parser.add_argument("--alone", action="store_true", help="without Unbound")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every sample there")
    args = parser.parse_args(argv)
    if args.reps < 1:
        parser.error(f"--reps is {args.reps}; write 1 or more")
    if args.json and not args.json.parent.is_dir():
        parser.error(f"--json {args.json}: there is no directory {args.json.parent}")
    return args


def _possible(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows that the installed programs allow, and a line for each program that is missing."""
    missing = {program for program in PACKAGES if find(program) is None}
    possible = [row for row in rows if missing.isdisjoint(row.needs)]
    remarks = []
    for program in sorted(missing):
        lost = [row.name for row in rows if program in row.needs]
        without = {
            "unbound": "nothing to compare with",
            "nsd": "a second resolverd serves the zone that is asked for",
        }.get(program, f"without {', '.join(lost)}")
        remarks.append(f"{program} is not installed (Debian package {PACKAGES[program]}): {without}")
    if len(set(cores())) == 1:
        remarks.append("one core for the server and its load: the start takes longer than it would alone")
    return possible, remarks


def _measure(rows: Sequence[Row], servers: Mapping[str, Start], repetitions: int, quick: bool) -> list[Result]:
    """Every row, the servers in turn within it, so that what else the machine does is spread over both."""
    results = [Result(row) for row in rows]
    ends = time.monotonic() + LIMIT_S
    core, load_core = cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        work = Path(place)
        with shipped(work, core):
            pass  # the byte code of the daemon is written, as it is at any start but the first
        with authority(work, load_core) as serving:
            arena = Arena(work, core, load_core, serving)
            for number in range(repetitions):
                for result in results:
                    for name, start in servers.items():
                        if not (result.row.beside or name == OURS):
                            continue
                        if time.monotonic() > ends:
                            result.of(name).voids.append(f"sample {number + 1} was not begun in {LIMIT_S:.0f} s")
                        else:
                            _take(result, name, Turn(arena, start, number, quick))
    return results


def _take(result: Result, name: str, turn: Turn) -> None:
    series = result.of(name)
    try:
        sample = result.row.take(turn)
    except Unusable as wrong:
        series.voids.append(str(wrong))
        said = f"void: {wrong}"
    else:
        series.samples.append(sample)
        said = f"{report.figure(sample.value)} {result.row.unit}"
    print(f"{result.row.name:10} {name:10} {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
