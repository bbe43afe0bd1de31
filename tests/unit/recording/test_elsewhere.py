"""Recordings of servers that are at other addresses than a world's, and of some that do not work as they should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from resolver import hints
from resolver.auth import hierarchy, lint
from resolver.config import Config
from resolver.engine.delegation import NameServer
from resolver.errors import ResolverdError
from resolver.message import Client, Question, Rcode, RRset, Type
from resolver.network.base import Endpoint
from resolver.network.simulated import Link
from resolver.recording import noting
from resolver.recording.recorder import Recording, record
from resolver.recording.walking import FULL
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.internet import Internet, says
from tests.support.recordings import question, replayed, said
from tests.support.strict import run_strictly

ROOT, TLD, LEAF, OTHER = "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"
CONFIG = Config.model_validate({"resolver": {"roots": "internet"}, "dnssec": {"validation": False}})
NS = names.from_text("a.root.")


def recorded(arrange: Callable[[Internet], Any], texts: Sequence[str], **options: Any) -> Recording:
    """What the servers that `arrange` places say about `texts`."""

    async def go() -> Recording:
        internet = Internet()
        internet.zones(
            ROOT,
            (
                ".",
                f"""
. 86400 IN SOA a.root. admin. 7 7200 3600 1209600 86400
. 518400 IN NS a.root.
a.root. 518400 IN A {ROOT}
example. 172800 IN NS ns.example.
ns.example. 172800 IN A {TLD}
""",
            ),
        )
        arrange(internet)
        root = hints.root([NameServer(NS, (Endpoint(ROOT, 53),))])
        asked = [question(each) for each in texts]
        return await record(CONFIG, asked, clock=internet.clock, network=internet.network, root=root, **options)

    found: Recording = run_strictly(go())
    return found


def tld(*lines: str) -> tuple[str, str]:
    """The zone example, with delegations."""
    return (
        "example.",
        "\n".join(
            (
                "example. 3600 IN SOA ns.example. admin.example. 1 7200 3600 1209600 900",
                "example. 86400 IN NS ns.example.",
                f"ns.example. 86400 IN A {TLD}",
                *lines,
            )
        ),
    )


SHOP = ("shop.example. 3600 IN NS ns1.shop.example.", f"ns1.shop.example. 3600 IN A {LEAF}")


def shop(*lines: str, soa: str = "shop.example. 600 IN SOA ns1 admin 5 7200 3600 1209600 120") -> tuple[str, str]:
    """The zone shop.example."""
    own = (soa, "shop.example. 7200 IN NS ns1.shop.example.", f"ns1.shop.example. 7200 IN A {LEAF}")
    return ("shop.example.", "\n".join((*own, *lines)).replace(" ns1 admin ", " ns1.shop.example. a.shop.example. "))


def child(label: str, server: str, *lines: str) -> tuple[str, str]:
    """A zone below example, served by a server that is named elsewhere."""
    origin = f"{label}.example."
    soa = f"{origin} 600 IN SOA {server} admin.example. 5 7200 3600 1209600 120"
    return origin, "\n".join((soa, f"{origin} 7200 IN NS {server}", *lines))


def usual(internet: Internet) -> None:
    internet.zones(TLD, tld(*SHOP))
    internet.zones(LEAF, shop("www.shop.example. 55 IN A 203.0.113.9", "*.w.shop.example. 44 IN TXT made"))


def test_servers_get_addresses_of_the_world_and_the_real_ones_are_told(tmp_path: Path) -> None:
    world = replayed(recorded(usual, ["www.shop.example"]), tmp_path / "zones")
    placed = {names.to_text(server.name): server.ipv4 for server in world.servers}
    assert placed == {"a.root.": "127.53.0.1", "ns.example.": "127.53.1.1", "ns1.shop.example.": "127.53.2.1"}
    assert f"# It was asked at {LEAF}." in (tmp_path / "zones/hierarchy.toml").read_text()


def test_ttls_are_those_of_the_authority_and_of_its_denials(tmp_path: Path) -> None:
    texts = ["www.shop.example", "www.shop.example TXT", "gone.shop.example", "shop.example SOA", "shop.example NS"]
    found = said(replayed(recorded(usual, texts), tmp_path / "zones"), texts)
    ttls = {text: [each[2] for each in answer.records] or answer.denied_ttl for text, answer in found.items()}
    assert list(ttls.values()) == [[55], 120, 120, [600], [7200]]


def test_what_the_zone_above_says_otherwise_stays_so(tmp_path: Path) -> None:
    recording = recorded(usual, ["www.shop.example"])
    replayed(recording, tmp_path / "zones")
    assert "shop.example. 3600 IN NS ns1.shop.example." in (tmp_path / "zones/example.zone").read_text()
    assert "shop.example. 7200 IN NS ns1.shop.example." in (tmp_path / "zones/shop.example.zone").read_text()
    assert not any(zone.broken for zone in recording.drawn.zones.values()), "only the TTL differs"


def test_a_name_server_that_is_asked_for_has_its_real_address_and_is_found_by_glue(tmp_path: Path) -> None:
    texts = ["ns1.shop.example", "www.shop.example", "ns1.shop.example AAAA"]
    recording = recorded(usual, texts)
    assert recording.write(tmp_path / "zones") == []
    found = said(hierarchy.load(tmp_path / "zones"), texts)
    assert {rdata for each in found["ns1.shop.example"].records for rdata in each[3]} == {bytes((198, 51, 100, 3))}
    assert found["www.shop.example"].rcode == "NOERROR"
    assert found["ns1.shop.example AAAA"].denied_ttl == 120
    assert lint.check(tmp_path / "zones") == ()


def test_a_name_server_without_glue_has_the_address_of_the_world_and_a_remark_says_so(tmp_path: Path) -> None:
    def arrange(internet: Internet) -> None:
        internet.zones(
            TLD, tld(*SHOP, "far.example. 3600 IN NS ns1.shop.example.", "far.example. 3600 IN NS x.shop.example.")
        )
        internet.zones(LEAF, shop(f"x.shop.example. 30 IN A {OTHER}"))
        internet.zones(OTHER, child("far", "x.shop.example.", "www.far.example. 9 IN A 203.0.113.1"))

    texts = ["www.far.example", "x.shop.example"]
    recording = recorded(arrange, texts)
    told = recording.write(tmp_path / "zones")
    assert told[0] == "x.shop.example. A is answered with the address of the server in this world"
    assert said(hierarchy.load(tmp_path / "zones"), texts[:1])["www.far.example"].rcode == "NOERROR"


def test_a_server_that_refuses_one_of_its_zones_refuses_it_again(tmp_path: Path) -> None:
    def arrange(internet: Internet) -> None:
        lines = ("shop.example. 3600 IN NS ns2.shop.example.", f"ns2.shop.example. 3600 IN A {OTHER}")
        internet.zones(TLD, tld(*SHOP, *lines, "b.example. 60 IN NS ns2.shop.example."))
        usual_shop = shop("www.shop.example. 55 IN A 203.0.113.9", *lines)
        internet.zones(LEAF, usual_shop, link=Link(latency_ms=80))  # so that the other one is preferred
        internet.zones(OTHER, child("b", "ns2.shop.example.", "b.example. 60 IN A 203.0.113.2"))

    texts = [*(f"{host}.shop.example" for host in ("www", "a", "b", "c", "d", "e")), "b.example"]
    recording = recorded(arrange, texts)
    served = {names.to_text(each.name): each.zones for each in recording.drawn.servers.values()}
    assert served["ns1.shop.example."] == [names.from_text("shop.example")]
    assert served["ns2.shop.example."] == [names.from_text("b.example")]
    assert recording.write(tmp_path / "zones") == []
    assert lint.check(tmp_path / "zones") == ()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (says(rcode=Rcode.REFUSED), "refused"),
        (says(rcode=Rcode.SERVFAIL), "servfail"),
        (says(rcode=Rcode.NOTIMP), "servfail"),
        (says(aa=False), "lame"),
        (says(authority=". 60 IN NS a.root."), "upward"),
        (lambda query, transport: b"\0" * 40, "garbage"),
        (lambda query, transport: None, "silent"),
    ],
)
def test_what_a_server_does_wrong_is_its_fault_again(script: Any, fault: str, tmp_path: Path) -> None:
    def arrange(internet: Internet) -> None:
        internet.zones(TLD, tld(*SHOP))
        internet.script(LEAF, script)

    recording = recorded(arrange, ["www.shop.example"])
    (server,) = [each for each in recording.drawn.servers.values() if each.seen == (LEAF,)]
    assert (recording.asked[0].reply, server.fault) == (None, fault)
    assert recording.write(tmp_path / "zones") == []
    assert lint.check(tmp_path / "zones") == ()


def test_latency_is_recorded_where_it_is_wanted() -> None:
    def arrange(internet: Internet) -> None:
        usual(internet)
        internet.network.declare(LEAF, internet.network._servers[LEAF], Link(latency_ms=80))

    drawn = recorded(arrange, ["www.shop.example"], latency=True).drawn
    slow = {each.seen: each.latency_ms for each in drawn.servers.values()}
    assert slow == {(ROOT,): 0.0, (TLD,): 0.0, (LEAF,): 80.0}
    assert {each.latency_ms for each in recorded(arrange, ["www.shop.example"]).drawn.servers.values()} == {0.0}


def test_a_wildcard_that_nothing_shows_is_recorded_as_the_name_that_it_made(tmp_path: Path) -> None:
    texts = ["any.w.shop.example TXT", "other.w.shop.example TXT"]
    found = said(replayed(recorded(usual, texts[:1]), tmp_path / "zones"), texts)
    assert [each.rcode for each in found.values()] == ["NOERROR", "NXDOMAIN"]


def test_a_name_server_that_was_not_looked_up_is_named_and_no_finding(tmp_path: Path) -> None:
    def arrange(internet: Internet) -> None:
        internet.zones(TLD, tld(*SHOP, "shop.example. 3600 IN NS ns.elsewhere.example."))
        internet.zones(
            LEAF, shop("www.shop.example. 55 IN A 203.0.113.9", "shop.example. 7200 IN NS ns.elsewhere.example.")
        )

    recording = recorded(arrange, ["www.shop.example"])
    assert recording.write(tmp_path / "zones") == []
    assert "NS ns.elsewhere.example." in (tmp_path / "zones/shop.example.zone").read_text()
    assert lint.check(tmp_path / "zones") == ()


def test_a_root_that_nobody_reaches_gives_no_world(tmp_path: Path) -> None:
    recording = recorded(lambda internet: internet.network.silence(), ["www.shop.example"])
    with pytest.raises(ResolverdError, match="no server of the root could be found"):
        recording.write(tmp_path / "zones")
    assert list(tmp_path.iterdir()) == []


def test_root_servers_without_addresses_beside_their_names_are_servers_too(tmp_path: Path) -> None:
    def arrange(internet: Internet) -> None:
        usual(internet)
        whole = internet.network._servers[ROOT]

        def respond(wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
            def bare(reply: bytes | None) -> None:
                message = None if reply is None else parse(reply)
                at_apex = message is not None and message.question == Question(names.ROOT, Type.NS)
                send(render(message._replace(additional=())) if message is not None and at_apex else reply)

            whole(wire, client, bare)

        internet.serve(ROOT, respond)

    recording = recorded(arrange, ["www.shop.example"])
    assert recording.drawn.servers[NS].seen == (ROOT,)
    assert recording.write(tmp_path / "zones") == []


def test_a_recording_that_is_full_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "MAX_NOTES", 6)
    recording = recorded(usual, ["www.shop.example", "gone.shop.example", "a.shop.example", "b.shop.example"])
    assert recording.asked[0].reply is not None
    assert recording.asked[-1].failure == FULL
    assert len(recording.evidence.conduct) == 3
    told = recording.write(tmp_path / "zones")
    assert told[0].startswith("there are 6 messages or ")
    assert "the most of one recording" in told[0]


def test_a_recording_of_large_replies_is_full_before_memory_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "MAX_OCTETS", 2_000)

    def arrange(internet: Internet) -> None:
        internet.zones(TLD, tld(*SHOP))
        internet.zones(LEAF, shop(*(f"t{n}.shop.example. 55 IN TXT {'x' * 200}" for n in range(100))))

    recording = recorded(arrange, [f"t{n}.shop.example TXT" for n in range(100)])
    failures = [each.failure for each in recording.asked]
    assert failures[0] == ""
    assert failures[-1] == FULL
    assert sum(not each for each in failures) < 10


def test_what_no_zone_can_say_is_left_out_and_the_rest_is_recorded(tmp_path: Path) -> None:
    """Two SOA records, and a CNAME at the apex, which some servers have."""
    apex = names.from_text("shop.example.")

    def arrange(internet: Internet) -> None:
        usual(internet)
        whole = internet.network._servers[LEAF]

        def respond(wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
            asked = parse(wire).question
            assert asked is not None

            def odd(reply: bytes | None) -> None:
                message = parse(reply or b"")
                if names.fold(asked.name) == apex and asked.type == Type.SOA:
                    (soa,) = message.answer
                    message = message._replace(answer=(soa._replace(rdatas=(*soa.rdatas, soa.rdatas[0][:-1] + b"\0")),))
                if names.fold(asked.name) == apex and asked.type == Type.TXT:
                    alias = RRset(asked.name, Type.CNAME, 1, 60, (names.from_text("www.shop.example."),))
                    message = message._replace(answer=(alias,), authority=())
                send(render(message))

            whole(wire, client, odd)

        internet.serve(LEAF, respond)

    recording = recorded(arrange, ["www.shop.example", "shop.example TXT", "shop.example SOA"])
    told = recording.write(tmp_path / "zones")
    assert told[0] == "shop.example. has a CNAME beside other data, which no zone can say: it is left out"
    world = hierarchy.load(tmp_path / "zones")
    assert said(world, ["www.shop.example"])["www.shop.example"].records
