"""Aggressive use of denials (RFC 8198): what was learnt from one reply answers others, and can be proven again."""

from __future__ import annotations

import dns.name
import pytest

from resolver.dnssec import denial
from resolver.dnssec.denial import Iterations, Proven
from resolver.dnssec.gaps import Gaps
from resolver.engine.outcome import Answered, Denied
from resolver.message import Proof, Rcode, RRset, Status, Type
from tests.support.denials import APEX, Model, signature, soa
from tests.support.messages import name, rrset

ZONE = name("example.")
LIMITS = Iterations(50, 150)
MODEL = Model(
    {
        APEX: frozenset({Type.NS, Type.SOA}),
        dns.name.from_text("cat.example."): frozenset({Type.A}),
        dns.name.from_text("elephant.example."): frozenset({Type.A}),
        dns.name.from_text("*.wild.example."): frozenset({Type.A}),
    }
)
CHAINS = pytest.mark.parametrize("chain", [MODEL.nsec(), MODEL.nsec3(1, "ab")], ids=["nsec", "nsec3"])
WILD = rrset("*.wild.example. 100 IN A 192.0.2.1")._replace(
    proof=Proof(Status.SECURE, (signature(Type.A, 2, signer=ZONE),))
)


def free(_price: int) -> None:
    """What pays for every hash."""


def nothing(_name: bytes, _rtype: int) -> RRset | None:
    return None


def learnt(chain: list[RRset], asked: str, rtype: int, rcode: int) -> Gaps:
    """What is held after the reply to one question."""
    verdict = denial.prove(name(asked), rtype, rcode, chain, ZONE, free, LIMITS)
    assert isinstance(verdict, Proven)
    held = Gaps()
    held.learn(ZONE, soa(), verdict.by, 0, 0)
    return held


def checked(concluded: object, rtype: int) -> Rcode:
    """The rcode of a denial that a validating client can prove by what comes with it."""
    assert isinstance(concluded, Denied)
    assert concluded.soa is not None
    assert concluded.soa.proof is not None
    assert concluded.soa.proof.signatures
    beside = concluded.soa.proof.beside
    assert all(each.proof is not None and each.proof.signatures for each in beside)
    assert isinstance(denial.prove(concluded.name, rtype, concluded.rcode, beside, ZONE, free, LIMITS), Proven)
    return concluded.rcode


@pytest.mark.rfc(8198, "5.1")
def test_a_second_name_in_a_gap_is_denied_without_being_asked() -> None:
    held = learnt(MODEL.nsec(), "dog.example.", Type.A, Rcode.NXDOMAIN)
    assert checked(held.synthesise(name("cow.example."), Type.AAAA, nothing, 1), Type.AAAA) == Rcode.NXDOMAIN
    assert held.synthesise(name("fox.example."), Type.A, nothing, 1) is None
    assert held.synthesise(name("elephant.example."), Type.AAAA, nothing, 1) is None


@CHAINS
@pytest.mark.rfc(8198, "5.1")
@pytest.mark.rfc(8198, "5.2")
def test_another_type_at_a_name_whose_types_are_known_is_denied(chain: list[RRset]) -> None:
    held = learnt(chain, "cat.example.", Type.AAAA, Rcode.NOERROR)
    assert checked(held.synthesise(name("cat.example."), Type.MX, nothing, 1), Type.MX) == Rcode.NOERROR
    assert held.synthesise(name("cat.example."), Type.A, nothing, 1) is None


@CHAINS
@pytest.mark.rfc(8198, "5.3")
def test_a_wildcard_answers_for_names_that_are_proven_missing(chain: list[RRset]) -> None:
    held = learnt(chain, "one.wild.example.", Type.AAAA, Rcode.NOERROR)

    def of(owner: bytes, rtype: int) -> RRset | None:
        return WILD if (owner, rtype) == (WILD.name, WILD.type) else None

    concluded = held.synthesise(name("one.wild.example."), Type.A, of, 1)
    assert isinstance(concluded, Answered)
    (made,) = concluded.rrsets
    assert made.proof is not None
    beside = made.proof.beside
    expanded = denial.wildcard_expansion(made.name, name("wild.example."), beside, ZONE, free, LIMITS)
    assert isinstance(expanded, Proven)
    assert checked(held.synthesise(name("one.wild.example."), Type.MX, of, 1), Type.MX) == Rcode.NOERROR


@CHAINS
@pytest.mark.rfc(8198, "5.4")
def test_what_is_denied_lasts_as_long_as_what_it_was_learnt_from(chain: list[RRset]) -> None:
    held = learnt(chain, "dog.example.", Type.A, Rcode.NXDOMAIN)
    for now in (0, 1, 299):
        concluded = held.synthesise(name("dog.example."), Type.A, nothing, now)
        assert isinstance(concluded, Denied)
        assert concluded.soa is not None
        assert concluded.soa.ttl == 300 - now
    assert held.synthesise(name("dog.example."), Type.A, nothing, 300) is None
