"""Compact denial: one record at the name that was asked, made for the question (RFC 9824)."""

from __future__ import annotations

import dns.name
import pytest

from resolver.dnssec import denial
from resolver.dnssec.denial import Insecure, Iterations, Proven, Unproven, Verdict
from resolver.message import Rcode, RRset, Type
from tests.support.denials import hash_text, nsec, nsec3
from tests.support.messages import name

ZONE = name("example.")
LIMITS = Iterations(50, 150)
NXNAME = 128
_OWN = (Type.RRSIG, Type.NSEC)
ABSENT = nsec("a.example.", r"\000.a.example.", (*_OWN, NXNAME))
NO_DATA = nsec("a.example.", r"\000.a.example.", (Type.A, *_OWN))
EMPTY = nsec("a.example.", r"\000.a.example.", _OWN)
CUT = nsec("a.example.", r"\000.a.example.", (Type.NS, *_OWN))


def free(_price: int) -> None:
    """What pays for every hash."""


def proved(asked: str, rtype: int, rcode: int, *sets: RRset) -> Verdict:
    return denial.prove(name(asked), rtype, rcode, sets, ZONE, free, LIMITS)


@pytest.mark.rfc(9824, "3.1")
@pytest.mark.rfc(9824, "5.1")
@pytest.mark.parametrize("rcode", [Rcode.NOERROR, Rcode.NXDOMAIN])
def test_nxname_says_that_the_name_does_not_exist_whichever_rcode_tells_it(rcode: int) -> None:
    assert proved("a.example.", Type.A, rcode, ABSENT) == Proven((ABSENT,), absent=True)


@pytest.mark.rfc(9824, "3.1")
def test_nxname_says_nothing_of_other_names() -> None:
    for asked in ("b.example.", "x.a.example.", r"\000.a.example."):
        for rcode in (Rcode.NOERROR, Rcode.NXDOMAIN):
            assert isinstance(proved(asked, Type.A, rcode, ABSENT), Unproven)


@pytest.mark.rfc(9824, "3.2")
@pytest.mark.parametrize("record", [NO_DATA, EMPTY])
def test_without_nxname_the_name_exists(record: RRset) -> None:
    assert proved("a.example.", Type.MX, Rcode.NOERROR, record) == Proven((record,))
    assert isinstance(proved("a.example.", Type.MX, Rcode.NXDOMAIN, record), Unproven)


@pytest.mark.rfc(9824, "3.1")
def test_nxname_beside_data_is_not_believed() -> None:
    odd = nsec("a.example.", r"\000.a.example.", (Type.TXT, *_OWN, NXNAME))
    assert proved("a.example.", Type.A, Rcode.NOERROR, odd) == Proven((odd,))
    assert isinstance(proved("a.example.", Type.A, Rcode.NXDOMAIN, odd), Unproven)


@pytest.mark.rfc(9824, "4")
@pytest.mark.parametrize("types", [(Type.RRSIG, NXNAME), (Type.RRSIG, Type.NSEC, NXNAME)])
def test_nsec3_can_say_it_too(types: tuple[int, ...]) -> None:
    hashed = hash_text(dns.name.from_text("a.example."), 0, "-")
    after = hashed[:-1] + chr(ord(hashed[-1]) + 1)
    record = nsec3(hashed, after, types)
    assert proved("a.example.", Type.A, Rcode.NOERROR, record) == Proven((record,), absent=True)


@pytest.mark.rfc(9824, "3.4")
def test_on_the_way_down_an_absent_name_is_no_cut_and_an_unsigned_one_is_insecure() -> None:
    assert denial.no_ds(name("a.example."), [ABSENT], ZONE, free, LIMITS) == Proven((ABSENT,), absent=True)
    assert isinstance(denial.no_ds(name("a.example."), [CUT], ZONE, free, LIMITS), Insecure)
