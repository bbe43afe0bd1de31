from __future__ import annotations

import asyncio
import io
import ssl

import dns.message
import dns.query
import pytest

from resolver.app import build
from resolver.arranged import Arranged
from resolver.config import Config
from resolver.message import Client, Transport
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import rule
from resolver.network.faulty import Faulty
from resolver.observe.history import History
from resolver.observe.log import Log
from resolver.observe.wanted import wanted
from resolver.observe.watching import Watched, watched
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from tests.support.histories import BEGAN
from tests.support.strict import run_strictly
from tests.support.whole import Whole, whole

KEPT = {"history": {"messages": 1_000}}
CLIENT = Client("192.0.2.1", 4242, Transport.UDP)


class Remembering(Whole):
    """A program that remembers messages, and keeps no transcript: with one nothing is stored as octets."""

    def __init__(self, *faults: dict[str, object]) -> None:
        self.clock, self.took = VirtualClock(), 0.0
        config = Config.model_validate({**KEPT, "dnssec": {"validation": False}})
        self.program = build(config, clock=self.clock, entropy=SeededEntropy(1))
        for each in faults:
            self.program.lab.faults.add(rule(each))


def kept(main, *faults):
    """What `main` returns for a program that remembers messages, where `faults` are in force."""

    async def go():
        made = Remembering(*faults)
        try:
            return await main(made)
        finally:
            await made.program.stop()

    return run_strictly(go())


def told(program, **given) -> list[tuple[object, ...]]:
    """What is remembered: who was asked, for what, by which transport, and what was replied."""
    found = []
    for each in program.lab.history.select(wanted(given)):
        name, rtype, _ = each.question
        asked = names.to_text(names.fold(name)), types.to_text(rtype)
        found.append((each.server or "-", *asked, str(each.transport), each.rcode))
    return found


def test_where_nothing_is_remembered_nothing_is_watched():
    async def main(made):
        program = made.program
        servers = {type(each) for each in program._composed.simulated.values()}
        return program.lab.history, program.respond is program.responder, Watched in servers, Faulty in servers

    assert whole(main) == (None, True, False, True)


def test_each_query_of_a_client_is_seen_with_its_answer_stored_ones_too():
    async def main(made):
        for _ in range(4):  # of servers, of records, of stored octets
            await made.ask("www.example.com.")
        await made.ask("gone.example.com.", tcp=True)
        return told(made.program, side="client"), made.program.stats()

    seen, stats = kept(main)
    assert seen == [
        *[("-", "www.example.com.", "A", "udp", "NOERROR")] * 4,
        ("-", "gone.example.com.", "A", "tcp", "NXDOMAIN"),
    ]
    assert (stats["answers.stored"], stats["queries.udp"], stats["queries.tcp"]) == (2, 4, 1)


def test_each_query_to_a_server_is_seen_with_what_it_replied():
    async def main(made):
        await made.ask("www.example.com.")
        first = told(made.program, side="server", name="*.com")
        made.program.lab.history.clear()
        await made.ask("www.example.com.")
        return first, told(made.program, side="server")

    first, again = kept(main)
    assert ("ns1.example.com.", "www.example.com.", "A", "udp", "NOERROR") in first
    assert again == [], "what is held is asked of nobody"


def test_what_a_server_has_stored_is_not_served_past_it():
    async def main(made):
        server = next(each for each in made.program._composed.simulated.values() if each._server == "ns1.example.com.")
        got: list[bytes | None] = []
        query = dns.message.make_query("www.example.com", "A", id=7).to_wire()
        for _ in range(4):
            server(query, CLIENT, got.append)
        return got, server._respond.sound.answers.hits, told(made.program, server="ns1.example.com.")

    got, hits, seen = kept(main)
    assert len(set(got)) == 1
    assert hits > 0, "nothing was stored, so this tests nothing"
    assert seen == [("ns1.example.com.", "www.example.com.", "A", "udp", "NOERROR")] * 4


