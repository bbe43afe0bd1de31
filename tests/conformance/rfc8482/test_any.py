"""Questions of type ANY get little (RFC 8482)."""

from __future__ import annotations

import pytest

from resolver.auth.zone import Zone
from resolver.message import Rcode
from tests.support import zone_text

ZONE = """
x. 60 IN SOA ns.x. root.x. 1 2 3 4 5
x. 60 IN NS ns.x.
x. 60 IN TXT apex
ns.x. 60 IN A 192.0.2.1
www.x. 60 IN TXT text
www.x. 60 IN AAAA 2001:db8::1
www.x. 60 IN MX 10 ns.x.
alias.x. 60 IN CNAME www.x.
below.empty.x. 60 IN A 192.0.2.2
*.wild.x. 60 IN TXT wild
cut.x. 60 IN NS ns.cut.x.
cut.x. 60 IN DS 1 8 9 00
ns.cut.x. 60 IN A 192.0.2.3
"""


@pytest.fixture(scope="module")
def zone() -> Zone:
    return zone_text.zone("x.", ZONE)


@pytest.mark.rfc(8482, "4.1")
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("www.x.", "www.x. 60 MX 10 ns.x."),
        ("x.", "x. 60 NS ns.x."),
        ("alias.x.", "alias.x. 60 CNAME www.x."),
        ("a.wild.x.", 'a.wild.x. 60 TXT "wild"'),
    ],
)
def test_any_is_answered_with_the_rrset_of_the_lowest_type(zone: Zone, name: str, answer: str) -> None:
    reply = zone.answer(zone_text.question(name, "ANY"))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == [answer]


@pytest.mark.rfc(8482, "4.1")
@pytest.mark.parametrize(("name", "rcode"), [("empty.x.", Rcode.NOERROR), ("none.x.", Rcode.NXDOMAIN)])
def test_any_of_nothing_is_a_negative_answer(zone: Zone, name: str, rcode: Rcode) -> None:
    reply = zone.answer(zone_text.question(name, "ANY"))
    assert (reply.rcode, reply.aa, reply.answer) == (rcode, True, ())


def test_any_at_a_cut_is_a_referral(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("cut.x.", "ANY"))
    assert (reply.aa, reply.answer) == (False, ())
    assert zone_text.lines(reply.authority) == ["cut.x. 60 NS ns.cut.x."]
