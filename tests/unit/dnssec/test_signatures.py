"""Tests for `resolver.dnssec.signatures`: each condition of RFC 4035 section 5.3.1, and what is told of the failure."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.dnssec import algorithms
from resolver.dnssec.records import REVOKED, read_dnskey
from resolver.dnssec.signatures import Invalid, Keys, Valid, check_rrset, left, signers
from resolver.engine.actions import Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.errors import ResolutionFailed
from resolver.message import Proof, RRset, Status
from tests.support.messages import name, rrset
from tests.support.signed import DAY, KSK, NOW, ZSK, Key, colliding, key

ZONE = name("example.com.")
KEY = key(13, ZSK, "signing")
DATA = rrset("www.example.com. 300 IN A 192.0.2.1")


def signed(data: RRset, *signatures: bytes) -> RRset:
    return data._replace(proof=Proof(Status.UNCHECKED, signatures))


def edited(rdata: bytes, at: int, octets: bytes) -> bytes:
    return rdata[:at] + octets + rdata[at + len(octets) :]


class Checking:
    """Runs the steps, and counts what is checked."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.budget = Budget(limits or Limits(), 0)
        self.tried = 0

    def __call__(self, data: RRset, *keys: Key, now: float = NOW, zone: bytes = ZONE) -> Valid | Invalid:
        steps = check_rrset(data, Keys(zone, tuple(each.dnskey for each in keys)), now, self.budget)
        event: Any = None
        while True:
            try:
                action = steps.send(event)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            assert isinstance(action, Verify)
            self.tried += len(action.checks)
            event = Verified(tuple(map(algorithms.verify, action.checks)))


def why(data: RRset, *keys: Key, now: float = NOW, zone: bytes = ZONE) -> tuple[str, int, str]:
    found = Checking()(data, *keys, now=now, zone=zone)
    assert isinstance(found, Invalid)
    return found.tag, found.ede, found.why


def told(found: Valid | Invalid) -> tuple[int, int, bytes | None]:
    """For how long it is good, by which key, and below what it was expanded."""
    assert isinstance(found, Valid)
    return found.ttl, found.rrsig.tag, found.encloser


GOOD = KEY.rrsig(DATA, "example.com.")


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_of_the_zone_holds() -> None:
    checking = Checking()
    assert told(checking(signed(DATA, GOOD), KEY)) == (300, KEY.dnskey.tag, None)
    assert checking.tried == 1


@pytest.mark.rfc(4035, "5.3.1")
def test_a_set_without_signatures_is_not_valid() -> None:
    told = ("SIGU", 10, "www.example.com. A has no RRSIG, though example.com. is signed")
    assert why(DATA, KEY) == told
    assert why(signed(DATA), KEY) == told


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_by_another_zone_does_not_count() -> None:
    by_parent = KEY.rrsig(DATA, "com.")
    tag, ede, text = why(signed(DATA, by_parent), KEY)
    assert (tag, ede) == ("SIGO", 6)
    assert text == "RRSIG of www.example.com. A is by com., which does not sign for example.com."


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_of_another_type_does_not_count() -> None:
    other = rrset("www.example.com. 300 IN AAAA 2001:db8::1")
    assert why(signed(DATA, KEY.rrsig(other, "example.com.")), KEY)[0] == "SIGM"


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_with_more_labels_than_the_owner_does_not_count() -> None:
    forged = KEY.forged(DATA, edited(GOOD, 3, b"\4"))
    assert why(signed(DATA, forged), KEY)[:2] == ("SIGL", 6)


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_with_fewer_labels_than_its_zone_does_not_count() -> None:
    forged = KEY.forged(DATA, edited(GOOD, 3, b"\1"), name("*.com."))
    assert why(signed(DATA, forged), KEY)[:2] == ("SIGL", 6)
    apex = rrset("example.com. 300 IN A 192.0.2.1")
    forged = KEY.forged(apex, edited(KEY.rrsig(apex, "example.com."), 3, b"\1"), name("*.com."))
    assert why(signed(apex, forged), KEY)[0] == "SIGL"


