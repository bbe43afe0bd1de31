"""Tests for `resolver.dnssec.expanded`: the wildcard of an answer is told by its proof."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import denial, expanded
from resolver.dnssec.denial import Iterations, Proven
from resolver.dnssec.expanded import encloser_of, is_signed_by
from resolver.message import Proof, RRset, Status, Type
from tests.properties.profiles import examples
from tests.support.denials import APEX, Model, Truth, models, names_in, signature, soa
from tests.support.messages import name

EXAMPLE = name("example.")
MODEL = Model(
    {
        APEX: frozenset({Type.NS, Type.SOA}),
        **{
            dns.name.from_text(owner): frozenset({Type.A})
            for owner in ("*.w.example.", "z.example.", "*.e.d.c.b.a.example.")
        },
    }
)


def proof(of: str | dns.name.Name, model: Model, chain: list[RRset]) -> tuple[RRset, ...]:
    """What proves that a wildcard answers for a name."""
    asked = dns.name.from_text(of) if isinstance(of, str) else of
    encloser, zone = model.encloser(asked).to_wire(), model.apex.to_wire()
    limits = Iterations(150, 150)
    verdict = denial.wildcard_expansion(asked.to_wire(), encloser, chain, zone, lambda _price: None, limits)
    assert isinstance(verdict, Proven)
    return verdict.by


@pytest.mark.rfc(8198, "5.3")
@pytest.mark.parametrize("chain", [Model.nsec, Model.nsec3], ids=["nsec", "nsec3"])
@examples(2)
@given(data=st.data())
def test_the_proof_tells_the_closest_encloser(chain: Callable[[Model], list[RRset]], data: st.DataObject) -> None:
    model = data.draw(models())
    wildcards = [owner for owner in model.types if owner.labels[0] == b"*"]
    if not wildcards:
        return
    asked = data.draw(names_in(data.draw(st.sampled_from(wildcards)).parent(), 2))
    if asked in model.nodes or model.truth(asked, Type.ANY) is not Truth.DATA:
        return
    sets = proof(asked, model, chain(model))
    assert encloser_of(asked.to_wire(), sets, model.apex.to_wire()) == model.encloser(asked).to_wire()


def test_what_tells_nothing_tells_no_encloser() -> None:
    asked = name("x.w.example.")
    assert encloser_of(asked, (), EXAMPLE) is None
    assert encloser_of(asked, (soa(),), EXAMPLE) is None
    at_name = [each for each in MODEL.nsec() if each.name == name("*.w.example.")]
    assert encloser_of(name("*.w.example."), tuple(at_name), EXAMPLE) is None


def test_opted_out_many_times_hashed_or_deep_proofs_are_left_alone() -> None:
    asked, of = name("x.w.example."), "x.w.example."
    assert encloser_of(asked, proof(of, MODEL, MODEL.nsec3(expanded.ITERATIONS)), EXAMPLE) == name("w.example.")
    assert encloser_of(asked, proof(of, MODEL, MODEL.nsec3(expanded.ITERATIONS + 1)), EXAMPLE) is None
    assert encloser_of(asked, tuple(MODEL.nsec3(opt_out=True)), EXAMPLE) is None
    deep = "x.e.d.c.b.a.example."
    assert encloser_of(name(deep), proof(deep, MODEL, MODEL.nsec3()), EXAMPLE) is None
    assert encloser_of(name(deep), proof(deep, MODEL, MODEL.nsec()), EXAMPLE) == name("e.d.c.b.a.example.")


def test_all_signatures_have_to_be_by_the_zone() -> None:
    own, other = signature(Type.A, 1), signature(Type.A, 1, signer=name("sub.example."))
    data = RRset(EXAMPLE, Type.A, 1, 300, (bytes(4),))
    for signatures, told in (((own,), True), ((own, other), False), ((other,), False), ((own, b"\0"), False)):
        assert is_signed_by(data._replace(proof=Proof(Status.SECURE, signatures)), EXAMPLE) is told
