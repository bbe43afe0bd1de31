"""`resolver pools list`, `drain` and `undrain`: how the members of pools are, and which of them get no questions."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.text import printable, table

EXAMPLES: Final = """examples:
  resolver pools
  resolver pools list --json
  resolver pools drain office 192.0.2.1
  resolver pools undrain office 192.0.2.1"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to do, which is to list them unless said."""
    _add_shared(parser)
    actions = parser.add_subparsers(dest="action", metavar="{list,drain,undrain}")
    # What is not said behind the word must not undo what was said before it.
    listing = actions.add_parser("list", help="print pools and their members", argument_default=argparse.SUPPRESS)
    _add_shared(listing)
    for word, does in (
        ("drain", "a member gets no new questions; those that it has it may finish"),
        ("undrain", "a member gets questions again, if it is up"),
    ):
        one = actions.add_parser(word, help=does, argument_default=argparse.SUPPRESS)
        one.add_argument("pool", metavar="POOL", help="the name of a pool")
        one.add_argument("member", metavar="MEMBER", help="the name of a member, or its address")
        options.add_socket(one)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_socket(parser)


def run(args: argparse.Namespace) -> int:
    """What was asked for is done and printed. Raises `ControlError`."""
    socket = options.control_socket(args)
    if args.action in (None, "list"):
        _list(ask(socket, "GET", "/pools"), as_json=args.json)
        return 0
    target = f"/pools/{quote(args.pool, safe='')}/{args.action}"
    answer = ask(socket, "POST", target, {"member": args.member})
    print(printable(f"{args.action}ed {answer.get(f'{args.action}ed')} of {answer.get('pool')}"))
    return 0


def _list(answer: Mapping[str, object], *, as_json: bool) -> None:
    pools = answer.get("pools")
    if as_json:
        print(json.dumps({"pools": pools}, indent=2))
    elif isinstance(pools, list) and pools:
        for line in _lines(pools):
            print(line)
    else:
        print("there are no pools: the configuration has no [pools.NAME]")


def _lines(pools: list[Mapping[str, Any]]) -> Iterator[str]:
    for number, pool in enumerate(pools):
        if number:
            yield ""
        said = f"{pool['policy']}, checked by {pool['check']}, {pool['when_all_down']} when all are down"
        yield printable(f"{pool['name']}: {pool['mode']}, {said}")
        rows = table([_row(each) for each in pool["members"]]) if pool["members"] else ["it has no members"]
        yield from (f"  {line}" for line in rows)


def _row(member: Mapping[str, Any]) -> dict[str, object]:
    return {
        "member": member["name"],
        "state": member["state"],
        "since": "-" if member["since_s"] is None else _age(member["since_s"]),
        "weight": member["weight"],
        "open": member["outstanding"],
        "rtt": "-" if member["rtt_ms"] is None else f"{member['rtt_ms']:g} ms",
        "replied": member["replied"],
        "failed": member["failed"],
        "checks": f"{member['checks'] - member['checks_failed']}/{member['checks']}",
        "last check": "-" if member["check"] is None else member["check"],
    }


def _age(seconds: float) -> str:
    """A time in its largest whole unit."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
