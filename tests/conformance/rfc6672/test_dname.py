"""DNAME as RFC 6672 has it."""

from __future__ import annotations

import pytest

from resolver.auth.zone import Zone
from resolver.message import Rcode
from resolver.wire import names
from tests.support import zone_text


def serving(origin: str, *records: str) -> Zone:
    soa = f"{origin} 60 IN SOA ns.invalid. root.invalid. 1 2 3 4 5"
    return zone_text.zone(origin, "\n".join((soa, *records)))


@pytest.mark.rfc(6672, "2.2")
@pytest.mark.parametrize(
    ("name", "owner", "target", "alias"),
    [
        ("a.example.com.", "example.com.", "example.net.", "a.example.net."),
        ("a.b.example.com.", "example.com.", "example.net.", "a.b.example.net."),
        ("foo.example.com.", "example.com.", "example.net.", "foo.example.net."),
        ("a.x.example.com.", "x.example.com.", "example.net.", "a.example.net."),
        ("a.example.com.", "example.com.", "y.example.net.", "a.y.example.net."),
        ("cyc.example.com.", "example.com.", "example.com.", "cyc.example.com."),
        ("cyc.example.com.", "example.com.", "c.example.com.", "cyc.c.example.com."),
        ("shortloop.x.x.", "x.", ".", "shortloop.x."),
        ("shortloop.x.", "x.", ".", "shortloop."),
    ],
)
def test_names_below_a_dname_are_substituted(name: str, owner: str, target: str, alias: str) -> None:
    origin = names.to_text(names.parent(names.from_text(owner)))
    reply = serving(origin, f"{owner} 30 IN DNAME {target}").answer(zone_text.question(name, "CNAME"))
    found = zone_text.lines(reply.answer)
    assert f"{owner} 30 DNAME {target}" in found
    assert f"{name} 30 CNAME {alias}" in found
    assert reply.aa


@pytest.mark.rfc(6672, "2.2")
@pytest.mark.parametrize("name", ["com.", "ab.example.com."])
def test_names_beside_a_dname_are_not_substituted(name: str) -> None:
    reply = serving("com.", "b.example.com. 30 IN DNAME example.net.").answer(zone_text.question(name, "A"))
    assert reply.answer == ()


@pytest.mark.rfc(6672, "2.3")
def test_the_owner_of_a_dname_answers_for_itself_also_at_the_apex() -> None:
    zone = serving("x.", "x. 30 IN DNAME y.", "x. 30 IN A 192.0.2.1", "x. 30 IN NS ns.y.")
    assert zone_text.lines(zone.answer(zone_text.question("x.", "A")).answer) == ["x. 30 A 192.0.2.1"]
    assert zone_text.lines(zone.answer(zone_text.question("x.", "NS")).answer) == ["x. 30 NS ns.y."]
    assert zone_text.lines(zone.answer(zone_text.question("x.", "DNAME")).answer) == ["x. 30 DNAME y."]
    assert zone.answer(zone_text.question("x.", "TXT")).answer == ()
    assert zone_text.lines(zone.answer(zone_text.question("a.x.", "A")).answer) == [
        "a.x. 30 CNAME a.y.",
        "x. 30 DNAME y.",
    ]


@pytest.mark.rfc(6672, "2.4")
def test_what_lies_below_a_dname_is_occluded() -> None:
    zone = serving(
        "x.",
        "d.x. 30 IN DNAME y.",
        "a.d.x. 30 IN A 192.0.2.1",
        "cut.d.x. 30 IN NS a.d.x.",
        "other.x. 30 IN NS a.d.x.",
    )
    for name in ("a.d.x.", "cut.d.x.", "b.cut.d.x."):
        reply = zone.answer(zone_text.question(name, "A"))
        assert f"{name} 30 CNAME {name.replace('d.x.', 'y.')}" in zone_text.lines(reply.answer)
        assert reply.authority == ()
    assert zone.answer(zone_text.question("other.x.", "A")).additional == ()


@pytest.mark.rfc(6672, "3.1")
def test_the_synthesised_cname_is_spelled_as_asked_and_has_the_ttl_of_the_dname() -> None:
    reply = serving("x.", "d.x. 77 IN DNAME Y.").answer(zone_text.question("aBc.D.x.", "A"))
    assert zone_text.lines(reply.answer) == ["aBc.D.x. 77 CNAME aBc.Y.", "d.x. 77 DNAME Y."]


@pytest.mark.rfc(6672, "3.2")
def test_a_name_that_grows_too_long_is_yxdomain_with_the_dname() -> None:
    zone = serving("x.", f"d.x. 30 IN DNAME {'t' * 63}.{'t' * 63}.")
    fits = f"{'a' * 63}.{'a' * 60}.d.x."
    too_long = f"{'a' * 63}.{'a' * 62}.d.x."
    reply = zone.answer(zone_text.question(fits, "A"))
    assert (reply.rcode, len(reply.answer)) == (Rcode.NOERROR, 2)
    reply = zone.answer(zone_text.question(too_long, "A"))
    assert (reply.rcode, reply.aa) == (Rcode.YXDOMAIN, True)
    assert [names.to_text(rrset.name) for rrset in reply.answer] == ["d.x."]


@pytest.mark.rfc(6672, "3.2")
def test_a_dname_that_leads_into_the_zone_is_followed_and_stands_once_in_the_answer() -> None:
    zone = serving("x.", "d.x. 30 IN DNAME x.", "www.x. 30 IN A 192.0.2.1")
    reply = zone.answer(zone_text.question("www.d.d.x.", "A"))
    assert zone_text.lines(reply.answer) == [
        "d.x. 30 DNAME x.",
        "www.d.d.x. 30 CNAME www.d.x.",
        "www.d.x. 30 CNAME www.x.",
        "www.x. 30 A 192.0.2.1",
    ]


@pytest.mark.rfc(6672, "2.2")
def test_a_dname_that_leads_below_itself_is_not_followed_for_ever() -> None:
    zone = serving("x.", "d.x. 30 IN DNAME a.d.x.")
    assert len(zone.answer(zone_text.question("b.d.x.", "A")).answer) == 2


@pytest.mark.rfc(6672, "3.3")
def test_a_dname_at_a_wildcard_redirects_below_the_wildcard_only() -> None:
    zone = serving("x.", "*.x. 30 IN DNAME y.")
    assert zone.answer(zone_text.question("a.b.x.", "A")).answer == ()
    assert zone_text.lines(zone.answer(zone_text.question("a.*.x.", "A")).answer) == [
        "*.x. 30 DNAME y.",
        "a.*.x. 30 CNAME a.y.",
    ]
    assert zone_text.lines(zone.answer(zone_text.question("b.x.", "DNAME")).answer) == ["b.x. 30 DNAME y."]
