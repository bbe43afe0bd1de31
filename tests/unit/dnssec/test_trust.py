"""Tests for `resolver.dnssec.trust`: where chains begin, what is held of them, and which DS are of use."""

from __future__ import annotations

import pytest

from resolver.dnssec import trust as trusting
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.gaps import Gaps
from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors
from resolver.dnssec.records import Ds, read_dnskey
from resolver.dnssec.signatures import Keys
from resolver.dnssec.trust import Trust, Unsigned, Within, usable
from resolver.message import QR, Ede, Message, RRset, Status, Type
from resolver.wire import names
from tests.support.clocks import ManualClock
from tests.support.denials import APEX, nsec, soa
from tests.support.messages import name
from tests.support.signed import NOW, key

DS = Ds(1, 13, 2, bytes(32))
COM, EXAMPLE, WWW = name("com."), name("example.com."), name("www.example.com.")


def trust(*zones: str, negatives: NegativeAnchors | None = None, links_bytes: int = 1 << 20) -> Trust:
    anchors = {name(zone): Anchor(name(zone), (DS,)) for zone in zones}
    return Trust(anchors, ManualClock(), negatives=negatives, links_bytes=links_bytes)


def referral(zone: bytes, octets: int = 36) -> Message:
    ds = RRset(zone, Type.DS, 1, 60, (bytes(octets),))
    rrsig = RRset(zone, Type.RRSIG, 1, 60, (b"\0\x2b" + bytes(40),))
    return Message(0, QR, 0, None, (), (ds, rrsig))


@pytest.mark.rfc(4035, "4.3")
def test_a_chain_begins_at_the_closest_anchor() -> None:
    there = trust(".", "example.com.")
    assert there.beginning(WWW) == EXAMPLE
    assert there.beginning(EXAMPLE) == EXAMPLE
    assert there.beginning(COM) == names.ROOT
    assert trust(".").beginning(WWW) == names.ROOT
    assert trust("com.").beginning(name("net.")) == Unsigned(names.ROOT, Status.INDETERMINATE)
    assert trust().beginning(names.ROOT) == Unsigned(names.ROOT, Status.INDETERMINATE)


@pytest.mark.rfc(7646, "2")
def test_a_negative_anchor_that_is_as_close_is_no_beginning_until_it_ends() -> None:
    there = trust(".", negatives=NegativeAnchors([NegativeAnchor(EXAMPLE, NOW + 10)]))
    assert there.beginning(WWW) == Unsigned(EXAMPLE, Status.INSECURE)
    assert there.beginning(COM) == names.ROOT
    there.clock.advance(10)  # type: ignore[attr-defined]
    assert there.beginning(WWW) == names.ROOT


def test_other_anchors_are_believed_from_now_on_and_nothing_is_held_of_what_came_of_those_before() -> None:
    there = trust(".")
    there.found(COM, Within(), 60)
    there.remark(COM, Ede(27, "many"), 60)
    there.referred(COM, referral(COM))
    there.gaps = Gaps()
    there.gaps.learn(
        APEX.to_wire(), soa(APEX), (nsec("a.example.", "c.example.", [Type.A, Type.NSEC, Type.RRSIG]),), 0, 0
    )
    assert there.said_of_ds(COM)
    assert len(there.gaps) == 1
    there.believe({EXAMPLE: Anchor(EXAMPLE, (DS,))})
    assert there.beginning(WWW) == EXAMPLE
    assert isinstance(there.beginning(COM), Unsigned)
    assert (there.link(COM), there.told(COM), there.said_of_ds(COM), len(there.gaps)) == (None, (), (), 0)


def test_a_zone_is_wholly_unsigned_where_no_anchor_can_stand_below_it() -> None:
    unsigned = Unsigned(COM, Status.INSECURE)
    there = trust(".")
    assert there.unsigned(COM) is None
    there.found(COM, Within(), 60)
    assert there.unsigned(COM) is None
    there.found(COM, unsigned, 60)
    assert there.unsigned(COM) == unsigned
    assert there.unsigned(EXAMPLE) is None
    there.negatives = NegativeAnchors([NegativeAnchor(WWW)])
    assert there.unsigned(COM) is None
    there = trust(".", "example.com.")
    there.found(COM, unsigned, 60)
    assert there.unsigned(COM) is None


