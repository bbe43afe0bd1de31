from __future__ import annotations

import pytest

from resolver.engine.delegation import MAX_ADDRESSES, MAX_MINIMISED, MAX_NS, minimised, of_referral
from resolver.message import Class, Question, RRset, Type
from resolver.network.base import Endpoint
from tests.support.messages import name, reply, sets

QUESTION = Question(name("www.example.com."), Type.A)


def made(ns: list[str], glue: list[str] | tuple[RRset, ...] = (), *, sender: str = "com.", port: int = 53):
    message = reply(QUESTION, authority=ns, aa=False)
    extra = sets(glue) if isinstance(glue, list) else glue
    return of_referral(message._replace(additional=extra), message.authority[0], name(sender), port)


def hosts(delegation) -> dict[str, list[str]]:
    return {each.name.decode("latin-1"): [endpoint.host for endpoint in each.endpoints] for each in delegation.servers}


def test_a_referral_makes_a_delegation_with_its_names_addresses_and_ttl():
    found = made(
        ["Example.com. 600 IN NS NS1.example.com.", "Example.com. 600 IN NS ns2.example.com."],
        ["ns1.Example.com. 900 IN A 192.0.2.1", "ns1.example.com. 900 IN AAAA 2001:db8::1"],
        port=5300,
    )
    assert (found.zone, found.ttl, found.configured) == (name("example.com."), 600, False)
    assert [each.name for each in found.servers] == [name("ns1.example.com."), name("ns2.example.com.")]
    assert found.servers[0].endpoints == (Endpoint("192.0.2.1", 5300), Endpoint("2001:db8::1", 5300))
    assert found.servers[1].endpoints == ()


@pytest.mark.rfc(9499, "7")
def test_sibling_glue_is_believed():
    """A name server below another delegation of the same parent."""
    found = made(["example.com. 600 IN NS ns.other.com."], ["ns.other.com. 600 IN A 192.0.2.1"])
    assert [endpoint.host for endpoint in found.servers[0].endpoints] == ["192.0.2.1"]


@pytest.mark.rfc(2181, "5.4.1")
def test_glue_outside_the_bailiwick_is_not_believed():
    found = made(["example.com. 600 IN NS ns.example.net."], ["ns.example.net. 600 IN A 192.0.2.66"])
    assert [(each.name, each.endpoints) for each in found.servers] == [(name("ns.example.net."), ())]


def test_a_name_that_only_ends_like_the_zone_is_outside_of_it():
    found = made(["example.com. 600 IN NS ns.telecom."], ["ns.telecom. 600 IN A 192.0.2.66"])
    assert found.servers[0].endpoints == ()


def test_addresses_of_names_that_are_not_in_the_ns_set_are_not_believed():
    found = made(["example.com. 600 IN NS ns.example.com."], ["www.example.com. 600 IN A 192.0.2.66"])
    assert hosts(found) == {"\x02ns\x07example\x03com\x00": []}


def test_glue_that_is_no_internet_address_is_passed_over():
    """Rdata of class CH may have any length, and no address is made of it."""
    chaos = RRset(name("ns.example.com."), Type.A, Class.CH, 600, (b"abc",))
    found = made(["example.com. 600 IN NS ns.example.com."], (chaos,))
    assert found.servers[0].endpoints == ()


def test_a_delegation_is_no_longer_good_than_its_glue():
    found = made(["example.com. 600 IN NS ns.example.com."], ["ns.example.com. 60 IN A 192.0.2.1"])
    assert found.ttl == 60
    stranger = made(["example.com. 600 IN NS ns.example.net."], ["ns.example.net. 60 IN A 192.0.2.1"])
    assert stranger.ttl == 600


def test_long_lists_are_cut():
    ns = [f"example.com. 600 IN NS ns{number}.example.com." for number in range(40)]
    glue = [f"ns0.example.com. 600 IN A 192.0.2.{last}" for last in range(40)]
    found = made(ns, glue)
    assert len(found.servers) == MAX_NS
    assert len(found.servers[0].endpoints) == MAX_ADDRESSES


def test_names_that_differ_in_case_alone_are_one():
    found = made(["example.com. 600 IN NS ns.example.com.", "example.com. 600 IN NS NS.example.COM."])
    assert len(found.servers) == 1


@pytest.mark.rfc(9156, "2.3")
def test_a_minimised_name_has_one_label_more_than_the_zone_and_asks_for_an_address():
    question = Question(name("a.b.www.Example.com."), Type.TXT)
    assert minimised(question, name("."), 1) == Question(name("com."), Type.A)
    assert minimised(question, name("com."), 1) == Question(name("Example.com."), Type.A)
    assert minimised(question, name("com."), 2) == Question(name("www.Example.com."), Type.A)
    assert minimised(question, name("com."), 4) is question
    assert minimised(question, name("b.www.example.com."), 1) is question


@pytest.mark.rfc(9156, "2.3")
def test_minimising_ends_after_so_many_labels():
    question = Question(name("a." * 30 + "example.com."), Type.A)
    assert minimised(question, name("com."), MAX_MINIMISED) is not question
    assert minimised(question, name("com."), MAX_MINIMISED + 1) is question
