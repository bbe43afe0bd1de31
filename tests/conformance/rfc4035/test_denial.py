"""The examples of RFC 4035 appendix B that deny something: what the replies that it shows prove of its zone."""

from __future__ import annotations

import pytest

from resolver.dnssec import denial
from resolver.dnssec.denial import Insecure, Iterations, Proven, Unproven, Verdict
from resolver.message import Rcode, RRset, Type
from tests.support.denials import nsec
from tests.support.messages import name

ZONE = name("example.")
LIMITS = Iterations(50, 150)
_OWN = (Type.RRSIG, Type.NSEC)
CHAIN = {
    "example.": nsec("example.", "a.example.", (Type.NS, Type.SOA, Type.MX, Type.DNSKEY, *_OWN)),
    "a.example.": nsec("a.example.", "ai.example.", (Type.NS, Type.DS, *_OWN)),
    "ai.example.": nsec("ai.example.", "b.example.", (Type.A, 13, Type.AAAA, *_OWN)),
    "b.example.": nsec("b.example.", "ns1.example.", (Type.NS, *_OWN)),
    "ns1.example.": nsec("ns1.example.", "ns2.example.", (Type.A, *_OWN)),
    "ns2.example.": nsec("ns2.example.", "*.w.example.", (Type.A, *_OWN)),
    "*.w.example.": nsec("*.w.example.", "x.w.example.", (Type.MX, *_OWN)),
    "x.w.example.": nsec("x.w.example.", "x.y.w.example.", (Type.MX, *_OWN)),
    "x.y.w.example.": nsec("x.y.w.example.", "xx.example.", (Type.MX, *_OWN)),
    "xx.example.": nsec("xx.example.", "example.", (Type.A, 13, Type.AAAA, *_OWN)),
}
"""Appendix A: the NSEC records by owner."""


def free(_price: int) -> None:
    """What pays for every hash."""


def of(owners: tuple[str, ...]) -> list[RRset]:
    return [CHAIN[owner] for owner in owners]


def proved(asked: str, rtype: int, rcode: int, *owners: str) -> Verdict:
    """The verdict over the records of `owners`, and that with any of them left out nothing is proven."""
    for left_out in owners:
        rest = of(tuple(owner for owner in owners if owner != left_out))
        assert isinstance(denial.prove(name(asked), rtype, rcode, rest, ZONE, free, LIMITS), Unproven)
    return denial.prove(name(asked), rtype, rcode, of(owners), ZONE, free, LIMITS)


@pytest.mark.rfc(4035, "B.2")
def test_a_name_error_takes_the_gap_of_the_name_and_that_of_the_wildcard() -> None:
    verdict = proved("ml.example.", Type.A, Rcode.NXDOMAIN, "b.example.", "example.")
    assert verdict == Proven((CHAIN["b.example."], CHAIN["example."]), absent=True)


@pytest.mark.rfc(4035, "B.3")
def test_no_data_takes_the_record_at_the_name() -> None:
    assert proved("ns1.example.", Type.MX, Rcode.NOERROR, "ns1.example.") == Proven((CHAIN["ns1.example."],))


@pytest.mark.rfc(4035, "B.5")
def test_a_delegation_without_ds_is_insecure_and_its_denial_is_proven() -> None:
    verdict = denial.no_ds(name("b.example."), of(("b.example.",)), ZONE, free, LIMITS)
    assert isinstance(verdict, Insecure)
    assert isinstance(proved("b.example.", Type.DS, Rcode.NOERROR, "b.example."), Proven)


@pytest.mark.rfc(4035, "B.6")
def test_a_wildcard_answer_takes_the_gap_of_the_name() -> None:
    asked, encloser = name("a.z.w.example."), name("w.example.")
    verdict = denial.wildcard_expansion(asked, encloser, of(("x.y.w.example.",)), ZONE, free, LIMITS)
    assert verdict == Proven((CHAIN["x.y.w.example."],))
    rest = [each for each in CHAIN.values() if each != CHAIN["x.y.w.example."]]
    assert isinstance(denial.wildcard_expansion(asked, encloser, rest, ZONE, free, LIMITS), Unproven)


@pytest.mark.rfc(4035, "B.7")
def test_no_data_at_a_wildcard_takes_its_record_too() -> None:
    owners = ("x.y.w.example.", "*.w.example.")
    assert isinstance(proved("a.z.w.example.", Type.AAAA, Rcode.NOERROR, *owners), Proven)
    assert isinstance(proved("a.z.w.example.", Type.MX, Rcode.NOERROR, *owners), Unproven)


@pytest.mark.rfc(4035, "B.8")
def test_a_zone_does_not_deny_its_own_ds() -> None:
    assert isinstance(proved("example.", Type.DS, Rcode.NOERROR, "example."), Unproven)


@pytest.mark.rfc(6840, "4.4")
def test_the_record_of_the_child_does_not_make_a_delegation_unsigned() -> None:
    child = nsec("a.example.", "x.a.example.", (Type.NS, Type.SOA, Type.DNSKEY, *_OWN))
    assert isinstance(denial.no_ds(name("a.example."), [child], ZONE, free, LIMITS), Unproven)


@pytest.mark.rfc(6840, "4.4")
def test_a_name_that_is_not_delegated_does_not_end_the_chain_of_trust() -> None:
    for asked in ("ns1.example.", "w.example.", "nothing.example.", "a.z.w.example."):
        verdict = denial.no_ds(name(asked), CHAIN.values(), ZONE, free, LIMITS)
        assert isinstance(verdict, Proven)
        assert verdict.absent == (asked == "nothing.example.")
