"""The fuzz target of proofs: a reply of a signed zone that was changed on its way is never more than it was.

Input: an octet for the kind of the zone and of the change, one for the name and one for the type that are asked, one
for the zone whose replies are changed; then the changes. A change of octets is three of them: a place in the message,
and what is flipped there. A change of records is one for the place of a record and one for its length, and the octets
that its rdata becomes, whatever its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from resolver.dnssec import records
from resolver.errors import ResolutionFailed, WireError
from resolver.message import Message, Question, RRset, Type
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.properties.test_proofs import ASKED, TYPES, is_true, made
from tests.support.signed_world import PLAIN, Hash, SignedZone, World

READERS: tuple[Callable[[bytes], object], ...] = (
    records.read_rrsig,
    records.read_signer,
    records.read_dnskey,
    records.read_ds,
    records.read_nsec,
    records.read_nsec3,
)
_KINDS: tuple[Hash | None, ...] = (None, PLAIN)


class Changed(World):
    """A world whose true replies are held, and change as `change` says on their way from `zone`."""

    kind: Hash | None = None
    zone_changed = b""
    change: Callable[[Message], Message]

    def reply(self, question: Question) -> tuple[SignedZone, Message]:
        """See `World`."""
        zone, message = _true(self.kind, question._replace(name=names.fold(question.name)))
        message = message._replace(question=question)
        return zone, self.change(message) if zone.name == self.zone_changed else message


@cache
def _world(kind: Hash | None) -> World:
    return made(kind)


@lru_cache(maxsize=4096)
def _true(kind: Hash | None, question: Question) -> tuple[SignedZone, Message]:
    return _world(kind).reply(question)


def proof(data: bytes) -> None:
    """Whatever becomes of a reply, it is refused by the taxonomy, or what is secure in it is as true as before."""
    for read in READERS:
        try:
            read(data)
        except WireError:
            continue
    if len(data) < 5:
        return
    kind = _KINDS[data[0] & 1]
    true = _world(kind)
    there = Changed(true.zones, true.trust, true.clock)
    there.kind = kind
    there.zone_changed = list(true.zones)[data[3] % 3]
    edit = _of_records if data[0] & 2 else _of_octets
    changes = data[4:]
    there.change = lambda message: edit(message, changes)
    there.forget()
    question = Question(names.from_text(ASKED[data[1] % len(ASKED)]), TYPES[data[2] % len(TYPES)])
    try:
        answer = there.resolve(names.to_text(question.name), question.type)
    except ResolutionFailed:
        return
    is_true(true, question, answer)


def _of_octets(message: Message, changes: bytes) -> Message:
    """`message` with octets of it flipped; as it was, where that is no message."""
    wire = bytearray(render(message, 65535))
    for place in range(0, len(changes) - 2, 3):
        where = int.from_bytes(changes[place : place + 2], "big")
        wire[12 + where % (len(wire) - 12)] ^= changes[place + 2]
    try:
        return parse(bytes(wire))._replace(question=message.question)
    except WireError:
        return message


def _of_records(message: Message, changes: bytes) -> Message:
    """`message` with other rdata in some of its records; as it was, where that is no message."""
    sections = [list(message.answer), list(message.authority)]
    for place, rdata in _pieces(changes):
        section = sections[place & 1] or sections[1 - (place & 1)]
        if section:
            where = (place >> 1) % len(section)
            rrset: RRset = section[where]
            kept = rrset.rdatas if place & 0x80 else rrset.rdatas[1:]
            section[where] = rrset._replace(rdatas=(rdata, *kept))
    changed = message._replace(answer=tuple(sections[0]), authority=tuple(sections[1]))
    try:
        return parse(render(changed, 65535))._replace(question=message.question)
    except (WireError, ValueError, IndexError):
        return message  # what cannot be sent is not heard


def _pieces(changes: bytes) -> Iterator[tuple[int, bytes]]:
    while len(changes) > 2:
        length = changes[1]
        yield changes[0], changes[2 : 2 + length]
        changes = changes[2 + length :]


SIGNATURES = (Type.RRSIG, Type.DNSKEY, Type.DS, Type.NSEC, Type.NSEC3)
"""What is changed above all."""


def seeds() -> Iterator[tuple[str, bytes]]:
    """Inputs to begin with, by a name: for each kind of record its own rdata, with an octet flipped."""
    for number, kind in enumerate(_KINDS):
        for asked, name in enumerate(ASKED):
            for wanted, rtype in enumerate(TYPES):
                zone, message = _true(kind, Question(names.from_text(name), rtype))
                where = list(_world(kind).zones).index(zone.name)
                for section, rrsets in enumerate((message.answer, message.authority)):
                    for place, rrset in enumerate(rrsets):
                        if rrset.type in SIGNATURES and len(rrset.rdatas[0]) < 256:
                            rdata = bytes((rrset.rdatas[0][0] ^ 1,)) + rrset.rdatas[0][1:]
                            head = bytes((2 | number, asked, wanted, where, section | place << 1, len(rdata)))
                            yield f"{Type(rrset.type).name.lower()}-{number}-{asked}-{wanted}-{place}", head + rdata
