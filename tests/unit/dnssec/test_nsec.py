"""Tests for `resolver.dnssec.nsec`."""

from __future__ import annotations

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec.canonical import order_key
from resolver.dnssec.nsec import Few, NsecChain, read
from resolver.dnssec.standing import At, Empty, Missing, Standing
from resolver.message import Proof, RRset, Status, Type
from tests.properties.profiles import examples
from tests.support.denials import APEX, names_in, nsec, signature
from tests.support.messages import name

EXAMPLE = name("example.")
PLAIN = (Type.A, Type.RRSIG, Type.NSEC)


def chain(*sets: RRset, zone: bytes = EXAMPLE) -> NsecChain:
    return NsecChain(Few(link for each in sets if (link := read(each, zone))))


def standing(asked: str, *sets: RRset) -> Standing | None:
    return chain(*sets).stand(name(asked))


A_TO_C = nsec("a.example.", "c.example.", PLAIN)


@pytest.mark.rfc(4035, "5.4")
def test_a_name_is_at_a_record_in_its_gap_or_not_spoken_of() -> None:
    at = standing("a.example.", A_TO_C)
    assert isinstance(at, At)
    assert at.by == (A_TO_C,)
    assert standing("b.example.", A_TO_C) == Missing(EXAMPLE, (A_TO_C,))
    assert standing("c.example.", A_TO_C) is None
    assert standing("example.", A_TO_C) is None
    assert standing("d.example.", A_TO_C) is None


@examples(2)
@given(st.tuples(names_in(APEX), names_in(APEX), names_in(APEX)))
def test_a_gap_holds_what_dnspython_sorts_between_its_ends(
    three: tuple[dns.name.Name, dns.name.Name, dns.name.Name],
) -> None:
    start, end, asked = three
    link = read(nsec(start.to_text(), end.to_text(), PLAIN), EXAMPLE)
    if start >= end and end != APEX:
        assert link is None
        return
    assert link is not None
    between = start < asked and (asked < end or end == APEX)
    assert link.covers(order_key(asked.to_wire())) == between


@pytest.mark.rfc(4035, "5.4")
def test_the_last_record_covers_all_that_comes_behind_it() -> None:
    last = nsec("x.example.", "EXAMPLE.", PLAIN)
    assert standing("y.example.", last) == Missing(EXAMPLE, (last,))
    assert standing("b.example.", last) is None


@pytest.mark.rfc(4035, "5.4")
def test_a_zone_of_one_name_has_a_record_that_covers_all_others() -> None:
    only = nsec("example.", "example.", PLAIN)
    assert standing("b.example.", only) == Missing(EXAMPLE, (only,))
    assert isinstance(standing("example.", only), At)


def test_a_name_above_the_next_one_is_an_empty_non_terminal() -> None:
    over = nsec("a.example.", "x.y.b.example.", PLAIN)
    assert standing("b.example.", over) == Empty((over,))
    assert standing("Y.b.example.".lower(), over) == Empty((over,))
    assert standing("x.b.example.", over) == Missing(name("b.example."), (over,))
    assert standing("ab.example.", over) == Missing(EXAMPLE, (over,))


def test_the_closest_encloser_is_shared_with_either_end() -> None:
    before = nsec("x.w.example.", "z.example.", PLAIN)
    behind = nsec("a.example.", "y.w.example.", PLAIN)
    assert standing("a.y.w.example.", before) == Missing(name("w.example."), (before,))
    assert standing("a.b.w.example.", behind) == Missing(name("w.example."), (behind,))
    assert standing("a.x.w.example.", before) == Missing(name("x.w.example."), (before,))


def test_a_label_boundary_within_a_label_is_none() -> None:
    tricky = nsec(r"a.example.", r"b.x\007example.example.", PLAIN)
    assert standing("example.example.", tricky) == Missing(EXAMPLE, (tricky,))


@pytest.mark.rfc(6840, "4.1")
@pytest.mark.parametrize("types", [(Type.NS,), (Type.NS, Type.DS), (Type.DNAME,)])
def test_nothing_below_a_delegation_or_a_dname_is_missing_by_its_record(types: tuple[int, ...]) -> None:
    cut = nsec("a.example.", "c.example.", (*types, Type.RRSIG, Type.NSEC))
    assert standing("x.a.example.", cut) is None
    assert standing("b.example.", cut) == Missing(EXAMPLE, (cut,))


@pytest.mark.rfc(6840, "4.1")
def test_the_record_at_the_apex_speaks_of_what_is_below() -> None:
    apex = nsec("example.", "c.example.", (Type.NS, Type.SOA))
    assert standing("b.example.", apex) == Missing(EXAMPLE, (apex,))
    redirected = nsec("example.", "example.", (Type.NS, Type.SOA, Type.DNAME))
    assert standing("b.example.", redirected) is None


@pytest.mark.rfc(4035, "5.3.4")
def test_a_record_that_was_made_from_a_wildcard_is_not_used() -> None:
    made = A_TO_C._replace(proof=Proof(Status.SECURE, (signature(Type.NSEC, 1),)))
    assert standing("b.example.", made) is None
    wildcard = nsec("*.example.", "c.example.", PLAIN)
    assert standing("b.example.", wildcard) == Missing(EXAMPLE, (wildcard,))


@pytest.mark.parametrize(
    "unusable",
    [
        nsec("a.org.", "c.example.", PLAIN),
        nsec("a.example.", "c.org.", PLAIN),
        nsec("a.example.", ".", PLAIN),
        nsec("c.example.", "a.example.", PLAIN),
        nsec(r"a.x\007example.", "c.example.", PLAIN),
        A_TO_C._replace(rdatas=()),
        A_TO_C._replace(rdatas=(*A_TO_C.rdatas, name("d.example.") + b"\0\1\x40")),
        A_TO_C._replace(rdatas=(b"",)),
        A_TO_C._replace(rdatas=(name("c.example.") + b"\0\0",)),
        A_TO_C._replace(rdatas=(name("c.example.") + b"\0\x21" + bytes(33),)),
    ],
)
def test_what_is_no_link_of_the_zone_is_not_read(unusable: RRset) -> None:
    assert read(unusable, EXAMPLE) is None


@given(st.binary(max_size=60))
def test_no_octets_make_reading_raise(rdata: bytes) -> None:
    read(A_TO_C._replace(rdatas=(rdata,)), EXAMPLE)
    read(A_TO_C._replace(rdatas=(name("c.example.") + rdata,)), EXAMPLE)


@pytest.mark.rfc(4035, "5.3.4")
def test_nothing_is_closer_than_an_encloser_only_if_it_is_the_closest() -> None:
    of = chain(nsec("x.w.example.", "z.example.", PLAIN))
    asked = name("a.y.w.example.")
    assert isinstance(of.without_closer(asked, name("w.example.")), Missing)
    assert of.without_closer(asked, EXAMPLE) is None
    assert of.without_closer(asked, name("y.w.example.")) is None
    assert of.without_closer(name("x.w.example."), name("w.example.")) is None
