"""`resolver trace`: resolves a name and shows the walk, message by message, or how what came of it is proven.

Rules: it needs no running daemon and no port. The simulated internet runs in this process, which is why the hops that a
recursing server makes on our behalf can be shown too; with `roots = "internet"` the real servers are asked. With
`--dnssec` the chain of trust stands in the place of the walk. Exit 0 if there is an answer or a denial, 1 if the
resolution failed.
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
from resolver.message import Ede, RRset, Status

if TYPE_CHECKING:
    from resolver.cli.chain import Link
    from resolver.dnssec.evidence import Evidence
    from resolver.observe.transcript import Node

EXAMPLES: Final = """examples:
  resolver trace www.example.com
  resolver trace www.example.com AAAA --mode recursive
  resolver trace --dnssec www.bogus.dnssec-failed.test
  resolver trace silent.broken.test --json"""

_SERVFAIL: Final = 2


class Walk(NamedTuple):
    """What came of a question. `seconds` is how long it took; `status` is empty where nothing was proven."""

    rcode: int
    answer: tuple[RRset, ...]
    authority: tuple[RRset, ...]
    ede: tuple[Ede, ...]
    nodes: list[Node]
    omitted: int
    seconds: float
    status: str
    evidence: list[Evidence]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the question, the settings, and the form of the output."""
    parser.add_argument("name", metavar="NAME", help="the name to resolve")
    parser.add_argument("type", metavar="TYPE", nargs="?", default="A", help="the record type (default: A)")
    parser.add_argument("--dnssec", action="store_true", help="show the chain of trust, link by link, not the walk")
    parser.add_argument("--json", action="store_true", help="the same as data")
    options.add_config_file(parser)
    parser.add_argument("--mode", choices=("iterative", "recursive"), help="who walks the tree (resolver.mode)")
    parser.add_argument("--world", metavar="DIR", help="the simulated internet (world.directory)")


def run(args: argparse.Namespace) -> int:
    """The walk has been shown."""
    config = options.quiet(options.settings(args).config)
    walk = asyncio.run(_walk(config, args.name, args.type))
    links = _chain(walk, args.name, args.type) if args.dnssec else None
    if args.json:
        data = _as_data(walk, args.name, args.type, config)
        print(json.dumps(data if links is None else data | _as_chain(links, walk, config), indent=2))
    else:
        sys.stdout.writelines(f"{line}\n" for line in _as_text(walk, links, args.name, args.type, config))
    return 0 if walk.rcode in options.TOLD else 1


async def _walk(config: Config, name: str, rtype: str) -> Walk:
    from resolver.app import build
    from resolver.arranged import Arranged
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
    program = build(config, clock=clock, arranged=Arranged(transcript=transcript))
    began = clock.monotonic()
    timeout_s = config.resolver.client_timeout_ms / 1000
    try:
        reply = await program.ask(name, rtype, timeout_s=timeout_s)
        told = (reply.rcode, reply.answer, reply.authority, reply.ede)
        status = _status((*reply.answer, *reply.authority))
    except ResolutionFailed as failure:
        told = (failure.rcode, (), (), failure.ede)
        status = failure.label if failure.label == "bogus" else ""
    finally:
        seconds = clock.monotonic() - began
        await program.stop()
    return Walk(*told, transcript.roots, transcript.omitted, seconds, status, transcript.evidence)


def _status(rrsets: tuple[RRset, ...]) -> str:
    """How far an answer is proven, which is as far as the least of its parts is; empty where nobody looked."""
    least = min((rrset.status for rrset in rrsets), default=Status.UNCHECKED)
    return "" if least is Status.UNCHECKED else least.name.lower()


def _chain(walk: Walk, name: str, rtype: str) -> list[Link]:
    """The chain of trust to what came of the question, or to where it broke."""
    from resolver.cli.chain import Chain, Target, answered
    from resolver.message import Question, Type
    from resolver.wire import names, types

    question = Question(names.from_text(name), types.from_text(rtype))
    if walk.rcode == _SERVFAIL:
        chain = Chain(walk.evidence, walk.ede[0].text if walk.ede else "", walk.status or "failed")
        targets = list(chain.targets(question))
    else:
        chain = Chain(walk.evidence)
        targets = list(answered(walk.answer))
        soa = next((rrset for rrset in walk.authority if rrset.type == Type.SOA), None)
        if soa is not None:
            aliased = walk.answer[-1].rdatas[0] if walk.answer else question.name
            targets.append(Target(names.fold(aliased), question.type, soa.status, walk.rcode))
    for target in targets if walk.evidence else ():
        chain.tell(target)
    return chain.links


