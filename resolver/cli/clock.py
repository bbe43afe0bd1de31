"""`resolver clock show`, `advance`, `freeze` and `thaw`: the time of a daemon that was started with `--test-clock`."""

from __future__ import annotations

import argparse
import json
import re
from typing import Final

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.text import printable

EXAMPLES: Final = """examples:
  resolver clock show
  resolver clock advance 5m
  resolver clock freeze
  resolver clock thaw"""

PATIENCE: Final = 120.0
"""Seconds for time to pass: all that falls due in it happens, each at its own moment."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to do, each with its own options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="{show,advance,freeze,thaw}")
    showing = actions.add_parser("show", help="print what time it is for the daemon")
    advancing = actions.add_parser("advance", help="time passes, and what falls due happens")
    advancing.add_argument("by", metavar="TIME", help="as 90s, 5m, 2h, 1d, 250ms, or seconds")
    advancing._negative_number_matcher = re.compile(r"-\d")  # -5m is a time that is wrong, and not an option
    freezing = actions.add_parser("freeze", help="TTLs and the wall clock stand still; timeouts go on")
    thawing = actions.add_parser("thaw", help="they go on from where they stood")
    for one in (showing, advancing, freezing, thawing):
        one.add_argument("--json", action="store_true", help="print one JSON object")
        options.add_socket(one)


def run(args: argparse.Namespace) -> int:
    """What was asked for is done, and the time printed. Raises `ControlError`."""
    path = options.control_socket(args)
    if args.action == "show":
        answer = ask(path, "GET", "/clock")
    elif args.action == "advance":
        answer = ask(path, "POST", "/clock/advance", {"by": args.by}, PATIENCE)
    else:
        answer = ask(path, "POST", f"/clock/{args.action}")
    if args.json:
        print(json.dumps(answer, indent=2))
    else:
        print(printable(str(answer.get("time"))) + (" (frozen)" if answer.get("frozen") is True else ""))
    return 0
