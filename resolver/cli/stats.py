"""`resolver stats`: prints the counters and gauges of the running daemon."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.text import printable, table

EXAMPLES: Final = """examples:
  resolver stats
  resolver stats --json
  resolver stats --workers"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the form of the output and where the daemon is."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--workers", action="store_true", help="show each process that answers by itself")
    options.add_socket(parser)


def run(args: argparse.Namespace) -> int:
    """The counters are printed, sorted by name. Raises `ControlError`."""
    if args.workers:
        return _each(args)
    stats = ask(options.control_socket(args), "GET", "/stats")
    if args.json:
        print(json.dumps(stats, indent=2, sort_keys=True))
        return 0
    width = max(map(len, stats), default=0)
    for name, value in sorted(stats.items()):
        print(printable(f"{name:<{width}}  {_shown(value)}"))
    return 0


def _each(args: argparse.Namespace) -> int:
    answer = ask(options.control_socket(args), "GET", "/workers")
    workers = answer.get("workers")
    if args.json or not isinstance(workers, list):
        print(json.dumps(answer, indent=2, sort_keys=True))
        return 0
    heads = [f"{each['worker']} (pid {each['pid']})" for each in workers]
    names = sorted({name for each in workers for name in each["stats"]})
    rows = [{"worker": name, **_row(heads, workers, name)} for name in names]
    for line in table(rows):
        print(line)
    return 0


def _row(heads: Sequence[str], workers: Sequence[Mapping[str, Any]], name: str) -> dict[str, str]:
    return {head: _shown(each["stats"].get(name, "-")) for head, each in zip(heads, workers, strict=True)}


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
