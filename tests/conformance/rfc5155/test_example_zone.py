"""The examples of RFC 5155 appendix B: what the replies that it shows prove of its zone, and which records it takes."""

from __future__ import annotations

from base64 import b32hexencode

import pytest

from resolver.dnssec import denial
from resolver.dnssec.denial import Insecure, Iterations, Proven, Unproven, Verdict
from resolver.dnssec.nsec3 import Params, hash_name
from resolver.message import Rcode, RRset, Type
from tests.support.denials import APEX, nsec3
from tests.support.messages import name

ZONE = name("example.")
LIMITS = Iterations(50, 150)

CHAIN = {
    "example.": ("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", (Type.NS, Type.SOA, Type.MX, Type.RRSIG, Type.DNSKEY, 51)),
    "ns1.example.": ("2t7b4g4vsa5smi47k61mv5bv1a22bojr", (Type.A, Type.RRSIG)),
    "x.y.w.example.": ("2vptu5timamqttgl4luu9kg21e0aor3s", (Type.MX, Type.RRSIG)),
    "a.example.": ("35mthgpgcu1qg68fab165klnsnk3dpvl", (Type.NS, Type.DS, Type.RRSIG)),
    "x.w.example.": ("b4um86eghhds6nea196smvmlo4ors995", (Type.MX, Type.RRSIG)),
    "ai.example.": ("gjeqe526plbf1g8mklp59enfd789njgi", (Type.A, 13, Type.AAAA, Type.RRSIG)),
    "y.w.example.": ("ji6neoaepv8b5o6k4ev33abha8ht9fgc", ()),
    "w.example.": ("k8udemvp1j2f7eg6jebps17vp3n8i58h", ()),
    "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.": ("kohar7mbb8dc2ce8a9qvl8hon4k53uhi", (Type.A, Type.RRSIG)),
    "ns2.example.": ("q04jkcevqvmu85r014c7dkba38o0ji5r", (Type.A, Type.RRSIG)),
    "*.w.example.": ("r53bq7cc2uvmubfu5ocmm6pers9tk9en", (Type.MX, Type.RRSIG)),
    "xx.example.": ("t644ebqk9bibcna874givr6joj62mlhv", (Type.A, 13, Type.AAAA, Type.RRSIG)),
}
"""Appendix A: each name with its hash, in the order of hashes, and its types."""


def chain(flags: int) -> dict[str, RRset]:
    """The NSEC3 records by name; the zone of the RFC is opted out, with flags 1."""
    hashes = [hashed for hashed, _ in CHAIN.values()]
    after = dict(zip(hashes, [*hashes[1:], hashes[0]], strict=True))
    return {
        owner: nsec3(hashed, after[hashed], types, APEX, f"1 {flags} 12 aabbccdd")
        for owner, (hashed, types) in CHAIN.items()
    }


def free(_price: int) -> None:
    """What pays for every hash."""


def proved(asked: str, rtype: int, rcode: int, *owners: str, flags: int = 0) -> Verdict:
    """The verdict over the records of `owners`, and that with any of them left out nothing is proven."""
    sets = [chain(flags)[owner] for owner in owners]
    for left_out in range(len(sets)):
        less = denial.prove(name(asked), rtype, rcode, sets[:left_out] + sets[left_out + 1 :], ZONE, free, LIMITS)
        assert isinstance(less, Unproven)
    return denial.prove(name(asked), rtype, rcode, sets, ZONE, free, LIMITS)


@pytest.mark.rfc(5155, "A")
@pytest.mark.parametrize("owner", CHAIN)
def test_the_names_of_the_zone_have_its_hashes(owner: str) -> None:
    hashed = hash_name(name(owner), Params(12, bytes.fromhex("aabbccdd")))
    assert b32hexencode(hashed).decode().lower() == CHAIN[owner][0]


@pytest.mark.rfc(5155, "B.1")
@pytest.mark.rfc(5155, "8.4")
def test_a_name_error_takes_the_encloser_the_next_closer_name_and_the_wildcard() -> None:
    owners = ("example.", "x.w.example.", "a.example.")
    verdict = proved("a.c.x.w.example.", Type.A, Rcode.NXDOMAIN, *owners)
    assert isinstance(verdict, Proven)
    assert verdict.absent
    assert set(verdict.by) == {chain(0)[owner] for owner in owners}


@pytest.mark.rfc(5155, "9.2")
def test_a_name_error_in_an_opted_out_zone_is_insecure() -> None:
    sets = list(chain(1).values())
    verdict = denial.prove(name("a.c.x.w.example."), Type.A, Rcode.NXDOMAIN, sets, ZONE, free, LIMITS)
    assert isinstance(verdict, Insecure)
    assert verdict.ede is None


@pytest.mark.rfc(5155, "B.2")
@pytest.mark.rfc(5155, "8.5")
@pytest.mark.parametrize("flags", [0, 1])
def test_no_data_takes_the_record_at_the_name(flags: int) -> None:
    assert isinstance(proved("ns1.example.", Type.MX, Rcode.NOERROR, "ns1.example.", flags=flags), Proven)
    assert isinstance(proved("ns1.example.", Type.A, Rcode.NOERROR, "ns1.example."), Unproven)


