"""What a DNSKEY set shows to whoever follows the keys of its zone."""

from __future__ import annotations

import pytest

from resolver.dnssec import keyset
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.keyset import MAX_CHECKS, judge
from resolver.dnssec.rollover import TrustPoint, configured
from resolver.wire import names
from tests.support.ksk import DAY, KeySet, SigningKey

NOW = 1_790_000_000.0
ZONE = names.from_text("example.")
OLD, NEW, STRANGER = SigningKey(1), SigningKey(2), SigningKey(3)
BY_KEY = configured(Anchor(ZONE, dnskeys=(OLD.public(),)), None, NOW)
BY_DS = configured(Anchor(ZONE, ds=(OLD.ds,)), None, NOW)


@pytest.mark.parametrize("point", [BY_KEY, BY_DS], ids=["key", "digest"])
def test_a_set_is_proven_by_an_anchor_that_signs_it(point: TrustPoint) -> None:
    made = KeySet([OLD, NEW], [OLD, NEW], NOW, ttl=7200)
    seen = judge(point, made.rrset, made.signatures, NOW)
    assert seen.proven
    assert seen.keys == {OLD.public(), NEW.public()}
    assert (seen.revoked, seen.ttl, seen.expires) == (frozenset(), 7200, NOW + 10 * DAY)


def test_a_set_that_others_alone_sign_is_not_proven() -> None:
    made = KeySet([OLD, NEW], [NEW], NOW)
    seen = judge(BY_KEY, made.rrset, made.signatures, NOW)
    assert not seen.proven
    forged = KeySet([STRANGER], [STRANGER], NOW)
    assert not judge(BY_KEY, forged.rrset, made.signatures, NOW).proven


@pytest.mark.rfc(4035, "5.3.1")
def test_a_signature_counts_while_it_holds() -> None:
    made = KeySet([OLD], [OLD], NOW, begins=NOW - 60, lasts=60)
    wanted = {NOW - 61: False, NOW - 60: True, NOW + 60: True, NOW + 61: False}
    assert {at: judge(BY_KEY, made.rrset, made.signatures, at).proven for at in wanted} == wanted


@pytest.mark.rfc(5011, "2.1")
def test_a_key_revokes_itself_when_it_signs_the_set_with_the_flag() -> None:
    made = KeySet([OLD, NEW], [OLD, NEW], NOW, revoked=(OLD,))
    seen = judge(BY_KEY, made.rrset, made.signatures, NOW)
    assert seen.revoked == {OLD.public(revoked=True)}
    assert not seen.proven, "a revoked key proves nothing else"


@pytest.mark.rfc(5011, "2.1")
def test_nobody_else_can_revoke_a_key() -> None:
    made = KeySet([OLD, NEW], [NEW], NOW, revoked=(OLD,))
    assert judge(BY_KEY, made.rrset, made.signatures, NOW).revoked == frozenset()


def test_what_is_malformed_or_of_another_zone_or_set_is_passed_over() -> None:
    made = KeySet([OLD], [OLD], NOW)
    other = KeySet([SigningKey(1, "other.")], [SigningKey(1, "other.")], NOW)
    good = made.signatures[0]
    covers_a = b"\0\1" + good[2:]
    labels = good[:3] + b"\0" + good[4:]
    for bad in ([b""], [b"\0" * 18], other.signatures, [covers_a], [labels], [good[:-1]], [good[:-1] + b"\0"]):
        assert not judge(BY_KEY, made.rrset, bad, NOW).proven
        assert judge(BY_KEY, made.rrset, [*bad, good], NOW).proven
    odd = made.rrset._replace(rdatas=(b"\1", *made.rrset.rdatas))
    assert judge(BY_KEY, odd, [good], NOW).keys == {OLD.public()}


def test_a_set_that_attacks_costs_no_more_checks_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = 0

    def counted(check: object) -> bool:
        nonlocal checks
        checks += 1
        return False

    monkeypatch.setattr(keyset, "verify", counted)
    made = KeySet([OLD], [OLD], NOW)
    good = made.signatures[0]
    judge(BY_KEY, made.rrset, [good[:-1] + bytes([number]) for number in range(100)], NOW)
    assert checks == MAX_CHECKS