def _as_text(walk: Walk, links: list[Link] | None, name: str, rtype: str, config: Config) -> Iterator[str]:
    """The chain of trust in `links`, or where they are None the walk; and what came of it."""
    yield f"{name} {rtype.upper()}, {_way(config)}"
    yield ""
    if links is None:
        yield from _walked(walk)
    else:
        from resolver.cli.chain_lines import lines

        yield from lines(links)
    if links is None or links:
        yield ""
    yield from _ending(walk)
    if links is not None or walk.status:
        yield _verdict(walk, links or [], config)


def _walked(walk: Walk) -> Iterator[str]:
    from resolver.observe.drawing import branches

    yield from branches(walk.nodes)
    if walk.omitted:
        yield f"… and {walk.omitted} more"


def _verdict(walk: Walk, links: list[Link], config: Config) -> str:
    """How far it is proven, in a line."""
    why = next((link.text for link in links if link.status == walk.status and link.text), "")
    match walk.status:
        case "secure":
            return "secure: each link holds, from the trust anchor to the answer"
        case "insecure":
            return f"insecure: {why or 'it need not be signed; --dnssec shows why'}"
        case "indeterminate":
            return "indeterminate: no trust anchor is above it"
        case "bogus":
            return "bogus: what came is not what was signed, and is not told to clients"
    if not config.dnssec.validation:
        return "not validated: dnssec.validation is off"
    if walk.rcode == _SERVFAIL:
        return "not validated: there is no answer to be validated"
    if walk.evidence:
        return "not validated: it came without any record that could be proven"
    if walk.nodes:
        return "not validated: there is no trust anchor to begin from (dnssec.trust_anchors)"
    return "not validated: it is answered here, and nobody was asked"


def _as_chain(links: list[Link], walk: Walk, config: Config) -> dict[str, object]:
    from dataclasses import asdict

    def plainly(link: Link) -> dict[str, object]:
        return asdict(link) | {
            "ds": [each._asdict() for each in link.ds],
            "keys": [each._asdict() for each in link.keys],
            "signature": None if link.signature is None else link.signature._asdict(),
        }

    return {"chain": [plainly(link) for link in links], "verdict": _verdict(walk, links, config)}


def _ending(walk: Walk) -> Iterator[str]:
    from resolver.text import printable
    from resolver.wire import types

    sent = sum(_count(node) for node in walk.nodes)
    took = f"{sent} message{'s' * (sent != 1)}, {walk.seconds * 1000:.1f} ms"
    yield f"{types.rcode_to_text(walk.rcode)} ({took})"
    for rrset in (*walk.answer, *walk.authority):
        yield from (f"  {line}" for line in _records(rrset))
    for ede in walk.ede:
        yield f"  EDE {ede.code}: {printable(ede.text)}"


def _as_data(walk: Walk, name: str, rtype: str, config: Config) -> dict[str, object]:
    from resolver.wire import types

    return {
        "name": name,
        "type": rtype.upper(),
        "mode": config.resolver.mode,
        "roots": config.resolver.roots,
        "rcode": types.rcode_to_text(walk.rcode),
        "status": walk.status or "unchecked",
        "answer": [line for rrset in walk.answer for line in _records(rrset)],
        "authority": [line for rrset in walk.authority for line in _records(rrset)],
        "ede": [{"code": ede.code, "text": ede.text} for ede in walk.ede],
        "messages": sum(_count(node) for node in walk.nodes),
        "seconds": round(walk.seconds, 6),
        "steps": [node.as_data() for node in walk.nodes],
        "omitted": walk.omitted,
    }


def _count(node: Node) -> int:
    return bool(node.address) + sum(_count(each) for each in node.below)


def _way(config: Config) -> str:
    """How names are looked up, and where that begins."""
    if config.forwards_all:
        return "forwarded"
    return f"{config.resolver.mode}, from {_origin(config)}"


def _origin(config: Config) -> str:
    if config.resolver.hints_file is not None:
        return f"the hints in {config.resolver.hints_file}"
    return f"the {config.resolver.roots} root"


def _records(rrset: RRset) -> Iterator[str]:
    """The records in presentation format."""
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    from resolver.text import printable
    from resolver.wire import names, types

    cls, rtype = dns.rdataclass.RdataClass.make(rrset.cls), dns.rdatatype.RdataType.make(rrset.type)
    for rdata in rrset.rdatas:
        text = dns.rdata.from_wire(cls, rtype, rdata, 0, len(rdata)).to_text()
        yield f"{names.to_text(rrset.name)} {rrset.ttl} IN {types.to_text(rrset.type)} {printable(text)}"
