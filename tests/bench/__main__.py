"""`python -m tests.bench`: what the daemon costs, measured on loopback, beside other servers that are installed.

docs/performance.md says what each row proves and how to read it.

Limits: Linux, with network namespaces. A run of the usual size ends after `LIMIT_S`, with the samples that it has.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench import namespace, report
from tests.bench.machine import Unusable
from tests.bench.measuring import Plan, measure, peers, remarks, require
from tests.bench.picture import picture
from tests.bench.results import absences, voids
from tests.bench.rows import ROWS

LIMIT_S: Final = 540.0
"""Time after which a run of the usual size begins no further sample."""

REPETITIONS: Final = 3


def main(argv: Sequence[str]) -> int:
    """The tables have been printed. 0: every sample could be used; 1: some are void; 2: nothing could be measured."""
    args = _arguments(argv)
    if args.picture:
        args.svg.write_text(picture(json.loads(args.picture.read_text())))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    try:
        if not sys.platform.startswith("linux"):
            raise Unusable("needs Linux, whose CPU clocks of processes it reads")
        require()
        namespace.enter(argv)
        plan = _plan(args)
        told, machine = remarks(plan), report.machine()
        results = measure(plan)
    except Unusable as wrong:
        print(f"bench: {wrong}", file=sys.stderr)
        return 2
    void = voids(results)
    on = ", ".join(f"{key}: {value}" for key, value in machine.items())
    print(
        "\n".join(["", report.bounds(results), "", report.details(results), "", on, *told, *absences(results), *void])
    )
    data = report.to_data(results, {"machine": machine, "quick": args.quick, "remarks": told})
    if args.json:
        args.json.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    if args.svg:
        args.svg.write_text(picture(json.loads(json.dumps(data))))
    return 1 if void else 0


def _plan(args: argparse.Namespace) -> Plan:
    rows = [row for row in ROWS if row.name in args.only or (not args.only and (not row.wanted or args.million))]
    usual = args.peers is None and args.reps is None
    beside = args.peers
    if beside is not None and "all" in beside:
        beside = peers()
    repetitions = args.reps or (1 if args.quick else REPETITIONS)
    return Plan(rows, repetitions, beside, args.quick, LIMIT_S if usual and not args.million else None)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the daemon on loopback.")
    add = parser.add_argument
    add("--quick", action="store_true", help="one short sample of each row: does it run at all?")
    add("--reps", type=int, metavar="N", help=f"samples of each row; {REPETITIONS} unless said otherwise")
    add("--only", action="append", default=[], metavar="ROW", choices=[row.name for row in ROWS], help="this row")
    add("--peers", type=_peers, metavar="NAMES", help=f"beside these: all, none, or some of {','.join(peers())}")
    add("--million", action="store_true", help="the memory of a million names too")
    add("--json", type=Path, metavar="PATH", help="write every sample there")
    add("--svg", type=Path, metavar="PATH", help="draw the CPU time of a query there")
    add("--picture", type=Path, metavar="PATH", help="measure nothing: draw what an earlier --json wrote")
    args = parser.parse_args(argv)
    if args.reps is not None and args.reps < 1:
        parser.error(f"--reps is {args.reps}; write 1 or more")
    if args.picture and not args.svg:
        parser.error("--picture needs --svg, where to draw")
    for option, path in (("--json", args.json), ("--svg", args.svg)):
        if path and not path.parent.is_dir():
            parser.error(f"{option} {path}: there is no directory {path.parent}")
    return args


def _peers(text: str) -> list[str]:
    """The names in a list with commas. Raises `argparse.ArgumentTypeError` for one that nobody has."""
    names = [] if text == "none" else text.split(",")
    for name in names:
        if name not in (*peers(), "all"):
            raise argparse.ArgumentTypeError(f"{name} is not one of all, none, {', '.join(peers())}")
    return names


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
