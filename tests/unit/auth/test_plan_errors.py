"""What cannot be: the plan says what is wrong, where, and what to write instead, and is what it was before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.auth import planned
from resolver.auth.findings import Where
from resolver.auth.plan import Plan
from resolver.errors import ZoneError
from tests.support import worlds
from tests.support.plans import contents, key, shop

ZONE = "zone shop.example."
LONG = ".".join(["x" * 60] * 4)


def refused(plan: Plan, change: Callable[[Plan], object]) -> str:
    """What the plan says of the change, and that it is what it was."""
    before, version, world = plan.save(), plan.version, contents(plan.world())
    with pytest.raises(ZoneError) as caught:
        change(plan)
    assert plan.save() is before
    assert plan.version == version
    assert contents(plan.world()) == world
    return str(caught.value)


def zone(data: object = None, **said: object) -> Callable[[Plan], object]:
    return lambda plan: plan.zone("shop.example", data, **said)  # type: ignore[arg-type]


IMPOSSIBLE_ZONES = [
    (
        zone({"www.bank.example.": {"A": "192.0.2.1"}}),
        f"{ZONE}: www.bank.example.: www.bank.example. is outside the zone shop.example.; "
        "put it into its own zone, or leave its last dot out if it is relative",
    ),
    (
        zone(records=["www.bank.example. A 192.0.2.1"]),
        f"{ZONE}: records: www.bank.example. is outside the zone shop.example.; "
        "put it into its own zone, or leave its last dot out if it is relative",
    ),
    (
        zone({"www.shop.example": {"A": "192.0.2.1"}}),
        f"{ZONE}: www.shop.example: 'www.shop.example' has no last dot, and so means www.shop.example.shop.example.; "
        "write 'www' or 'www.shop.example.'",
    ),
    (
        zone({"api": {"CNAME": "shop.example"}}),
        f"{ZONE}: api CNAME: 'shop.example' has no last dot, and so means shop.example.shop.example.; "
        "write '@' or 'shop.example.'",
    ),
    (
        zone({"@": {"MX": "10 mail.SHOP.example"}}),
        f"{ZONE}: @ MX: 'mail.SHOP.example' has no last dot, and so means mail.SHOP.example.shop.example.; "
        "write 'mail' or 'mail.SHOP.example.'",
    ),
    (
        zone({"www": {"A": "192.0.2.1", "CNAME": "api"}}),
        f"{ZONE}: www.shop.example. has a CNAME beside other data (A); "
        "keep the CNAME alone or remove it (RFC 1034 section 3.6.2)",
    ),
    (
        zone({"www": {"CNAME": ["a", "b"]}}),
        f"{ZONE}: www.shop.example. has more than one CNAME; keep one of them",
    ),
    (
        zone({"www": {"SOA": "a b 1 2 3 4 5"}}),
        f"{ZONE}: www.shop.example. has an SOA inside another zone; "
        "the SOA belongs to shop.example.; declare a zone for this name",
    ),
    (
        zone({"www": {"A": "192.0.2.999"}}),
        f"{ZONE}: www A: bad A data '192.0.2.999': text input is malformed; write: A 192.0.2.1",
    ),
    (
        zone({"www": {"MX": "mail"}}),
        f"{ZONE}: www MX: bad MX data 'mail': expecting an integer; write: MX 10 mail.example.com.",
    ),
    (zone({"www": {"AAA": "::1"}}), f"{ZONE}: www AAA: unknown record type 'AAA'; did you mean 'AAAA'?"),
    (
        zone({"www": {"ANY": "x"}}),
        f"{ZONE}: www ANY: ANY is a type for questions, not for data; remove the record",
    ),
    (
        zone({"www": {"A": {"ttl": -1, "values": ["192.0.2.1"]}}}),
        f"{ZONE}: www A: -1 is no TTL; write whole seconds, 0 to 2147483647",
    ),
    (
        zone({"www": {"A": {"ttl": "soon", "values": ["192.0.2.1"]}}}),
        f"{ZONE}: www A: 'soon' is no TTL; write seconds, as 3600, or units, as 1h30m",
    ),
    (zone(ttl=2**31), f"{ZONE}: ttl: 2147483648 is no TTL; write whole seconds, 0 to 2147483647"),
    (zone(negative_ttl=True), f"{ZONE}: negative_ttl: True is no TTL; write whole seconds, 0 to 2147483647"),
    (
        zone({"www": {"A": {"tll": 5, "values": ["192.0.2.1"]}}}),
        f"{ZONE}: www A: unknown key 'tll'; did you mean 'ttl'?",
    ),
    (zone({"www": {"A": []}}), f"{ZONE}: www A: there is no value; leave the type out, or write one"),
    (zone({"www": {"A": {"ttl": 5}}}), f"{ZONE}: www A: there is no value; leave the type out, or write one"),
    (zone({"www": {"A": 5}}), f"{ZONE}: www A: 5 is no value; write text in quotes, or a list of such"),
    (zone({"www": {"A": [5]}}), f"{ZONE}: www A: 5 is no text; write the value in quotes"),
    (zone({"www": {1: "192.0.2.1"}}), f"""{ZONE}: www: 1 is no record type; write it in quotes, as "A\""""),
    (
        zone({"www": "192.0.2.1"}),
        f"""{ZONE}: www: '192.0.2.1' does not say of which type it is; write {{"www": {{"A": "192.0.2.1"}}}}""",
    ),
    (
        zone({5: {"A": "192.0.2.1"}}),
        f"""{ZONE}: data: 5 is no owner; write a name in quotes, or "@" for the zone itself""",
    ),
    (zone([]), f"""{ZONE}: data: [] is no mapping; write {{"www": {{"A": "192.0.2.1"}}}}"""),
    (
        zone(records="www A 192.0.2.1"),
        f"""{ZONE}: records: 'www A 192.0.2.1' is no list of lines; write ["www A 192.0.2.1"]""",
    ),
    (
        zone(records=["www A 192.0.2.1", "www (A"]),
        f"{ZONE}: records: the parenthesis that is opened here is never closed; write ) after the data",
    ),
    (
        zone({LONG: {"A": "192.0.2.1"}}),
        f"{ZONE}: {LONG}: no domain name: with the name of the zone it has 258 octets; 255 are allowed; "
        "labels have 1 to 63 octets, names 255 in all",
    ),
    (
        zone({"a..b": {"A": "192.0.2.1"}}),
        f"{ZONE}: a..b: no domain name: 'a..b' has an empty label; labels have 1 to 63 octets, names 255 in all",
    ),
    (
        zone(dnssec="nsec4"),
        f"{ZONE}: dnssec.denial: 'nsec4' is no way to deny a name; did you mean 'nsec'?",
    ),
    (zone(dnssec={"fault": "expird"}), f"{ZONE}: dnssec.fault: unknown fault 'expird'; did you mean 'expired'?"),
    (zone(dnssec={"falt": "expired"}), f"{ZONE}: dnssec.falt: unknown key; did you mean 'fault'?"),
    (
        zone(dnssec={"salt": "ab"}),
        f"""{ZONE}: salt is for NSEC3; write denial = "nsec3", or leave it out""",
    ),
    (
        zone(dnssec=True),
        f"""{ZONE}: dnssec: True says nothing about signing; write dnssec = "nsec", or leave the key out""",
    ),
    (
        zone({"*": {"NS": "ns.elsewhere.test."}}, dnssec="nsec"),
        f"{ZONE}: shop.example. cannot be signed: the wildcard *.shop.example. is a delegation; "
        "delegate names one by one (RFC 4592 section 4.2)",
    ),
    (
        zone(servers=["ns.elsewhere.test"]),
        f"{ZONE}: the zone is served by ns1.shop.example., ns2.shop.example.; leave servers out, or remove it first",
    ),
    (zone(servers="ns1.x.test"), f"""{ZONE}: servers: 'ns1.x.test' is no list of names; write ["ns1.example.com"]"""),
    (
        zone(servers=["a..b"]),
        f"""{ZONE}: servers: 'a..b' is no domain name: 'a..b' has an empty label; write it as "www.example.com\"""",
    ),
    (
        zone({"@": {"CNAME": "www"}}),
        f"{ZONE}: shop.example. is an alias (CNAME) and cannot be a zone, which has SOA and NS; "
        "leave the alias out (RFC 1912 section 2.4)",
    ),
    (
        zone({"ns1": {"CNAME": "www"}}),
        f"{ZONE}: ns1.shop.example. is a name server and an alias (CNAME); "
        "give the server another name (RFC 2181 section 10.3)",
    ),
    (
        zone({"ns1": {"A": "192.0.2.53"}}),
        f"{ZONE}: ns1.shop.example. is a name server at 127.53.2.1, and has other addresses; "
        "leave them out: it gets A and AAAA records by itself",
    ),
]


