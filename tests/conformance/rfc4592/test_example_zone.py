"""The example zone of RFC 4592 section 2.2.1, the responses that it lists, and what follows from them."""

from __future__ import annotations

import pytest

from resolver.auth.zone import Zone
from resolver.message import Rcode
from tests.support import zone_text

ZONE = """
example. 3600 IN SOA ns.example.com. root.example.com. 1 7200 3600 604800 3600
example. 3600 IN NS ns.example.com.
example. 3600 IN NS ns.example.net.
*.example. 3600 IN TXT "this is a wildcard"
*.example. 3600 IN MX 10 host1.example.
sub.*.example. 3600 IN TXT "this is not a wildcard"
host1.example. 3600 IN A 192.0.2.1
_ssh._tcp.host1.example. 3600 IN SRV 0 0 22 host1.example.
_ssh._tcp.host2.example. 3600 IN SRV 0 0 22 host2.example.
subdel.example. 3600 IN NS ns.example.com.
subdel.example. 3600 IN NS ns.example.net.
"""


@pytest.fixture(scope="module")
def zone() -> Zone:
    return zone_text.zone("example.", ZONE)


@pytest.mark.rfc(4592, "2.2.1")
@pytest.mark.parametrize(
    ("name", "rtype", "answer"),
    [
        ("host3.example.", "MX", "host3.example. 3600 MX 10 host1.example."),
        ("foo.bar.example.", "TXT", 'foo.bar.example. 3600 TXT "this is a wildcard"'),
        ("Host3.Example.", "MX", "Host3.Example. 3600 MX 10 host1.example."),
    ],
)
def test_a_name_that_does_not_exist_is_answered_from_the_wildcard(
    zone: Zone, name: str, rtype: str, answer: str
) -> None:
    reply = zone.answer(zone_text.question(name, rtype))
    assert (reply.rcode, reply.aa) == (Rcode.NOERROR, True)
    assert zone_text.lines(reply.answer) == [answer]


@pytest.mark.rfc(4592, "2.2.1")
@pytest.mark.parametrize(
    ("name", "rtype", "rcode"),
    [
        ("host3.example.", "A", Rcode.NOERROR),  # the wildcard has no data of this type
        ("host1.example.", "MX", Rcode.NOERROR),  # the name exists
        ("sub.*.example.", "MX", Rcode.NOERROR),  # the name exists
        ("_telnet._tcp.host1.example.", "SRV", Rcode.NXDOMAIN),  # _tcp.host1.example. exists, without data
        ("ghost.*.example.", "MX", Rcode.NXDOMAIN),  # *.example. exists; below it there is no wildcard
        ("_tcp.host1.example.", "MX", Rcode.NOERROR),  # an empty non-terminal (section 2.2.2)
        ("host2.example.", "TXT", Rcode.NOERROR),  # the same: it exists by what lies below it
        ("a.host1.example.", "MX", Rcode.NXDOMAIN),  # the closest encloser is host1.example.
    ],
)
def test_a_wildcard_does_not_reach_across_what_exists(zone: Zone, name: str, rtype: str, rcode: Rcode) -> None:
    reply = zone.answer(zone_text.question(name, rtype))
    assert (reply.rcode, reply.aa, reply.answer) == (rcode, True, ())
    assert zone_text.lines(reply.authority)[0].startswith("example. 3600 SOA")


@pytest.mark.rfc(4592, "2.2.1")
def test_a_wildcard_does_not_reach_across_a_cut(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("host.subdel.example.", "A"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, False, ())
    assert zone_text.lines(reply.authority) == [
        "subdel.example. 3600 NS ns.example.com.",
        "subdel.example. 3600 NS ns.example.net.",
    ]


@pytest.mark.rfc(4592, "2.3")
def test_the_wildcard_itself_can_be_asked(zone: Zone) -> None:
    reply = zone.answer(zone_text.question("*.example.", "TXT"))
    assert zone_text.lines(reply.answer) == ['*.example. 3600 TXT "this is a wildcard"']


@pytest.mark.rfc(4592, "4.3")
def test_an_alias_at_a_wildcard_is_followed_from_the_name_asked() -> None:
    zone = zone_text.zone(
        "example.",
        """
        example. 60 IN SOA ns.example. root.example. 1 2 3 4 5
        *.example. 60 IN CNAME www.example.
        www.example. 60 IN A 192.0.2.1
        """,
    )
    reply = zone.answer(zone_text.question("some.name.example.", "A"))
    assert zone_text.lines(reply.answer) == [
        "some.name.example. 60 CNAME www.example.",
        "www.example. 60 A 192.0.2.1",
    ]


@pytest.mark.rfc(4592, "4.2")
def test_a_wildcard_that_is_a_cut_makes_the_names_it_stands_for_cuts() -> None:
    zone = zone_text.zone(
        "example.",
        """
        example. 60 IN SOA ns.example. root.example. 1 2 3 4 5
        *.example. 60 IN NS ns.example.
        ns.example. 60 IN A 192.0.2.1
        """,
    )
    reply = zone.answer(zone_text.question("a.b.example.", "A"))
    assert (reply.rcode, reply.aa, reply.answer) == (Rcode.NOERROR, False, ())
    assert zone_text.lines(reply.authority) == ["a.b.example. 60 NS ns.example."]
    assert zone_text.lines(reply.additional) == ["ns.example. 60 A 192.0.2.1"]
    no_ds = zone.answer(zone_text.question("a.b.example.", "DS"))
    assert (no_ds.rcode, no_ds.aa, no_ds.answer) == (Rcode.NOERROR, True, ())