@pytest.mark.rfc(4035, "5.3.1")
@pytest.mark.rfc(4034, "3.1.5")
@pytest.mark.parametrize(
    ("now", "told"),
    [
        (NOW - DAY - 1, ("SIGF", 8)),
        (NOW - DAY, None),
        (NOW + DAY, None),
        (NOW + DAY + 0.9, None),
        (NOW + DAY + 1, ("SIGX", 7)),
    ],
)
def test_a_signature_is_valid_from_its_first_to_its_last_second(now: float, told: tuple[str, int] | None) -> None:
    if told is None:
        assert isinstance(Checking()(signed(DATA, GOOD), KEY, now=now), Valid)
    else:
        assert why(signed(DATA, GOOD), KEY, now=now)[:2] == told


def test_times_are_told_as_people_write_them() -> None:
    _, _, late = why(signed(DATA, GOOD), KEY, now=NOW + 2 * DAY)
    tag = KEY.dnskey.tag
    assert late == f"RRSIG of www.example.com. A by key {tag} expired at 2026-01-02T00:00:00Z"
    _, _, early = why(signed(DATA, GOOD), KEY, now=NOW - 2 * DAY)
    why_early = "is not valid before 2025-12-31T00:00:00Z; here it is 2025-12-30T00:00:00Z"
    assert early == f"RRSIG of www.example.com. A by key {tag} {why_early}"


@pytest.mark.rfc(4034, "3.1.5")
def test_times_are_serial_numbers_which_go_on_after_2106() -> None:
    wrap = 1 << 32
    rrsig = KEY.rrsig(DATA, "example.com.", begins=wrap - DAY, expires=wrap - 1)
    later = KEY.forged(DATA, edited(edited(rrsig, 8, DAY.to_bytes(4, "big")), 12, (wrap - DAY).to_bytes(4, "big")))
    assert isinstance(Checking()(signed(DATA, later), KEY, now=wrap - 10), Valid)
    assert isinstance(Checking()(signed(DATA, later), KEY, now=wrap + 10), Valid)
    assert why(signed(DATA, later), KEY, now=wrap + DAY + 1)[0] == "SIGX"
    assert left(5, wrap - 5) == 10
    assert left(wrap - 5, wrap + 5) == -10
    assert left(NOW + 60, NOW + 0.5) == 60


@pytest.mark.rfc(4034, "3.1.5")
def test_a_signature_that_ends_before_it_begins_is_never_valid() -> None:
    reversed_times = KEY.forged(DATA, edited(GOOD, 8, GOOD[12:16] + GOOD[8:12]))
    for now in (NOW - 2 * DAY, NOW, NOW + 2 * DAY):
        assert why(signed(DATA, reversed_times), KEY, now=now)[0] in ("SIGX", "SIGF")


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_by_a_key_that_the_zone_does_not_have_does_not_count() -> None:
    tag, ede, text = why(signed(DATA, GOOD), key(13, KSK, "another"))
    assert (tag, ede) == ("SIGK", 9)
    assert text == f"RRSIG of www.example.com. A is by key {KEY.dnskey.tag}, which is none of example.com."
    other_algorithm = edited(GOOD, 2, b"\x0f")
    assert why(signed(DATA, other_algorithm), KEY)[0] == "SIGK"


@pytest.mark.rfc(4035, "5.3.1")
@pytest.mark.rfc(4034, "2.1")
@pytest.mark.parametrize("flags", [0, 1])
def test_a_key_that_is_no_zone_key_signs_nothing(flags: int) -> None:
    plain = KEY.with_flags(flags)
    assert why(signed(DATA, plain.rrsig(DATA, "example.com.")), plain)[:2] == ("SIGZ", 11)


@pytest.mark.rfc(4034, "2.1.2")
def test_a_key_of_another_protocol_signs_nothing() -> None:
    rdata = edited(KEY.rdata, 2, b"\2")
    other = KEY._replace(dnskey=read_dnskey(rdata))
    forged = KEY.forged(DATA, edited(GOOD, 16, other.dnskey.tag.to_bytes(2, "big")))
    assert why(signed(DATA, forged), other)[:2] == ("SIGZ", 11)