@pytest.mark.parametrize(("change", "said"), IMPOSSIBLE_ZONES, ids=range(len(IMPOSSIBLE_ZONES)))
def test_an_impossible_zone_is_refused_with_what_to_write_instead(change: Callable[[Plan], object], said: str) -> None:
    assert refused(shop(), change) == said


IMPOSSIBLE_CHANGES = [
    (
        lambda plan: plan.zone("www.shop.example."),
        None,
    ),
    (
        lambda plan: plan.zone("api.shop.example."),
        "zone api.shop.example.: api.shop.example. is an alias (CNAME) in shop.example.; remove the alias first",
    ),
    (
        lambda plan: plan.zone(f"{'x.' * 127}"),
        f"zone {'x.' * 127}: its name is too long for ns1 in front of it; name its servers: servers=[...]",
    ),
    (
        lambda plan: plan.zone("x" * 64),
        f"zone: {'x' * 64!r} is no domain name: {'x' * 64!r} has a label of 64 octets; 63 are allowed; "
        'write it as "www.example.com"',
    ),
    (
        lambda plan: plan.zone(5),
        "zone: 5 is no text; write it in quotes",
    ),
    (
        lambda plan: plan.zone(f"{'x.' * 113}", servers=["ns.a.test"], dnssec="nsec3"),
        f"zone {'x.' * 113}: {'x.' * 113} cannot be signed: its name is too long for hashes in front of it; "
        'write dnssec = "nsec"',
    ),
    (
        lambda plan: plan.without_zone("shopp.example"),
        "zone shopp.example: no such zone is declared; did you mean 'shop.example.'?",
    ),
    (
        lambda plan: plan.without_zone("example"),
        "zone example: no such zone is declared; did you mean 'shop.example.'?",
    ),
    (
        lambda plan: plan.sign("bank.example", "nsec"),
        "zone bank.example: no such zone is declared; did you mean 'shop.example.'?",
    ),
    (
        lambda plan: plan.server("ns.x.test", address="127.53.2.1"),
        "server ns.x.test.: 127.53.2.1 is the address of ns1.shop.example.; take 127.53.2.5, or leave it out",
    ),
    (
        lambda plan: plan.server("ns.x.test", address="192.0.2.1"),
        "server ns.x.test.: address: 192.0.2.1 is outside 127.53.0.0/16; "
        "servers of the world bind addresses 127.53.x.y",
    ),
    (
        lambda plan: plan.server("api.shop.example"),
        "server api.shop.example.: api.shop.example. is a name server and an alias (CNAME); "
        "give the server another name (RFC 2181 section 10.3)",
    ),
    (
        lambda plan: plan.put("www.shop.example", "CNAME", ["api"]),
        "zone shop.example.: www.shop.example. has a CNAME beside other data (A); "
        "keep the CNAME alone or remove it (RFC 1034 section 3.6.2)",
    ),
    (
        lambda plan: plan.add("api.shop.example", "CNAME", ["mail"]),
        "zone shop.example.: api.shop.example. has more than one CNAME; keep one of them",
    ),
    (
        lambda plan: plan.put("www.shop.example", "AAA", ["192.0.2.1"]),
        "www.shop.example: unknown record type 'AAA'; did you mean 'AAAA'?",
    ),
    (
        lambda plan: plan.put("www.shop.example", "A", ["localhost"]),
        "zone shop.example.: www.shop.example A: bad A data 'localhost': text input is malformed; write: A 192.0.2.1",
    ),
    (
        lambda plan: plan.put("www.shop.example", "A", ["192.0.2.1"], ttl=-5),
        "zone shop.example.: www.shop.example A: -5 is no TTL; write whole seconds, 0 to 2147483647",
    ),
    (
        lambda plan: plan.put("www.shop.example", "A", []),
        "zone shop.example.: www.shop.example A: there is no value; leave the type out, or write one",
    ),
    (
        lambda plan: plan.put("ns1.shop.example", "CNAME", ["www"]),
        "zone shop.example.: ns1.shop.example. is a name server and an alias (CNAME); "
        "give the server another name (RFC 2181 section 10.3)",
    ),
    (
        lambda plan: plan.put("eu.shop.example", "NS", ["ns.elsewhere.test."]),
        "zone shop.example.: eu.shop.example. NS would cut off the zone deep.eu.shop.example.; "
        "remove that zone first, or leave the record out",
    ),
    (
        lambda plan: plan.put("eu.shop.example", "DNAME", ["elsewhere.test."]),
        "zone shop.example.: eu.shop.example. DNAME would cut off the zone deep.eu.shop.example.; "
        "remove that zone first, or leave the record out",
    ),
    (
        lambda plan: plan.zone("shop.example", {"@": {"DNAME": "elsewhere.test."}}),
        "zone shop.example.: shop.example. DNAME would cut off the zone deep.eu.shop.example.; "
        "remove that zone first, or leave the record out",
    ),
    (
        lambda plan: plan.zone("deep.away.shop.example"),
        "zone deep.away.shop.example.: the zone would be cut off by away.shop.example. NS; "
        "declare the zone away.shop.example., or remove that record",
    ),
    (
        lambda plan: plan.put("www.away.shop.example", "TXT", ["x"]),
        "zone shop.example.: www.away.shop.example TXT is hidden by the delegation of away.shop.example.; "
        "declare the zone away.shop.example.",
    ),
    (
        lambda plan: plan.remove("www.shop.example", "AAA"),
        "www.shop.example: unknown record type 'AAA'; did you mean 'AAAA'?",
    ),
    (
        lambda plan: plan.remove("www.shop.example", "A", "x"),
        "zone shop.example.: www.shop.example A: bad A data 'x': text input is malformed; write: A 192.0.2.1",
    ),
    (
        lambda plan: plan.remove("www.shop.example", None, "x"),
        "www.shop.example: a value without a type; say of which type the value is",
    ),
    (
        lambda plan: plan.remove("a..b"),
        """name: 'a..b' is no domain name: 'a..b' has an empty label; write it as "www.example.com\"""",
    ),
    (
        lambda plan: plan.put("shop.example", "DNSKEY", ["257 3 13 aaaa"]),
        None,
    ),
]


