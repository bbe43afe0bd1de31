"""The shipped world, walked in process: every delegation leads on, and what the README promises is there."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from resolver.auth import declaration, findings, hierarchy, lint, shipped, signing, values
from resolver.auth.hierarchy import World, WorldServer
from resolver.auth.signed import SignedZone
from resolver.dnssec import keys
from resolver.dnssec.faults import Fault as DnssecFault
from resolver.message import AA, QR, Message, Question, Rcode, Reply, Type
from resolver.network.faults import CONDITIONS
from resolver.wire import names
from resolver.wire.render import render
from tests.support import worlds

ZONES = shipped.find_zones()
WORLD = hierarchy.load(ZONES)
DECLARED = declaration.read(ZONES, findings.refuse)
BY_ADDRESS = {server.ipv4: server for server in WORLD.servers}
UNREACHABLE = {"cyclic.broken.test.", "cyclic2.broken.test.", "dangling.broken.test."}
TLDS = ("com", "net", "org", "edu", "us", "kr", "arpa", "test")


def text(name: bytes) -> str:
    return names.to_text(name)


def address(name: str, depth: int) -> str | None:
    reply = resolve(name, "A", depth)
    return next((".".join(map(str, rrset.rdatas[0])) for rrset in reply.answer if rrset.type == Type.A), None)


def servers_behind(reply: Reply, depth: int) -> list[WorldServer]:
    """The servers that a referral leads to, by glue or by their names."""
    glue = worlds.addresses(reply.additional)
    found = []
    for host in sorted(worlds.hosts(reply.authority)):
        where = next(iter(glue.get(host, ())), None) or address(host, depth + 1)
        if where in BY_ADDRESS:
            found.append(BY_ADDRESS[where])
    return found


def resolve(name: str, kind: str = "A", depth: int = 0) -> Reply:
    """What an iterative resolver finds, faults apart; SERVFAIL when it comes to no end."""
    server = WORLD.root_servers[0]
    for _ in range(8):
        reply = worlds.ask(server, name, kind)
        last = reply.answer[-1] if reply.answer else None
        if last is not None and last.type == Type.CNAME and kind != "CNAME" and reply.rcode == Rcode.NOERROR:
            if depth > 8:
                break
            rest = resolve(text(last.rdatas[0]), kind, depth + 1)
            return Reply(rest.rcode, reply.answer + rest.answer, rest.authority, aa=reply.aa)
        if reply.aa or reply.rcode != Rcode.NOERROR:
            return reply
        following = servers_behind(reply, depth) if depth <= 8 else []
        if not following:
            break
        server = following[0]
    return Reply(Rcode.SERVFAIL)


def found(name: str, kind: str) -> list[str]:
    """The owners and types in the answer, in order."""
    return [f"{text(rrset.name)} {Type(rrset.type).name}" for rrset in resolve(name, kind).answer]


def test_the_lint_finds_nothing() -> None:
    assert [str(one) for one in lint.check(ZONES)] == []


def test_the_root_has_three_servers_of_which_the_third_offers_recursion() -> None:
    roots = [(server.ipv4, server.recursion) for server in WORLD.root_servers]
    assert roots == [("127.53.0.1", False), ("127.53.0.2", False), ("127.53.0.3", True)]
    priming = worlds.ask(WORLD.root_servers[0], ".", "NS")
    assert priming.aa
    assert set(worlds.addresses(priming.additional)) == worlds.hosts(priming.answer)


def test_one_server_of_each_top_level_domain_offers_recursion() -> None:
    for tld in TLDS:
        zone = WORLD.zones[names.from_text(tld)]
        assert [server.recursion for server in WORLD.servers if zone in server.zones].count(True) == 1, tld


def test_good_servers_are_fast_and_lose_nothing() -> None:
    for server in WORLD.servers:
        if not text(server.name).endswith("broken.test."):
            assert (server.latency_ms, server.loss, server.fault) == (0, 0, None)


def test_addresses_tell_the_level() -> None:
    for server in WORLD.servers:
        level = min(names.depth(zone.apex) for zone in server.zones)
        third = int(server.ipv4.split(".")[2])
        set_apart = {"dnssec-failed": 8, "broken": 9}.get(text(server.name).split(".")[-3])
        expected = set_apart or min(level, 2)
        assert third == expected, text(server.name)


def test_every_zone_is_delegated_to_servers_that_answer_for_it_with_authority() -> None:
    for apex in WORLD.zones:
        name = text(apex)
        if name in UNREACHABLE:
            continue
        hosts = worlds.hosts(resolve(name, "NS").answer)
        assert hosts, name
        for host in hosts:
            where = address(host, 0)
            assert where in BY_ADDRESS, f"{host} of {name}"
            reply = worlds.ask(BY_ADDRESS[where], name, "SOA")
            assert reply.aa, f"{host} of {name}"
            assert [rrset.type for rrset in reply.answer] == [Type.SOA]


def test_every_parent_says_the_ns_of_its_child_with_the_glue_that_is_needed() -> None:
    for apex, zone in WORLD.zones.items():
        if apex == names.ROOT or text(apex) in UNREACHABLE:
            continue
        above = next(a for a in list(names.ancestors(apex))[1:] if a in WORLD.zones)
        referral = WORLD.zones[above].answer(Question(apex, Type.A))
        assert not referral.aa
        (own,) = zone.answer(Question(apex, Type.NS)).answer
        assert worlds.hosts(referral.authority) == worlds.hosts((own,))
        glued = {text(rrset.name) for rrset in referral.additional}
        assert {host for host in worlds.hosts((own,)) if names.is_below(names.from_text(host), apex)} <= glued


def test_every_server_has_an_address_and_a_ptr_for_both() -> None:
    for server in WORLD.servers:
        name = text(server.name)
        assert address(name, 0) == server.ipv4
        assert server.ipv6 is not None
        (aaaa,) = resolve(name, "AAAA").answer
        assert aaaa.rdatas == (ipaddress.IPv6Address(server.ipv6).packed,)
        for host in (server.ipv4, server.ipv6):
            pointer = ipaddress.ip_address(host).reverse_pointer
            assert worlds.hosts(resolve(pointer, "PTR").answer, Type.PTR) == {name}


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("www.example.com", "A", ["www.example.com. A"]),
        ("www.example.com", "AAAA", ["www.example.com. AAAA"]),
        ("www.example.com", "HTTPS", ["www.example.com. HTTPS"]),
        ("example.com", "NS", ["example.com. NS"]),
        ("example.com", "MX", ["example.com. MX"]),
        ("example.com", "TXT", ["example.com. TXT"]),
        ("example.com", "CAA", ["example.com. CAA"]),
        ("_sip._tcp.example.com", "SRV", ["_sip._tcp.example.com. SRV"]),
        ("80.2.0.192.in-addr.arpa", "PTR", ["80.2.0.192.in-addr.arpa. PTR"]),
        ("207.2.0.192.in-addr.arpa", "PTR", ["207.2.0.192.in-addr.arpa. PTR"]),
        ("alias.example.com", "A", ["alias.example.com. CNAME", "www.example.com. A"]),
        ("www.example.co.kr", "AAAA", ["www.example.co.kr. AAAA"]),
        ("www.example.kr", "A", ["www.example.kr. CNAME", "www.example.co.kr. A"]),
        ("city.example.us", "A", ["city.example.us. CNAME", "www.example.com. A"]),
        ("www.example.edu", "A", ["www.example.edu. A"]),
        ("www.cs.example.edu", "A", ["www.cs.example.edu. CNAME", "cs.example.edu. A"]),
        ("x.wild.example.org", "A", ["x.wild.example.org. A"]),
        ("x.web.example.org", "A", ["x.web.example.org. CNAME", "www.example.org. A"]),
        ("www.example.net", "A", ["www.example.net. A"]),
        ("ci.dev.example.com", "A", ["ci.dev.example.com. A"]),
        ("bench.lab.example.com", "AAAA", ["bench.lab.example.com. AAAA"]),
        ("www.hello.test", "A", ["www.hello.test. CNAME", "hello.test. A"]),
        (
            "www.legacy.example.org",
            "A",
            ["legacy.example.org. DNAME", "www.legacy.example.org. CNAME", "www.example.com. A"],
        ),
        (
            "chain.example.com",
            "A",
            [
                "chain.example.com. CNAME",
                "chain.example.net. CNAME",
                "chain.example.org. CNAME",
                "chain.example.co.kr. CNAME",
                "www.example.co.kr. A",
            ],
        ),
        (
            "one.example.com",
            "A",
            ["one.example.com. CNAME", "two.example.com. CNAME", "three.example.com. CNAME", "www.example.com. A"],
        ),
    ],
)  # fmt: skip
def test_a_walk_from_the_root_finds(name: str, kind: str, expected: list[str]) -> None:
    assert found(name, kind) == expected


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("nothing.example.com", "A", Rcode.NXDOMAIN),
        ("no-such-tld", "A", Rcode.NXDOMAIN),
        ("x.here.wild.example.org", "A", Rcode.NXDOMAIN),
        ("dead.example.com", "A", Rcode.NXDOMAIN),
        ("www.example.com", "MX", Rcode.NOERROR),
        ("deep.ent.example.com", "A", Rcode.NOERROR),
        ("b.ent.example.org", "A", Rcode.NOERROR),
        ("wild.example.org", "A", Rcode.NOERROR),
        ("in-addr.arpa", "PTR", Rcode.NOERROR),
        (f"{'x' * 63}.{'y' * 20}.far.example.org", "A", Rcode.YXDOMAIN),
    ],
)
def test_a_walk_from_the_root_finds_that_there_is_nothing(name: str, kind: str, rcode: Rcode) -> None:
    reply = resolve(name, kind)
    assert (reply.rcode, any(rrset.type == Type[kind] for rrset in reply.answer)) == (rcode, False)


def test_dev_has_sibling_glue_and_example_net_none() -> None:
    example = WORLD.zones[names.from_text("example.com")]
    referral = example.answer(Question(names.from_text("dev.example.com"), Type.A))
    assert set(worlds.addresses(referral.additional)) == {"ns.lab.example.com."}
    net = WORLD.zones[names.from_text("net")]
    referral = net.answer(Question(names.from_text("www.example.net"), Type.A))
    assert worlds.hosts(referral.authority) == {"ns1.example.org."}
    assert referral.additional == ()


def test_medium_does_not_fit_into_512_octets_and_big_not_into_1232() -> None:
    sizes = {}
    for name in ("medium.example.com", "big.example.com"):
        question = Question(names.from_text(name), Type.TXT)
        answer = resolve(name, "TXT").answer
        sizes[name.split(".")[0]] = len(render(Message(1, QR | AA, 0, question, answer)))
    assert 512 < sizes["medium"] < 1232 < sizes["big"] < 4096


def test_broken_children_fail_as_they_are_called() -> None:
    broken = {}
    for server in WORLD.servers:
        for zone in server.zones:
            if text(zone.apex).endswith(".broken.test."):
                broken[text(zone.apex).split(".")[0]] = (server.fault, server.latency_ms, server.loss)
    assert broken == {
        "loop": (None, 0, 0),
        "lame": ("lame", 0, 0),
        "silent": ("silent", 0, 0),
        "slow": (None, 800, 0),
        "lossy": (None, 0, 0.4),
        "servfail": ("servfail", 0, 0),
        "refused": ("refused", 0, 0),
        "truncated": ("truncated", 0, 0),
        "upward": ("upward", 0, 0),
    }
    for name in broken.keys() - {"loop"}:
        assert found(f"{name}.broken.test", "A") == [f"{name}.broken.test. A"]


def test_cnameloop_comes_back_to_itself_through_another_zone() -> None:
    assert resolve("cnameloop.broken.test").rcode == Rcode.SERVFAIL
    chain, name = [], "cnameloop.broken.test."
    while name not in chain:
        chain.append(name)
        (cname,) = resolve(name, "CNAME").answer
        name = text(cname.rdatas[0])
    assert chain == ["cnameloop.broken.test.", "one.loop.broken.test.", "two.loop.broken.test."]
    assert name == chain[0]


def test_cyclic_and_dangling_have_name_servers_without_addresses() -> None:
    parent = WORLD.zones[names.from_text("broken.test")]
    referrals = {}
    for child in ("cyclic", "cyclic2", "dangling"):
        reply = parent.answer(Question(names.from_text(f"{child}.broken.test"), Type.A))
        assert (reply.aa, reply.additional) == (False, ())
        referrals[child] = worlds.hosts(reply.authority)
    assert referrals["cyclic"] == {"ns.cyclic2.broken.test."}
    assert referrals["cyclic2"] == {"ns.cyclic.broken.test."}
    for host in referrals["dangling"]:
        assert parent.answer(Question(names.from_text(host), Type.A)).rcode == Rcode.NXDOMAIN


def test_what_is_broken_on_purpose_says_why() -> None:
    assert {text(zone.apex) for zone in DECLARED.zones.values() if zone.broken} == UNREACHABLE


def test_a_new_zone_takes_the_three_lines_that_the_declaration_shows(tmp_path: Path) -> None:
    for file in ZONES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    shown = (ZONES / "hierarchy.toml").read_text(encoding="utf-8").split("three lines:\n#\n")[1]
    three = [line.lstrip("# ") for line in shown.split("\n")[:3]]
    with (tmp_path / "hierarchy.toml").open("a", encoding="utf-8") as declared:
        declared.write("\n".join(three) + "\n")
    assert lint.check(tmp_path) == ()
    world: World = hierarchy.load(tmp_path)
    referral = worlds.ask(worlds.server(world, "a.nic.com"), "www.shop.com")
    assert worlds.hosts(referral.authority) == {"ns1.example.com."}
    answer = worlds.ask(worlds.server(world, "ns1.example.com"), "www.shop.com").answer
    assert worlds.addresses(answer) == {"shop.com.": {"192.0.2.99"}}


def test_the_zones_that_are_signed_are_those_that_the_readme_names() -> None:
    signed = {text(apex)[:-1] or "." for apex, zone in WORLD.zones.items() if isinstance(zone, SignedZone)}
    failed = {f"{fault}.dnssec-failed.test" for fault in DnssecFault}
    named = {".", "com", "org", "kr", "arpa", "test", "example.com", "example.org", "dnssec-failed.test"}
    assert signed == named | failed
    assert WORLD.findings == ()


@pytest.mark.parametrize("fault", DnssecFault)
def test_each_child_of_dnssec_failed_has_its_fault_and_an_address_for_www(fault: DnssecFault) -> None:
    zone = WORLD.zones[names.from_text(f"{fault}.dnssec-failed.test")]
    assert isinstance(zone, SignedZone)
    assert zone.signer.fault == fault
    assert found(f"www.{fault}.dnssec-failed.test", "A") == [f"www.{fault}.dnssec-failed.test. A"]
    parent = WORLD.zones[names.from_text("dnssec-failed.test")]
    assert parent.rrset(zone.apex, Type.DS) is not None


def test_the_readme_explains_every_key_and_every_fault() -> None:
    readme = (ZONES / "README.md").read_text(encoding="utf-8")
    documented = {
        word.strip("` ") for line in readme.split("\n") if line.startswith("| `") for word in line.split("|")[1].split()
    }
    assert set(values.SERVER) | set(values.ZONE) | set(CONDITIONS) <= documented
    assert {"dnssec", *signing.ZONE, *(fault.value for fault in DnssecFault)} <= documented
    assert all(f"\n{key} = " in readme for key in signing.WORLD)
    assert all(mnemonic in readme for mnemonic in keys.SIGNING)
