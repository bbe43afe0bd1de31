"""`resolver explain`: resolves a name and says in one or two sentences why the answer is what it is, and what to do.

Rules: like `trace` it needs no running daemon and no port; the servers of the simulated internet run in this process,
or with `roots = "internet"` the real ones are asked. `--repeat` asks several times, so that what a cache makes of it
can be seen; `--client` asks as somebody at that address. Exit 0 if there is an answer or a denial, 1 if the resolution
failed.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.cli import options
from resolver.config import Config
from resolver.errors import ConfigError, ResolverdError

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World
    from resolver.explain import Declared, Explanation
    from resolver.observe.transcript import Root

EXAMPLES: Final = """examples:
  resolver explain www.example.com
  resolver explain silent.broken.test
  resolver explain www.expired.dnssec-failed.test --cd
  resolver explain www.example.com --repeat 2 --json"""

_ID, _PORT = 1, 53_053
"""Of the query, which nobody but this process sees."""
MAX_REPEATED: Final = 1000
"""Times that a question may be asked: enough for whatever a cache does."""


class Wanted(NamedTuple):
    """What is asked: how often, with CD or without, by a client at which address."""

    name: str
    type: str
    cd: bool
    times: int
    client: str


class Explained(NamedTuple):
    """What a question was told, and why. `root` is what was done for it; None where it was turned away before."""

    rcode: int
    explanation: Explanation
    root: Root | None
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the question, the settings, and the form of the output."""
    parser.add_argument("name", metavar="NAME", help="the name to resolve")
    parser.add_argument("type", metavar="TYPE", nargs="?", default="A", help="the record type (default: A)")
    parser.add_argument("--cd", action="store_true", help="ask with CD=1: nothing is to be validated")
    parser.add_argument(
        "--client", metavar="ADDRESS", default="127.0.0.1", help="ask as a client there (default: this machine)"
    )
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
    config = options.quiet(options.settings(args).config)
    wanted = Wanted(args.name, args.type, args.cd, args.repeat, _address(args.client))
    explained = asyncio.run(_explained(config, wanted))
    if explained is None:
        raise ResolverdError("the query was dropped, as clients may be that ask too much")
    if args.json:
        print(json.dumps(_as_data(explained, wanted), indent=2))
    else:
        print(*_as_text(explained), sep="\n")
        if args.tree and explained.root is not None:
            print("", *trees([explained.root]), sep="\n")
    return 0 if explained.rcode in options.TOLD else 1


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ConfigError(f"{text!r} is no IP address", where="--client", instead="write it like 192.0.2.1") from None


async def _explained(config: Config, wanted: Wanted) -> Explained | None:
    from resolver.app import build
    from resolver.arranged import Arranged
    from resolver.auth.shipped import load_world
    from resolver.explain import explain, explain_octets
    from resolver.message import Client, Edns, Question, Transport
    from resolver.network.clock import RealClock
    from resolver.observe.transcript import Transcript
    from resolver.wire import names, types
    from resolver.wire.parse import parse
    from resolver.wire.render import render_query

    try:
        question = Question(names.from_text(wanted.name), types.from_text(wanted.type))
    except ValueError as wrong:
        raise ConfigError(str(wrong), instead="write it like `resolver explain www.example.com MX`") from None
    transcript, client = Transcript(), Client(wanted.client, _PORT, Transport.TCP)
    clock = RealClock(asyncio.get_running_loop())
    world = load_world(config.world.directory) if config.world_served else None
    program = build(config, world, clock=clock, arranged=Arranged(transcript=transcript))
    query = render_query(_ID, question, rd=True, edns=Edns(), cd=wanted.cd)
    try:
        for _ in range(wanted.times):
            transcript.clear()
            told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
            began = clock.monotonic()
            program.respond(query, client, told.set_result)
            response = await told
            seconds = clock.monotonic() - began
    finally:
        await program.stop()
    if response is None:
        return None
    declared = _declared(config, world)
    root = next((root for root in reversed(transcript.asked_for) if root.query is not None), None)
    said = explain_octets(query, response, client, declared) if root is None else explain(root, declared)
    return Explained(parse(response).rcode, said, root, seconds)


def _declared(config: Config, world: World | None) -> Declared | None:
    """What can be told of `world`, if it is what was asked."""
    from resolver.auth.plan import Plan
    from resolver.auth.shipped import find_zones
    from resolver.explain import Declared

    if world is None or config.resolver.roots != "simulated":
        return None
    directory = config.world.directory
    return Declared(world, Plan.read(find_zones() if directory is None else Path(directory)).where)


def _as_text(explained: Explained) -> list[str]:
    from resolver.text import printable
    from resolver.wire import types

    rcode = types.rcode_to_text(explained.rcode)
    lines = [f"{rcode} ({explained.explanation.cause})", printable(explained.explanation.text)]
    if explained.explanation.advice:
        lines.append(printable(explained.explanation.advice))
    return lines


def _as_data(explained: Explained, wanted: Wanted) -> dict[str, object]:
    from resolver.observe.notes import in_words
    from resolver.wire import types

    root = explained.root
    return {
        "name": wanted.name,
        "type": wanted.type.upper(),
        "rcode": types.rcode_to_text(explained.rcode),
        **explained.explanation._asdict(),
        "seconds": round(explained.seconds, 6),
        "notes": [in_words(note) for note in (root.notes if root else ())],
        "steps": [node.as_data() for node in (root.below if root else ())],
    }