def crowded() -> Plan:
    plan = shop()
    plan.put("away.shop.example", "NS", ["ns.elsewhere.test."])
    plan.zone("deep.eu.shop.example", servers=["ns.hoster.test", "ns2.hoster.test"])
    return plan


@pytest.mark.parametrize(("change", "said"), IMPOSSIBLE_CHANGES, ids=range(len(IMPOSSIBLE_CHANGES)))
def test_an_impossible_change_is_refused_with_what_to_write_instead(
    change: Callable[[Plan], object], said: str | None
) -> None:
    plan = crowded()
    if said is None:
        change(plan)
        plan.world()
    else:
        assert refused(plan, change) == said


def test_an_alias_cannot_become_a_parent_nor_the_root_be_served_by_nobody() -> None:
    plan = Plan()
    plan.put("example", "CNAME", ["www.test."])
    assert refused(plan, zone()) == (
        f"{ZONE}: example. is an alias (CNAME) and cannot be a zone, which has SOA and NS; "
        "leave the alias out (RFC 1912 section 2.4)"
    )
    said = refused(plan, lambda plan: plan.server("ns.example"))
    assert said.startswith("server ns.example.: example. is an alias (CNAME) and cannot be a zone")
    assert refused(plan, lambda plan: plan.zone(".", servers=[])) == (
        "zone .: nobody would serve the root; name a server, or leave servers out"
    )


