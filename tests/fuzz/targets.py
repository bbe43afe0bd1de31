"""What is fuzzed: functions of octets that raise nothing, or an AssertionError that says what broke.

Each runs under atheris (`make fuzz`), and over its corpus in tests/data/fuzz as a plain test. Whatever else they raise
is a finding, too.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from resolver.auth import hierarchy, master, presented
from resolver.auth.authority import Authority
from resolver.auth.findings import Finding
from resolver.auth.zone import Zone
from resolver.engine.classify import classify
from resolver.engine.outcome import Alias, Answered, Denied, Overlong, Referral, Truncated, Unusable
from resolver.errors import BadName, InputError, WireError
from resolver.message import Client, Edns, Message, Question, RRset, Transport, Type
from resolver.network.entropy import SeededEntropy
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.respond import Responder
from resolver.wire import names, stored
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.fuzz import gateway
from tests.fuzz.proofs import proof
from tests.support.clocks import ManualClock

Target = Callable[[bytes], None]


def parsed(data: bytes) -> Message | None:
    """The message that `data` is, None when it is none."""
    try:
        return parse(data)
    except WireError:
        return None


# -- wire


def wire(data: bytes) -> None:
    """What `parse` accepts, `render` says again: reading that gives the same message."""
    message = parsed(data)
    if message is None:
        return
    sections = message.answer, message.authority, message.additional
    if any(rrset.type == Type.TSIG for section in sections for rrset in section):
        return  # a signature is over octets, so it is never rendered again
    rendered = render(message)
    again = parse(rendered)
    if again.flags != message.flags:
        return  # uncompressed it is longer than a message can be, and says so by TC
    assert again.id == message.id
    assert again.rcode == message.rcode
    assert again.question == message.question
    assert again.edns == message.edns
    for before, after in zip(sections, (again.answer, again.authority, again.additional), strict=True):
        assert [_folded(each) for each in before] == [_folded(each) for each in after]
    assert parse(render(again)) == again, "what was rendered once is stable"
    short = render(message, 512)
    assert len(short) <= 512
    parse(short)


def _folded(rrset: RRset) -> RRset:
    """`rrset` as it is compared: an owner that equals the question gets its spelling."""
    return rrset._replace(name=names.fold(rrset.name))


def name(data: bytes) -> None:
    """Text that is a name is one, and comes back; every name has a text that leads back to it."""
    try:
        made = names.from_text(data.decode("latin-1"))
    except BadName:
        return
    assert len(made) <= names.MAX_NAME
    assert names.from_text(names.to_text(made)) == made
    above = list(names.ancestors(made))
    assert len(above) == names.depth(made) + 1
    assert all(names.is_below(made, each) for each in above)
    assert b"".join(bytes((len(each),)) + each for each in names.labels(made)) + names.ROOT == made


def patch(data: bytes) -> None:
    """A stored response is served again as the same response: other id, spelling and TTLs, and nothing else."""
    if len(data) < 4:
        return
    age, cut, data = data[0], int.from_bytes(data[1:3], "big"), data[3:]
    stored.key(data)
    stored.make(data)
    read = parsed(data)
    if read is None or read.question is None or any(each.type == Type.TSIG for each in read.additional):
        return
    data = render(read)  # only such is stored: in what others send, a name may point into a TTL
    before, made = parse(data), stored.make(data)
    if made is None or before.question is None:
        return
    asked = before.question
    query = cut.to_bytes(2, "big") + b"\1\0\0\1" + bytes(6) + asked.name.swapcase() + data[12 + len(asked.name) :][:4]
    if len(asked.name) + 14 != made.end:
        return  # a question that points somewhere, which no query of ours can do
    key = stored.key(query)
    assert key is not None
    age = min(age, made.lowest - 1)
    tail = stored.unpacked(stored.packed(made, 7, made.lowest), key, 7 + age)
    assert tail is not None
    after = parse(stored.spelled(tail, query))
    assert after.id == cut
    assert after.question is not None
    assert after.question.name == asked.name.swapcase()
    for some, others in (
        (before.answer, after.answer),
        (before.authority, after.authority),
        (before.additional, after.additional),
    ):
        assert len(some) == len(others)
        for one, other in zip(some, others, strict=True):
            assert names.fold(one.name) == names.fold(other.name)
            assert one.rdatas == other.rdatas or _spelling(one) == _spelling(other)
            assert other.ttl == one.ttl - age
    assert before.edns == after.edns


def _spelling(rrset: RRset) -> list[bytes]:
    return [each.lower() for each in rrset.rdatas]


def oracle(data: bytes) -> None:
    """What we and dnspython both take for a message is the same message."""
    from tests.unit.wire.test_against_dnspython import OPAQUE_THERE, UPDATE, our_reading, their_reading, theirs

    message = parsed(data)
    if message is None or message.opcode == UPDATE:
        return
    records = (*message.answer, *message.authority, *message.additional)
    if any(rrset.type == Type.TSIG or rrset.type in OPAQUE_THERE for rrset in records):
        return
    other = theirs(data)
    if not isinstance(other, Exception):
        # dnspython interprets some options, and writes them in its own way.
        mine, yours = (
            each._replace(edns=each.edns and each.edns[:3]) for each in (our_reading(message), their_reading(other))
        )
        assert mine == yours


# -- engine


def judgement(data: bytes) -> None:
    """Whatever a server says, classify finds a meaning, and believes nothing outside the server's zone."""
    if len(data) < 4:
        return
    rtype, up, options, data = data[0], data[1], data[2], data[3:]
    message = parsed(data)
    if message is None:
        return
    asked = message.question or Question(b"\3www\7example\3com\0", Type.A)
    question = Question(asked.name, (asked.type, 1, 2, 5, 6, 39, 43, 255)[rtype % 8])
    above = list(names.ancestors(names.fold(question.name)))
    zone = b"\5other\0" if options & 2 else above[up % len(above)]
    outcome = classify(message, question, zone, 53, recursed=bool(options & 1))
    believed: Iterable[RRset] = ()
    match outcome:
        case Answered(chain, rrsets, _):
            believed = (*chain, *rrsets)
        case Alias(chain, target, _):
            believed = chain
            assert len(target) <= names.MAX_NAME
        case Overlong(chain):
            believed = chain
        case Denied(chain, denied, _, soa, _):
            believed = chain if soa is None else (*chain, soa)
            assert names.is_below(denied, zone)
            assert soa is None or names.is_below(denied, names.fold(soa.name))
        case Referral(delegation):
            assert delegation.zone != zone
            assert names.is_below(delegation.zone, zone)
            assert names.is_below(names.fold(question.name), delegation.zone)
            for server in delegation.servers:
                assert not server.endpoints or names.is_below(server.name, zone)
        case Truncated():
            pass
        case Unusable(_, ede):
            assert all(each.text.isprintable() or not each.text for each in ede)
    assert all(names.is_below(names.fold(each.name), zone) for each in believed), outcome
    render(Message(1, 0x8180, 0, question, tuple(believed), edns=Edns()), 1232)