@pytest.mark.rfc(5011, "2.1")
def test_a_revoked_key_signs_nothing() -> None:
    revoked = KEY.with_flags(ZSK | REVOKED)
    assert why(signed(DATA, revoked.rrsig(DATA, "example.com.")), revoked)[:2] == ("SIGR", 6)


@pytest.mark.rfc(4035, "5.3.3")
def test_a_signature_over_other_data_does_not_hold() -> None:
    other = rrset("www.example.com. 300 IN A 192.0.2.2")
    tag, ede, text = why(signed(other, GOOD), KEY)
    assert (tag, ede) == ("SIGB", 6)
    assert text == f"RRSIG of www.example.com. A by key {KEY.dnskey.tag} does not hold"


@pytest.mark.rfc(4035, "5.3.1")
def test_an_algorithm_that_is_not_known_is_not_tried() -> None:
    checking = Checking()
    found = checking(signed(DATA, edited(GOOD, 2, b"\x64")), KEY)
    assert isinstance(found, Invalid)
    assert (found.tag, checking.tried) == ("SIGA", 0)


def test_signatures_that_are_malformed_are_passed_over() -> None:
    assert why(signed(DATA, b"", GOOD[:20], GOOD[:17]), KEY)[0] == "SIGM"
    assert isinstance(Checking()(signed(DATA, b"", GOOD[:20], GOOD), KEY), Valid)


@pytest.mark.rfc(6840, "5.4")
@pytest.mark.rfc(6840, "5.11")
def test_one_signature_that_holds_is_enough() -> None:
    broken = GOOD[:-1] + bytes((GOOD[-1] ^ 1,))
    expired = KEY.rrsig(DATA, "example.com.", begins=NOW - 3 * DAY, expires=NOW - DAY)
    unknown = edited(GOOD, 2, b"\x64")
    assert isinstance(Checking()(signed(DATA, unknown, expired, broken, GOOD), KEY), Valid)


def test_of_several_reasons_the_one_that_says_most_is_told() -> None:
    broken = GOOD[:-1] + bytes((GOOD[-1] ^ 1,))
    expired = KEY.rrsig(DATA, "example.com.", begins=NOW - 3 * DAY, expires=NOW - DAY)
    future = KEY.rrsig(DATA, "example.com.", begins=NOW + DAY, expires=NOW + 2 * DAY)
    unknown_key = key(13, ZSK, "another").rrsig(DATA, "example.com.")
    by_parent = KEY.rrsig(DATA, "com.")
    assert why(signed(DATA, broken, expired, future, unknown_key), KEY)[0] == "SIGX"
    assert why(signed(DATA, future, broken), KEY)[0] == "SIGF"
    assert why(signed(DATA, broken, unknown_key), KEY)[0] == "SIGK"
    assert why(signed(DATA, by_parent, broken, b""), KEY)[0] == "SIGB"


@pytest.mark.rfc(4035, "5.3.3")
def test_what_is_valid_lives_no_longer_than_its_signature_and_its_original_ttl() -> None:
    short = KEY.rrsig(DATA, "example.com.", expires=NOW + 7)
    assert told(Checking()(signed(DATA, short), KEY)) == (7, KEY.dnskey.tag, None)
    assert told(Checking()(signed(DATA, short), KEY, now=NOW + 7)) == (0, KEY.dnskey.tag, None)
    stretched = DATA._replace(ttl=86_400)
    assert told(Checking()(signed(stretched, GOOD), KEY)) == (300, KEY.dnskey.tag, None)
    aged = DATA._replace(ttl=5)
    assert told(Checking()(signed(aged, GOOD), KEY)) == (5, KEY.dnskey.tag, None)


