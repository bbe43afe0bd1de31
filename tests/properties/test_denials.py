"""What a signed zone of ours tells to deny something is what the resolver takes as proof, over random zones."""

from __future__ import annotations

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec import chains, denial
from resolver.dnssec.denial import Insecure, Iterations, Proven
from resolver.message import Rcode, RRset, Type
from tests.properties.profiles import examples
from tests.support.denials import Model, Truth, models, names_in

LIMITS = Iterations(50, 150)
ASKED = st.sampled_from([Type.A, Type.AAAA, Type.DS, Type.CNAME, Type.NS, Type.SOA, Type.CAA])
OPT_OUT = "opted out"


def free(_price: int) -> None:
    """What pays for every hash."""


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, dns.name.Name]:
    model = draw(models())
    return model, draw(names_in(model.apex) | st.sampled_from(sorted(model.nodes)))


def chain_of(model: Model, kind: str) -> chains.Chain:
    """The chain that the authority makes of a zone."""
    owners = [
        chains.Owner(node.to_wire(), tuple(model.types.get(node, ())), model.is_cut(node)) for node in model.nodes
    ]
    if kind == "nsec":
        return chains.Nsec(lambda: owners, 300)
    parameters = chains.Parameters(1, b"\xab", kind == OPT_OUT)
    return chains.Nsec3(model.apex.to_wire(), lambda: owners, 300, parameters)


def told(model: Model, chain: chains.Chain, of: dns.name.Name, truth: Truth) -> tuple[RRset, ...]:
    """The records that the authority tells where `truth` is true of a name."""
    name, encloser = of.to_wire(), model.encloser(of).to_wire()
    if truth is Truth.NXDOMAIN:
        return chain.name_error(name, encloser)
    if truth is Truth.DATA:
        return chain.expanded(name, encloser)
    return chain.no_data(name) if of in model.nodes else chain.wildcard_no_data(name, encloser)


@pytest.mark.parametrize("kind", ["nsec", "nsec3", OPT_OUT])
@examples(2)
@given(asked=asked(), rtype=ASKED)
def test_what_the_authority_tells_is_proof_enough(kind: str, asked: tuple[Model, dns.name.Name], rtype: int) -> None:
    model, of = asked
    truth = model.truth(of, rtype)
    by_itself = of in model.nodes
    if truth is Truth.ELSEWHERE or (truth is Truth.DATA and by_itself) or (rtype == Type.DS and of == model.apex):
        return
    sets = told(model, chain_of(model, kind), of, truth)
    name, zone = of.to_wire(), model.apex.to_wire()
    if truth is Truth.DATA:
        verdict = denial.wildcard_expansion(name, model.encloser(of).to_wire(), sets, zone, free, LIMITS)
    else:
        rcode = Rcode.NXDOMAIN if truth is Truth.NXDOMAIN else Rcode.NOERROR
        verdict = denial.prove(name, rtype, rcode, sets, zone, free, LIMITS)
    opted_out = kind == OPT_OUT and (not by_itself or model.is_unsigned(of))
    assert isinstance(verdict, Insecure if opted_out else Proven), verdict
    if rtype == Type.DS and truth is not Truth.DATA:
        unsigned = opted_out or model.is_unsigned(of)
        assert isinstance(denial.no_ds(name, sets, zone, free, LIMITS), Insecure if unsigned else Proven)
