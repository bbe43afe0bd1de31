"""What is kept of the name servers that upstreams name beside their answers."""

from __future__ import annotations

import pytest

from resolver.engine.delegation import Trim
from resolver.message import Class, Message
from resolver.pipeline.overheard import Overheard
from tests.support import zone_text
from tests.support.clocks import ManualClock
from tests.support.messages import name, reply, sets

QUESTION = zone_text.question("www.shop.test.", "A")
TEST, SHOP = name("test."), name("shop.test.")


def overheard(*elsewhere: bytes, **options) -> Overheard:
    return Overheard(ManualClock(), {TEST, *elsewhere}, Trim(**options), 86_400)


def said(*authority: str, additional: tuple[str, ...] = ()) -> Message:
    return reply(QUESTION, "www.shop.test. 300 IN A 192.0.2.1", authority, additional, aa=False, ra=True)


def test_the_name_servers_of_a_zone_are_held_with_the_addresses_that_lie_in_it():
    heard = overheard()
    glue = ("ns.shop.test. 50 IN A 192.0.2.53", "ns.shop.test. 60 IN AAAA 2001:db8::53", "ns.test. 5 IN A 192.0.2.66")
    servers = ("shop.test. 90 IN NS ns.shop.test.", "shop.test. 90 IN NS ns.test.")
    heard.learn(QUESTION, TEST, said(*servers, additional=glue))
    delegation = heard.held.get(SHOP)
    assert delegation is not None
    assert [each.name for each in delegation.servers] == [name("ns.shop.test."), name("ns.test.")]
    assert delegation.servers[1].endpoints == ()
    assert [each.host for each in delegation.servers[0].endpoints] == ["192.0.2.53", "2001:db8::53"]
    assert heard.held.left(SHOP) == 50
    assert not delegation.configured
    assert delegation.parent == b""


@pytest.mark.parametrize("wrong", ["shop.test. 90 IN A 192.0.2.1", "shop.test. 90 IN SOA a. b. 1 2 3 4 5"])
def test_other_types_tell_of_no_name_servers(wrong):
    heard = overheard()
    heard.learn(QUESTION, TEST, said(wrong))
    assert len(heard.held) == 0


def test_other_classes_tell_of_no_name_servers():
    heard = overheard()
    (ns,) = sets("shop.test. 90 IN NS ns.shop.test.")
    heard.learn(QUESTION, TEST, said()._replace(authority=(ns._replace(cls=Class.CH),)))
    assert len(heard.held) == 0


def test_of_a_zone_that_others_are_asked_about_nothing_is_held_though_its_ds_is_asked_here():
    heard = overheard(SHOP)
    heard.learn(zone_text.question("shop.test.", "DS"), TEST, said("shop.test. 90 IN NS ns.test."))
    assert len(heard.held) == 0
    heard.learn(zone_text.question("other.test.", "DS"), TEST, said("other.test. 90 IN NS ns.test."))
    assert len(heard.held) == 1


def test_of_a_long_list_as_much_is_held_as_of_a_delegation():
    heard = overheard(names=3, addresses=2)
    lines = [f"shop.test. 90 IN NS ns{each}.shop.test." for each in range(20)]
    glue = tuple(f"ns0.shop.test. 90 IN A 192.0.2.{each}" for each in range(1, 9))
    heard.learn(QUESTION, TEST, said(*lines, additional=glue))
    delegation = heard.held.get(SHOP)
    assert delegation is not None
    assert [len(each.endpoints) for each in delegation.servers] == [2, 0, 0]


def test_what_is_forgotten_is_a_name_or_all_below_one():
    heard = overheard()

    def learn() -> None:
        heard.learn(QUESTION, TEST, said("shop.test. 90 IN NS ns.shop.test.", "test. 90 IN NS ns.test."))

    learn()
    assert len(heard.held) == 2
    assert heard.forget(TEST, subtree=False) == 1
    assert heard.forget(name("hop.test."), subtree=True) == 0
    learn()
    assert heard.forget(TEST, subtree=True) == 2
