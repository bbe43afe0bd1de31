"""Whatever we and dnspython both take for a message we read the same; where we differ, it is on purpose."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import dns.edns
import dns.message
import dns.rdata
import pytest

from resolver.errors import WireError
from resolver.message import Message, Type
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.unit.wire import corpus

CHUNKS = 8
BASES = 100
COPIES = 40
"""In all CHUNKS * BASES * (COPIES + 1) messages: 32,800."""


class Reading(NamedTuple):
    """A message as both can say it: RRsets by folded owner, type and class, each with owner, TTL and rdatas."""

    id: int
    flags: int
    rcode: int
    question: tuple[bytes, int, int] | None
    sections: tuple[dict[tuple[bytes, int, int], tuple[bytes, int, tuple[bytes, ...]]], ...]
    edns: tuple[int, int, bool, tuple[tuple[int, bytes], ...]] | None


def our_reading(message: Message) -> Reading:
    sections = tuple(
        {(rrset.name.lower(), rrset.type, rrset.cls): (rrset.name, rrset.ttl, rrset.rdatas) for rrset in section}
        for section in (message.answer, message.authority, message.additional)
    )
    question = None if message.question is None else tuple(message.question)
    edns = None if message.edns is None else tuple(message.edns)
    return Reading(message.id, message.flags, message.rcode, question, sections, edns)  # type: ignore[arg-type]


def their_reading(message: dns.message.Message) -> Reading:
    """What dnspython read, one record at a time, merged here by the rules of RFC 2181 section 5."""
    sections = []
    for section in (message.answer, message.authority, message.additional):
        merged: dict[tuple[bytes, int, int], tuple[bytes, int, tuple[bytes, ...]]] = {}
        known = set()
        for record in section:
            owner = record.name.to_wire()
            value = record[0].to_wire()
            assert owner is not None
            assert value is not None
            key = (record.name.canonicalize().to_wire() or b"", int(record.rdtype), int(record.rdclass))
            spelling, ttl, values = merged.get(key, (owner, record.ttl, ()))
            canonical = (key, record[0].to_digestable())
            if canonical not in known:
                values = (*values, value)
            known.add(canonical)
            merged[key] = (spelling, min(ttl, record.ttl), values)
        sections.append(merged)
    question = None
    if message.question:
        asked = message.question[0]
        question = (asked.name.to_wire() or b"", int(asked.rdtype), int(asked.rdclass))
    edns = None
    if message.edns >= 0:
        options = tuple((int(option.otype), option.to_wire() or b"") for option in message.options)
        edns = (message.payload, message.edns, bool(message.ednsflags & 0x8000), options)
    return Reading(message.id, int(message.flags) & 0xFFF0, int(message.rcode()), question, tuple(sections), edns)


def theirs(wire: bytes) -> dns.message.Message | Exception:
    try:
        return dns.message.from_wire(wire, one_rr_per_rrset=True)
    except Exception as refusal:
        return refusal


def ours(wire: bytes) -> Message | WireError:
    try:
        return parse(wire)
    except WireError as refusal:  # and nothing else: any other exception fails the test
        return refusal


UPDATE = 5
OPAQUE_THERE = frozenset((3, 4, 7, 8, 9, 14, 30, 58))
"""MD, MF, MB, MG, MR, MINFO, NXT and TALINK: dnspython has no class for them, and leaves pointers in their rdata."""

OUR_REASONS = {
    " questions": "RFC 9619: one question; dnspython takes any number",
    "a pointer to octet": "no name can have occurred in the header; nor (old dnspython only) within the name itself",
    "pointers lead through": "the work for one message is bounded",
}
"""How our error begins or ends -> why we refuse what dnspython takes."""


def why_we_refuse(refusal: WireError, message: dns.message.Message) -> str | None:
    for part, reason in OUR_REASONS.items():
        if part in str(refusal):
            return reason
    if message.opcode() == UPDATE:
        return "dnspython reads UPDATE by rules of its own"
    for section in (message.answer, message.authority, message.additional):
        if any(record.rdtype in OPAQUE_THERE for record in section):
            return "a name in a type of RFC 1035 or RFC 2535 that dnspython holds opaque"
    return None


def why_they_refuse(refusal: Exception, message: Message) -> str | None:
    if message.opcode == UPDATE:
        return "dnspython reads UPDATE by rules of its own"
    if any(rrset.type == Type.TSIG for rrset in message.additional):
        return "signed, and dnspython has no key; we leave TSIG to whoever has one"
    if type(refusal).__name__ == "PointerChainTooLong":
        return "a longer chain of pointers than dnspython follows; ours are bounded for the whole message"
    for code, data in message.edns.options if message.edns else ():
        try:
            dns.edns.option_from_wire(code, data, 0, len(data))
        except Exception:
            return "the inside of an EDNS option, which we do not look at"
    for section in (message.answer, message.authority, message.additional):
        for rrset in section:
            for value in rrset.rdatas:
                try:
                    dns.rdata.from_wire(rrset.cls, rrset.type, value, 0, len(value))
                except Exception:
                    if not value and rrset.cls in (254, 255):
                        return "empty rdata in class NONE or ANY, as in an UPDATE"
                    return "the inside of rdata, where checking is not cheap or not ours"
            if rrset.type == Type.DNAME:
                return "a compressed DNAME, as RFC 2672 allowed and RFC 6672 section 2.5 does not any more"
    return None


def comparable(reading: Reading) -> Reading:
    """`reading` without the rdatas of the types that dnspython cannot decompress."""
    sections = tuple(
        {key: (owner, ttl, () if key[1] in OPAQUE_THERE else values) for key, (owner, ttl, values) in section.items()}
        for section in reading.sections
    )
    return reading._replace(sections=sections)


def tidied(reading: Reading) -> Reading:
    """`reading` as dnspython would write it: it drops empty ends, of an ISDN's subaddress or an EDE's text."""
    sections = tuple(
        {
            key: (owner, ttl, tuple(dns.rdata.from_wire(key[2], key[1], one, 0, len(one)).to_wire() for one in values))
            for key, (owner, ttl, values) in section.items()
        }
        for section in reading.sections
    )
    edns = reading.edns
    if edns is not None:
        options = tuple((code, dns.edns.option_from_wire(code, data, 0, len(data)).to_wire()) for code, data in edns[3])
        edns = (*edns[:3], options)  # type: ignore[assignment]
    return reading._replace(sections=sections, edns=edns)  # type: ignore[arg-type]


def same(ours: Reading, theirs: Reading) -> bool:
    """Whether both read the same, but for what dnspython cannot, or does not want to, keep."""
    left, right = comparable(ours), comparable(theirs)
    return left == right or tidied(left) == right


def respelled(reading: Reading) -> Reading:
    """`reading` with owners that equal the question spelled like it, as `render` does."""
    if reading.question is None or reading.question[0] == b"\0":
        return reading
    asked = reading.question[0]
    sections = tuple(
        {key: (asked if key[0] == asked.lower() else owner, *rest) for key, (owner, *rest) in section.items()}
        for section in reading.sections
    )
    return reading._replace(sections=sections)  # type: ignore[arg-type]


def verdict(wire: bytes) -> str:
    """What both make of `wire`, after all that they must agree on has been compared."""
    us, them = ours(wire), theirs(wire)
    if isinstance(us, WireError):
        if isinstance(them, Exception):
            return "both refuse"
        reason = why_we_refuse(us, them)
        assert reason is not None, f"we refuse ({us}) what dnspython reads: {wire.hex()}"
        return reason
    reading = our_reading(us)
    assert our_reading(parse(render(us))) == respelled(reading), wire.hex()
    if isinstance(them, Exception):
        reason = why_they_refuse(them, us)
        assert reason is not None, f"dnspython refuses ({them!r}) what we read: {wire.hex()}"
        return reason
    if us.opcode == UPDATE:
        return "dnspython reads UPDATE by rules of its own"
    assert same(reading, their_reading(them)), wire.hex()
    again = theirs(render(us))
    assert not isinstance(again, Exception), f"dnspython refuses ({again!r}) what we rendered from {wire.hex()}"
    assert same(respelled(reading), their_reading(again)), wire.hex()
    return "both read"


@pytest.fixture(scope="module", autouse=True)
def _all_types_known() -> None:
    # A record of class ANY makes dnspython believe, for all classes, that it does not know its type (unless it does).
    dns.rdata.load_all_types()


@pytest.mark.rfc(1035, "4")
@pytest.mark.parametrize("seed", range(CHUNKS))
def test_what_both_accept_is_read_and_rendered_alike_and_every_other_difference_has_a_reason(seed: int) -> None:
    verdicts = Counter(verdict(wire) for wire in corpus.messages(seed, BASES, COPIES))
    total = verdicts.total()
    assert total == BASES * (COPIES + 1)
    # The corpus is worth its time only if much of it is accepted, and much refused.
    assert verdicts["both read"] > total * 0.3, verdicts
    assert verdicts["both refuse"] > total * 0.3, verdicts
    assert total - verdicts["both read"] - verdicts["both refuse"] < total * 0.05, verdicts


def test_random_octets_never_raise_anything_but_wire_error() -> None:
    rng = random.Random(1)
    for _ in range(5000):
        header = (
            rng.randbytes(2) + bytes((rng.choice((0, 0x81)), 0)) + bytes(rng.choice((0, 0, 0, 1)) for _ in range(8))
        )
        ours(header + rng.randbytes(rng.randrange(64)))
        ours(rng.randbytes(rng.randrange(40)))


@pytest.mark.rfc(1035, "3.3")
@pytest.mark.parametrize("rtype", sorted(corpus.RDATA))
def test_every_type_of_the_corpus_is_read_like_dnspython_reads_it_when_well_formed(rtype: int) -> None:
    rng = random.Random(rtype)
    for _ in range(50):
        draft = corpus.Draft(rng)
        owner = corpus.any_name(rng)
        draft.name(owner)
        draft.out += rtype.to_bytes(2, "big") + b"\0\x01"
        for _ in range(3):

            def parts(draft: corpus.Draft) -> None:
                for part in corpus.RDATA[rtype]:
                    part(draft)

            draft.record(owner, rtype, 1, 300, parts)
        draft.out[:12] = bytes.fromhex("1234 8180 0001 0003 0000 0000")
        verdict(bytes(draft.out))
