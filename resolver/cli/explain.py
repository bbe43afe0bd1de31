"""`resolver explain`: resolves a name and says in one or two sentences why the answer is what it is, and what to do.

Rules: like `trace` it needs no running daemon and no port; the servers of the simulated internet run in this process, or
with `roots = "internet"` the real ones are asked. `--repeat` asks several times, so that what a cache makes of it can be
seen. Exit 0 if there is an answer or a denial, 1 if the resolution failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.cli import options
from resolver.config import Config
from resolver.errors import ConfigError, ResolutionFailed

if TYPE_CHECKING:
    from resolver.explain import Declared, Explanation
    from resolver.observe.transcript import Root
    from resolver.program import Program

EXAMPLES: Final = """examples:
  resolver explain www.example.com
  resolver explain silent.broken.test
  resolver explain www.expired.dnssec-failed.test --cd
  resolver explain www.example.com --repeat 2 --json"""

_SERVFAIL: Final = 2
MAX_REPEATED: Final = 1000
"""Times that a question may be asked: enough for whatever a cache does."""


class Explained(NamedTuple):
    """What a question was told, and why."""

    rcode: int
    explanation: Explanation
    root: Root
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the question, the settings, and the form of the output."""
    parser.add_argument("name", metavar="NAME", help="the name to resolve")
    parser.add_argument("type", metavar="TYPE", nargs="?", default="A", help="the record type (default: A)")
    parser.add_argument("--cd", action="store_true", help="ask with CD=1: nothing is to be validated")
    parser.add_argument("--repeat", metavar="N", type=int, default=1, help="ask so many times; the last is explained")
    parser.add_argument("--tree", action="store_true", help="show what was done, too: each message, faults and notes")
    parser.add_argument("--json", action="store_true", help="the same as data")
    options.add_config_file(parser)
    parser.add_argument("--mode", choices=("iterative", "recursive"), help="who walks the tree (resolver.mode)")
    parser.add_argument("--world", metavar="DIR", help="the simulated internet (world.directory)")


def run(args: argparse.Namespace) -> int:
    """The answer has been explained."""
    from resolver.observe.drawing import trees

    if not 1 <= args.repeat <= MAX_REPEATED:
        raise ConfigError(f"--repeat {args.repeat} is out of range", instead=f"write 1 to {MAX_REPEATED}")
    config = options.settings(args).config
    explained = asyncio.run(_explained(config, args.name, args.type, cd=args.cd, times=args.repeat))
    if args.json:
        print(json.dumps(_as_data(explained, args.name, args.type), indent=2))
    else:
        print(*_as_text(explained), sep="\n")
        if args.tree:
            print("", *trees([explained.root]), sep="\n")
    return 0 if explained.rcode != _SERVFAIL else 1


async def _explained(config: Config, name: str, rtype: str, *, cd: bool, times: int) -> Explained:
    from resolver.app import build
    from resolver.explain import explain
    from resolver.network.clock import RealClock
    from resolver.observe.transcript import Transcript
    from resolver.wire import names, types

    try:
        names.from_text(name)
        types.from_text(rtype)
    except ValueError as wrong:
        raise ConfigError(str(wrong), instead="write it like `resolver explain www.example.com MX`") from None
    transcript = Transcript()
    clock = RealClock(asyncio.get_running_loop())
    program = build(config, clock=clock, transcript=transcript)
    try:
        for _ in range(times):
            transcript.clear()
            began = clock.monotonic()
            with contextlib.suppress(ResolutionFailed):
                await program.ask(name, rtype, timeout_s=config.resolver.client_timeout_ms / 1000, cd=cd)
            seconds = clock.monotonic() - began
        root = next(root for root in reversed(transcript.asked_for) if root.query is not None)
        assert root.told is not None
        return Explained(root.told.rcode, explain(root, _declared(config, program)), root, seconds)
    finally:
        await program.stop()


def _declared(config: Config, program: Program) -> Declared | None:
    """The simulated world, if it is what was asked."""
    from resolver.explain import Declared

    world = program.world
    return None if world is None or config.resolver.roots != "simulated" else Declared(world)


def _as_text(explained: Explained) -> list[str]:
    from resolver.observe.drawing import plain
    from resolver.wire import types

    rcode = types.rcode_to_text(explained.rcode)
    lines = [f"{rcode} ({explained.explanation.cause})", plain(explained.explanation.text)]
    if explained.explanation.advice:
        lines.append(plain(explained.explanation.advice))
    return lines


def _as_data(explained: Explained, name: str, rtype: str) -> dict[str, object]:
    from resolver.observe.notes import in_words
    from resolver.wire import types

    return {
        "name": name,
        "type": rtype.upper(),
        "rcode": types.rcode_to_text(explained.rcode),
        **explained.explanation._asdict(),
        "ede": [] if explained.root.told is None else [each._asdict() for each in explained.root.told.ede],
        "seconds": round(explained.seconds, 6),
        "notes": [in_words(note) for note in explained.root.notes],
        "steps": [node.as_data() for node in explained.root.below],
    }
