"""DS is answered from the parent's side (RFC 4035 section 3.1.4.1)."""

from __future__ import annotations

import pytest

from resolver.auth.authority import Authority
from resolver.message import Rcode, Reply
from tests.support import zone_text

PARENT = zone_text.zone(
    "kr.",
    """
    kr. 60 IN SOA ns.kr. root.kr. 1 2 3 4 5
    kr. 60 IN NS ns.kr.
    co.kr. 60 IN NS ns.co.kr.
    co.kr. 60 IN DS 1 8 9 00
    or.kr. 60 IN NS ns.or.kr.
    """,
)
CHILDREN = [
    zone_text.zone(origin, f"{origin} 60 IN SOA ns.{origin} root.{origin} 1 2 3 4 5\n{origin} 60 IN TXT x")
    for origin in ("co.kr.", "or.kr.", "x.co.kr.")
]


def asked(*zones_and_name: object) -> Reply:
    *zones, name = zones_and_name
    return Authority(zones).reply(zone_text.question(str(name), "DS"))  # type: ignore[arg-type]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_parent_alone_answers_with_authority() -> None:
    reply = asked(PARENT, "co.kr.")
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == ["co.kr. 60 DS 1 8 9 00"]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_parent_answers_also_where_one_server_holds_both_zones() -> None:
    reply = asked(PARENT, *CHILDREN, "co.kr.")
    assert zone_text.lines(reply.answer) == ["co.kr. 60 DS 1 8 9 00"]
    assert zone_text.lines(reply.authority) == ["kr. 60 NS ns.kr."]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_an_unsigned_delegation_is_no_data_with_the_soa_of_the_parent() -> None:
    reply = asked(PARENT, *CHILDREN, "or.kr.")
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, True, ())
    assert zone_text.lines(reply.authority) == ["kr. 5 SOA ns.kr. root.kr. 1 2 3 4 5"]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_the_child_alone_answers_that_it_has_none() -> None:
    reply = asked(*CHILDREN, "co.kr.")
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, True, ())
    assert zone_text.lines(reply.authority) == ["co.kr. 5 SOA ns.co.kr. root.co.kr. 1 2 3 4 5"]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_a_grandparent_that_would_only_refer_leaves_the_answer_to_the_child() -> None:
    reply = asked(PARENT, CHILDREN[2], "x.co.kr.")
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, True, ())
    assert zone_text.lines(reply.authority) == ["x.co.kr. 5 SOA ns.x.co.kr. root.x.co.kr. 1 2 3 4 5"]


@pytest.mark.rfc(4035, "3.1.4.1")
def test_below_the_cut_ds_is_referred_like_any_type() -> None:
    reply = asked(PARENT, "a.co.kr.")
    assert (reply.aa, reply.answer) == (False, ())
    assert zone_text.lines(reply.authority) == ["co.kr. 60 NS ns.co.kr."]
