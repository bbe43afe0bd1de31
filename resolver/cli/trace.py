"""`resolver trace`: resolves a name and shows the walk, message by message.

Rules: it needs no running daemon and no port. The simulated internet runs in this process, which is why the hops that a
recursing server makes on our behalf can be shown too; with `roots = "internet"` the real servers are asked. Exit 0 if
there is an answer or a denial, 1 if the resolution failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.cli import options
from resolver.config import Config
from resolver.errors import ConfigError, ResolutionFailed
from resolver.message import Ede, RRset

if TYPE_CHECKING:
    from resolver.observe.transcript import Node

EXAMPLES: Final = """examples:
  resolver trace www.example.com
  resolver trace www.example.com AAAA --mode recursive
  resolver trace silent.broken.test --json"""


class Walk(NamedTuple):
    """What came of a question. `seconds` is how long it took."""

    rcode: int
    answer: tuple[RRset, ...]
    authority: tuple[RRset, ...]
    ede: tuple[Ede, ...]
    nodes: list[Node]
    omitted: int
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the question, the settings, and the form of the output."""
    parser.add_argument("name", metavar="NAME", help="the name to resolve")
    parser.add_argument("type", metavar="TYPE", nargs="?", default="A", help="the record type (default: A)")
    parser.add_argument("--json", action="store_true", help="the same as data")
    options.add_config_file(parser)
    parser.add_argument("--mode", choices=("iterative", "recursive"), help="who walks the tree (resolver.mode)")
    parser.add_argument("--world", metavar="DIR", help="the simulated internet (world.directory)")


def run(args: argparse.Namespace) -> int:
    """The walk has been shown."""
    config = options.settings(args).config
    walk = asyncio.run(_walk(config, args.name, args.type))
    if args.json:
        print(json.dumps(_as_data(walk, args.name, args.type, config), indent=2))
    else:
        sys.stdout.writelines(f"{line}\n" for line in _as_tree(walk, args.name, args.type, config))
    return 0 if walk.rcode != 2 else 1


async def _walk(config: Config, name: str, rtype: str) -> Walk:
    from resolver.app import build
    from resolver.network.clock import RealClock
    from resolver.observe.transcript import Transcript
    from resolver.wire import names, types

    try:
        names.from_text(name)
        types.from_text(rtype)
    except ValueError as wrong:
        raise ConfigError(str(wrong), instead="write it like `resolver trace www.example.com MX`") from None
    transcript = Transcript()
    clock = RealClock(asyncio.get_running_loop())
    program = build(config, clock=clock, transcript=transcript)
    began = clock.monotonic()
    timeout_s = config.resolver.client_timeout_ms / 1000
    try:
        reply = await program.ask(name, rtype, timeout_s=timeout_s)
        told = (reply.rcode, reply.answer, reply.authority, reply.ede)
    except ResolutionFailed as failure:
        told = (failure.rcode, (), (), failure.ede)
    finally:
        seconds = clock.monotonic() - began
        await program.stop()
    return Walk(*told, transcript.roots, transcript.omitted, seconds)


def _as_tree(walk: Walk, name: str, rtype: str, config: Config) -> Iterator[str]:
    from resolver.observe.drawing import branches, plain
    from resolver.wire import types

    yield f"{name} {rtype.upper()}, {config.resolver.mode}, from {_origin(config)}"
    yield ""
    yield from branches(walk.nodes)
    if walk.omitted:
        yield f"… and {walk.omitted} more"
    yield ""
    sent = sum(_count(node) for node in walk.nodes)
    took = f"{sent} message{'s' * (sent != 1)}, {walk.seconds * 1000:.1f} ms"
    yield f"{types.rcode_to_text(walk.rcode)} ({took})"
    for rrset in (*walk.answer, *walk.authority):
        yield from (f"  {line}" for line in _records(rrset))
    for ede in walk.ede:
        yield f"  EDE {ede.code}: {plain(ede.text)}"


def _as_data(walk: Walk, name: str, rtype: str, config: Config) -> dict[str, object]:
    from dataclasses import asdict

    from resolver.wire import types

    return {
        "name": name,
        "type": rtype.upper(),
        "mode": config.resolver.mode,
        "roots": config.resolver.roots,
        "rcode": types.rcode_to_text(walk.rcode),
        "answer": [line for rrset in walk.answer for line in _records(rrset)],
        "authority": [line for rrset in walk.authority for line in _records(rrset)],
        "ede": [{"code": ede.code, "text": ede.text} for ede in walk.ede],
        "messages": sum(_count(node) for node in walk.nodes),
        "seconds": round(walk.seconds, 6),
        "steps": [asdict(node) for node in walk.nodes],
        "omitted": walk.omitted,
    }


def _count(node: Node) -> int:
    return bool(node.address) + sum(_count(each) for each in node.below)


def _origin(config: Config) -> str:
    if config.resolver.hints_file is not None:
        return f"the hints in {config.resolver.hints_file}"
    return f"the {config.resolver.roots} root"


def _records(rrset: RRset) -> Iterator[str]:
    """The records in presentation format."""
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    from resolver.observe.drawing import plain
    from resolver.wire import names, types

    cls, rtype = dns.rdataclass.RdataClass.make(rrset.cls), dns.rdatatype.RdataType.make(rrset.type)
    for rdata in rrset.rdatas:
        text = dns.rdata.from_wire(cls, rtype, rdata, 0, len(rdata)).to_text()
        yield f"{names.to_text(rrset.name)} {rrset.ttl} IN {types.to_text(rrset.type)} {plain(text)}"
