"""Tests for `resolver.dnssec.standing`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dnssec.records import read_nsec
from resolver.dnssec.standing import NXNAME, is_cut, is_no_name, objection, speaks_of_below
from resolver.message import Type
from tests.support.denials import nsec
from tests.support.messages import name

A = name("a.example.")
OWN = (Type.RRSIG, Type.NSEC)


def bitmap(*types: int) -> bytes:
    return read_nsec(nsec("a.example.", "b.example.", types).rdatas[0]).types


@pytest.mark.rfc(6840, "4.3")
@pytest.mark.parametrize(
    ("types", "rtype", "why"),
    [
        ((Type.A,), Type.A, "has the type"),
        ((Type.CAA,), Type.CAA, "has the type"),
        ((Type.CNAME,), Type.A, "is an alias"),
        ((Type.CNAME,), Type.DS, "is an alias"),
        ((Type.NS,), Type.A, "parent's side"),
        ((Type.NS, Type.DS), Type.MX, "parent's side"),
        ((Type.NS, Type.DS), Type.DS, "has the type"),
        ((Type.NS, Type.SOA), Type.DS, "below the cut"),
        ((Type.SOA,), Type.DS, "below the cut"),
        ((Type.A,), Type.ANY, "has data"),
    ],
)
def test_a_record_that_has_the_type_or_speaks_of_something_else_denies_nothing(
    types: tuple[int, ...], rtype: int, why: str
) -> None:
    assert why in (objection(A, rtype, bitmap(*types, *OWN)) or "")


@pytest.mark.parametrize(
    ("types", "rtype"),
    [
        ((Type.A,), Type.AAAA),
        ((Type.NS,), Type.DS),
        ((Type.NS, Type.SOA), Type.A),
        ((Type.DNAME,), Type.A),
        ((), Type.ANY),
        ((), Type.DS),
    ],
)
def test_a_record_without_the_type_denies_it(types: tuple[int, ...], rtype: int) -> None:
    assert objection(A, rtype, bitmap(*types, *OWN)) is None


def test_the_root_alone_denies_its_own_ds() -> None:
    assert objection(name("."), Type.DS, bitmap(Type.NS, Type.SOA)) is None


@pytest.mark.rfc(9824, "3.1")
@pytest.mark.parametrize(
    ("types", "told"),
    [
        ((NXNAME, Type.RRSIG, Type.NSEC), True),
        ((NXNAME, Type.RRSIG), True),
        ((NXNAME, Type.A, Type.RRSIG, Type.NSEC), False),
        ((NXNAME, Type.CAA), False),
        ((Type.RRSIG, Type.NSEC), False),
    ],
)
def test_nxname_counts_only_where_no_data_stands_beside_it(types: tuple[int, ...], told: bool) -> None:
    assert is_no_name(bitmap(*types)) is told


@given(st.sets(st.sampled_from([Type.NS, Type.SOA, Type.DNAME, Type.A, Type.DS])))
def test_only_a_cut_or_a_dname_does_not_speak_of_what_is_below(types: set[int]) -> None:
    has = bitmap(*types, *OWN)
    assert is_cut(has) == (Type.NS in types and Type.SOA not in types)
    assert speaks_of_below(has) == (not is_cut(has) and Type.DNAME not in types)