# -- server


@cache
def _responder() -> Responder:
    zone = Zone(
        b"\7example\0",
        (
            RRset(b"\7example\0", 6, 1, 60, (b"\2ns\7example\0\0" + bytes(20),)),
            RRset(b"\7example\0", 2, 1, 60, (b"\2ns\7example\0",)),
            RRset(b"\2ns\7example\0", 1, 1, 60, (bytes(4),)),
            RRset(b"\1*\7example\0", 16, 1, 60, (b"\3any",)),
            RRset(b"\1d\7example\0", 39, 1, 60, (b"\x3f" + b"x" * 63 + b"\0",)),
        ),
    )
    clock = ManualClock()
    log = Log(_Nowhere(), clock.wall, "debug")
    return Responder(Authority((zone,)), clock=clock, counters=Counters(), log=log)


class _Nowhere:
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        assert "internal_error" not in text, text
        return len(text)

    def flush(self) -> None:
        pass


def server(data: bytes) -> None:
    """A server says one thing or nothing to any octets; never to a reply, and never more than a client can take."""
    said: list[bytes | None] = []
    tcp = len(data) % 2 == 1
    _responder()(data, Client("192.0.2.1", 4000, Transport.TCP if tcp else Transport.UDP), said.append)
    assert len(said) == 1
    if said[0] is None:
        assert len(data) < 12 or data[2] & 0x80
        return
    reply = parse(said[0])
    assert said[0][:2] == data[:2]
    assert reply.flags & 0x8000
    query = parsed(data)
    assert query is None or reply.question in (query.question, None)
    assert tcp or len(said[0]) <= (512 if query is None or query.edns is None else 1232)


