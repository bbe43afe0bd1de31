from __future__ import annotations

import pytest

from resolver.engine.delegation import MAX_MINIMISED, UNTOUCHED, Trim, minimised, of_referral
from resolver.message import Class, Question, RRset, Type
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from tests.support.messages import name, reply, sets

QUESTION = Question(name("www.example.com."), Type.A)


def made(
    ns: list[str], glue: list[str] | tuple[RRset, ...] = (), *, sender: str = "com.", port: int = 53, trim=UNTOUCHED
):
    message = reply(QUESTION, authority=ns, aa=False)
    extra = sets(glue) if isinstance(glue, list) else glue
    return of_referral(message._replace(additional=extra), message.authority[0], name(sender), port, trim)


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


NS40 = [f"example.com. 600 IN NS ns{number}.example.com." for number in range(40)]


def test_long_lists_are_cut_to_a_random_choice():
    glue = [f"ns{number}.example.com. 600 IN A 192.0.2.{last}" for number in range(40) for last in range(40)]
    chosen: set[bytes] = set()
    asked: set[str] = set()
    for seed in range(40):
        found = made(NS40, glue, trim=Trim(shuffle=SeededEntropy(seed).shuffle))
        assert len({each.name for each in found.servers}) == 13
        assert all(len(set(each.endpoints)) == 8 for each in found.servers)
        chosen.update(each.name for each in found.servers)
        asked.update(endpoint.host for each in found.servers for endpoint in each.endpoints)
    assert len(chosen) == 40, "the order of the records must not decide"
    assert len(asked) == 40


def test_how_much_is_kept_can_be_set_and_short_lists_are_left_as_they_are():
    def never(_) -> None:
        raise AssertionError("nothing to be chosen")

    glue = [f"ns0.example.com. 600 IN A 192.0.2.{last}" for last in range(3)]
    small = made(NS40[:2], glue, trim=Trim(2, 3, never))
    assert [len(each.endpoints) for each in small.servers] == [3, 0]
    assert len(made(NS40, trim=Trim(5)).servers) == 5
    assert [len(each.endpoints) for each in made(NS40[:1], glue, trim=Trim(1, 2)).servers] == [2]


def test_of_a_long_list_a_name_with_an_address_is_kept_if_there_is_one():
    glue = ["ns33.example.com. 600 IN A 192.0.2.1"]
    for seed in range(40):
        found = made(NS40, glue, trim=Trim(2, shuffle=SeededEntropy(seed).shuffle))
        assert len(found.servers) == 2
        assert [each.endpoints[0].host for each in found.servers if each.endpoints] == ["192.0.2.1"]


def test_glue_that_was_left_out_says_nothing_of_how_long_a_delegation_is_good():
    found = made(NS40[:2], ["ns1.example.com. 60 IN A 192.0.2.1"], trim=Trim(2))
    assert found.ttl == 60
    left_out = made(NS40[:2], [f"ns{n}.example.com. {600 - n} IN A 192.0.2.1" for n in (0, 1)], trim=Trim(1))
    assert left_out.ttl == 600


def test_a_delegation_tells_whose_word_it_is():
    assert made(NS40[:1]).parent == name("com.")


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
