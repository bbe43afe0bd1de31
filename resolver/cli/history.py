"""`resolver history`: what the running daemon was asked and answered, and what its simulated servers were.

Rules: the options are the words of a filter (`observe.wanted`), which are read before the daemon is asked. It remembers
messages where `history.messages` says how many. `--json` prints what it answers, which `resolver export` reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Final
from urllib.parse import urlencode

from resolver.cli import options
from resolver.cli.control_client import ask
from resolver.errors import ConfigError, InputError
from resolver.observe.wanted import SIDES, WORDS, wanted

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 10_000
"""What a daemon gives in one answer."""

EXAMPLES: Final = """examples:
  resolver history
  resolver history --side server --server a.nic.com --zone example.com
  resolver history --rcode SERVFAIL --json
  resolver history --clear"""

_HELP: Final = {
    "server": ("SERVER", "to a simulated server, by its name or address; *.nic.com means all below nic.com"),
    "name": ("NAME", "for this name; *.example.com means all below example.com"),
    "zone": ("ZONE", "for names at or below this one"),
    "type": ("TYPE", "for this record type"),
    "rcode": ("RCODE", "that were answered so, as in NXDOMAIN; none: not at all"),
    "transport": ("HOW", "that came by udp, tcp or tls"),
    "client": ("ADDR", "from this address or network"),
    "fault": ("FAULT", "to which this fault was applied"),
    "since": ("TIME", "from then on: as in 2026-11-26T10:58:31Z, or seconds since 1970"),
    "until": ("TIME", "before then"),
    "after": ("NUMBER", "with a greater number"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes which messages are meant, how many, and what to do with them."""
    meant = parser.add_argument_group("which messages; by default all")
    meant.add_argument("--side", choices=SIDES, help="those of clients, or those to simulated servers")
    for word, (metavar, text) in _HELP.items():
        meant.add_argument(f"--{word}", metavar=metavar, help=text)
    parser.add_argument(
        "--limit", type=_limit, default=DEFAULT_LIMIT, help=f"at most so many, the newest (default: {DEFAULT_LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, with all that is known of each")
    parser.add_argument("--clear", action="store_true", help="forget all of them")
    options.add_socket(parser)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_LIMIT):
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1 and {MAX_LIMIT}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """The messages are printed, or forgotten. Raises `ControlError`, and `InputError` for what cannot be meant."""
    given = {word: value for word in WORDS if (value := getattr(args, word)) is not None}
    wanted(given)
    if args.fault is not None:
        given["fault"] = _fault(args.fault)
    if args.clear:
        return _clear(args, given)
    answer = messages(args, given)
    if args.json:
        print(json.dumps(answer, indent=2))
        return 0
    from resolver.observe import showing
    from resolver.observe.history import seen

    told = answer["messages"]
    workers = [each["worker"] for each in told if "worker" in each]
    for line in showing.listing([seen(each) for each in told], workers):
        print(line)
    if forgotten := answer.get("forgotten"):
        print(f"{forgotten} earlier ones made room for these", file=sys.stderr)
    return 0


def _fault(text: str) -> str:
    """The word of the fault that is written `text`. Raises `InputError`."""
    from resolver.network.faults.words import known, meant

    fault = known(text)
    if fault is None:
        raise InputError(f"--fault: there is no fault {text!r}", instead=meant(text))
    return fault.word


def messages(args: argparse.Namespace, given: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    """What the daemon answers: the `messages` that `given` means, oldest first. Raises `ControlError`."""
    query = urlencode({**given, "limit": args.limit})
    answer: dict[str, object] = ask(options.control_socket(args), "GET", f"/history?{query}")
    if not isinstance(answer.get("messages"), list):
        raise ConfigError("the daemon has no history", instead="run the same version of it")
    return answer  # type: ignore[return-value]  # each message is read by itself


def _clear(args: argparse.Namespace, given: dict[str, object]) -> int:
    if given:
        raise ConfigError("--clear forgets all messages", instead="leave the other options out")
    cleared = ask(options.control_socket(args), "POST", "/history/clear", {}).get("cleared")
    print(f"forgot {cleared} message{'s' * (cleared != 1)}")
    return 0