def test_a_zone_is_not_removed_whose_parent_delegates_its_name_elsewhere_while_others_are_below() -> None:
    plan = shop()
    plan.put("eu.shop.example", "NS", ["ns.elsewhere.test."])
    plan.zone("eu.shop.example")
    plan.zone("de.eu.shop.example", servers=["ns.hoster.test"])
    assert refused(plan, lambda plan: plan.without_zone("eu.shop.example")) == (
        "zone eu.shop.example.: eu.shop.example. NS would cut off the zone de.eu.shop.example.; "
        "remove that zone first, or leave the record out"
    )
    plan.without_zone("de.eu.shop.example")
    plan.without_zone("eu.shop.example")
    assert plan.owner(key("www.eu.shop.example")) is None


def test_an_automatic_zone_that_cannot_be_signed_is_not_to_be() -> None:
    why = "cannot be signed: the wildcard *.example. is a delegation; delegate names one by one (RFC 4592 section 4.2)"
    plan = shop()
    plan.put("*.example", "NS", ["ns.elsewhere.test."])
    assert refused(plan, lambda plan: plan.sign("shop.example", "nsec")) == f"{ZONE}: example. {why}"
    plan.remove("*.example")
    plan.sign("shop.example", "nsec")
    said = refused(plan, lambda plan: plan.put("*.example", "NS", ["ns.elsewhere.test."]))
    assert said == f"zone example.: example. {why}"


def test_what_keys_make_is_not_given() -> None:
    plan = shop(dnssec="nsec")
    assert refused(plan, lambda plan: plan.put("shop.example", "DNSKEY", ["257 3 13 aaaa"])) == (
        "zone shop.example.: shop.example DNSKEY is made by the keys of the zone; leave it out"
    )
    assert refused(plan, lambda plan: plan.put("shop.example", "DS", ["1 13 2 " + "ab" * 32])) == (
        "zone example.: shop.example DS follows from the keys of the zone; "
        'for another one say dnssec={"fault": "ds-mismatch"} of the zone'
    )


