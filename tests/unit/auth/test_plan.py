"""The plan: what follows from what is declared, and what stays as it was."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest

from resolver.auth import hierarchy, shipped
from resolver.auth.findings import Where
from resolver.auth.plan import Plan
from resolver.auth.shape import PLAN
from resolver.auth.signed import SignedZone
from resolver.dnssec import keys
from resolver.message import Type
from resolver.wire import names
from tests.support import worlds
from tests.support.plans import SHOP, contents, hosts, key, places, rrset, shop, told


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


# -- a zone


def test_a_zone_has_the_records_of_its_mapping_with_the_ttl_of_the_plan() -> None:
    plan = shop()
    www = rrset(plan, "shop.example", "www.shop.example")
    assert www is not None
    assert (www.ttl, www.rdatas) == (60, (address("192.0.2.1"), address("192.0.2.2")))
    assert told(plan, "shop.example", "api.shop.example", "CNAME") == [names.from_text("www.shop.example")]
    assert told(plan, "shop.example", "shop.example", "MX") == [b"\0\x0a" + names.from_text("mail.shop.example")]
    assert told(plan, "shop.example", "shop.example", "TXT") == [b"\x05hello"]


def test_a_value_may_have_a_ttl_of_its_own_and_a_zone_another_for_the_rest() -> None:
    plan = Plan()
    data = {"short": {"A": {"ttl": 5, "values": ["192.0.2.5"]}}, "word": {"A": {"ttl": "5m", "values": "192.0.2.6"}}}
    plan.zone("shop.example", {**data, "long": {"A": "192.0.2.7"}}, ttl=900, negative_ttl=7)
    found = [rrset(plan, "shop.example", f"{name}.shop.example") for name in ("short", "word", "long")]
    assert [each.ttl for each in found if each] == [5, 300, 900]
    assert told(plan, "shop.example", "shop.example", "SOA")[0].endswith((7).to_bytes(4, "big"))


def test_names_in_values_are_relative_to_the_zone_unless_they_end_in_a_dot() -> None:
    plan = Plan()
    plan.zone("shop.example", {"a": {"CNAME": "b.c"}, "d": {"CNAME": "e.test."}, "f.shop.example.": {"NS": "@"}})
    assert told(plan, "shop.example", "a.shop.example", "CNAME") == [names.from_text("b.c.shop.example")]
    assert told(plan, "shop.example", "d.shop.example", "CNAME") == [names.from_text("e.test")]
    assert told(plan, "shop.example", "f.shop.example", "NS") == [names.from_text("shop.example")]


def test_text_without_quotes_is_one_text_and_with_them_what_it_says() -> None:
    plan = Plan()
    texts = ['v=DKIM1; k="x" \\ y', "ü", '"two" "strings"', "", "x" * 300]
    plan.zone("shop.example", {"@": {"TXT": texts}})
    assert told(plan, "shop.example", "shop.example", "TXT") == [
        b'\x12v=DKIM1; k="x" \\ y',
        b"\x02\xc3\xbc",
        b"\x03two\x07strings",
        b"\0",
        b"\xff" + b"x" * 255 + b"\x2d" + b"x" * 45,
    ]


def test_records_may_be_lines_of_a_master_file() -> None:
    plan = Plan()
    plan.zone("shop.example", {"a": {"A": "192.0.2.1"}}, records=["b 5 IN A 192.0.2.2", "@ CAA 0 issue ca.test"], ttl=9)
    b = rrset(plan, "shop.example", "b.shop.example")
    assert b is not None
    assert b.ttl == 5
    assert told(plan, "shop.example", "a.shop.example") == [address("192.0.2.1")]
    caa = rrset(plan, "shop.example", "shop.example", "CAA")
    assert caa is not None
    assert caa.ttl == 9


def test_a_wildcard_and_an_empty_non_terminal_are_records_like_others() -> None:
    plan = Plan()
    plan.zone("shop.example", {"*.wild": {"A": "192.0.2.1"}, "a.b.c": {"A": "192.0.2.2"}})
    server = worlds.server(plan.world(), "ns1.shop.example")
    assert worlds.addresses(worlds.ask(server, "x.wild.shop.example").answer) == {"x.wild.shop.example.": {"192.0.2.1"}}
    assert worlds.ask(server, "b.c.shop.example").rcode == 0
    assert worlds.ask(server, "x.c.shop.example").rcode == 3


def test_a_zone_that_is_declared_anew_has_the_new_records_alone_and_its_old_servers() -> None:
    plan = shop(servers=["ns.hoster.test"])
    plan.zone("shop.example", {"new": {"A": "192.0.2.9"}})
    assert told(plan, "shop.example", "www.shop.example") == []
    assert told(plan, "shop.example", "new.shop.example") == [address("192.0.2.9")]
    assert hosts(plan, "shop.example", "shop.example") == ["ns.hoster.test."]


def test_what_the_zone_says_of_its_own_soa_and_ns_stays() -> None:
    plan = Plan()
    soa = "me you 9 8 7 6 5"
    plan.zone("shop.example", {"@": {"SOA": soa, "NS": {"ttl": 70, "values": ["ns1", "ns.dead.example."]}}})
    assert told(plan, "shop.example", "shop.example", "SOA")[0].endswith(bytes((0, 0, 0, 5)))
    assert hosts(plan, "example", "shop.example") == ["ns1.shop.example.", "ns.dead.example."]
    delegation = rrset(plan, "example", "shop.example", "NS")
    assert delegation is not None
    assert delegation.ttl == 70


# -- parents and servers


def test_the_root_and_the_top_level_domain_appear_by_themselves() -> None:
    plan = shop()
    assert places(plan) == {
        "a.root-servers.test.": "127.53.0.1",
        "a.gtld.test.": "127.53.1.1",
        "ns1.shop.example.": "127.53.2.1",
        "ns2.shop.example.": "127.53.2.2",
    }
    assert hosts(plan, ".", "example") == ["a.gtld.test."]
    assert hosts(plan, "example", "shop.example") == ["ns1.shop.example.", "ns2.shop.example."]
    assert told(plan, "example", "ns2.shop.example", "AAAA") == [address("fd53::2:2")]
    delegation = rrset(plan, "example", "shop.example", "NS")
    assert delegation is not None
    assert delegation.ttl == 86_400
    assert [plan.is_automatic(key(name)) for name in (".", "example", "shop.example")] == [True, True, False]


def test_an_empty_plan_is_a_world_of_a_root_alone() -> None:
    world = Plan().world()
    assert (list(world.zones), [names.to_text(server.name) for server in world.servers]) == (
        [names.ROOT],
        ["a.root-servers.test."],
    )


def test_all_automatic_zones_are_on_one_server() -> None:
    plan = shop()
    plan.zone("bank.test")
    plan.zone("2.0.192.in-addr.arpa", {"1": {"PTR": "www.shop.example."}})
    gtld = worlds.server(plan.world(), "a.gtld.test")
    served = {names.to_text(zone.apex) for zone in gtld.zones}
    assert served == {"example.", "test.", "arpa.", "in-addr.arpa."}
    assert hosts(plan, "in-addr.arpa", "2.0.192.in-addr.arpa") == [
        "ns1.2.0.192.in-addr.arpa.",
        "ns2.2.0.192.in-addr.arpa.",
    ]


def test_a_zone_below_a_declared_one_is_delegated_from_it() -> None:
    plan = shop()
    plan.zone("eu.shop.example", {"www": {"A": "192.0.2.5"}})
    assert hosts(plan, "shop.example", "eu.shop.example") == ["ns1.eu.shop.example.", "ns2.eu.shop.example."]
    assert hosts(plan, "example", "eu.shop.example") == []


def test_a_declared_top_level_domain_takes_the_place_of_the_automatic_one() -> None:
    plan = shop()
    plan.zone("example", {"www": {"A": "192.0.2.3"}})
    assert not plan.is_automatic(key("example"))
    assert "a.gtld.test." not in places(plan)
    assert hosts(plan, ".", "example") == ["ns1.example.", "ns2.example."]
    assert hosts(plan, "example", "shop.example") == ["ns1.shop.example.", "ns2.shop.example."]


@pytest.mark.parametrize("name", ["test", "gtld.test", "root-servers.test", "a.gtld.test"])
def test_the_zones_of_the_automatic_servers_may_be_declared(name: str) -> None:
    plan = shop()
    plan.zone(name, {"www": {"A": "192.0.2.3"}})
    owner = plan.owner(key("a.gtld.test"))
    assert owner is not None
    assert told(plan, names.to_text(owner), "a.gtld.test") == [address("127.53.1.1")]
    assert told(plan, ".", "a.gtld.test") == [address("127.53.1.1")]


def test_the_root_may_be_declared() -> None:
    plan = shop()
    plan.zone(".", {"only": {"TXT": "here"}}, servers=["k.root.test"])
    assert [(names.to_text(root.name), root.ipv4) for root in plan.world().root_servers] == [
        ("k.root.test.", "127.53.0.2")
    ]
    assert told(plan, ".", "only", "TXT") == [b"\x04here"]
    assert hosts(plan, ".", "example") == ["a.gtld.test."]


def test_several_zones_share_a_server_and_it_stands_outside_them() -> None:
    plan = Plan()
    plan.zone("shop.example", SHOP, servers=["ns1.hoster.test", "ns2.hoster.test"])
    plan.zone("bank.example", SHOP, servers=["ns1.hoster.test"])
    assert {zone.apex for zone in worlds.server(plan.world(), "ns1.hoster.test").zones} == {
        key("shop.example"),
        key("bank.example"),
    }
    assert told(plan, "test", "ns2.hoster.test") == [address("127.53.2.2")]
    referral = worlds.ask(worlds.server(plan.world(), "a.gtld.test"), "www.bank.example")
    assert worlds.hosts(referral.authority) == {"ns1.hoster.test."}
    assert told(plan, "example", "ns1.hoster.test") == []


def test_a_server_keeps_its_address_and_a_declared_one_has_the_address_that_is_said() -> None:
    plan = Plan()
    plan.server("ns.hoster.test", address="127.53.2.1")
    plan.server("ns2.hoster.test", recursion=True)
    plan.zone("shop.example", servers=["ns.hoster.test"])
    plan.zone("bank.example")
    before = places(plan)
    assert before["ns.hoster.test."] == "127.53.2.1"
    assert len(set(before.values())) == len(before)
    plan.server("ns.hoster.test", address="127.53.9.9")
    after = places(plan)
    assert after == {**before, "ns.hoster.test.": "127.53.9.9"}
    assert told(plan, "test", "ns.hoster.test", "AAAA") == [address("fd53::9:9")]
    assert worlds.server(plan.world(), "ns2.hoster.test").recursion


def test_a_zone_without_servers_is_delegated_as_its_data_say() -> None:
    plan = Plan()
    plan.zone("shop.example", {"@": {"NS": "ns.nowhere.test."}}, servers=[])
    assert hosts(plan, "example", "shop.example") == ["ns.nowhere.test."]


def test_servers_say_what_they_serve() -> None:
    plan = shop()
    assert plan.servers()[2] == {
        "name": "ns1.shop.example.",
        "address": "127.53.2.1",
        "ipv6": "fd53::2:1",
        "zones": ["shop.example."],
        "recursion": False,
    }


# -- single records


def test_a_record_is_put_into_the_deepest_zone_that_encloses_it() -> None:
    plan = shop()
    plan.zone("eu.shop.example")
    plan.put("www.eu.shop.example", "A", ["192.0.2.9"], ttl=5)
    put = rrset(plan, "eu.shop.example", "www.eu.shop.example")
    assert put is not None
    assert (put.ttl, put.rdatas) == (5, (address("192.0.2.9"),))


def test_put_takes_the_place_of_what_was_and_add_joins_it() -> None:
    plan = shop()
    plan.put("WWW.shop.example.", "a", ["192.0.2.8"])
    assert told(plan, "shop.example", "www.shop.example") == [address("192.0.2.8")]
    plan.add("www.shop.example", "A", ["192.0.2.9", "192.0.2.8"])
    assert told(plan, "shop.example", "www.shop.example") == [address("192.0.2.9"), address("192.0.2.8")]


def test_what_nobody_declared_a_zone_for_is_put_into_the_automatic_one() -> None:
    plan = Plan()
    plan.put("www.bank.example", "A", ["192.0.2.1"])
    plan.put("1.2.0.192.in-addr.arpa", "PTR", ["www.bank.example."])
    assert told(plan, "example", "www.bank.example") == [address("192.0.2.1")]
    assert plan.is_automatic(key("example"))
    assert told(plan, "in-addr.arpa", "1.2.0.192.in-addr.arpa", "PTR") == [names.from_text("www.bank.example")]
    assert "www.bank.example." in plan.names()


def test_what_was_put_moves_into_the_zone_that_is_declared_for_it_where_that_says_nothing() -> None:
    plan = Plan()
    plan.put("www.bank.example", "A", ["192.0.2.1"])
    plan.put("api.bank.example", "A", ["192.0.2.2"])
    plan.put("other.example", "A", ["192.0.2.3"])
    plan.zone("bank.example", {"api": {"CNAME": "www"}})
    assert told(plan, "bank.example", "www.bank.example") == [address("192.0.2.1")]
    assert told(plan, "bank.example", "api.bank.example") == []
    assert told(plan, "example", "other.example") == [address("192.0.2.3")]
    assert told(plan, "example", "www.bank.example") == []


def test_the_ds_of_a_zone_is_put_into_its_parent() -> None:
    plan = shop()
    plan.put("shop.example", "DS", ["1 13 2 " + "ab" * 32])
    assert len(told(plan, "example", "shop.example", "DS")) == 1
    assert plan.remove("shop.example", "DS") == 1
    assert told(plan, "example", "shop.example", "DS") == []


def test_an_ns_that_is_put_at_an_apex_is_what_the_parent_delegates_to() -> None:
    plan = shop()
    plan.put("shop.example", "NS", ["ns.elsewhere.test."])
    assert hosts(plan, "example", "shop.example") == ["ns.elsewhere.test."]
    assert plan.remove("shop.example", "NS") == 1
    assert hosts(plan, "example", "shop.example") == ["ns1.shop.example.", "ns2.shop.example."]


def test_remove_takes_a_value_a_type_or_all_of_a_name_and_says_how_many() -> None:
    plan = shop()
    assert plan.remove("www.shop.example", "A", "192.0.2.2") == 1
    assert told(plan, "shop.example", "www.shop.example") == [address("192.0.2.1")]
    assert plan.remove("www.shop.example", "A", "192.0.2.2") == 0
    assert plan.remove("www.shop.example", "TXT") == 0
    assert plan.remove("shop.example") == 2
    assert told(plan, "shop.example", "shop.example", "MX") == []
    assert hosts(plan, "shop.example", "shop.example") == ["ns1.shop.example.", "ns2.shop.example."]
    assert plan.remove("nothing.at.all.test") == 0


def test_an_automatic_zone_stays_and_says_that_what_was_below_it_is_gone() -> None:
    plan = Plan()
    plan.put("www.bank.example", "A", ["192.0.2.1"])
    plan.zone("shop.example")
    assert plan.remove("www.bank.example") == 1
    plan.without_zone("shop.example")
    assert sorted(places(plan)) == ["a.gtld.test.", "a.root-servers.test."]
    gtld = worlds.server(plan.world(), "a.gtld.test")
    assert [worlds.ask(gtld, name).rcode for name in ("www.bank.example", "www.shop.example")] == [3, 3]


def test_a_zone_that_is_gone_takes_its_delegation_and_its_servers_along() -> None:
    plan = shop()
    plan.zone("eu.shop.example", servers=["ns1.shop.example", "ns.eu.shop.example"])
    plan.without_zone("shop.example")
    assert hosts(plan, "example", "shop.example") == []
    assert hosts(plan, "example", "eu.shop.example") == ["ns1.shop.example.", "ns.eu.shop.example."]
    assert sorted(places(plan)) == [
        "a.gtld.test.",
        "a.root-servers.test.",
        "ns.eu.shop.example.",
        "ns1.shop.example.",
    ]
    assert told(plan, "example", "ns1.shop.example") == [address("127.53.2.1")]


def test_a_top_level_domain_that_is_gone_is_automatic_again_for_what_is_below() -> None:
    plan = shop()
    plan.zone("example", {"www": {"A": "192.0.2.3"}})
    plan.without_zone("example")
    assert plan.is_automatic(key("example"))
    assert told(plan, "example", "www.example") == []
    assert hosts(plan, "example", "shop.example") == ["ns1.shop.example.", "ns2.shop.example."]


def test_the_root_is_never_gone() -> None:
    plan = shop()
    plan.zone(".", servers=["k.root.test"])
    plan.without_zone(".")
    assert [names.to_text(root.name) for root in plan.world().root_servers] == ["a.root-servers.test."]


# -- signed zones


def test_automatic_parents_are_signed_where_a_zone_below_them_is() -> None:
    plan = shop(dnssec="nsec")
    plan.zone("bank.test")
    world = plan.world()
    signed = {names.to_text(apex) for apex, zone in world.zones.items() if isinstance(zone, SignedZone)}
    assert signed == {".", "example.", "shop.example."}
    assert world.trust_anchor is not None
    assert len(told(plan, "example", "shop.example", "DS")) == 1
    assert told(plan, ".", "test", "DS") == []
    plan.sign("shop.example", None)
    assert plan.world().trust_anchor is None


def test_a_fault_of_dnssec_is_a_matter_of_a_word() -> None:
    plan = shop(dnssec={"denial": "nsec3", "fault": "expired"})
    zone = plan.world().zones[key("shop.example")]
    assert isinstance(zone, SignedZone)
    assert zone.signer.fault == "expired"
    plan.sign("shop.example", {"denial": "nsec3"})
    mended = plan.world().zones[key("shop.example")]
    assert isinstance(mended, SignedZone)
    assert mended.signer.fault is None
    assert mended.signer.dnskeys == zone.signer.dnskeys


def test_keys_follow_from_the_seed_of_the_plan() -> None:
    def anchor(seed: str) -> object:
        plan = Plan(seed=seed)
        plan.zone("shop.example", dnssec="nsec")
        return plan.world().trust_anchor

    assert anchor("a") == anchor("a") != anchor("b")


def test_keys_are_derived_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    shop(dnssec="nsec").world()
    before = keys._derived.cache_info().misses
    shop(dnssec="nsec").world()
    assert keys._derived.cache_info().misses == before


# -- what stays


def test_a_zone_that_has_not_changed_is_the_same_object() -> None:
    plan = shop()
    plan.zone("bank.example", SHOP)
    first = plan.world()
    plan.put("www.bank.example", "A", ["192.0.2.9"])
    second = plan.world()
    assert [apex for apex in first.zones if first.zones[apex] is not second.zones[apex]] == [key("bank.example")]
    plan.zone("new.test", servers=["ns1.shop.example"])
    third = plan.world()
    assert {apex for apex in second.zones if second.zones[apex] is not third.zones[apex]} == {names.ROOT}
    assert plan.world() is third


def test_a_zone_that_is_declared_as_it_was_is_the_same_object() -> None:
    plan = shop(dnssec="nsec")
    first = plan.world()
    plan.zone("shop.example", SHOP, dnssec="nsec", where=Where("test_shop.py", 12))
    second = plan.world()
    assert all(first.zones[apex] is second.zones[apex] for apex in first.zones)
    assert plan.where(key("www.shop.example"), Type.A) == Where("test_shop.py", 12)


def test_a_signed_zone_that_has_changed_signs_what_it_says_now() -> None:
    plan = shop(dnssec="nsec")
    zone = plan.world().zones[key("shop.example")]
    assert isinstance(zone, SignedZone)
    www = zone.rrset(key("www.shop.example"), Type.A)
    assert www is not None
    before = zone.signer.rrsig(www, 0.0)
    plan.put("www.shop.example", "A", ["192.0.2.9"])
    changed = plan.world().zones[key("shop.example")]
    assert isinstance(changed, SignedZone)
    now = changed.rrset(key("www.shop.example"), Type.A)
    assert now is not None
    assert changed.signer.rrsig(now, 0.0) != before
    assert zone.signer.rrsig(www, 0.0) == before


@pytest.mark.parametrize(
    ("name", "rtype", "value"),
    [
        ("ns1.shop.example", "A", "127.53.2.1"),
        ("shop.example", "SOA", "a. b. 1 2 3 4 5"),
        ("eu.shop.example", "NS", "ns1"),
        ("www.shop.example", "CNAME", "api"),
        ("x.shop.example", "DNAME", "elsewhere.test."),
        ("_sip.shop.example", "SRV", "1 2 3 sip"),
    ],
)
def test_a_change_of_one_record_comes_to_the_same_as_a_plan_that_has_it_from_the_beginning(
    name: str, rtype: str, value: str
) -> None:
    first = Plan()
    first.zone("shop.example", {"api": {"A": "192.0.2.1"}})
    first.world()
    first.put(name, rtype, [value])
    second = Plan()
    second.zone("shop.example", {"api": {"A": "192.0.2.1"}, f"{name}.": {rtype: value}})
    assert contents(first.world()) == contents(second.world())


def test_the_version_grows_with_each_change() -> None:
    plan = Plan()
    seen = [plan.version]
    plan.zone("shop.example", SHOP)
    seen.append(plan.version)
    plan.put("www.shop.example", "A", ["192.0.2.9"])
    seen.append(plan.version)
    plan.remove("www.shop.example")
    seen.append(plan.version)
    plan.world()
    assert plan.remove("www.shop.example") == 0
    seen.append(plan.version)
    assert seen == [0, 1, 2, 3, 3]


def test_a_plan_is_again_what_it_was_when_it_is_restored() -> None:
    plan = shop()
    before, saved = contents(plan.world()), plan.save()
    plan.put("www.shop.example", "A", ["192.0.2.9"])
    plan.without_zone("shop.example")
    plan.zone("bank.test", dnssec="nsec")
    plan.world()
    plan.restore(saved)
    assert contents(plan.world()) == before


# -- what is known of it


def test_the_owner_of_a_name_is_the_deepest_zone_unless_that_delegates_it_away() -> None:
    plan = Plan()
    plan.zone("shop.example", {"eu": {"NS": "ns.elsewhere.test."}, "ns.eu": {"A": "192.0.2.1"}})
    assert plan.owner(key("www.shop.example")) == key("shop.example")
    assert plan.owner(key("www.eu.shop.example")) is None
    assert plan.owner(key("bank.example")) == key("example")
    assert plan.owner(key("nothing.invalid")) == names.ROOT


def test_a_name_is_declared_with_its_zone_or_by_what_was_put() -> None:
    plan = shop()
    plan.put("a.b.bank.example", "A", ["192.0.2.1"])
    plan.put("*.wild.bank.example", "A", ["192.0.2.1"])
    declared = [
        "nothing.shop.example",
        "a.b.bank.example",
        "b.bank.example",
        "x.y.wild.bank.example",
        "wild.bank.example",
    ]
    assert [plan.is_declared(key(name)) for name in declared] == [True] * 5
    undeclared = ["x.bank.example", "x.a.b.bank.example", "www.bank.test", "shopp.example"]
    assert [plan.is_declared(key(name)) for name in undeclared] == [False] * 4


def test_where_a_record_is_written_down_is_a_line_or_the_plan(tmp_path: Path) -> None:
    worlds.write(tmp_path, shop_test="@ A 192.0.2.1\nwww A 192.0.2.2\n")
    plan = Plan.read(tmp_path)
    assert plan.where(key("www.shop.test"), Type.A) == Where(str(tmp_path / "shop.test.zone"), 2)
    plan.put("new.shop.test", "A", ["192.0.2.3"])
    assert plan.where(key("new.shop.test"), Type.A) == PLAN
    assert plan.where(key("ns1.shop.test"), Type.A) is None
    assert plan.where(key("none.shop.test"), Type.A) is None


def test_the_names_are_those_that_somebody_gave() -> None:
    assert shop().names() == ["api.shop.example.", "shop.example.", "www.shop.example."]


def test_what_is_described_is_what_a_plan_takes() -> None:
    plan = shop(dnssec={"denial": "nsec3", "iterations": 2, "salt": "ab"}, servers=["ns.hoster.test"])
    plan.put("short.shop.example", "A", ["192.0.2.3"], ttl=5)
    plan.zone("shop", {"x.shop.shop.": {"TXT": 'a "quoted" text'}, "*": {"TXT": "x"}})
    other = Plan()
    for each in plan.described():
        other.zone(**each)
    assert other.described() == plan.described()
    zones = other.world().zones, plan.world().zones
    assert sorted(zones[0][key("shop.example")]) == sorted(zones[1][key("shop.example")])
    assert [each["name"] for each in plan.described()] == ["shop.", "shop.example."]
    assert [each["name"] for each in plan.described(automatic=True)] == [
        ".",
        "example.",
        "shop.",
        "test.",
        "shop.example.",
    ]


# -- a directory


def test_a_plan_of_a_directory_is_the_world_of_that_directory() -> None:
    directory = shipped.find_zones()
    assert contents(Plan.read(directory).world()) == contents(hierarchy.load(directory))


def test_the_shipped_world_is_described_and_written_down_as_it_is(tmp_path: Path) -> None:
    plan = Plan.read(shipped.find_zones())
    plan.write(tmp_path / "copy")
    assert contents(hierarchy.load(tmp_path / "copy")) == contents(plan.world())
    again = Plan.read(tmp_path / "copy")
    assert again.described() == plan.described()


def test_what_is_added_to_a_directory_takes_addresses_that_are_free(tmp_path: Path) -> None:
    plan = Plan.read(worlds.write(tmp_path))
    plan.zone("shop.example")
    assert places(plan) == {
        "a.root.test.": "127.53.0.1",
        "ns.nic.test.": "127.53.1.1",
        "ns1.shop.test.": "127.53.2.1",
        "a.gtld.test.": "127.53.1.2",
        "ns1.shop.example.": "127.53.2.2",
        "ns2.shop.example.": "127.53.2.3",
    }
    assert told(plan, "test", "a.gtld.test") == [address("127.53.1.2")]


def test_what_was_added_to_a_directory_can_be_taken_away(tmp_path: Path) -> None:
    plan = Plan.read(worlds.write(tmp_path))
    before = contents(plan.world())
    plan.zone("bank.test", SHOP)
    plan.put("www.shop.test", "A", ["192.0.2.1"])
    plan.without_zone("bank.test")
    plan.remove("www.shop.test")
    assert contents(plan.world()) == before


def test_a_plan_that_is_written_down_reads_back_the_same(tmp_path: Path) -> None:
    plan = Plan(seed='a "seed" \\ \x7f\U0001f511')
    plan.zone("shop.example", SHOP, dnssec={"denial": "nsec3", "opt_out": True, "algorithm": "ED25519"})
    plan.zone("eu.shop.example", {"@": {"NS": "ns.nowhere.test."}}, servers=[])
    plan.put("loose.example", "TYPE65280", ["\\# 2 abcd"])
    plan.server("resolver.test", recursion=True)
    plan.zone("40/29.2.0.192.in-addr.arpa", {"41": {"PTR": "www.shop.example."}})
    plan.zone(("x" * 60 + ".") * 3 + "example", {"a": {"A": "192.0.2.1"}})
    plan.zone("\\.\\000.example", {'"\\255': {"TXT": "\\"}})
    plan.write(tmp_path / "zones")
    assert contents(hierarchy.load(tmp_path / "zones")) == contents(plan.world())


def test_faults_and_servers_of_a_directory_are_written_down_with_it(tmp_path: Path) -> None:
    text = (
        worlds.SMALL
        + """
