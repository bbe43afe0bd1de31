"""A name that does not exist has nothing below it (RFC 8020), as far as it is proven."""

from __future__ import annotations

import dns.name
import pytest

from resolver.dnssec import denial, gaps
from resolver.dnssec.denial import Iterations, Proven
from resolver.dnssec.gaps import Gaps
from resolver.engine.outcome import Denied
from resolver.message import Proof, Rcode, RRset, Status, Type
from tests.support.denials import APEX, Model, soa
from tests.support.messages import name

ZONE = name("example.")
MODEL = Model({APEX: frozenset({Type.NS, Type.SOA}), dns.name.from_text("a.example."): frozenset({Type.A})})
CHAINS = pytest.mark.parametrize("chain", [MODEL.nsec(), MODEL.nsec3()], ids=["nsec", "nsec3"])


def free(_price: int) -> None:
    """What pays for every hash."""


def proof(asked: str, chain: list[RRset]) -> tuple[RRset, ...]:
    verdict = denial.prove(name(asked), Type.A, Rcode.NXDOMAIN, chain, ZONE, free, Iterations(50, 150))
    assert isinstance(verdict, Proven)
    return verdict.by


@CHAINS
@pytest.mark.rfc(8020, "2")
def test_the_proof_of_a_name_error_holds_for_every_name_below(chain: list[RRset]) -> None:
    by = proof("b.example.", chain)
    for below in ("x.b.example.", "z.y.x.b.example."):
        assert set(proof(below, list(by))) == set(by)


@CHAINS
@pytest.mark.rfc(8020, "2")
def test_a_name_error_that_is_held_cuts_its_subtree_and_no_more(chain: list[RRset]) -> None:
    said = soa()._replace(proof=Proof(Status.SECURE, (), proof("b.example.", chain)))
    held = {name("b.example."): Denied((), name("b.example."), Rcode.NXDOMAIN, said, False)}
    cut = gaps.below_denied(name("z.Y.b.example."), held.get)
    assert cut == Denied((), name("z.Y.b.example."), Rcode.NXDOMAIN, said, False)
    for other in ("a.example.", "xb.example.", "b.example.org.", "example."):
        assert gaps.below_denied(name(other), held.get) is None


@CHAINS
@pytest.mark.rfc(8020, "2")
@pytest.mark.rfc(8198, "5.1")
def test_a_name_below_is_denied_from_the_gap_of_the_name_above(chain: list[RRset]) -> None:
    held = Gaps()
    held.learn(ZONE, soa(), proof("b.example.", chain), 0, 0)
    concluded = held.synthesise(name("x.b.example."), Type.MX, lambda *_: None, 1)
    assert isinstance(concluded, Denied)
    assert concluded.rcode == Rcode.NXDOMAIN
