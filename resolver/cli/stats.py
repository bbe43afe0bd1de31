"""`resolver stats`: prints the counters and gauges of the running daemon."""

from __future__ import annotations

import argparse
import json
from typing import Final

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.text import printable

EXAMPLES: Final = """examples:
  resolver stats
  resolver stats --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the form of the output and where the daemon is."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_socket(parser)


def run(args: argparse.Namespace) -> int:
    """The counters are printed, sorted by name. Raises `ControlError`."""
    stats = ask(options.control_socket(args), "GET", "/stats")
    if args.json:
        print(json.dumps(stats, indent=2, sort_keys=True))
        return 0
    width = max(map(len, stats), default=0)
    for name, value in sorted(stats.items()):
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        print(printable(f"{name:<{width}}  {shown}"))
    return 0