@pytest.mark.rfc(5155, "B.2.1")
@pytest.mark.parametrize("flags", [0, 1])
def test_an_empty_non_terminal_has_a_record_without_types(flags: int) -> None:
    assert isinstance(proved("y.w.example.", Type.A, Rcode.NOERROR, "y.w.example.", flags=flags), Proven)


@pytest.mark.rfc(5155, "B.3")
@pytest.mark.rfc(5155, "8.9")
def test_a_referral_to_an_opted_out_zone_is_insecure() -> None:
    sets = [chain(1)[owner] for owner in ("a.example.", "example.")]
    verdict = denial.no_ds(name("c.example."), sets, ZONE, free, LIMITS)
    assert isinstance(verdict, Insecure)
    assert "opted-out" in verdict.why
    assert isinstance(denial.no_ds(name("c.example."), sets[:1], ZONE, free, LIMITS), Unproven)
    signed = [chain(0)[owner] for owner in ("a.example.", "example.")]
    assert isinstance(denial.no_ds(name("c.example."), signed, ZONE, free, LIMITS), Unproven)


@pytest.mark.rfc(5155, "B.4")
@pytest.mark.parametrize(("flags", "told"), [(0, Proven), (1, Insecure)])
def test_a_wildcard_answer_takes_the_record_over_the_next_closer_name(flags: int, told: type) -> None:
    asked, encloser = name("a.z.w.example."), name("w.example.")
    over = chain(flags)["ns2.example."]
    assert isinstance(denial.wildcard_expansion(asked, encloser, [over], ZONE, free, LIMITS), told)
    rest = [each for each in chain(flags).values() if each != over]
    assert isinstance(denial.wildcard_expansion(asked, encloser, rest, ZONE, free, LIMITS), Unproven)


@pytest.mark.rfc(5155, "B.5")
@pytest.mark.rfc(5155, "8.7")
def test_no_data_at_a_wildcard_takes_three_records() -> None:
    owners = ("w.example.", "ns2.example.", "*.w.example.")
    assert isinstance(proved("a.z.w.example.", Type.AAAA, Rcode.NOERROR, *owners), Proven)
    assert isinstance(proved("a.z.w.example.", Type.MX, Rcode.NOERROR, *owners), Unproven)


@pytest.mark.rfc(5155, "B.6")
@pytest.mark.rfc(5155, "8.6")
def test_a_zone_does_not_deny_its_own_ds() -> None:
    verdict = proved("example.", Type.DS, Rcode.NOERROR, "example.")
    assert isinstance(verdict, Unproven)
    assert "below the cut" in verdict.why


@pytest.mark.rfc(5155, "8.9")
def test_a_signed_delegation_is_not_made_an_unsigned_one() -> None:
    sets = list(chain(1).values())
    assert isinstance(denial.no_ds(name("a.example."), sets, ZONE, free, LIMITS), Unproven)
    assert isinstance(denial.no_ds(name("ai.example."), sets, ZONE, free, LIMITS), Proven)
    assert isinstance(denial.no_ds(name("y.w.example."), sets, ZONE, free, LIMITS), Proven)


@pytest.mark.rfc(5155, "8.3")
def test_nothing_is_denied_below_a_delegation() -> None:
    sets = list(chain(0).values())
    for rcode in (Rcode.NOERROR, Rcode.NXDOMAIN):
        assert isinstance(denial.prove(name("x.a.example."), Type.A, rcode, sets, ZONE, free, LIMITS), Unproven)


@pytest.mark.rfc(5155, "8.2")
def test_records_that_are_hashed_in_different_ways_prove_nothing_together() -> None:
    other = nsec3("0" * 32, "1" + "0" * 31, [Type.A], APEX, "1 0 12 -")
    both = [other, chain(0)["ns1.example."]]
    for sets in (both, both[::-1]):
        verdict = denial.prove(name("ns1.example."), Type.MX, Rcode.NOERROR, sets, ZONE, free, LIMITS)
        assert isinstance(verdict, Unproven)


@pytest.mark.rfc(5155, "8.2")
@pytest.mark.parametrize("iterations", [60, 200])
def test_a_record_that_is_hashed_too_often_does_not_make_others_insecure(iterations: int) -> None:
    other = nsec3("0" * 32, "1" + "0" * 31, [Type.A], APEX, f"1 0 {iterations} -")
    both = [other, chain(0)["ns1.example."]]
    for sets in (both, both[::-1]):
        verdict = denial.prove(name("ns1.example."), Type.MX, Rcode.NOERROR, sets, ZONE, free, LIMITS)
        assert isinstance(verdict, Unproven)
        assert "different ways" in verdict.why


@pytest.mark.rfc(5155, "8.1")
def test_records_that_are_not_known_do_not_stand_in_the_way() -> None:
    unknown = nsec3("0" * 32, "1" + "0" * 31, [Type.A], APEX, "7 0 500 -")
    verdict = denial.prove(
        name("ns1.example."), Type.MX, Rcode.NOERROR, [unknown, chain(0)["ns1.example."]], ZONE, free, LIMITS
    )
    assert isinstance(verdict, Proven)
