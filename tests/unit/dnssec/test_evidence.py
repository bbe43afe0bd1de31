"""The steps of a proof, as they are handed to who wants to see them."""

from __future__ import annotations

import pytest

from resolver.dnssec.anchors import Anchor
from resolver.dnssec.denial import Proven
from resolver.dnssec.evidence import Begun, Concluded, Evidence, Judged, Named, Reached, Signed
from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors
from resolver.dnssec.signatures import Invalid, Keys, Valid
from resolver.dnssec.trust import Unsigned
from resolver.engine.outcome import Answered
from resolver.errors import ResolutionFailed
from resolver.message import Status, Type
from resolver.wire import names
from tests.support.messages import name
from tests.support.signed_world import SignedZone, World, anchor_of, world


def made(notes: list[Evidence] | None, **trust: object) -> World:
    return world(
        SignedZone("."),
        SignedZone("test.", ("www.test. 300 IN A 192.0.2.1",)),
        SignedZone("broken.", ("www.broken. 300 IN A 192.0.2.1",), resign=lambda rrset, _: ()),
        SignedZone("plain.", ("www.plain. 300 IN A 192.0.2.1",), signed=False),
        noting=None if notes is None else notes.append,
        **trust,
    )


def of(notes: list[Evidence], kind: type) -> list[Evidence]:
    return [each for each in notes if isinstance(each, kind)]


def test_each_link_is_handed_on_as_it_is_proven() -> None:
    notes: list[Evidence] = []
    there = made(notes)
    there.resolve("www.test.")
    begun = notes[0]
    assert isinstance(begun, Begun)
    assert begun.anchor == anchor_of(there.zone("."))
    checked = [(names.to_text(each.rrset.name), each.rrset.type) for each in of(notes, Signed)]
    assert checked == [
        (".", Type.DNSKEY),
        ("test.", Type.DS),
        ("test.", Type.DNSKEY),
        ("www.test.", Type.A),
    ]
    assert all(isinstance(each.found, Valid) and each.now == there.trust.clock.wall() for each in of(notes, Signed))
    of_root, of_test = of(notes, Named)
    assert of_root.anchor == begun.anchor
    assert [key.tag for key in of_test.named] == [there.zone("test.").ksk.dnskey.tag]
    assert isinstance(of_test.anchor, Anchor)
    assert len(of_test.keys) == 2
    assert [(each.name, type(each.link)) for each in of(notes, Reached)] == [
        (names.ROOT, Keys),
        (name("test."), Keys),
    ]
    last = notes[-1]
    assert isinstance(last, Concluded)
    assert last.question.name == name("www.test.")
    assert isinstance(last.conclusion, Answered)
    assert last.conclusion.rrsets[0].status is Status.SECURE


def test_a_denial_is_handed_on_with_its_records_and_what_they_come_to() -> None:
    notes: list[Evidence] = []
    there = made(notes)
    there.resolve("nope.test.")
    judged = of(notes, Judged)[-1]
    assert (judged.name, judged.rtype, judged.zone) == (name("nope.test."), Type.A, name("test."))
    assert isinstance(judged.verdict, Proven)
    assert judged.verdict.absent
    assert {each.type for each in judged.sets} == {Type.NSEC}
    there.resolve("www.plain.")
    reached = of(notes, Reached)[-1]
    assert reached.name == name("plain.")
    assert isinstance(reached.link, Unsigned)
    assert any((each.name, each.rtype) == (name("plain."), Type.DS) for each in of(notes, Judged))


def test_what_is_broken_is_handed_on_too() -> None:
    notes: list[Evidence] = []
    with pytest.raises(ResolutionFailed) as caught:
        made(notes).resolve("www.broken.")
    broken = of(notes, Signed)[-1]
    assert isinstance(broken.found, Invalid)
    assert broken.found.why == caught.value.text


def test_a_negative_anchor_is_a_beginning_that_is_handed_on() -> None:
    notes: list[Evidence] = []
    negative = NegativeAnchor(name("test."))
    made(notes, negatives=NegativeAnchors([negative])).resolve("www.test.")
    assert Begun(name("www.test."), negative) in notes
    assert not of(notes, Signed)


def test_whether_it_is_seen_or_not_the_answer_is_the_same() -> None:
    notes: list[Evidence] = []
    for asked in ("www.test.", "nope.test.", "www.plain."):
        assert made(notes).resolve(asked) == made(None).resolve(asked)
