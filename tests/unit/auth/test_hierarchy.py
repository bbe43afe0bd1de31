"""The hierarchy: what follows from a declaration, and what is refused with which line."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from resolver.auth import declaration, hierarchy, shipped
from resolver.auth.plan import Plan
from resolver.auth.values import derived_ipv6
from resolver.errors import ZoneError
from resolver.message import Rcode, Type
from resolver.network.faults import rule
from resolver.wire import names
from tests.support import worlds

REAL_ROOT = Path(__file__).parents[2] / "data" / "root-zone-2020.txt"


def load(directory: Path, text: str = worlds.SMALL, **files: str) -> hierarchy.World:
    return hierarchy.load(worlds.write(directory, text, **files))


def refused(directory: Path, text: str, **files: str) -> str:
    with pytest.raises(ZoneError) as caught:
        load(directory, text, **files)
    return str(caught.value).replace(f"{directory}/", "")


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if part in line)


def test_a_server_has_what_is_declared_and_defaults_for_the_rest(tmp_path: Path) -> None:
    extra = 'latency_ms = 20\nloss = 0.5\nrecursion = true\nfault = "lame"\n'
    world = load(tmp_path, worlds.SMALL + extra)
    shop, root = worlds.server(world, "ns1.shop.test"), world.root_servers[0]
    assert (shop.latency_ms, shop.loss, shop.recursion, shop.fault) == (20.0, 0.5, True, "lame")
    assert (root.latency_ms, root.loss, root.recursion, root.fault) == (0.0, 0.0, False, None)
    assert (root.ipv4, root.ipv6) == ("127.53.0.1", "fd53::1")
    assert shop.zones == (world.zones[names.from_text("shop.test")],)


def test_the_servers_of_the_root_are_the_hints(tmp_path: Path) -> None:
    second = '[[server]]\nname = "B.root.test"\naddress = "127.53.0.2"\nipv6 = false\nzones = ["."]\n'
    roots = load(tmp_path, worlds.SMALL + second).root_servers
    assert [(names.to_text(one.name), one.ipv4, one.ipv6) for one in roots] == [
        ("a.root.test.", "127.53.0.1", "fd53::1"),
        ("B.root.test.", "127.53.0.2", None),
    ]


def test_a_zone_takes_three_lines(tmp_path: Path) -> None:
    three = '[zone."new.test"]\nservers = ["ns1.shop.test"]\nrecords = ["@ A 192.0.2.1", "www CNAME @"]\n'
    world = load(tmp_path, worlds.SMALL + three)
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "www.new.test")
    assert not referral.aa
    assert worlds.hosts(referral.authority) == {"ns1.shop.test."}
    reply = worlds.ask(worlds.server(world, "ns1.shop.test"), "www.new.test")
    assert reply.aa
    assert worlds.addresses(reply.answer) == {"new.test.": {"192.0.2.1"}}


def test_soa_and_ns_are_generated_where_no_file_gives_them(tmp_path: Path) -> None:
    text = worlds.SMALL.replace('[zone."shop.test"]', '[zone."shop.test"]\nttl = 600\nnegative_ttl = 42')
    shop = worlds.server(load(tmp_path, text), "ns1.shop.test")
    (soa,) = worlds.ask(shop, "shop.test", "SOA").answer
    assert soa.rdatas[0].startswith(names.from_text("ns1.shop.test") + names.from_text("hostmaster.shop.test"))
    assert (soa.ttl, int.from_bytes(soa.rdatas[0][-4:], "big")) == (600, 42)
    (ns,) = worlds.ask(shop, "shop.test", "NS").answer
    assert (ns.ttl, worlds.hosts((ns,))) == (86400, {"ns1.shop.test."})


def test_what_a_file_gives_stays(tmp_path: Path) -> None:
    shop_file = "@ 60 SOA me you 9 8 7 6 5\n@ 70 NS ns1\n@ 70 NS ns.elsewhere.example.\n"
    test_file = "shop 80 NS ns1.shop\n"
    world = load(tmp_path, shop_test=shop_file, test=test_file)
    shop = worlds.server(world, "ns1.shop.test")
    assert worlds.ask(shop, "shop.test", "SOA").answer[0].ttl == 60
    ns = worlds.ask(shop, "shop.test", "NS").answer
    assert worlds.hosts(ns) == {"ns1.shop.test.", "ns.elsewhere.example."}
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "shop.test")
    assert (referral.authority[0].ttl, worlds.hosts(referral.authority)) == (80, {"ns1.shop.test."})


def test_the_delegation_is_the_child_s_own_ns_and_has_in_domain_glue(tmp_path: Path) -> None:
    world = load(tmp_path)
    root = world.root_servers[0]
    referral = worlds.ask(root, "www.shop.test")
    assert worlds.hosts(referral.authority) == {"ns.nic.test."}
    assert worlds.addresses(referral.additional) == {"ns.nic.test.": {"127.53.1.1"}}
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "www.shop.test")
    assert worlds.addresses(referral.additional) == {"ns1.shop.test.": {"127.53.2.1"}}
    aaaa = [rrset.rdatas for rrset in referral.additional if rrset.type == Type.AAAA]
    assert aaaa == [(ipaddress.IPv6Address("fd53::2:1").packed,)]


@pytest.mark.rfc(9471, "2.2")
def test_a_name_server_below_another_delegation_is_sibling_glue(tmp_path: Path) -> None:
    world = load(tmp_path, worlds.SMALL + '[zone."x.test"]\nservers = ["ns1.shop.test"]\n')
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "x.test")
    assert worlds.addresses(referral.additional) == {"ns1.shop.test.": {"127.53.2.1"}}


def test_a_name_server_elsewhere_has_no_glue(tmp_path: Path) -> None:
    text = worlds.SMALL + '[zone."com"]\nservers = ["ns.nic.test"]\n[zone."x.com"]\nservers = ["ns1.shop.test"]\n'
    world = load(tmp_path, text)
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "x.com")
    assert worlds.hosts(referral.authority) == {"ns1.shop.test."}
    assert referral.additional == ()


def test_glue_is_taken_from_the_file_of_the_child_for_hosts_that_nobody_declares(tmp_path: Path) -> None:
    world = load(tmp_path, shop_test="@ NS ns1\n@ NS far\nfar A 203.0.113.5\n")
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "shop.test")
    assert worlds.addresses(referral.additional)["far.shop.test."] == {"203.0.113.5"}


def test_servers_have_addresses_and_ptr_records(tmp_path: Path) -> None:
    world = load(tmp_path)
    tld = worlds.server(world, "ns.nic.test")
    assert worlds.addresses(worlds.ask(tld, "a.root.test").answer) == {"a.root.test.": {"127.53.0.1"}}
    for address in ("127.53.2.1", "fd53::2:1"):
        pointer = ipaddress.ip_address(address).reverse_pointer
        assert worlds.hosts(worlds.ask(tld, pointer, "PTR").answer, Type.PTR) == {"ns1.shop.test."}


def test_a_world_without_arpa_has_no_ptr_records(tmp_path: Path) -> None:
    world = load(tmp_path, worlds.ROOT)
    reply = worlds.ask(world.root_servers[0], "1.0.53.127.in-addr.arpa", "PTR")
    assert reply.rcode == Rcode.NXDOMAIN


def test_records_beside_a_file_begin_at_the_apex_with_the_zone_s_ttl(tmp_path: Path) -> None:
    text = worlds.SMALL.replace(
        '[zone."shop.test"]', '[zone."shop.test"]\nttl = 77\nrecords = ["w A 192.0.2.1", "@ TXT hi"]'
    )
    shop = worlds.server(load(tmp_path, text, shop_test="$TTL 5\n$ORIGIN deep\nx A 192.0.2.2\n"), "ns1.shop.test")
    assert worlds.ask(shop, "w.shop.test").answer[0].ttl == 77
    assert worlds.ask(shop, "x.deep.shop.test").answer[0].ttl == 5


def test_derived_ipv6_addresses_are_spelled_with_the_same_digits_and_never_clash() -> None:
    assert derived_ipv6("127.53.2.10") == "fd53::2:10"
    pairs = {derived_ipv6(f"127.53.{x}.{y}") for x in range(256) for y in range(0, 256, 5)}
    assert len(pairs) == 256 * 52


def test_name_servers_outside_the_world_are_no_error(tmp_path: Path) -> None:
    world = load(tmp_path, test="away NS ns1.far.example.\naway NS ns2.away\nns2.away A 203.0.113.9\n")
    referral = worlds.ask(worlds.server(world, "ns.nic.test"), "www.away.test")
    assert worlds.hosts(referral.authority) == {"ns1.far.example.", "ns2.away.test."}
    assert worlds.addresses(referral.additional) == {"ns2.away.test.": {"203.0.113.9"}}


@pytest.fixture(scope="module")
def real_root(tmp_path_factory: pytest.TempPathFactory) -> hierarchy.World:
    servers = "".join(
        f'[[server]]\nname = "{letter}.root-servers.net"\naddress = "127.53.0.{number}"\nzones = ["."]\n'
        for number, letter in enumerate("abc", 1)
    )
    return load(tmp_path_factory.mktemp("world"), f'[zone."."]\nfile = "{REAL_ROOT}"\n{servers}')


def test_the_real_root_zone_refers_to_com_with_glue(real_root: hierarchy.World) -> None:
    referral = worlds.ask(real_root.root_servers[0], "www.google.com")
    assert (referral.rcode, referral.aa, referral.answer) == (Rcode.NOERROR, False, ())
    assert worlds.hosts(referral.authority) == {f"{letter}.gtld-servers.net." for letter in "abcdefghijklm"}
    glue = worlds.addresses(referral.additional)
    assert len(glue) == 13
    assert glue["a.gtld-servers.net."] == {"192.5.6.30"}
    assert sum(rrset.type == Type.AAAA for rrset in referral.additional) == 13


def test_the_real_root_zone_refers_for_kr_and_denies_what_it_does_not_have(real_root: hierarchy.World) -> None:
    referral = worlds.ask(real_root.root_servers[1], "kr", "NS")
    assert not referral.aa
    assert worlds.hosts(referral.authority) == {f"{letter}.dns.kr." for letter in "bcdefg"}
    nothing = worlds.ask(real_root.root_servers[2], "www.no-such-tld")
    assert (nothing.rcode, nothing.aa) == (Rcode.NXDOMAIN, True)
    assert [rrset.type for rrset in nothing.authority] == [Type.SOA]
    ds = worlds.ask(real_root.root_servers[0], "kr", "DS")
    assert (ds.aa, len(ds.answer)) == (True, 1)


def test_the_real_root_zone_keeps_its_ns_and_our_servers_their_addresses(real_root: hierarchy.World) -> None:
    priming = worlds.ask(real_root.root_servers[0], ".", "NS")
    assert worlds.hosts(priming.answer) == {f"{letter}.root-servers.net." for letter in "abcdefghijklm"}
    glue = worlds.addresses(priming.additional)
    assert glue["a.root-servers.net."] == {"127.53.0.1"}
    assert glue["d.root-servers.net."] == {"199.7.91.13"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("address = \"127.53.2.1\"", "adress = \"127.53.2.1\"", "unknown key 'adress'; did you mean 'address'?"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nservrs = []", "unknown key 'servrs'; did you mean 'servers'?"),
        ("[zone.\"arpa\"]", "[zones.\"arpa\"]", "unknown key 'zones'; did you mean 'zone'?"),
        ("[zone.\"shop.test\"]", "[zone.shop.test]", "a zone's name is not quoted; write [zone.\"shop.test\"]"),
        ("[zone.\"shop.test\"]", "[zone.\"arpa\"]", "the same key or table stands twice"),
        ("[zone.\"shop.test\"]", "[zone.\"ARPA.\"]", "zone ARPA. is declared twice (line 9); keep one of them"),
        ("[zone.\"shop.test\"]", "[zone.\"a..b\"]", "is no domain name"),
        ("name = \"ns1.shop.test\"", "name = \"NS.nic.test\"", "server NS.nic.test. is declared twice (line 10)"),
        ("name = \"ns1.shop.test\"", "name = 1", "name: 1 is no text; write it in quotes"),
        ("name = \"ns1.shop.test\"", "loss = 0.1", "the server has no name; write name = \"ns1.example.com\""),
        ("\"127.53.2.1\"", "\"127.53.1.1\"", "address clash: ns.nic.test. has 127.53.1.1 too"),
        ("\"127.53.2.1\"", "\"127.0.0.1\"", "address: 127.0.0.1 is outside 127.53.0.0/16"),
        ("\"127.53.2.1\"", "\"127.53.2\"", "address: '127.53.2' is no IPv4 address"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nipv6 = \"::1\"", "ipv6: ::1 is outside fd00::/8"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nipv6 = \"fd53::1\"", "address clash: a.root.test. has fd53::1 too"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nloss = 40", "loss: 40 is out of range; write a number from 0 to 1"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nlatency_ms = nan", "latency_ms: nan is no number"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nrecursion = \"yes\"", "'yes' is neither true nor false"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\nfault = \"slient\"", "unknown fault 'slient'; did you mean 'silent'?"),
        ("\"127.53.2.1\"", "\"127.53.2.1\"\naddress = \"127.53.2.2\"", "the same key or table stands twice"),
        ("[\"shop.test\"]", "[\"shop.tset\"]", "shop.tset., which is no zone of this world; did you mean 'shop.test'?"),
        ("[\"shop.test\"]", "[\n \"shop.test\",\n \"SHOP.test\"]", "the server lists SHOP.test. twice"),
        ("[\"shop.test\"]", "\"shop.test\"", "zones: 'shop.test' is no list; write [\"shop.test\"]"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nservers = [\"ns2.shop.test\"]", "no server ns2.shop.test is"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nfile = \"shop.zon\"", "there is no file shop.zon"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nttl = -1", "ttl: -1 is no TTL"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nrecords = [\n\"a A 1\"]", "bad A data '1'"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"]\nrecords = \"a A 1\"", "write records = [\"www A 192.0.2.1\"]"),
        ("[zone.\"shop.test\"]", "[zone.\"shop.test\"", "not TOML"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = worlds.SMALL
    at = text.rindex(old)
    text = f"{text[:at]}{new}{text[at + len(old) :]}"
    told = refused(tmp_path, text)
    assert expected in told
    last = at + len(new)
    first_line, last_line = text.count("\n", 0, at) + 1, text.count("\n", 0, last) + 1
    # A missing name is told at the header of its table, one line above.
    low = first_line - ("has no name" in expected)
    assert low <= int(told.split(":")[1]) <= last_line
    assert told.startswith("hierarchy.toml:")


def test_an_unknown_key_at_the_top_is_told_with_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, f"sever = 1\n{worlds.SMALL}").startswith("hierarchy.toml:1: unknown key 'sever'")


def test_a_world_needs_a_root(tmp_path: Path) -> None:
    assert "no server serves the root" in refused(tmp_path, '[zone."test"]\n')
    assert refused(tmp_path, '\n[zone."."]\n').startswith("hierarchy.toml:2: no server serves the root; declare")


def test_a_directory_without_a_hierarchy_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match=r"hierarchy\.toml: cannot be read: No such file or directory"):
        hierarchy.load(tmp_path)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("a A 192.0.2.1\nwww.other.test. A 192.0.2.1\n", "shop.test.zone:2: www.other.test. is outside the zone"),
        ("a A 192.0.2.1\na CNAME b\n", "shop.test.zone:2: a.shop.test. has a CNAME beside other data (A)"),
        ("a CNAME b\na CNAME c\n", "shop.test.zone:2: a.shop.test. has more than one CNAME"),
        ("@ CNAME b\n", "shop.test.zone:1: shop.test. has a CNAME beside other data (NS, SOA)"),
        ("@ SOA a b 1 2 3 4 5\n@ SOA a b 2 2 3 4 5\n", "shop.test.zone:2: shop.test. has more than one SOA"),
        ("x SOA a b 1 2 3 4 5\n", "shop.test.zone:1: x.shop.test. has an SOA inside another zone"),
        ("$INCLUDE /etc/passwd\n", "shop.test.zone:1: $INCLUDE is not allowed here"),
        ("a A nonsense\n", "shop.test.zone:1: bad A data 'nonsense'"),
    ],
)
def test_a_zone_that_cannot_be_served_is_refused(tmp_path: Path, zone: str, expected: str) -> None:
    assert refused(tmp_path, worlds.SMALL, shop_test=zone).startswith(expected)


def test_dnssec_records_may_stand_beside_a_cname(tmp_path: Path) -> None:
    load(tmp_path, shop_test="a CNAME b\na NSEC b.shop.test. CNAME\n")


def test_the_master_file_of_a_zone_is_found_by_its_name() -> None:
    assert declaration.master_name(names.ROOT) == "root.zone"
    assert declaration.master_name(names.from_text("Example.COM")) == "example.com.zone"
    assert declaration.master_name(names.from_text("0/25.2.0.192.in-addr.arpa")) == "0-25.2.0.192.in-addr.arpa.zone"


def test_the_shipped_world_is_found_in_a_package_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (shipped.find_zones() / "hierarchy.toml").is_file()
    package = tmp_path / "site-packages" / "resolver"
    (package / "auth").mkdir(parents=True)
    monkeypatch.setattr(shipped, "__file__", str(package / "auth" / "shipped.py"))
    with pytest.raises(ZoneError, match="the shipped world is not installed"):
        shipped.find_zones()
    for place in (package.parent / "zones", package / "zones"):
        place.mkdir()
        worlds.write(place)
        assert shipped.find_zones() == place


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000], ids=["digits", "brackets"])
def test_what_the_reader_of_toml_gives_up_on_is_told_like_any_mistake(tmp_path: Path, value: str) -> None:
    assert refused(tmp_path, f"x = {value}\n").startswith("hierarchy.toml:1: ")


FAULT = """
[[fault]]
kind = "latency"
server = ["a.root", "127.53.0.1"]
ms = "1.5s"
source = "resolver"

