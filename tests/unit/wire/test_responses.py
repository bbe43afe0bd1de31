from __future__ import annotations

import contextlib

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.errors import WireError
from resolver.wire.responses import ANSWER, ERROR, NODATA, NXDOMAIN, cut, likenesses

SOA = "example.com. 60 IN SOA ns.example.com. h.example.com. 1 2 3 4 5"


def response(name="www.example.com.", rtype="A", rcode=0, answer=(), authority=(), edns=0, **options) -> bytes:
    query = dns.message.make_query(name, rtype, use_edns=edns if edns is not None else False, **options)
    query.id = 7
    made = dns.message.make_response(query)
    made.set_rcode(rcode)
    for section, lines in ((made.answer, answer), (made.authority, authority)):
        section += [dns.rrset.from_text(*line.split(None, 4)) for line in lines]
    return made.to_wire()


A = ("www.example.com. 60 IN A 192.0.2.1",)


NX = {"rcode": 3, "authority": [SOA]}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (response(answer=A), response("wWw.EXAMPLE.com.", answer=A, edns=None), True),
        (response(answer=A), response("www.example.com.", "HTTPS", answer=A), False),
        (response("a.", "TYPE65", answer=A), response("a.", "TYPE97", answer=A), False),
        (response(answer=A), response("ww2.example.com.", answer=["ww2.example.com. 60 IN A 192.0.2.2"]), False),
        (response(answer=A), response(), False),
        (response(authority=[SOA]), response(rtype="AAAA", authority=[SOA]), True),
        (response("a.example.com.", **NX), response("b.c.example.com.", **NX), True),
        (response("a.example.com.", **NX), response("a.example.net.", rcode=3), False),
        (response("a.example.net.", rcode=3), response("b.example.net.", rcode=3), True),
        (response(rcode=2), response("other.", rcode=5), True),
        (response(rcode=2), response(), False),
    ],
    ids=[str(number) for number in range(11)],
)
def test_what_is_alike(one: bytes, other: bytes, alike: bool) -> None:
    assert bool({*likenesses(one)} & {*likenesses(other)}) is alike


def answered(name, *records, rtype="A", spelled=None) -> bytes:
    """A response to `name` with these records, of which those without an owner are its own."""
    whole = [f"{name} {each}" if each.startswith("6") else each for each in records]
    return response(spelled or name, rtype, answer=whole)


SAYS_A = "6 IN A 192.0.2.1"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (answered("q.w.example.com.", SAYS_A), answered("z.example.com.", SAYS_A.replace("6", "60", 1)), True),
        (answered("q.example.com.", SAYS_A), answered("q.example.net.", SAYS_A), False),
        (answered("q.com.", SAYS_A), answered("z.com.", SAYS_A), True),
        (answered("q.com.", SAYS_A), answered("q.net.", SAYS_A), False),
        (answered("q.example.com.", SAYS_A), answered("z.example.com.", "6 IN A 192.0.2.2"), False),
        (
            answered("q.example.com.", SAYS_A, "6 IN A 192.0.2.2"),
            answered("z.example.com.", "6 IN A 192.0.2.2", SAYS_A),
            True,
        ),
        (answered("q.example.com.", SAYS_A), answered("z.example.com.", SAYS_A, rtype="ANY"), False),
        (
            answered("q.example.com.", "6 IN CNAME www.example.com.", *A),
            answered("longer.x.example.com.", "6 IN CNAME WWW.example.com.", *A),
            True,
        ),
        (
            answered("q.example.com.", "6 IN MX 5 mx.example.com.", rtype="MX"),
            answered("much.longer.example.com.", "6 IN MX 5 mx.example.com.", rtype="MX"),
            True,
        ),
        (
            answered("q.example.com.", "6 IN MX 5 mx.example.com.", rtype="MX"),
            answered("z.example.com.", "6 IN MX 6 mx.example.com.", rtype="MX"),
            False,
        ),
        (
            answered("1.2.0.192.in-addr.arpa.", "6 IN PTR a.example.com.", rtype="PTR"),
            answered("2.2.0.192.in-addr.arpa.", "6 IN PTR b.example.com.", rtype="PTR"),
            False,
        ),
        (
            answered("q.w.example.com.", "w.example.com. 6 IN DNAME example.net.", "6 IN CNAME q.example.net."),
            answered("z.w.example.com.", "w.example.com. 6 IN DNAME example.net.", "6 IN CNAME z.example.net."),
            True,
        ),
    ],
    ids=[str(number) for number in range(12)],
)
def test_what_a_wildcard_may_have_made_is_alike(one: bytes, other: bytes, alike: bool) -> None:
    assert bool({*likenesses(one)} & {*likenesses(other)}) is alike


def test_name_errors_behind_an_alias_are_those_of_the_zone_that_denies() -> None:
    alias = "www.example.net. 60 IN CNAME x.example.com."
    behind = response("www.example.net.", rcode=3, answer=[alias], authority=[SOA])
    assert likenesses(behind) == likenesses(response("y.example.com.", rcode=3, authority=[SOA]))


def test_the_kind_comes_first() -> None:
    kinds = [likenesses(each)[0][:1] for each in (response(answer=A), response(), response(rcode=3), response(rcode=5))]
    assert kinds == [ANSWER, NODATA, NXDOMAIN, ERROR]


@pytest.mark.parametrize("edns", [None, 0])
@pytest.mark.parametrize("do", [False, True])
def test_what_is_cut_keeps_question_and_opt_and_says_tc(edns: int | None, do: bool) -> None:
    options = {"want_dnssec": True} if do and edns is not None else {}
    whole = response(answer=A, authority=[SOA], edns=edns, **options)
    made = dns.message.from_wire(cut(whole))
    before = dns.message.from_wire(whole)
    assert made.flags == before.flags | dns.flags.TC
    assert (made.id, made.question, made.rcode()) == (before.id, before.question, before.rcode())
    assert not [*made.answer, *made.authority, *made.additional]
    assert (made.edns, made.ednsflags, made.payload) == (before.edns, before.ednsflags, before.payload)


@given(st.binary(min_size=12, max_size=80), st.integers(12, 90))
def test_nothing_malformed_raises_anything_else(octets: bytes, length: int) -> None:
    whole = response(rcode=3, authority=[SOA])
    for each in (octets, whole[:length], whole[:length] + octets):
        kinds = {like[:1] for like in likenesses(each)}
        assert len(kinds) == 1
        assert kinds <= {ANSWER, NODATA, NXDOMAIN, ERROR}
        with contextlib.suppress(WireError):
            assert cut(each)[2] & 2
