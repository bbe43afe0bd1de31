"""`resolver fault add`, `list`, `clear` and `words`: what goes wrong on purpose in the running daemon."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.network.fault_rules import rule
from resolver.network.fault_words import CONDITIONS, GROUPS, WORDS, Parameter
from resolver.text import printable, table

EXAMPLES: Final = """examples:
  resolver fault words
  resolver fault add silent --server ns1.example.com
  resolver fault add servfail --name www.example.com --type A --count 3
  resolver fault add latency --ms 200 --zone example.com --at 30s --for 60s --probability 0.5
  resolver fault list
  resolver fault clear 2
  resolver fault clear"""

FIRST: Final = ("id", "kind", "state", "applied")
"""What each line of the list begins with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to do, each with its own options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="{add,list,clear,words}")
    adding = actions.add_parser("add", help="something goes wrong from now on")
    adding.add_argument("word", metavar="WORD", help="what: `resolver fault words` lists them")
    known = {each.word: each for word in WORDS.values() for each in word.parameters} | dict(CONDITIONS)
    for each in known.values():
        adding.add_argument(
            f"--{each.word.replace('_', '-')}",
            dest=f"said_{each.word}",
            metavar=each.word.upper(),
            action="append",
            help=_help(each),
        )
    listing = actions.add_parser("list", help="print what goes wrong, and how often it did")
    clearing = actions.add_parser("clear", help="one fault, or each that was added, goes wrong no more")
    clearing.add_argument("id", metavar="ID", nargs="?", help="the number of one; without it all that were added")
    for one in (adding, listing):
        one.add_argument("--json", action="store_true", help="print one JSON object")
    for one in (adding, listing, clearing):
        options.add_socket(one)
    actions.add_parser("words", help="print the words for what can go wrong")


def _help(parameter: Parameter) -> str:
    return f"{parameter.does} ({parameter.takes.replace('`', '')})".replace("%", "%%")


def run(args: argparse.Namespace) -> int:
    """What was asked for is done and printed. Raises `ControlError`, or `InputError` for a rule that is none."""
    match args.action:
        case "words":
            _print_words()
        case "add":
            added = ask(options.control_socket(args), "POST", "/faults", rule(_said(args)).as_data())
            print(json.dumps(added, indent=2) if args.json else f"fault {added.get('id')} is in force")
        case "list":
            _list(ask(options.control_socket(args), "GET", "/faults"), as_json=args.json)
        case _:
            target = "/faults" if args.id is None else f"/faults/{quote(args.id, safe='')}"
            cleared = ask(options.control_socket(args), "DELETE", target).get("cleared")
            print(f"cleared {cleared} fault{'' if cleared == 1 else 's'}")
    return 0


def _said(args: argparse.Namespace) -> dict[str, object]:
    """The rule that the options say; what is said several times is a list."""
    said: dict[str, object] = {"kind": args.word}
    for name, given in vars(args).items():
        if name.startswith("said_") and given is not None:
            said[name.removeprefix("said_")] = given[0] if len(given) == 1 else given
    return said


def _list(answer: Mapping[str, object], *, as_json: bool) -> None:
    faults = answer.get("faults")
    if as_json:
        print(json.dumps({"faults": faults}, indent=2))
    elif isinstance(faults, list) and faults:
        for line in table([_row(each) for each in faults]):
            print(line)


def _row(fault: Mapping[str, Any]) -> dict[str, str]:
    rest = {key: value for key, value in fault.items() if key not in (*FIRST, "declared")}
    said = " ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items())
    return {**{key: str(fault.get(key)) for key in FIRST}, "conditions": said or "-"}


def _print_words() -> None:
    width = max(map(len, WORDS))
    for group in GROUPS:
        print(f"{group}:")
        for word in WORDS.values():
            if word.group == group:
                print(printable(f"  {word.word:<{width}}  {word.does}".replace("`", "")))
                for each in word.parameters:
                    print(printable(f"  {'':<{width}}    --{each.word.replace('_', '-')}: {_help(each)}"))