def test_a_server_is_seen_by_the_address_that_was_asked():
    async def main(made):
        query = dns.message.make_query("example.com", "SOA", id=7).to_wire()
        hosts = [host for host, each in made.program._composed.simulated.items() if each._server == "ns1.example.com."]
        for host in hosts:
            made.program._composed.simulated[host](query, CLIENT, lambda _: None)
        return hosts, [(each.address, each.client) for each in made.program.lab.history]

    hosts, seen = kept(main)
    assert len(hosts) == 2
    assert seen == [(host, "192.0.2.1") for host in hosts]


def test_what_a_server_swallows_is_seen_without_a_reply():
    async def main(made):
        await made.ask("silent.broken.test.")
        return told(made.program, server="ns.silent.broken.test"), told(made.program, side="client")

    servers, clients = kept(main)
    assert servers
    assert {each[-1] for each in servers} == {None}
    assert [each[-1] for each in clients] == ["SERVFAIL"]


@pytest.mark.parametrize(
    ("fault", "rcode", "further", "octets"),
    [
        ({"kind": "silent"}, None, 0, None),
        ({"kind": "refused"}, "REFUSED", 0, 33),
        ({"kind": "duplication", "copies": 3}, "NOERROR", 2, None),
        ({"kind": "tcp_reset"}, None, 0, None),
        ({"kind": "tcp_empty"}, None, 0, 0),
        ({"kind": "wrong_id"}, "NOERROR", 0, None),
        ({"kind": "latency", "ms": 40}, "NOERROR", 0, None),
    ],
)
def test_what_a_fault_did_is_seen_with_its_word(fault, rcode, further, octets):
    async def main(made):
        server = next(each for each in made.program._composed.simulated.values() if each._server == "ns1.example.com.")
        query = dns.message.make_query("www.example.com", "A", id=7).to_wire()
        transport = Transport.TCP if fault["kind"].startswith("tcp") else Transport.UDP
        server(query, CLIENT._replace(transport=transport), lambda _: None)
        await made.clock.advance(1)
        (seen,) = made.program.lab.history.select(wanted({"server": "ns1.example.com."}))
        return seen

    seen = kept(main, {"server": "ns1.example.com.", **fault})
    assert seen.faults == (fault["kind"],)
    assert (seen.rcode, len(seen.further)) == (rcode, further)
    assert all(each == seen.response for each in seen.further)
    if octets is not None:
        assert seen.response is not None
        assert len(seen.response) == octets
    assert seen.ms == pytest.approx(40.0 if fault["kind"] == "latency" else 0.0)


