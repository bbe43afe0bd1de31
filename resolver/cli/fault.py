"""`resolver fault add`, `list`, `clear` and `words`: what goes wrong on purpose in the running daemon."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.network.faults.rules import in_words, rule
from resolver.network.faults.words import CONDITIONS, GROUPS, WORDS, Parameter, Word
from resolver.text import printable, table

EXAMPLES: Final = """examples:
  resolver fault words
  resolver fault add silent --server ns1.example.com
  resolver fault add servfail --name www.example.com --type A --count 3
  resolver fault add latency --ms 200 --zone example.com --at 30s --for 60s --probability 0.5
  resolver fault list
  resolver fault clear 2
  resolver fault clear"""

ADDING: Final = """examples:
  resolver fault add silent --server ns1.example.com
  resolver fault add latency --ms 200 --zone example.com --at 30s --for 60s --probability 0.5
  resolver fault add rcode --rcode NXDOMAIN --name www.example.com --type A --count 3
  resolver fault add partition --between "ns1.example.com, ns2.example.com | resolver"
  resolver fault add clock_skew --seconds=-40d --zone example.com"""

FIRST: Final = ("id", "kind", "state", "applied")
"""What each line of the list begins with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what to do, each with its own options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="{add,list,clear,words}")
    adding = actions.add_parser(
        "add",
        help="something goes wrong from now on",
        epilog=ADDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adding.add_argument("word", metavar="WORD", help="what: `resolver fault words` lists them")
    own: dict[str, Parameter] = {}
    for word in WORDS.values():
        for each in word.parameters:
            own.setdefault(each.word, each)
    _add(adding.add_argument_group("of some words (`resolver fault words` says which)"), own.values())
    _add(adding.add_argument_group("of every word; what is not said is no condition"), CONDITIONS.values())
    listing = actions.add_parser("list", help="print what goes wrong, and how often it did")
    clearing = actions.add_parser("clear", help="one fault, or each that was added, goes wrong no more")
    clearing.add_argument("id", metavar="ID", nargs="?", help="the number of one; without it all that were added")
    for one in (adding, listing):
        one.add_argument("--json", action="store_true", help="print one JSON object")
    for one in (adding, listing, clearing):
        options.add_socket(one)
    actions.add_parser("words", help="print the words for what can go wrong")


def _add(group: argparse._ArgumentGroup, parameters: Iterable[Parameter]) -> None:
    """An option for each of `parameters`."""
    for each in parameters:
        group.add_argument(
            _option(each.word),
            dest=f"said_{each.word}",
            metavar=each.word.partition("_")[0].upper(),
            action="append",
            help=_takes(each).replace("%", "%%"),
        )


def _option(word: str) -> str:
    return f"--{word.replace('_', '-')}"


def _takes(parameter: Parameter) -> str:
    return f"{parameter.does} ({parameter.takes})".replace("`", "")


def run(args: argparse.Namespace) -> int:
    """What was asked for is done and printed. Raises `ControlError`, or `InputError` for a rule that is none."""
    match args.action:
        case "words":
            _print_words()
        case "add":
            added = ask(options.control_socket(args), "POST", "/faults", rule(_said(args)).as_data())
            print(json.dumps(added, indent=2) if args.json else _told(added))
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


def _told(added: Mapping[str, object]) -> str:
    """What is said of the fault that was `added`."""
    said = {key: value for key, value in added.items() if key != "id"}
    begins = "is in force" if "at" not in said else "is waiting"
    kind = said.pop("kind", "")
    return printable(f"fault {added.get('id')} {begins}: {kind} {in_words(said)}".rstrip())


def _row(fault: Mapping[str, Any]) -> dict[str, str]:
    said = {key: value for key, value in fault.items() if key not in (*FIRST, "declared")}
    source = "hierarchy.toml" if fault.get("declared") else "run time"
    return {**{key: str(fault.get(key)) for key in FIRST}, "from": source, "conditions": in_words(said) or "-"}


def _print_words() -> None:
    width = max(map(len, WORDS))
    for group in GROUPS:
        print(f"{group}:")
        for word in WORDS.values():
            if word.group == group:
                only = f" Only over {word.transport.upper()}." if word.transport else ""
                print(f"  {word.word:<{width}}  {_with_options(word)}{only}")
                for each in word.parameters:
                    print(f"  {'':<{width}}    {_option(each.word)}: {_takes(each)}{_default(each)}")
    print("all of them, also in hierarchy.toml and over HTTP, with these conditions:")
    for condition in CONDITIONS.values():
        print(f"  {_option(condition.word):<{width}}  {_takes(condition)}{_default(condition)}")


def _with_options(word: Word) -> str:
    """What `word` does; its parameters are named as options."""
    does = word.does
    for each in word.parameters:
        does = does.replace(f"`{each.word}`", _option(each.word))
    return does.replace("`", "")


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "; must be said"
    return "" if parameter.default is None else f"; {parameter.default} unless said".replace(".0 ", " ")