def test_a_link_is_held_for_its_seconds() -> None:
    there = trust(".")
    there.found(COM, Within(), 60)
    there.clock.advance(59)  # type: ignore[attr-defined]
    assert there.link(COM) == Within()
    there.clock.advance(1)  # type: ignore[attr-defined]
    assert there.link(COM) is None
    there.found(COM, Within(), 0)
    assert there.link(COM) is None


def test_links_are_bounded_by_what_they_weigh() -> None:
    keys = Keys(COM, (read_dnskey(key().rdata),) * 4)
    there = trust(".", links_bytes=10_000)
    for number in range(1000):
        there.found(number.to_bytes(2, "big"), keys, 60)
    held = sum(there.link(number.to_bytes(2, "big")) is not None for number in range(1000))
    assert 2 <= held <= 10
    for number in range(1000):
        there.found(number.to_bytes(2, "big"), Within(), 60)
    assert sum(there.link(number.to_bytes(2, "big")) is not None for number in range(1000)) == 25


def test_what_referrals_said_is_bounded_by_what_it_weighs() -> None:
    there = trust(".")
    zones = [name(f"z{number}.") for number in range(100)]
    for zone in zones:
        there.referred(zone, referral(zone, octets=60_000))
    assert 0 < sum(bool(there.said_of_ds(zone)) for zone in zones) <= trusting.REFERRED_BYTES // 60_000


def test_what_is_flushed_is_not_held_any_more() -> None:
    there = trust(".")
    for each in (COM, EXAMPLE, WWW):
        there.found(each, Within(), 60)
        there.remark(each, Ede(27, "many"), 60)
    assert there.forget(EXAMPLE, subtree=False) == 1
    assert [there.link(each) is None for each in (COM, EXAMPLE, WWW)] == [False, True, False]
    assert there.forget(EXAMPLE, subtree=True) == 1
    assert there.forget(EXAMPLE, subtree=True) == 0
    assert there.told(WWW) == (Ede(27, "many"),)
    assert there.forget(COM, subtree=True) == 1
    assert there.told(WWW) == ()


def test_why_a_name_is_insecure_is_told_of_the_closest_zone_that_says_so() -> None:
    there = trust(".")
    why, other = Ede(1, "algorithms"), Ede(27, "iterations")
    there.found(COM, Unsigned(COM, Status.INSECURE, why), 60)
    assert there.told(WWW) == (why,)
    there.found(EXAMPLE, Unsigned(EXAMPLE, Status.INSECURE), 60)
    assert there.told(WWW) == (why,)
    there.remark(WWW, other, 60)
    assert there.told(WWW) == (other,)
    assert there.told(EXAMPLE) == (why,)
    assert there.told(name("net.")) == ()


def test_a_referral_that_says_nothing_of_a_ds_leaves_nothing() -> None:
    there = trust(".")
    ns = RRset(COM, Type.NS, 1, 60, (b"\0",))
    there.referred(COM, Message(0, QR, 0, None, (), (ns,)))
    assert there.said_of_ds(COM) == ()


@pytest.mark.rfc(4035, "5.2")
@pytest.mark.rfc(4509, "3")
def test_a_ds_is_of_use_when_its_algorithm_and_its_digest_are_known_and_the_best_of_them_counts() -> None:
    sha1, sha384 = DS._replace(digest_type=1), DS._replace(digest_type=4)
    unknown_algorithm, unknown_digest = DS._replace(algorithm=100), DS._replace(digest_type=100)
    assert usable([DS, sha384, sha1, unknown_algorithm, unknown_digest], COM) == (DS, sha384)
    assert usable([sha1, unknown_digest], COM) == (sha1,)
    assert usable([sha1, DS._replace(algorithm=100)], COM) == (sha1,)
    none = usable([unknown_algorithm, DS._replace(algorithm=3)], COM)
    assert isinstance(none, Unsigned)
    assert none.ede == Ede(1, "com. has keys of algorithms that are not known here: 3, 100 [ALGO]")
    none = usable([unknown_digest, unknown_algorithm], COM)
    assert isinstance(none, Unsigned)
    assert (none.status, none.ede) == (
        Status.INSECURE,
        Ede(2, "com. has a DS with digests that are not known here: 100 [DGST]"),
    )
