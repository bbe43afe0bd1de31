"""`resolver cache list` and `resolver cache flush`: show and forget what the running daemon remembers."""

from __future__ import annotations

import argparse
import json
from typing import Final

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.errors import BadName, ConfigError
from resolver.text import table
from resolver.wire import names

EXAMPLES: Final = """examples:
  resolver cache list --limit 20
  resolver cache flush www.example.com
  resolver cache flush example.com/subtree"""

SUBTREE: Final = "/subtree"
"""Behind a name: the name and all below it. Only at the end, for labels may hold a slash (RFC 2317)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to do, each with its own options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="{list,flush}")
    listing = actions.add_parser("list", help="print entries of the cache")
    listing.add_argument("--limit", type=int, default=100, help="at most so many entries (default: 100)")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    flushing = actions.add_parser("flush", help="forget a name, or all below it")
    flushing.add_argument("name", metavar="NAME[/subtree]", help="a domain name; with /subtree all below it, too")
    for one in (listing, flushing):
        options.add_socket(one)


def run(args: argparse.Namespace) -> int:
    """What was asked for is done and printed. Raises `ControlError`, or `ConfigError` for what is no name."""
    if args.action == "flush":
        return _flush(args)
    entries = ask(options.control_socket(args), "GET", f"/cache?limit={args.limit}").get("entries")
    if args.json:
        print(json.dumps({"entries": entries}, indent=2))
    elif isinstance(entries, list) and entries:
        for line in table(entries):
            print(line)
    return 0


def _flush(args: argparse.Namespace) -> int:
    name = str(args.name).removesuffix(SUBTREE)
    try:
        names.from_text(name)
    except BadName as wrong:
        raise ConfigError(f"no domain name: {wrong}", instead="write one as in example.com") from None
    behind = name.rpartition("/")[2]
    if "/" in name and "." not in behind and not behind.isdigit():
        raise ConfigError(f"there is nothing to flush as /{behind}", instead=f"write NAME or NAME{SUBTREE}")
    body = {"name": name, "subtree": str(args.name).endswith(SUBTREE)}
    flushed = ask(options.control_socket(args), "POST", "/cache/flush", body).get("flushed")
    print(f"flushed {flushed} entr{'y' if flushed == 1 else 'ies'}")
    return 0