def test_a_mistake_is_told_with_the_line_that_made_it() -> None:
    plan, where = Plan(), Where("test_shop.py", 12)
    said = refused(plan, lambda plan: plan.zone("shop.example", {"www": {"A": "x"}}, where=where))
    assert said.startswith("test_shop.py:12: www A: bad A data 'x'")
    said = refused(plan, lambda plan: plan.zone("shop.example", {"w": {"CNAME": ["a", "b"]}}, where=where))
    assert said == "test_shop.py:12: w.shop.example. has more than one CNAME; keep one of them"


def test_what_is_put_beside_an_alias_of_a_file_is_told_with_the_line_of_the_file(tmp_path: Path) -> None:
    worlds.write(tmp_path, shop_test="www CNAME @\n")
    plan = Plan.read(tmp_path)
    said = refused(plan, lambda plan: plan.put("www.shop.test", "A", ["192.0.2.1"]))
    assert said.startswith(f"{tmp_path / 'shop.test.zone'}:1: www.shop.test. has a CNAME beside other data (A)")


def test_a_zone_below_a_delegation_of_a_file_is_refused_and_one_that_was_there_is_left_alone(tmp_path: Path) -> None:
    extra = '[zone."lost.away.test"]\nservers = ["ns1.shop.test"]\n'
    plan = Plan.read(worlds.write(tmp_path, worlds.SMALL + extra, test="away NS ns.elsewhere.example.\n"))
    said = refused(plan, lambda plan: plan.zone("new.away.test"))
    assert said == (
        "zone new.away.test.: the zone would be cut off by away.test. NS; "
        "declare the zone away.test., or remove that record"
    )
    plan.put("www.test", "A", ["192.0.2.1"])
    plan.put("www.lost.away.test", "A", ["192.0.2.1"])
    assert plan.owner(key("www.lost.away.test")) == key("lost.away.test")


def test_a_server_that_a_file_says_is_elsewhere_is_left_alone(tmp_path: Path) -> None:
    plan = Plan.read(worlds.write(tmp_path, shop_test="ns1 A 192.0.2.53\n"))
    plan.put("www.shop.test", "A", ["192.0.2.1"])
    said = refused(plan, lambda plan: plan.put("ns1.shop.test", "A", ["192.0.2.54"]))
    assert said.startswith("zone shop.test.: ns1.shop.test. is a name server at 127.53.2.1, and has other addresses")
    plan.put("ns1.shop.test", "A", ["192.0.2.54", "127.53.2.1"])


def test_a_world_that_cannot_be_leaves_the_plan_as_the_last_one_was(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = shop()
    world = plan.world()
    plan.put("www.shop.example", "A", ["192.0.2.9"])

    def impossible(*_given: object) -> None:
        raise ZoneError("no such world")

    with monkeypatch.context() as patched:
        patched.setattr("resolver.auth.worlds.check", impossible)
        with pytest.raises(ZoneError):
            plan.world()
    assert plan.world() is world


def test_addresses_and_zones_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = shop()
    with monkeypatch.context() as patched:
        patched.setattr(planned, "MAX_DECLARED", 4)
        said = refused(plan, lambda plan: plan.zone("bank.test", servers=["ns1.shop.example"]))
        assert said == "zone bank.test.: more than 4 zones; declare fewer"
        said = refused(plan, lambda plan: plan.server("ns.bank.example"))
        assert said == "more than 4 servers; declare fewer"
    for number in range(1, 255):
        plan.server(f"s{number}.example", address=f"127.53.255.{number}")
    with pytest.raises(ZoneError, match=r"no address of 127\.53\.0\.0/16 is free; declare fewer servers"):
        planned.free_address(plan.save(), 255)


def test_a_directory_that_holds_a_world_is_not_written_to(tmp_path: Path) -> None:
    plan = shop()
    plan.write(tmp_path / "a" / "b")
    said = refused(plan, lambda plan: plan.write(tmp_path / "a" / "b"))
    assert said == f"{tmp_path}/a/b/hierarchy.toml: is there already; write to another directory"
    (tmp_path / "file").write_text("x")
    said = refused(plan, lambda plan: plan.write(tmp_path / "file" / "sub"))
    assert said == f"{tmp_path}/file/sub: cannot be written: Not a directory; name another directory"