# -- zones


def zone_file(data: bytes) -> None:
    """A master file gives records that a zone can be made of, or findings with a line that is in the file."""
    text = data.decode("utf-8", "replace")
    if "$GENERATE" in text.upper() and any(len(word) > 4 for word in text.split()[:50] if word[:1].isdigit()):
        return  # large ranges are bounded, and slow
    findings: list[Finding] = []
    reader = master.Reader(b"\7example\0", ttl=300, report=findings.append)
    reader.read_text(text, "fuzz.zone")
    lines = text.count("\n") + text.count("\r") + 1
    assert all(1 <= each.line <= lines for each in findings), findings
    rrsets = master.group(reader.records)
    for rrset in rrsets:
        assert 0 <= rrset.ttl <= presented.MAX_TTL
        assert names.from_text(names.to_text(rrset.name)) == rrset.name
        assert parse(render(Message(1, 0x8400, 0, None, (rrset._replace(rdatas=rrset.rdatas[:1]),)))).answer


@cache
def _directory() -> Path:
    folder = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="fuzz-world-", dir=folder if folder.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


_ROOT = b'[zone."."]\n[[server]]\nname = "a.root.example"\naddress = "127.53.0.1"\nzones = ["."]\n'
_CHILD = b'[zone."example"]\n[[server]]\nname = "ns.example"\naddress = "127.53.0.2"\nzones = ["example"]\n'


def world(data: bytes) -> None:
    """A directory is a world whose servers answer, or an InputError.

    What follows the first NUL is the master file of example; what is before it, after the root, is the declaration.
    """
    declared, cut, zone = data.partition(b"\0")
    if b"file" in declared or b"include" in declared:
        return  # other files of this machine are none of our business
    directory = _directory()
    (directory / "hierarchy.toml").write_bytes(_ROOT + (declared if cut else b"") + (_CHILD if not declared else b""))
    (directory / "example.zone").write_bytes(zone if cut else declared)
    try:
        made = hierarchy.load(directory)
    except InputError:
        return
    entropy = SeededEntropy(1)
    for each in made.servers:
        authority = Authority(each.zones)
        asked = [
            names.ROOT,
            b"\7example\0",
            b"\1x\7example\0",
            *(rrset.name for z in each.zones[:3] for rrset in _some(z)),
        ]
        for one in asked[:20]:
            reply = authority.reply(Question(one, entropy.choice((1, 2, 5, 6, 15, 43, 255))))
            parse(
                render(
                    Message(1, 0x8400, reply.rcode, Question(one, 1), reply.answer, reply.authority, reply.additional)
                )
            )


def _some(zone: Zone) -> Iterable[RRset]:
    """A few records of `zone`: those its apex gives to ANY."""
    return Authority((zone,)).reply(Question(zone.apex, 255)).answer


TARGETS: dict[str, Target] = {
    "wire": wire,
    "name": name,
    "patch": patch,
    "oracle": oracle,
    "judgement": judgement,
    "proof": proof,
    "server": server,
    "zone_file": zone_file,
    "world": world,
    "http": gateway.http,
    "target": gateway.target,
    "names_list": gateway.names_list,
    "hosts_file": gateway.hosts_file,
}
"""By the names of their folders in tests/data/fuzz."""