def test_a_stream_that_ends_early_is_seen_as_far_as_it_came():
    async def main(made):
        server = next(each for each in made.program._composed.simulated.values() if each._server == "ns1.example.com.")
        query = dns.message.make_query("www.example.com", "A", id=7).to_wire()
        sent: list[bytes] = []
        server(query, CLIENT._replace(transport=Transport.TCP), sent.append)
        (seen,) = made.program.lab.history
        return sent[0], seen

    sent, seen = kept(main, {"server": "ns1.example.com.", "kind": "tcp_cut"})
    assert seen.response == bytes(sent[: len(sent) // 2])
    assert type(seen.response) is bytes
    assert (seen.rcode, seen.faults) == (None, ("tcp_cut",))


def test_a_fault_is_told_of_the_query_that_it_was_applied_to():
    async def main(made):
        for _ in range(2):
            await made.ask("www.example.com.")
            await made.clock.advance(4_000)
        return [(each.server, each.faults) for each in made.program.lab.history.select(wanted({"name": "*.com"}))]

    seen = kept(main, {"kind": "loss", "zone": "www.example.com", "count": 1})
    assert [faults for _, faults in seen if faults] == [("loss",)]


def test_the_time_that_a_reply_took_is_that_of_the_clock(run):
    async def main():
        clock, history = VirtualClock(), History(10)

        def slow(wire, client, send):
            clock.after(0.25, lambda: send(b"late"))

        Watched(slow, history, clock)(b"asked", CLIENT, lambda _: None)
        (seen,) = history
        before = seen.ms
        await clock.advance(1)
        return before, seen.ms, seen.response

    assert run(main()) == (None, pytest.approx(250.0), b"late")


def test_what_cannot_be_read_is_seen_and_answered_as_ever():
    async def main(made):
        got: list[bytes | None] = []
        for wire in (b"", b"\x00", b"\xff" * 12, b"\x00\x07\x01\x00\x00\x01" + bytes(6) + b"\x3f"):
            made.program.respond(wire, CLIENT, got.append)
        return [len(each.query) for each in made.program.lab.history], [each and len(each) for each in got]

    assert kept(main) == ([0, 1, 12, 13], [None, None, None, 12])


def test_a_history_that_is_handed_in_takes_the_place_of_that_of_the_settings(run):
    async def main():
        history = History(7)
        program = build(Config.model_validate(KEPT), clock=VirtualClock(), arranged=Arranged(history=history))
        await program.stop()
        return program.lab.history is history

    assert run(main())


def test_without_a_history_a_server_is_itself():
    responder = object()
    assert watched(responder, None, VirtualClock(BEGAN)) is responder


# -- on sockets


async def over_udp(where: Endpoint, name: str) -> dns.message.Message:
    query = dns.message.make_query(name, "A")
    return await asyncio.to_thread(dns.query.udp, query, where.host, 5, where.port)


async def over_tcp(where: Endpoint, name: str) -> dns.message.Message:
    query = dns.message.make_query(name, "A")
    return await asyncio.to_thread(dns.query.tcp, query, where.host, 5, where.port)


async def over_tls(where: Endpoint, name: str) -> dns.message.Message:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    query = dns.message.make_query(name, "A")
    return await asyncio.to_thread(dns.query.tls, query, where.host, 5, where.port, ssl_context=trusting)


def listening(messages: int, **sections) -> Config:
    server = {"listen": ["127.0.0.1:0"], "listen_tls": ["127.0.0.1:0"]}
    return Config.model_validate({"server": server, "history": {"messages": messages}, **sections})


@pytest.mark.sockets
def test_listeners_serve_nothing_past_it(on_loop):
    async def main():
        program = build(listening(1_000), log=Log(io.StringIO(), lambda: 0.0))
        await program.start()
        (front,), (encrypted,) = program.listening, program.encrypted
        await over_udp(front, "www.example.com")
        program.lab.history.clear()
        for _ in range(3):
            await over_udp(front, "www.example.com")
            await over_tcp(front, "www.example.com")
            await over_tls(encrypted, "www.example.com")
        seen, stats = told(program, side="client"), program.stats()
        program.lab.history.clear()
        server = next(place for name, place in program.simulated if name == "ns1.example.com.")
        for _ in range(3):
            await over_udp(server, "www.example.com")
            await over_tcp(server, "www.example.com")
        behind = told(program, server="ns1.example.com.")
        await program.stop()
        return seen, stats, behind

    seen, stats, behind = on_loop(main())
    assert seen == [("-", "www.example.com.", "A", over, "NOERROR") for over in ("udp", "tcp", "tls")] * 3
    assert stats["answers.stored"] >= 6
    assert (stats["queries.udp"], stats["queries.tcp"], stats["queries.tls"]) == (4, 3, 3)
    assert behind == [("ns1.example.com.", "www.example.com.", "A", over, "NOERROR") for over in ("udp", "tcp")] * 3


@pytest.mark.sockets
def test_a_reload_changes_how_much_is_remembered_and_says_what_takes_a_restart(on_loop):
    async def main(*messages: int):
        out = io.StringIO()
        program = build(listening(messages[0]), log=Log(out, lambda: 0.0))
        await program.start()
        for number in messages[1:]:
            await program.reload(listening(number))
        history, stats = program.lab.history, program.stats()
        await program.stop()
        told_of_it = [line for line in out.getvalue().splitlines() if "history_not_switched" in line]
        return history and history.limit, len(told_of_it), stats["history.kept"] > 0, stats["history.forgotten"]

    assert on_loop(main(1_000, 1_000, 500)) == (500, 0, True, 0)
    assert on_loop(main(0, 0)) == (None, 0, False, 0)
    assert on_loop(main(0, 10)) == (None, 1, False, 0)
    limit, warnings, _, _ = on_loop(main(10, 0))
    assert (limit, warnings) == (10, 1)