@pytest.mark.rfc(4035, "5.3.2")
@pytest.mark.rfc(4035, "5.3.4")
def test_what_a_wildcard_was_expanded_to_tells_its_closest_encloser() -> None:
    wildcard = rrset("*.w.example.com. 300 IN A 192.0.2.1")
    signature = KEY.rrsig(wildcard, "example.com.")
    expanded = signed(wildcard._replace(name=name("a.B.w.example.com.")), signature)
    assert told(Checking()(expanded, KEY)) == (300, KEY.dnskey.tag, name("w.example.com."))
    assert told(Checking()(signed(wildcard, signature), KEY)) == (300, KEY.dnskey.tag, None)
    elsewhere = signed(wildcard._replace(name=name("a.v.example.com.")), signature)
    assert why(elsewhere, KEY)[0] == "SIGB"


@pytest.mark.rfc(4034, "6.2")
def test_letter_case_of_owner_and_signer_does_not_matter() -> None:
    shouting = signed(DATA._replace(name=name("WWW.Example.COM.")), GOOD[:18] + GOOD[18:31].upper() + GOOD[31:])
    assert isinstance(Checking()(shouting, KEY), Valid)


@pytest.mark.rfc(4034, "8")
def test_two_keys_with_one_tag_are_both_tried_and_no_third() -> None:
    other = colliding(KEY.dnskey.tag)
    assert isinstance(Checking()(signed(DATA, GOOD), other, KEY), Valid)
    checking = Checking()
    assert isinstance(checking(signed(DATA, GOOD), other, other, KEY), Invalid)
    assert checking.tried == 2


def test_of_many_signatures_eight_are_tried() -> None:
    broken = [GOOD[:-1] + bytes((GOOD[-1] ^ number,)) for number in range(1, 20)]
    checking = Checking()
    assert isinstance(checking(signed(DATA, *broken, GOOD), KEY), Invalid)
    assert checking.tried == 8
    expired = KEY.rrsig(DATA, "example.com.", begins=NOW - 3 * DAY, expires=NOW - DAY)
    assert isinstance(Checking()(signed(DATA, *[expired] * 20, GOOD), KEY), Valid)


def test_checks_are_paid_from_the_budget_of_the_whole_question() -> None:
    checking = Checking(Limits(signature_checks=3))
    for _ in range(3):
        checking(signed(DATA, GOOD), KEY)
    with pytest.raises(ResolutionFailed) as caught:
        checking(signed(DATA, GOOD), KEY)
    assert (caught.value.tag, checking.tried) == ("BUDS", 3)


def test_the_signers_of_a_set_are_those_of_signatures_that_can_be_read() -> None:
    data = signed(DATA, GOOD, KEY.rrsig(DATA, "com."), b"", GOOD[:20])
    assert signers(data) == {ZONE, name("com.")}
    assert signers(DATA) == set()


def test_a_check_that_does_not_hold_costs_four_times_and_none_more_is_made_when_that_is_not_left() -> None:
    broken = [GOOD[:-1] + bytes((GOOD[-1] ^ number,)) for number in range(1, 20)]
    checking = Checking(Limits(signature_checks=9))
    with pytest.raises(ResolutionFailed, match="BUDS"):
        checking(signed(DATA, *broken), KEY)
    assert checking.tried == 3, "two that cost four each, and what is left is one"


def test_a_check_by_a_slow_algorithm_costs_as_much_as_it_takes() -> None:
    slow = key(14, seed="slow")
    checking = Checking(Limits(signature_checks=5))
    good = signed(DATA, slow.rrsig(DATA, "example.com."))
    assert [isinstance(checking(good, slow), Valid) for _ in range(2)] == [True, True]
    with pytest.raises(ResolutionFailed, match="BUDS"):
        checking(good, slow)
    assert checking.tried == 2


def test_of_a_hundred_keys_with_one_tag_the_first_that_may_sign_are_tried() -> None:
    unusable = KEY.with_flags(0)
    revoked = KEY.with_flags(ZSK | 0x80)
    other = colliding(KEY.dnskey.tag)
    checking = Checking()
    assert isinstance(checking(signed(DATA, GOOD), unusable, revoked, other, KEY, *[other] * 100), Valid)
    assert checking.tried == 2