[[server]]
name = "odd.test"
address = "127.53.4.4"
ipv6 = false
latency_ms = 2.5
loss = 0.25
fault = "lame"

[[fault]]
kind = "refused"
server = ["odd.test", "ns1.shop.test"]
name = "*.shop.test"
for = "5m"
at = 1.5
probability = 0.5

[[fault]]
kind = "partition"
between = [["ns1.shop.test"], ["resolver"]]

[zone."odd.test"]
nameservers = ["ns.nowhere.example"]
broken = "on purpose"
"""
    )
    plan = Plan.read(worlds.write(tmp_path, text))
    assert len(plan.world().faults) == 2
    plan.write(tmp_path / "copy")
    assert contents(hierarchy.load(tmp_path / "copy")) == contents(plan.world())
    zone = Plan.read(tmp_path / "copy").save().zones[key("odd.test")].declared
    assert (zone.nameservers, zone.broken) == ((names.from_text("ns.nowhere.example"),), "on purpose")


def test_what_the_root_of_a_directory_delegates_to_others_is_no_automatic_zone(tmp_path: Path) -> None:
    plan = Plan.read(worlds.write(tmp_path, root="com NS ns.elsewhere.net.\n"))
    plan.server("ns.hoster.com")
    assert key("com") not in plan.world().zones
    assert hosts(plan, ".", "com") == ["ns.elsewhere.net."]


def test_an_address_is_not_free_where_a_server_has_its_ipv6_address(tmp_path: Path) -> None:
    other = '[[server]]\nname = "odd.test"\naddress = "127.53.9.9"\nipv6 = "fd53::2:2"\n'
    plan = Plan.read(worlds.write(tmp_path, worlds.SMALL + other))
    plan.zone("new.test", servers=["ns.new.test"])
    assert places(plan)["ns.new.test."] == "127.53.2.3"


@pytest.mark.parametrize(
    "name",
    [
        ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 56, "test"]),  # too long for a file
        "\\000" * 63 + ".test",
        "\\.\\./\\.\\./etc",
        "/etc/hosts",
        "\\.hidden",
    ],
)
def test_a_zone_whose_name_is_no_name_of_a_file_is_written_down(name: str, tmp_path: Path) -> None:
    plan = Plan()
    plan.zone(name, {"@": {"TXT": "here"}}, servers=["ns.hoster.test"])
    plan.write(tmp_path / "deep" / "zones")
    assert all(re.fullmatch(r"[a-z0-9.-]{1,200}", path.name) for path in (tmp_path / "deep" / "zones").iterdir())
    assert contents(hierarchy.load(tmp_path / "deep" / "zones")) == contents(plan.world())
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["zones"]


def test_zones_whose_files_would_have_one_name_are_written_down(tmp_path: Path) -> None:
    plan = Plan()
    for name in ("a/b.test", "a-b.test"):
        plan.zone(name, {"@": {"TXT": name}})
    plan.write(tmp_path / "zones")
    assert contents(hierarchy.load(tmp_path / "zones")) == contents(plan.world())


def test_an_alias_stays_alone_where_glue_or_a_ptr_would_be_generated() -> None:
    plan = Plan()
    plan.zone("bank.example", {"@": {"NS": "ns.eu.shop.example."}}, servers=["ns.eu.shop.example"])
    plan.zone("example", {"ns.eu.shop": {"CNAME": "www"}, "shop": {"NS": "ns1.shop"}})
    plan.zone("shop.example")
    plan.zone("53.127.in-addr.arpa", {"1.0": {"CNAME": "1.0.sub"}, "1.0.sub": {"PTR": "root.test."}})
    plan.world()
    assert told(plan, "example", "ns.eu.shop.example") == []
    assert told(plan, "53.127.in-addr.arpa", "1.0.53.127.in-addr.arpa", "PTR") == []
    assert told(plan, "53.127.in-addr.arpa", "1.1.53.127.in-addr.arpa", "PTR") == [names.from_text("a.gtld.test")]
