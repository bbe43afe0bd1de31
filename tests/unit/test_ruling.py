"""Rules in a whole program: branches, views, stored answers, subnets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from resolver.message import Client, Edns, Message, Question, Session, Transport
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.support import zone_text
from tests.support.composed import Composed, composed
from tests.support.internet import Script
from tests.support.messages import reply

OFFICE, GUESTS, WORLD = "192.0.2.10", "192.0.2.20", "192.0.2.30"
POOLS = {"office": {"members": [OFFICE]}, "guests": {"members": [GUESTS]}}


def says(address: str, ttl: int = 300) -> Script:
    """A forwarder that has one address for every name."""

    def script(query: Message, transport: Transport) -> Message:
        assert query.question is not None
        name = names.to_text(query.question.name)
        return reply(query.question, f"{name} {ttl} IN A {address}", aa=False, ra=True, edns=Edns())

    return script


async def ask(
    made: Composed,
    name: str,
    client: str = "127.0.0.1",
    *,
    rtype: str = "A",
    transport: Transport = Transport.UDP,
    session: Session | None = None,
    edns: Edns | None = None,
) -> Message | None:
    """The response to who asks `name` from the address `client`; None where there is none."""
    question = Question(names.from_text(name), types.from_text(rtype))
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    query = render_query(7, question, rd=True, edns=edns)
    made.program.respond(query, Client(client, 4242, transport, session), waiting.set_result)
    response = await waiting
    return None if response is None else parse(response)


async def told(made: Composed, name: str, client: str = "127.0.0.1", **how: Any) -> list[str]:
    """The answer section of the response."""
    response = await ask(made, name, client, **how)
    assert response is not None
    return zone_text.lines(response.answer)


def program(main: Any, *rules: dict[str, Any], **settings: Any) -> Any:
    """What `main` returns for a program with these rules; all that is not sent elsewhere is forwarded to `WORLD`."""

    async def go(made: Composed) -> Any:
        made.internet.script(OFFICE, says("10.1.1.1"))
        made.internet.script(GUESTS, says("10.2.2.2"))
        made.internet.script(WORLD, says("203.0.113.3"))
        return await main(made)

    resolver = {"roots": "internet", "forward_zones": {".": [WORLD]}, "use_0x20": False, "cookies": False}
    server = {"listen_tls": ["127.0.0.1:853"], "listen_https": ["127.0.0.1:443"]}
    return composed(go, {"server": server, "resolver": resolver, "pools": POOLS, "rules": list(rules), **settings})


def to_office(**matchers: Any) -> dict[str, Any]:
    return {"action": "pool", "pool": "office", **matchers}


def to_guests(**matchers: Any) -> dict[str, Any]:
    return {"action": "pool", "pool": "guests", **matchers}


def test_views_of_one_name_never_mix_however_often_it_is_asked():
    async def main(made: Composed) -> list[list[str]]:
        clients = ["10.1.0.1", "10.2.0.1", "127.0.0.1"] * 4
        return [await told(made, "www.corp.test.", each) for each in clients]

    heard = program(main, to_office(clients=["10.1.0.0/16"]), to_guests(clients=["10.2.0.0/16"]))
    views = [["www.corp.test. 300 A 10.1.1.1"], ["www.corp.test. 300 A 10.2.2.2"]]
    assert heard == [*views, ["www.corp.test. 300 A 203.0.113.3"]] * 4


def test_each_branch_asks_once_and_then_answers_from_octets_stored_for_its_own_clients():
    async def main(made: Composed) -> tuple[list[str], list[str], int]:
        for _ in range(4):
            await ask(made, "www.corp.test.", "10.1.0.1")
            await ask(made, "www.corp.test.", "10.1.99.9")
            await ask(made, "www.corp.test.", "127.0.0.1")
        return made.internet.asked(OFFICE), made.internet.asked(WORLD), made.count("answers.stored")

    office, world, stored = program(main, to_office(clients=["10.1.0.0/16"]))
    assert office == ["www.corp.test. A"]
    assert [each for each in world if each.startswith("www")] == ["www.corp.test. A"]
    assert stored == 12 - 2 * 2, "of each kind the first is asked for, and the second stored"


def test_what_goes_elsewhere_by_its_name_alone_is_served_from_store_as_ever():
    async def main(made: Composed) -> tuple[bool, int]:
        for _ in range(4):
            assert await told(made, "x.corp.test.") == ["x.corp.test. 300 A 10.1.1.1"]
            assert await told(made, "x.test.") == ["x.test. 300 A 203.0.113.3"]
        return made.program.responder.datagrams.begin() is not None, made.count("answers.stored")

    assert program(main, to_office(suffixes=["corp.test"])) == (True, 4)


def test_a_flush_forgets_a_name_on_every_branch():
    async def main(made: Composed) -> tuple[int, list[str]]:
        for _ in range(2):
            for client in ("10.1.0.1", "127.0.0.1"):
                await ask(made, "www.corp.test.", client)
            gone = made.program.flush(names.from_text("www.corp.test."), False)
        return gone, made.internet.asked(OFFICE)

    assert program(main, to_office(clients=["10.1.0.0/16"])) == (2, ["www.corp.test. A"] * 2)


def test_the_entries_of_the_cache_say_which_pool_they_came_from():
    async def main(made: Composed) -> list[tuple[object, object]]:
        await ask(made, "a.test.", "10.1.0.1")
        await ask(made, "b.test.")
        return [(each["name"], each.get("pool")) for each in made.program.cache_entries(10) if each["name"] != "."]

    assert program(main, to_office(clients=["10.1.0.0/16"])) == [("b.test.", None), ("a.test.", "office")]


def test_the_memory_of_the_cache_is_shared_out_and_not_multiplied():
    async def main(made: Composed) -> list[int]:
        caches = made.program._caches
        made.program._caches.adjust(made.program.config, made.program._composed.branches.held())
        return [each.records.store.limit for each in (caches.held, *caches.branches.values())]

    one, two, three = program(main, to_office(types=["A"]), to_guests(types=["AAAA"]), cache={"size_mb": 8})
    assert one == two == three == 8 * 1024 * 1024 * 3 // 8 // 3


@pytest.mark.parametrize(
    ("rule", "rcode", "ede"),
    [
        ({"action": "refuse"}, 5, 18),
        ({"action": "refuse", "rcode": "NXDOMAIN", "ede": 15, "ede_text": "blocked by hand"}, 3, 15),
        ({"action": "refuse", "rcode": "NOERROR"}, 0, 18),
    ],
)
def test_what_is_refused_is_told_with_a_reason(rule: dict[str, Any], rcode: int, ede: int):
    async def main(made: Composed) -> Message | None:
        return await ask(made, "www.test.", edns=Edns())

    response = program(main, rule)
    assert response.rcode == rcode
    ((code, data),) = response.edns.options
    assert (code, int.from_bytes(data[:2], "big")) == (15, ede)
    assert data.decode("latin1").endswith(f"{rule.get('ede_text', 'a rule refuses it')} [RULE]")


def test_what_is_dropped_gets_no_response_and_is_counted():
    async def main(made: Composed) -> tuple[Message | None, int, int]:
        return await ask(made, "www.test."), made.count("answers.untold"), made.count("queries.in_flight")

    assert program(main, {"action": "drop", "types": ["A"]}) == (None, 1, 0)


def test_a_truncated_datagram_has_its_client_come_back_over_tcp():
    async def main(made: Composed) -> tuple[Message | None, list[str]]:
        udp = await ask(made, "www.test.")
        return udp, await told(made, "www.test.", transport=Transport.TCP)

    udp, tcp = program(main, {"action": "truncate"})
    assert udp.flags & 0x0200
    assert not udp.answer
    assert tcp == ["www.test. 300 A 203.0.113.3"]


def test_given_records_answer_under_the_name_that_was_asked_as_it_was_spelled():
    rule = {"action": "answer", "suffixes": ["corp.test"], "records": ["A 192.0.2.1", "300 A 192.0.2.2", "TXT hi"]}

    async def main(made: Composed) -> tuple[list[str], list[str], Message | None]:
        txt, a = await told(made, "www.CORP.test.", rtype="TXT"), await told(made, "www.CORP.test.")
        return a, txt, await ask(made, "www.corp.test.", rtype="MX")

    a, txt, mx = program(main, rule)
    assert a == ["www.CORP.test. 60 A 192.0.2.1", "www.CORP.test. 60 A 192.0.2.2"]
    assert txt == ['www.CORP.test. 60 TXT "hi"']
    assert (mx.rcode, mx.answer) == (0, ())


def test_a_given_alias_is_followed_the_usual_way():
    rule = {"action": "answer", "names": ["www.test"], "records": ["CNAME web.example."]}

    async def main(made: Composed) -> list[list[str]]:
        return [await told(made, "www.test.") for _ in range(3)]

    heard = program(main, rule)
    assert heard == [["web.example. 300 A 203.0.113.3", "www.test. 60 CNAME web.example."]] * 3


def test_a_rewritten_question_is_answered_under_the_name_that_came():
    rule = {"action": "rewrite", "suffixes": ["old.test"], "to_suffix": "new.example"}

    async def main(made: Composed) -> tuple[list[list[str]], list[str]]:
        heard = [await told(made, name) for name in ("a.OLD.test.", "a.old.test.", "old.test.")]
        return heard, made.internet.asked(WORLD)

    heard, asked = program(main, rule)
    assert heard == [[f"{name} 300 A 203.0.113.3"] for name in ("a.OLD.test.", "a.old.test.", "old.test.")]
    assert [each for each in asked if "example" in each] == ["a.new.example. A", "new.example. A"]


def test_later_rules_see_the_question_that_was_rewritten():
    rules = ({"action": "rewrite", "names": ["a.test"], "to_name": "b.corp.test"}, to_office(suffixes=["corp.test"]))

    async def main(made: Composed) -> list[str]:
        return await told(made, "a.test.")

    assert program(main, *rules) == ["a.test. 300 A 10.1.1.1"]


def test_a_type_is_rewritten():
    async def main(made: Composed) -> tuple[list[str], list[str]]:
        return await told(made, "a.test.", rtype="AAAA"), made.internet.asked(WORLD)

    heard, asked = program(main, {"action": "rewrite", "types": ["AAAA"], "to_type": "A"})
    assert heard == ["a.test. 300 A 203.0.113.3"]
    assert "a.test. A" in asked
    assert "a.test. AAAA" not in asked


def test_ttls_are_told_within_their_bounds_and_held_as_they_are():
    low = {"suffixes": ["low.test"]}
    rules = ({"action": "ttl", "ttl_max_s": 20, **low}, {"action": "ttl", "ttl_min_s": 1000, "unless": low})

    async def main(made: Composed) -> list[str]:
        heard = []
        for name in ("a.low.test.", "a.test.", "a.test."):
            heard += await told(made, name)
            await asyncio.sleep(299)
        return [*heard, str(made.internet.asked(WORLD).count("a.test. A"))]

    low = "a.low.test. 20 A 203.0.113.3"
    assert program(main, *rules) == [low, *["a.test. 1000 A 203.0.113.3"] * 2, "2"]


def test_tags_lead_to_later_rules():
    rules = (
        {"action": "tag", "tags": ["staff"], "clients": ["10.1.0.0/16"]},
        {"action": "tag", "tags": ["staff"], "server_names": ["staff.dns.test"]},
        to_office(tagged=["staff"], unless={"names": ["www.test"]}),
    )

    async def main(made: Composed) -> list[list[str]]:
        session = Session("staff.dns.test")
        return [
            await told(made, "a.test.", "10.1.0.1"),
            await told(made, "www.test.", "10.1.0.1"),
            await told(made, "a.test.", transport=Transport.TLS, session=session),
            await told(made, "a.test.", transport=Transport.TLS, session=Session("other.test")),
        ]

    heard = [each[0].split()[-1] for each in program(main, *rules)]
    assert heard == ["10.1.1.1", "203.0.113.3", "10.1.1.1", "203.0.113.3"]


def test_a_path_and_a_header_of_https_choose_a_view():
    rules = (to_office(paths=["/office/*"]), to_guests(headers={"X-Team": "guests"}))

    async def main(made: Composed) -> list[str]:
        heard = []
        for path, headers in (("/office/x", ()), ("/dns-query", (("x-team", "guests"),)), ("/dns-query", ())):
            session = Session("", path, headers)
            heard += await told(made, "a.test.", transport=Transport.HTTPS, session=session)
        return [each.split()[-1] for each in heard]

    assert program(main, *rules) == ["10.1.1.1", "10.2.2.2", "203.0.113.3"]


def test_what_chance_decides_is_never_stored_as_octets():
    async def main(made: Composed) -> tuple[set[str], int]:
        heard = {(await told(made, "a.test."))[0].split()[-1] for _ in range(64)}
        return heard, made.count("answers.stored")

    assert program(main, to_office(chance=0.5)) == ({"10.1.1.1", "203.0.113.3"}, 0)


def test_what_time_decides_is_stored_until_the_next_minute_at_most():
    async def main(made: Composed) -> list[tuple[str, int]]:
        heard = []
        for _ in range(3):
            for _ in range(3):
                last = (await told(made, "a.test."))[0].split()[-1]
            heard.append((last, made.count("answers.stored")))
            await asyncio.sleep(60)
        return heard

    # The clock of a test begins at midnight.
    assert program(main, to_office(times=["00:01-00:02"])) == [
        ("203.0.113.3", 1),
        ("10.1.1.1", 2),
        ("203.0.113.3", 4),
    ]


def test_what_a_rule_counts_is_in_the_statistics():
    async def main(made: Composed) -> tuple[int, int]:
        await ask(made, "a.corp.test.")
        await ask(made, "a.test.")
        return made.count("rules.corp"), made.count("rules.2")

    assert program(main, to_office(suffixes=["corp.test"], name="corp"), {"action": "tag", "tags": ["x"]}) == (1, 1)


def test_a_file_of_names_is_read_again_with_each_reload(tmp_path: Path):
    listed = tmp_path / "corp.txt"
    listed.write_text("# ours\nCorp.Test  # and below\n")

    async def main(made: Composed) -> list[str]:
        heard = await told(made, "a.corp.test.")
        listed.write_text("other.test\n")
        await made.program.reload(made.program.config)
        return heard + await told(made, "a.corp.test.") + await told(made, "a.other.test.")

    heard = program(main, to_office(suffixes_files=[str(listed)]))
    assert [each.split()[-1] for each in heard] == ["10.1.1.1", "203.0.113.3", "10.1.1.1"]


def test_a_reload_with_a_file_that_is_wrong_leaves_everything_as_it_was(tmp_path: Path):
    listed = tmp_path / "corp.txt"
    listed.write_text("corp.test\n")

    async def main(made: Composed) -> tuple[str, list[str]]:
        listed.write_text("fine.test\n..\n")
        with pytest.raises(Exception, match=r"corp\.txt:2: .* has an empty label; write one name a line") as caught:
            await made.program.reload(made.program.config)
        return type(caught.value).__name__, await told(made, "a.corp.test.")

    name, heard = program(main, to_office(suffixes_files=[str(listed)]))
    assert name == "ConfigError"
    assert heard == ["a.corp.test. 300 A 10.1.1.1"]


def test_a_zone_file_answers_in_the_place_of_the_world(tmp_path: Path):
    zone = tmp_path / "corp.zone"
    zone.write_text(
        "$ORIGIN corp.test.\n@ 300 SOA ns root 1 2 3 4 60\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n"
        "alias CNAME www\nout CNAME www.example.\n*.wild TXT any\n"
    )
    rule = {"action": "authority", "zone_files": [str(zone)], "clients": ["10.0.0.0/8"]}

    async def main(made: Composed) -> tuple[list[list[str]], Message | None, list[list[str]]]:
        inside = [
            await told(made, name, "10.1.1.1") for name in ("www.corp.test.", "alias.corp.test.", "out.corp.test.")
        ]
        missing = await ask(made, "none.corp.test.", "10.1.1.1")
        return inside, missing, [await told(made, "www.corp.test."), await told(made, "www.test.", "10.1.1.1")]

    inside, missing, others = program(main, rule)
    assert inside == [
        ["www.corp.test. 300 A 10.0.0.2"],
        ["alias.corp.test. 300 CNAME www.corp.test.", "www.corp.test. 300 A 10.0.0.2"],
        ["out.corp.test. 300 CNAME www.example.", "www.example. 300 A 203.0.113.3"],
    ]
    assert (missing.rcode, [each.type for each in missing.authority]) == (3, [6])
    assert others == [["www.corp.test. 300 A 203.0.113.3"], ["www.test. 300 A 203.0.113.3"]]


def subnets_told(made: Composed, host: str) -> list[bytes | None]:
    """The subnet that each message to `host` told."""
    found = []
    for each in made.internet.network.history:
        if each.to.host == host:
            edns = parse(each.wire).edns
            found.append(None if edns is None else dict(edns.options).get(8))
    return found


@pytest.mark.rfc(7871, "7.1.1")
@pytest.mark.rfc(7871, "7.3.1")
def test_a_pool_is_told_the_subnet_of_a_client_and_its_answers_are_for_that_subnet_alone():
    rules = ({"action": "add-subnet", "ipv4_prefix": 20}, to_office())

    def by_subnet(query: Message, transport: Transport) -> Message:
        assert query.question is not None
        assert query.edns is not None
        data = dict(query.edns.options)[8]
        address = ".".join(map(str, data[4:7]))
        name = names.to_text(query.question.name)
        edns = Edns(options=((8, data[:3] + b"\x18" + data[4:]),))
        return reply(query.question, f"{name} 300 IN A {address}.9", aa=False, ra=True, edns=edns)

    async def main(made: Composed) -> tuple[list[str], list[bytes | None], int]:
        made.internet.script(OFFICE, by_subnet)
        clients = ("198.51.100.7", "198.51.99.1", "203.0.113.77", "198.51.100.8")
        heard = [line for each in clients for line in await told(made, "www.test.", each)]
        return heard, subnets_told(made, OFFICE), made.count("cache.subnets")

    heard, subnets, count = program(main, *rules)
    assert [each.split()[-1] for each in heard] == ["198.51.96.9", "198.51.96.9", "203.0.112.9", "198.51.96.9"]
    assert subnets == [b"\0\1\x14\0\xc6\x33\x60", b"\0\1\x14\0\xcb\0\x70"]
    assert count == 2


@pytest.mark.rfc(7871, "7.1.2")
def test_who_wants_nothing_told_of_its_subnet_has_nothing_told():
    rules = ({"action": "add-subnet"}, to_office())

    async def main(made: Composed) -> list[bytes | None]:
        await ask(made, "www.test.", "198.51.100.7", edns=Edns(options=((8, b"\0\1\0\0"),)))
        return subnets_told(made, OFFICE)

    assert program(main, *rules) == [None]


@pytest.mark.rfc(7871, "7.3")
def test_a_reply_for_another_subnet_is_none():
    rules = ({"action": "add-subnet"}, to_office())

    def another(query: Message, transport: Transport) -> Message:
        assert query.question is not None
        name = names.to_text(query.question.name)
        edns = Edns(options=((8, b"\0\1\x18\x18\x01\x02\x03"),))
        return reply(query.question, f"{name} 300 IN A 192.0.2.66", aa=False, ra=True, edns=edns)

    async def main(made: Composed) -> Message | None:
        made.internet.script(OFFICE, another)
        return await ask(made, "www.test.", "198.51.100.7")

    response = program(main, *rules)
    assert (response.rcode, response.answer) == (2, ())


def test_a_subnet_that_a_client_claims_is_told_to_nobody_unless_a_rule_adds_its_own():
    async def main(made: Composed) -> tuple[list[bytes | None], list[bytes | None]]:
        claims = Edns(options=((8, b"\0\1\x18\0\x01\x02\x03"),))
        await ask(made, "www.test.", edns=claims)
        await ask(made, "www.corp.test.", "198.51.100.7", edns=claims)
        return subnets_told(made, WORLD), subnets_told(made, OFFICE)

    rules = (
        {"action": "add-subnet"},
        {"action": "strip-subnet", "unless": {"suffixes": ["corp.test"]}},
        to_office(),
    )
    world, office = program(main, *rules)
    assert set(world) <= {None}
    assert office == [None, b"\0\1\x18\0\xc6\x33\x64"]


def test_the_least_recently_used_subnet_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resolver.subnets.MAX_SUBNETS", 2)

    async def main(made: Composed) -> tuple[int, int]:
        for third in (1, 2, 1, 3, 1):
            await ask(made, "www.test.", f"198.51.{third}.7")
        return len(subnets_told(made, OFFICE)), made.count("cache.subnets")

    assert program(main, {"action": "add-subnet"}, to_office()) == (3, 2)
