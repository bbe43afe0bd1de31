"""Whatever is changed in replies on their way, what is said to be secure is what the zones' owners have signed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed, WireError
from resolver.message import Message, Question, Rcode, RRset, Status, Type
from resolver.wire import names, parse, rdata, render
from tests.properties.profiles import examples
from tests.support.messages import name
from tests.support.signed_world import PLAIN, Hash, SignedZone, World, world

LINES = (
    "www.example.com. 300 IN A 192.0.2.1",
    "www.example.com. 300 IN A 192.0.2.9",
    "a.ent.example.com. 300 IN A 192.0.2.4",
    "alias.example.com. 300 IN CNAME www.example.com.",
    "*.wild.example.com. 300 IN A 192.0.2.2",
    "there.wild.example.com. 300 IN A 192.0.2.3",
    "tree.example.com. 60 IN DNAME wild.example.com.",
)
ASKED = (
    "www.example.com.",
    "alias.example.com.",
    "x.wild.example.com.",
    "there.wild.example.com.",
    "y.tree.example.com.",
    "ent.example.com.",
    "nothing.example.com.",
    "a.b.nothing.example.com.",
)
TYPES = (Type.A, Type.AAAA, Type.CNAME, Type.NSEC, Type.DS, Type.DNSKEY)


def made(kind: Hash | None) -> World:
    zones = SignedZone("com.", nsec3=kind), SignedZone("example.com.", LINES, nsec3=kind)
    return world(SignedZone("."), *zones)


WORLDS = {kind: made(kind) for kind in (None, PLAIN)}
TRUE = {kind: made(kind) for kind in (None, PLAIN)}


class Liar:
    """Changes replies as its dice say; what it has heard it may say again elsewhere."""

    def __init__(self, seed: int, often: float) -> None:
        self.dice = random.Random(seed)
        self.often = often
        self.heard: list[RRset] = []

    def __call__(self, message: Message) -> Message:
        sections = [list(message.answer), list(message.authority)]
        self.heard += [each for section in sections for each in section]
        while self.dice.random() < self.often:
            section = self.dice.choice(sections)
            self._change(section)
        rcode = self.dice.choice((0, 3)) if self.dice.random() < self.often / 3 else message.rcode
        changed = message._replace(rcode=rcode, answer=tuple(sections[0]), authority=tuple(sections[1]))
        try:  # what cannot be sent is not heard
            return parse.parse(render.render(changed, 65535))
        except (WireError, ValueError, IndexError):
            return message

    def _change(self, section: list[RRset]) -> None:
        dice = self.dice
        if not section or dice.random() < 0.2:
            section.insert(dice.randint(0, len(section)), dice.choice(self.heard) if self.heard else section[0])
            return
        place = dice.randrange(len(section))
        rrset = section[place]
        match dice.randrange(6):
            case 0:
                del section[place]
            case 1:
                section[place] = rrset._replace(rdatas=(*rrset.rdatas[1:], self._flipped(rrset.rdatas[0])))
            case 2:
                section[place] = rrset._replace(rdatas=rrset.rdatas[:1])
            case 3:
                section[place] = rrset._replace(name=dice.choice([each.name for each in self.heard]))
            case 4:
                section[place] = rrset._replace(ttl=dice.randrange(1 << 31))
            case _:
                alike = [each for each in self.heard if each.type == rrset.type]
                section[place] = rrset._replace(rdatas=dice.choice(alike or [rrset]).rdatas)

    def _flipped(self, octets: bytes) -> bytes:
        place = self.dice.randrange(len(octets)) if octets else 0
        return octets[:place] + bytes((octets[place] ^ 1 << self.dice.randrange(8),)) + octets[place + 1 :]


def canonical(rrset: RRset) -> tuple[bytes, int, frozenset[bytes]]:
    return names.fold(rrset.name), rrset.type, frozenset(rdata.canonical(rrset.type, each) for each in rrset.rdatas)


def truth(there: World, qname: bytes, rtype: int) -> tuple[int, set[tuple[bytes, int, frozenset[bytes]]]]:
    _, message = there.reply(Question(qname, rtype))
    return message.rcode, {canonical(each) for each in message.answer}


def is_true(there: World, question: Question, answer: Answer) -> None:
    """All that is secure in `answer` is so."""
    spelled = question.name
    for rrset in answer.rrsets:
        if rrset.type == Type.CNAME:
            spelled = rrset.rdatas[0]
        if rrset.status is Status.SECURE and rrset.type != Type.RRSIG:
            _, true = truth(there, rrset.name, rrset.type)
            assert canonical(rrset) in true
    soa = answer.soa
    if soa is not None and soa.status is Status.SECURE:
        rcode, true = truth(there, spelled, question.type)
        assert not any(owner == names.fold(spelled) and rtype == question.type for owner, rtype, _ in true)
        if answer.rcode == Rcode.NXDOMAIN:
            assert rcode == Rcode.NXDOMAIN
        # One without records stands for a denial that came without its SOA.
        assert not soa.rdatas or canonical(soa) in truth(there, soa.name, Type.SOA)[1]


@pytest.mark.rfc(4035, "5")
@pytest.mark.parametrize("kind", [None, PLAIN], ids=["nsec", "nsec3"])
@examples(0.5)
@given(seed=st.integers(0, 1 << 32), often=st.sampled_from([0.3, 0.6, 0.8]), everywhere=st.booleans())
def test_what_is_changed_on_its_way_is_not_secure(kind: Hash | None, seed: int, often: float, everywhere: bool) -> None:
    there, true = WORLDS[kind], TRUE[kind]
    liar = Liar(seed, often)
    there.forget()
    for zone in there.zones.values():
        zone.alter = liar if everywhere or zone.apex == "example.com." else lambda message: message
    for _ in range(4):
        question = Question(name(liar.dice.choice(ASKED)), liar.dice.choice(TYPES))
        try:
            answer = there.resolve(names.to_text(question.name), question.type)
        except ResolutionFailed:
            continue
        is_true(true, question, answer)
