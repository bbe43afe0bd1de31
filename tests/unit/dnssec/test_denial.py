"""Tests for `resolver.dnssec.denial`: over random zones, what is proven is what is true, and nothing less proves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import dns.name
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resolver.dnssec import denial
from resolver.dnssec.denial import Insecure, Iterations, Proven, Unproven, Verdict
from resolver.message import Rcode, RRset, Type
from tests.properties.profiles import examples
from tests.support.denials import APEX, Model, Truth, models, names_in, nsec
from tests.support.messages import name

LIMITS = Iterations(50, 150)
ASKED = st.sampled_from([Type.A, Type.AAAA, Type.DS, Type.CNAME, Type.NS, Type.SOA, Type.CAA, Type.ANY])
RCODES = (Rcode.NOERROR, Rcode.NXDOMAIN)
CLAIMS = {Truth.NODATA: Rcode.NOERROR, Truth.NXDOMAIN: Rcode.NXDOMAIN}

Chains = Callable[[Model], list[RRset]]
CHAINS = pytest.mark.parametrize(
    "chain", [Model.nsec, Model.nsec3, lambda model: model.nsec3(3, "aabb")], ids=["nsec", "nsec3", "nsec3 salted"]
)


def free(_price: int) -> None:
    """What pays for every hash."""


def proved(model: Model, asked: dns.name.Name, rtype: int, rcode: int, sets: Sequence[RRset]) -> Verdict:
    return denial.prove(asked.to_wire(), rtype, rcode, sets, model.apex.to_wire(), free, LIMITS)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, dns.name.Name]:
    model = draw(models())
    return model, draw(names_in(model.apex) | st.sampled_from(sorted(model.nodes)))


@CHAINS
@examples(0.6)
@given(asked=asked(), rtype=ASKED)
def test_a_whole_chain_proves_what_is_true_and_nothing_else(
    chain: Chains, asked: tuple[Model, dns.name.Name], rtype: int
) -> None:
    model, asked_name = asked
    truth = model.truth(asked_name, rtype)
    for rcode in RCODES:
        verdict = proved(model, asked_name, rtype, rcode, chain(model))
        if CLAIMS.get(truth) == rcode and not (rtype == Type.DS and asked_name == model.apex != dns.name.root):
            assert isinstance(verdict, Proven), (truth, verdict)
            assert verdict.absent == (truth is Truth.NXDOMAIN)
        else:
            assert isinstance(verdict, Unproven), (truth, verdict)


@CHAINS
@examples(0.6)
@given(asked=asked(), rtype=ASKED, data=st.data())
def test_a_part_of_a_chain_proves_nothing_that_is_not_true(
    chain: Chains, asked: tuple[Model, dns.name.Name], rtype: int, data: st.DataObject
) -> None:
    model, asked_name = asked
    part = [rrset for rrset in chain(model) if data.draw(st.booleans())]
    for rcode in RCODES:
        if isinstance(proved(model, asked_name, rtype, rcode, part), Proven):
            assert CLAIMS.get(model.truth(asked_name, rtype)) == rcode


@CHAINS
@examples(0.6)
@given(asked=asked(), rtype=ASKED)
def test_a_proof_is_enough_by_itself_and_each_of_its_records_is_needed(
    chain: Chains, asked: tuple[Model, dns.name.Name], rtype: int
) -> None:
    model, asked_name = asked
    rcode = CLAIMS.get(model.truth(asked_name, rtype))
    assume(rcode is not None)
    assert rcode is not None
    whole = proved(model, asked_name, rtype, rcode, chain(model))
    if not isinstance(whole, Proven):
        return
    assert proved(model, asked_name, rtype, rcode, whole.by) == whole
    for left_out in whole.by:
        rest = [rrset for rrset in whole.by if rrset is not left_out]
        assert isinstance(proved(model, asked_name, rtype, rcode, rest), Unproven)


@examples(0.6)
@given(asked=asked(), rtype=ASKED, data=st.data())
def test_an_opted_out_chain_proves_no_absence_and_calls_insecure_only_what_may_be_true(
    asked: tuple[Model, dns.name.Name], rtype: int, data: st.DataObject
) -> None:
    model, asked_name = asked
    truth = model.truth(asked_name, rtype)
    whole = model.nsec3(opt_out=True)
    for rcode in RCODES:
        verdict = proved(model, asked_name, rtype, rcode, whole)
        if isinstance(verdict, Proven):
            assert CLAIMS.get(truth) == rcode
            assert not verdict.absent
        elif truth is Truth.NXDOMAIN:
            assert isinstance(verdict, Insecure)
        part = [rrset for rrset in whole if data.draw(st.booleans())]
        assert not (
            isinstance(verdict, Unproven) and not isinstance(proved(model, asked_name, rtype, rcode, part), Unproven)
        )


@CHAINS
@examples(0.6)
@given(asked=asked())
def test_a_wildcard_answers_only_where_nothing_is_closer(chain: Chains, asked: tuple[Model, dns.name.Name]) -> None:
    model, asked_name = asked
    zone = model.apex.to_wire()
    exists = asked_name in model.nodes
    hidden = model.truth(asked_name, Type.A) is Truth.ELSEWHERE
    for encloser in list(model.upwards(asked_name))[1:]:
        sets = chain(model)
        verdict = denial.wildcard_expansion(asked_name.to_wire(), encloser.to_wire(), sets, zone, free, LIMITS)
        if isinstance(verdict, Proven):
            assert not exists
            assert encloser == model.encloser(asked_name) or encloser not in model.nodes
        elif not hidden and not exists:
            assert encloser != model.encloser(asked_name)


@CHAINS
@examples(0.6)
@given(asked=asked())
def test_on_the_way_down_a_cut_without_ds_is_insecure_and_no_cut_is_proven(
    chain: Chains, asked: tuple[Model, dns.name.Name]
) -> None:
    model, asked_name = asked
    verdict = denial.no_ds(asked_name.to_wire(), chain(model), model.apex.to_wire(), free, LIMITS)
    truth = model.truth(asked_name, Type.DS)
    if model.is_unsigned(asked_name):
        assert isinstance(verdict, Insecure)
    elif truth in CLAIMS and not (asked_name == model.apex != dns.name.root):
        assert isinstance(verdict, Proven)
        assert verdict.absent == (truth is Truth.NXDOMAIN)
    else:
        assert isinstance(verdict, Unproven)


EXAMPLE = name("example.")
A_TO_C = nsec("a.example.", "c.example.", [Type.A, Type.RRSIG, Type.NSEC])
TOP = nsec("example.", "a.example.", [Type.NS, Type.SOA, Type.RRSIG, Type.NSEC])


def verdict(asked_name: str, rtype: int, rcode: int, *sets: RRset, zone: bytes = EXAMPLE) -> Verdict:
    return denial.prove(name(asked_name), rtype, rcode, sets, zone, free, LIMITS)


@pytest.mark.rfc(8914, "4.13")
@pytest.mark.parametrize(
    ("sets", "why", "ede"),
    [
        ((), "b.example.: denied without NSEC or NSEC3 records", 12),
        ((TOP,), "b.example.: no NSEC or NSEC3 says whether it exists", 12),
        ((A_TO_C,), "*.example.: no NSEC or NSEC3 says whether this wildcard exists", 12),
    ],
)
def test_what_is_missing_of_a_proof_is_told(sets: tuple[RRset, ...], why: str, ede: int) -> None:
    assert verdict("b.example.", Type.A, Rcode.NXDOMAIN, *sets) == Unproven(why, ede)


@pytest.mark.rfc(8914, "4.7")
def test_what_contradicts_a_denial_is_told() -> None:
    assert verdict("a.example.", Type.A, Rcode.NOERROR, A_TO_C) == Unproven(
        "a.example.: the record there says that it has the type asked for", 6
    )
    assert verdict("a.example.", Type.MX, Rcode.NXDOMAIN, A_TO_C) == Unproven(
        "a.example.: the reply says that it does not exist, its records that it does", 6
    )
    assert verdict("b.example.", Type.MX, Rcode.NOERROR, A_TO_C, TOP) == Unproven(
        "b.example.: the reply says that it exists, its records that it does not", 6
    )
    wild = nsec("*.example.", "c.example.", [Type.A])
    assert verdict("b.example.", Type.A, Rcode.NOERROR, wild) == Unproven(
        "*.example.: the record at this wildcard says that it has the type asked for", 6
    )
    assert denial.wildcard_expansion(name("x.c.example."), EXAMPLE, [A_TO_C], EXAMPLE, free, LIMITS) == Unproven(
        "x.c.example.: nothing proves that no name is closer than *.example.", 12
    )


def test_a_zone_says_nothing_of_names_that_are_not_in_it() -> None:
    for zone in (name("org."), name("xample."), name("a.b.example.")):
        assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, A_TO_C, TOP, zone=zone), Unproven)
    tricky = name(r"x\007example.")
    assert "is not in" in str(denial.prove(tricky, Type.A, Rcode.NXDOMAIN, [A_TO_C, TOP], EXAMPLE, free, LIMITS))


def test_a_record_that_proves_two_things_is_told_once() -> None:
    only = nsec("example.", "example.", [Type.NS, Type.SOA])
    assert verdict("b.example.", Type.A, Rcode.NXDOMAIN, only) == Proven((only,), absent=True)


def test_names_are_taken_in_any_spelling() -> None:
    told = verdict("B.exAMPle.", Type.A, Rcode.NXDOMAIN, A_TO_C, TOP, zone=name("EXAMPLE."))
    assert told == Proven((A_TO_C, TOP), absent=True)


def test_either_kind_of_record_proves_by_itself_while_a_zone_changes_from_one_to_the_other() -> None:
    model = Model({APEX: frozenset({Type.NS, Type.SOA}), dns.name.from_text("a.example."): frozenset({Type.A})})
    few = model.nsec()[1:]
    assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, *few), Unproven)
    assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, *few, *model.nsec3()), Proven)
    assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, *model.nsec(), *model.nsec3()[1:]), Proven)
    assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, *few, *model.nsec3()[1:]), Unproven)


@pytest.mark.rfc(5155, "8.6")
def test_an_opted_out_gap_without_more_excuses_no_data_but_no_name_error() -> None:
    others = {dns.name.from_text(owner): frozenset({Type.A}) for owner in ("j.example.", "l.example.")}
    apex, over_wildcard, over_b = Model({APEX: frozenset({Type.NS, Type.SOA}), **others}).nsec3(opt_out=True)
    for rtype in (Type.DS, Type.A):
        assert isinstance(verdict("b.example.", rtype, Rcode.NOERROR, apex, over_b), Insecure)
        assert isinstance(verdict("b.example.", rtype, Rcode.NOERROR, apex, over_b, over_wildcard), Insecure)
    told = verdict("b.example.", Type.A, Rcode.NXDOMAIN, apex, over_b)
    assert told == Unproven("b.example.: nothing proves that no wildcard answers for it", 12)
    assert isinstance(verdict("b.example.", Type.A, Rcode.NXDOMAIN, apex, over_b, over_wildcard), Insecure)


def test_what_pays_for_hashes_can_end_a_proof() -> None:
    class TooMuchError(Exception):
        pass

    def spend(_price: int) -> None:
        raise TooMuchError

    model = Model({APEX: frozenset({Type.NS, Type.SOA})})
    with pytest.raises(TooMuchError):
        denial.prove(name("b.example."), Type.A, Rcode.NXDOMAIN, model.nsec3(), EXAMPLE, spend, LIMITS)
