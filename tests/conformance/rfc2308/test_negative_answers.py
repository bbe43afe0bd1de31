"""Negative answers of an authoritative server (RFC 2308)."""

from __future__ import annotations

import pytest

from resolver.message import Rcode
from tests.support import zone_text


def text(ttl: int, minimum: int) -> str:
    return f"""
    x. {ttl} IN SOA ns.x. root.x. 1 2 3 4 {minimum}
    x. 900 IN NS ns.x.
    ns.x. 900 IN A 192.0.2.1
    to-nothing.x. 900 IN CNAME nothing.x.
    to-text.x. 900 IN CNAME text.x.
    text.x. 900 IN TXT hello
    """


@pytest.mark.rfc(2308, "3")
@pytest.mark.parametrize(("ttl", "minimum", "told"), [(600, 60, 60), (60, 600, 60), (0, 60, 0), (9, 9, 9)])
@pytest.mark.parametrize(("name", "rcode"), [("none.x.", Rcode.NXDOMAIN), ("text.x.", Rcode.NOERROR)])
def test_the_soa_says_how_long_to_remember(ttl: int, minimum: int, told: int, name: str, rcode: Rcode) -> None:
    reply = zone_text.zone("x.", text(ttl, minimum)).answer(zone_text.question(name, "A"))
    assert (reply.rcode, reply.aa, reply.answer, reply.additional) == (rcode, True, (), ())
    assert zone_text.lines(reply.authority) == [f"x. {told} SOA ns.x. root.x. 1 2 3 4 {minimum}"]


@pytest.mark.rfc(2308, "3")
def test_the_soa_that_is_asked_for_keeps_its_own_ttl() -> None:
    reply = zone_text.zone("x.", text(600, 60)).answer(zone_text.question("x.", "SOA"))
    assert zone_text.lines(reply.answer) == ["x. 600 SOA ns.x. root.x. 1 2 3 4 60"]


@pytest.mark.rfc(2308, "2.1")
def test_nxdomain_at_the_end_of_an_alias_carries_the_alias() -> None:
    reply = zone_text.zone("x.", text(600, 60)).answer(zone_text.question("to-nothing.x.", "A"))
    assert (reply.rcode, reply.aa) == (Rcode.NXDOMAIN, True)
    assert zone_text.lines(reply.answer) == ["to-nothing.x. 900 CNAME nothing.x."]
    assert zone_text.lines(reply.authority) == ["x. 60 SOA ns.x. root.x. 1 2 3 4 60"]


@pytest.mark.rfc(2308, "2.2")
def test_nodata_at_the_end_of_an_alias_carries_the_alias() -> None:
    reply = zone_text.zone("x.", text(600, 60)).answer(zone_text.question("to-text.x.", "A"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == ["to-text.x. 900 CNAME text.x."]
    assert zone_text.lines(reply.authority) == ["x. 60 SOA ns.x. root.x. 1 2 3 4 60"]