[[fault]]
fault = "ds_mismatch"
zone = "test"
at = "30s"
for = "5m"
"""


def test_a_world_has_the_faults_that_it_has_tables_for(tmp_path: Path) -> None:
    server = names.to_text(load(tmp_path).servers[0].name)
    text = worlds.SMALL.replace('[zone."test"]', '[zone."test"]\ndnssec = "nsec"') + FAULT.replace("a.root", server)
    address = load(tmp_path).servers[0].ipv4
    first, second = load(tmp_path, text.replace("127.53.0.1", address)).faults
    assert first == rule({"kind": "latency", "server": [server, address], "ms": 1500, "source": "resolver"})
    assert second == rule({"kind": "ds-mismatch", "zone": "test.", "at": 30, "for": 300})


def test_faults_are_written_down_with_the_world(tmp_path: Path) -> None:
    address = load(tmp_path).servers[0].ipv4
    text = (
        worlds.SMALL
        + """
[[fault]]
kind = "partition"
between = [["127.53.0.1"], ["resolver", "10.0.0.0/8"]]
count = 3

[[fault]]
kind = "rcode"
rcode = "NOTIMP"
text = "say \\"no\\""
name = ["a.com", "*.b.com"]
""".replace("127.53.0.1", address)
    )
    declared = load(tmp_path, text).faults
    assert [each.kind for each in declared] == ["partition", "rcode"]
    Plan.read(tmp_path).write(tmp_path / "again")
    assert hierarchy.load(tmp_path / "again").faults == declared


@pytest.mark.parametrize(
    ("table", "part", "expected"),
    [
        ('[[fault]]\nkind = "slient"', "kind", "kind: unknown fault 'slient'; did you mean 'silent'?"),
        ("[[fault]]\nms = 5", "[[fault]]", "kind: the rule names no fault; write one of: latency"),
        (
            '[[fault]]\nkind = "silent"\nprobabilty = 1',
            "probabilty",
            "has no 'probabilty'; did you mean 'probability'?",
        ),
        ('[[fault]]\nkind = "latency"\nms = "long"', "ms =", "ms: 'long' is no time; write milliseconds"),
        (
            '[[fault]]\nkind = "silent"\nserver = "ns9.nowhere"',
            "ns9",
            "server: no server ns9.nowhere. is in this world",
        ),
        ('[[fault]]\nkind = "expired"\nzone = "org"', 'zone = "org', "zone: no signed zone org. is in this world"),
        ('[fault]\nkind = "silent"', "[fault]", "fault is no list; write [[fault]]"),
    ],
)
def test_a_fault_that_cannot_be_is_told_with_its_line(tmp_path: Path, table: str, part: str, expected: str) -> None:
    text = f"{worlds.SMALL}\n{table}\n"
    told = refused(tmp_path, text)
    assert told.startswith(f"hierarchy.toml:{line_of(text, part)}: ")
    assert expected in told
