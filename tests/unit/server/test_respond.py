from __future__ import annotations

import asyncio
import io
import ipaddress
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.answering import Told
from resolver.cache.answers import AnswerStore
from resolver.errors import Bogus, ResolutionFailed
from resolver.message import (
    AA,
    AD,
    CD,
    EDE_OPTION,
    QR,
    RA,
    RD,
    TC,
    Class,
    Client,
    Ede,
    Edns,
    Message,
    Query,
    Question,
    Rcode,
    Reply,
    RRset,
    Transport,
    Type,
)
from resolver.observe.counters import Counters
from resolver.observe.log import BURST, WINDOW, Log
from resolver.server.access import Access
from resolver.server.conduct import ANSWERING_S, Conduct
from resolver.server.cookies import Cookies
from resolver.server.options import MAX_EDE_TEXT
from resolver.server.respond import Responder
from resolver.server.waiting import PER_TURN
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.answering import begin
from tests.support.messages import name, sets, soa
from tests.support.strict import run_strictly

WWW = Question(name("www.example.com."), Type.A)
ANSWER = sets(["www.example.com. 300 IN A 192.0.2.80"])
GOOD = Reply(0, ANSWER, ra=True, storable=True)
STALE = (Ede(3, "expired [STAL]"),)
UDP = Client("192.0.2.9", 4242, Transport.UDP)
TCP = Client("192.0.2.9", 4242, Transport.TCP)
TLS = Client("192.0.2.9", 4242, Transport.TLS)


class Says:
    """An answerer that says this, or does what it is told, and remembers what it was asked."""

    def __init__(self, said: Reply | Callable[[Query], Coroutine[Any, Any, Reply]] | BaseException = GOOD) -> None:
        self.said = said
        self.queries: list[Query] = []

    def answer(self, query: Query, done: Told) -> None:
        self.queries.append(query)
        if isinstance(self.said, Reply | ResolutionFailed):
            done(self.said)
        elif isinstance(self.said, BaseException):
            raise self.said
        else:
            begin(self.said(query), done)


async def slow(query: Query) -> Reply:
    await asyncio.sleep(1)
    return GOOD


class Remembers(Says):
    """An answerer that holds the answer to what is asked of example.com., and has to work for the rest."""

    def peek(self, query: Query) -> Reply | None:
        return GOOD if query.question == WWW else None


class Front:
    """A responder in virtual time."""

    def __init__(
        self,
        said: object = GOOD,
        *,
        answers: bool = True,
        allow: str | None = None,
        refusals: int = 100,
        **conduct: object,
    ) -> None:
        self.clock = VirtualClock()
        self.counters = Counters()
        self.log = io.StringIO()
        self.below = Says(said)  # type: ignore[arg-type]
        self.responder = Responder(
            self.below,
            clock=self.clock,
            counters=self.counters,
            log=Log(self.log, self.clock.wall, "debug", "json"),
            conduct=Conduct(**conduct),  # type: ignore[arg-type]
            answers=AnswerStore(1 << 20, self.clock) if answers else None,
            access=None if allow is None else Access([ipaddress.ip_network(allow)], self.clock, refusals),
            cookies=Cookies(bytes(16), self.clock),
            idle_seconds=lambda: 10.0,
        )

    async def raw(self, wire: bytes, client: Client = UDP) -> bytes | None:
        """The response to some octets; fails when `send` is called twice."""
        waiting = asyncio.get_running_loop().create_future()
        self.responder(wire, client, waiting.set_result)
        response = await waiting
        await asyncio.sleep(0)
        return response

    async def ask(self, wire: bytes | None = None, client: Client = UDP) -> Message:
        response = await self.raw(query() if wire is None else wire, client)
        assert response is not None
        return parse(response)

    def stored(self, wire: bytes) -> bytes | None:
        """What a listener answers to a datagram without asking further."""
        stored = self.responder.datagrams.begin()
        response = None if stored is None else stored(wire)
        if response is not None:
            self.responder.datagrams.served(1)
        return response

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def query(
    question: Question = WWW, *, id: int = 7, flags: int = RD, edns: Edns | None = None, **parts: object
) -> bytes:
    return render(Message(id, flags, 0, question, edns=edns, **parts))  # type: ignore[arg-type]


def front(run, main, *options, **conduct):
    async def go():
        return await main(Front(*options, **conduct))

    return run(go())


def ask(run, said: object = GOOD, wire: bytes | None = None, client: Client = UDP, **conduct) -> Message:
    return front(run, lambda f: f.ask(wire, client), said, **conduct)


# -- what is answered at all


@pytest.mark.parametrize("edns", [None, Edns()])
@pytest.mark.parametrize("client", [UDP, TCP])
def test_a_query_is_answered_with_its_id_and_question(run, edns, client):
    spelled = Question(name("wWw.Example.com."), Type.A)
    message = ask(run, GOOD, query(spelled, id=0xBEEF, edns=edns), client)
    assert (message.id, message.question, message.rcode) == (0xBEEF, spelled, 0)
    assert message.flags == QR | RD | RA
    assert [each.rdatas for each in message.answer] == [ANSWER[0].rdatas]
    assert message.answer[0].name == spelled.name


@pytest.mark.rfc(1035, "7.3")
def test_a_response_is_never_answered(run):
    async def main(f: Front):
        wires = [query(flags=flags | QR) for flags in (0, RD, AA | RA, TC, 0x2800)]
        return [await f.raw(wire, client) for wire in wires for client in (UDP, TCP)], f.counters, f.below.queries

    responses, counters, queries = front(run, main)
    assert set(responses) == {None}
    assert (counters.queries_ignored, queries) == (10, [])


def test_a_stored_answer_is_not_given_to_a_response(run):
    async def main(f: Front):
        await f.ask()
        return await f.raw(query(flags=RD | QR)), f.stored(query(flags=RD | QR))

    assert front(run, main) == (None, None)


def test_streams_share_their_stored_answers_and_are_counted_apart(run):
    async def main(f: Front):
        first = await f.raw(query(edns=Edns()), TLS)
        again = stored(f.responder.streams, query(edns=Edns())), stored(f.responder.encrypted, query(edns=Edns()))
        others = stored(f.responder.datagrams, query(edns=Edns())), stored(f.responder.encrypted, query())
        return first, again, others, f.counters

    def stored(hits, wire):
        response = hits.begin()(wire)
        hits.served(response is not None)
        return response

    first, again, others, counters = front(run, main)
    assert again == (first, first)
    assert others == (None, None)
    assert (counters.queries_udp, counters.queries_tcp, counters.queries_tls) == (0, 1, 2)


@pytest.mark.rfc(7830, "4")
@pytest.mark.rfc(8467, "4.1")
def test_a_padded_query_gets_a_padded_response_and_never_one_that_is_stored(run):
    async def main(f: Front):
        plain, with_padding = query(edns=Edns()), query(edns=Edns(options=((12, bytes(40)),)))
        await f.raw(plain, TLS)
        before = f.responder.answers.hits  # type: ignore[union-attr]
        responses = [await f.raw(with_padding, client) for client in (TLS, TCP, UDP)]
        stored = f.responder.encrypted.begin()(with_padding)
        return responses, stored, f.responder.answers.hits - before, await f.raw(plain, TLS)  # type: ignore[union-attr]

    (tls, *others), stored, hits, unpadded = front(run, main)
    assert len(tls) == 468
    assert {len(each) for each in others} == {len(unpadded)}
    assert (stored, hits) == (None, 0)
    assert parse(tls).answer == parse(unpadded).answer


def test_what_has_no_records_is_padded_too(run):
    bad = query(flags=0x2800, edns=Edns(options=((12, b""),)))
    assert len(front(run, lambda f: f.raw(bad, TLS))) == 468


def test_the_transport_is_logged(run):
    async def main(f: Front):
        await f.ask(client=TLS)
        return [event.get("transport") for event in f.events]

    assert front(run, main, log_queries=True) == ["tls"]


@pytest.mark.parametrize("size", range(12))
def test_what_is_shorter_than_a_header_is_never_answered(run, size):
    assert front(run, lambda f: f.raw(query()[:size])) is None


@pytest.mark.rfc(1035, "4.1.1")
@pytest.mark.parametrize(
    "wire",
    [
        query()[:-1],
        query() + b"\0",
        query()[:12] + b"\x40" + query()[13:],
        query()[:12] + b"\xc0\x0c" + query()[-4:],
        query(flags=RD | TC),
        query(answer=ANSWER),
        query(authority=ANSWER),
        query(edns=Edns()) + bytes(11),
        query(edns=Edns())[:-1],
    ],
)
@pytest.mark.parametrize("client", [UDP, TCP])
def test_what_is_malformed_is_a_format_error_and_counted(run, wire, client):
    async def main(f: Front):
        return await f.ask(wire, client), f.counters.queries_malformed, f.below.queries

    message, counted, queries = front(run, main)
    assert (message.id, message.rcode, counted, queries) == (7, Rcode.FORMERR, 1, [])


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.data())
def test_whatever_octets_arrive_send_is_called_once_and_nothing_is_raised(data):
    wire = bytearray(query(edns=Edns(options=((10, b"12345678"),))))
    for _ in range(data.draw(st.integers(0, 5))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    octets = bytes(wire[: data.draw(st.integers(0, len(wire)))]) + data.draw(st.binary(max_size=5))
    client = data.draw(st.sampled_from([UDP, TCP]))

    async def main():
        f = Front()
        return await f.raw(octets, client), [event for event in f.events if event["level"] == "error"]

    response, errors = run_strictly(main())
    assert not errors
    if len(octets) < 12 or octets[2] & 0x80:
        assert response is None
    else:
        assert response is not None
        message = parse(response)
        assert message.flags & QR
        assert message.id == int.from_bytes(octets[:2], "big")
        assert len(response) <= 1232 or client is TCP


# -- EDNS


@pytest.mark.rfc(6891, "7")
def test_an_opt_is_sent_exactly_when_one_came(run):
    for said in (GOOD, Reply(Rcode.NXDOMAIN), ResolutionFailed("MUTE", 22, "silence"), ValueError("a bug")):
        assert ask(run, said, query()).edns is None
        edns = ask(run, said, query(edns=Edns(4096))).edns
        assert edns is not None
        assert (edns.payload, edns.version) == (1232, 0)


@pytest.mark.rfc(6891, "7")
@pytest.mark.rfc(8906, "3.1")
def test_an_error_has_the_question_and_an_opt_where_the_query_could_be_read(run):
    for wire, rcode in (
        (query(edns=Edns(), flags=0x1000), Rcode.NOTIMP),
        (query(edns=Edns(), answer=ANSWER), Rcode.FORMERR),
    ):
        message = ask(run, GOOD, wire)
        assert (message.rcode, message.question, message.edns) == (rcode, WWW, Edns(1232))
    assert ask(run, GOOD, query(answer=ANSWER)).edns is None


@pytest.mark.rfc(8914, "2")
def test_extended_errors_are_told_to_those_who_use_edns(run):
    failure = ResolutionFailed("MUTE", 22, "no server replied", heard=(Ede(9, "kein Schlüssel"),))
    message = ask(run, failure, query(edns=Edns()))
    assert message.rcode == Rcode.SERVFAIL
    assert message.edns is not None
    assert message.edns.options == (
        (15, b"\0\x16no server replied [MUTE]"),
        (15, b"\0\x09" + "kein Schlüssel".encode()),
    )
    assert ask(run, failure, query()).rcode == Rcode.SERVFAIL


@pytest.mark.rfc(8914, "2")
@pytest.mark.parametrize("letter", ["x", "ü", "\N{REPLACEMENT CHARACTER}"])
def test_the_cause_of_a_failure_fits_into_any_response_with_its_tag(run, letter):
    long = Question(name(".".join((*("q" * 63,) * 3, "r" * 61))), Type.A)
    failure = ResolutionFailed("MUTE", 22, letter * 900, heard=(Ede(1, "y" * 900),))
    response = front(run, lambda f: f.raw(query(long, edns=Edns(512))), failure)
    assert len(response) <= 512
    message = parse(response)
    assert message.edns is not None
    assert not message.flags & TC
    text = message.edns.options[0][1][2:].decode()
    assert text.endswith("[MUTE]")
    assert len(text.encode()) <= MAX_EDE_TEXT


# -- sizes


def big(count: int) -> Reply:
    """A reply with so many TXT records of about 60 octets in sets of their own names."""
    made = tuple(
        RRset(name(f"n{number}.example.com."), Type.TXT, 1, 60, (b"\x32" + b"x" * 50,)) for number in range(count)
    )
    return Reply(0, made, storable=True)


@pytest.mark.rfc(6891, "6.2.3")
@pytest.mark.parametrize(
    ("edns", "payload", "limit"),
    [
        (None, 1232, 512),
        (Edns(0), 1232, 512),
        (Edns(511), 1232, 512),
        (Edns(900), 1232, 900),
        (Edns(4096), 1232, 1232),
        (Edns(4096), 4096, 4096),
        (Edns(4096), 512, 512),
    ],
)
def test_a_datagram_is_no_longer_than_client_and_server_allow(run, edns, payload, limit):
    response = front(run, lambda f: f.raw(query(edns=edns)), big(100), payload=payload)
    message = parse(response)
    assert limit - 100 < len(response) <= limit
    assert message.flags & TC
    assert 0 < len(message.answer) < 100


@pytest.mark.rfc(2181, "9")
def test_over_tcp_everything_is_said_and_tc_is_for_what_was_left_out(run):
    message = ask(run, big(100), query(edns=Edns(512)), TCP)
    assert not message.flags & TC
    assert len(message.answer) == 100
    assert not ask(run, big(3), query()).flags & TC


# -- flags


@pytest.mark.rfc(1035, "4.1.1")
def test_flags_are_those_of_the_reply_and_rd_and_cd_those_of_the_query(run):
    loud = Reply(0, ANSWER, aa=True, ra=True, ad=True)
    assert ask(run, loud, query(flags=0)).flags == QR | AA | RA | AD
    assert ask(run, loud, query(flags=RD | CD | AD)).flags == QR | AA | RA | AD | RD | CD
    assert ask(run, Reply(0, ANSWER), query(flags=RD)).flags == QR | RD


def test_what_is_asked_below_is_what_was_asked(run):
    async def main(f: Front):
        await f.ask(query(flags=RD | CD | AD, edns=Edns(2000, do=True)))
        await f.ask(query(Question(name("x."), 65_280, Class.CH), flags=0))
        return f.below.queries, f.clock.monotonic()

    (first, second), now = front(run, main, answers=False)
    assert first.question == WWW
    assert (first.client, first.rd, first.cd, first.ad, first.edns) == (UDP, True, True, True, Edns(2000, do=True))
    assert first.deadline == now + 4.5 - ANSWERING_S
    assert (second.question, second.rd, second.cd, second.ad, second.edns) == (
        Question(name("x."), 65_280, Class.CH),
        False,
        False,
        False,
        None,
    )
    assert second.id == first.id + 1


# -- bugs and load


def test_a_bug_is_servfail_for_the_client_and_a_line_in_the_log(run):
    async def main(f: Front):
        return await f.ask(query(edns=Edns())), f.events, f.counters, f.responder

    message, events, counters, _ = front(run, main, ZeroDivisionError("secret of the house"))
    assert (message.rcode, message.question) == (Rcode.SERVFAIL, WWW)
    assert message.edns is not None
    assert message.edns.options == ((15, b"\0\0internal error, see the log [OOPS]"),)
    (event,) = [each for each in events if each["level"] == "error"]
    assert event["event"] == "internal_error"
    assert "secret of the house" in str(event["error"])
    assert str(event["where"]).rpartition("/")[2].startswith("test_respond.py:")
    assert (counters.answers_internal_error, counters.answers_servfail, counters.queries_in_flight) == (1, 1, 0)


def test_what_is_bogus_is_a_line_in_the_log_a_few_times_a_minute_and_other_failures_are_none(run):
    bogus = Bogus("SIGB", 6, "RRSIG of www.example.com. A by key 1 does not hold")

    async def main(f: Front):
        for number in range(20):
            await f.ask(query(id=number))
        f.clock.suspend(WINDOW)
        for said in (bogus.remembered(), ResolutionFailed("MUTE", 22, "nobody replied")):
            f.below.said = said
            await f.ask()
        return [each for each in f.events if each["level"] == "warning"]

    events = front(run, main, bogus)
    assert len(events) == BURST
    told = {key: events[0][key] for key in ("event", "name", "type", "tag", "reason")}
    assert told == {"event": "bogus", "name": "www.example.com.", "type": "A", "tag": "SIGB", "reason": bogus.text}


def test_a_reply_that_cannot_be_rendered_is_a_bug_too(run):
    broken = Reply(0, (RRset(b"", 1, 1, -1, (b"",)),), storable=True)

    async def main(f: Front):
        return await f.ask(), f.counters

    message, counters = front(run, main, broken)
    assert message.rcode == Rcode.SERVFAIL
    assert (counters.answers_servfail, counters.answers_noerror) == (1, 0)


def test_a_query_that_is_worked_on_has_its_place_until_it_is_answered(run):
    async def main(f: Front):
        sent = []
        f.responder(query(), UDP, sent.append)
        await asyncio.sleep(0.9)
        in_flight, early = f.counters.queries_in_flight, len(sent)
        await asyncio.sleep(0.2)
        return in_flight, early, len(sent), f.counters.queries_in_flight

    assert front(run, main, slow) == (1, 0, 1, 0)


@pytest.mark.parametrize("said", [GOOD, ResolutionFailed("MUTE", 22, "silence")])
def test_what_breaks_after_its_answer_or_is_told_twice_is_answered_once(run, said):
    class Breaks(Says):
        def answer(self, query: Query, done: Told) -> None:
            done(said)
            done(said)
            raise ZeroDivisionError

    async def main(f: Front):
        f.responder.answerer = Breaks()
        sent: list[bytes | None] = []
        f.responder(query(), UDP, sent.append)
        events = [event["event"] for event in f.events if event["level"] == "error"]
        return len(sent), parse(sent[0]).rcode, events, f.counters

    sent, rcode, events, counters = front(run, main, answers=False)
    assert (sent, rcode, events) == (1, Rcode.NOERROR if said is GOOD else Rcode.SERVFAIL, ["internal_error"])
    assert (counters.queries_in_flight, counters.answers_noerror + counters.answers_servfail) == (0, 1)


@pytest.mark.parametrize(("client", "rcode"), [(UDP, None), (TCP, Rcode.SERVFAIL)])
def test_beyond_so_many_at_once_queries_are_turned_away_and_counted(run, client, rcode):
    """Silence tells a client of UDP to ask again later or elsewhere; one of TCP would wait for its answer."""

    async def main(f: Front):
        sent = []
        for number in range(5):
            f.responder(query(id=number, edns=Edns()), client, sent.append)
        turned_away = list(sent)
        await asyncio.sleep(2)
        before = len(sent)
        f.responder(query(id=9), client, sent.append)
        await asyncio.sleep(2)
        return turned_away, before, len(sent), f.counters

    turned_away, before, after, counters = front(run, main, slow, max_in_flight=3, answers=False)
    assert (len(turned_away), before, after) == (2, 5, 6)
    assert [each and parse(each).rcode for each in turned_away] == [rcode, rcode]
    assert all(each is None or parse(each).edns.options[0][1].endswith(b"[BUSY]") for each in turned_away)
    assert (counters.queries_dropped_busy, counters.queries_in_flight) == (2, 0)


def test_a_stored_answer_is_given_however_many_are_in_flight(run):
    async def main(f: Front):
        await f.ask()
        f.counters.queries_in_flight = 10
        return await f.ask(query(id=9)), f.counters.queries_dropped_busy

    message, dropped = front(run, main, GOOD, max_in_flight=1)
    assert (message.id, dropped) == (9, 0)


def test_what_is_held_is_answered_without_a_place(run):
    """Over UDP and TCP, with the options of the query; and it is stored, so that the next costs less."""

    async def main(f: Front):
        f.responder.answerer = Remembers(slow)
        f.counters.queries_in_flight = 1
        cookie = Edns(options=((10, b"clients!"),))
        held = [await f.ask(query(edns=edns), client) for edns in (cookie, None) for client in (UDP, TCP)]
        stored = f.stored(query())
        other = await f.raw(query(Question(name("other.example.com."), Type.A)))
        return held, stored, other, f.counters

    held, stored, other, counters = front(run, main, max_in_flight=1)
    assert [(each.rcode, len(each.answer), each.edns and len(each.edns.options[0][1])) for each in held] == [
        (0, 1, 24),
        (0, 1, 24),
        (0, 1, None),
        (0, 1, None),
    ]
    assert stored is not None
    assert other is None
    assert (counters.queries_dropped_busy, counters.queries_in_flight, counters.answers_noerror) == (1, 1, 4)


@pytest.mark.rfc(8767, "4")
@pytest.mark.parametrize("client", [UDP, TCP])
def test_what_has_no_place_is_told_what_has_expired_if_anything_is_held(run, client):
    class Expired(Remembers):
        def peek(self, query: Query) -> Reply | None:
            return None

        def spare(self, query: Query) -> Reply | None:
            return GOOD._replace(storable=False, ede=STALE) if query.question == WWW else None

    async def main(f: Front):
        f.responder.answerer = Expired(slow)
        f.counters.queries_in_flight = 1
        told = await f.ask(query(edns=Edns()), client)
        other = await f.raw(query(Question(name("other.example.com."), Type.A)), client)
        return told, other, f.counters

    told, other, counters = front(run, main, max_in_flight=1)
    assert (len(told.answer), told.edns.options[0][0]) == (1, EDE_OPTION)
    assert other is None if client is UDP else parse(other).rcode == Rcode.SERVFAIL
    assert (counters.queries_dropped_busy, counters.queries_in_flight) == (2, 1)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_one_client_cannot_take_the_places_of_all(run, transport):
    async def main(f: Front):
        sent: list[bytes | None] = []
        for host in ("192.0.2.1",) * 8 + ("192.0.2.2",) * 2:
            f.responder(query(edns=Edns()), Client(host, 4242, transport), sent.append)
        turned_away = list(sent)
        await asyncio.sleep(2)
        return turned_away, len(sent), f.counters

    turned_away, answered, counters = front(run, main, slow, max_in_flight=10, max_per_client=3, answers=False)
    assert (len(turned_away), answered) == (3, 10), "five places are for whoever comes first"
    tags = [each and parse(each).edns.options[0][1][-6:] for each in turned_away]
    assert tags == [None if transport is Transport.UDP else b"[MANY]"] * 3
    assert (counters.queries_dropped_client, counters.queries_dropped_busy, counters.queries_in_flight) == (3, 0, 0)


class Works(Says):
    """An answerer that has nothing at hand."""

    def peek(self, query: Query) -> Reply | None:
        return None


def test_what_needs_work_is_begun_a_few_a_turn_and_what_is_at_hand_never_waits(run):
    async def main(f: Front):
        f.below = f.responder.answerer = Works(slow)  # type: ignore[assignment]
        sent: list[tuple[int, bytes | None]] = []
        for number in range(1 + 3 * PER_TURN):
            f.responder(query(id=number), UDP, lambda response, number=number: sent.append((number, response)))
        begun = []
        for _ in range(8):
            await asyncio.sleep(0)
            begun.append(len(f.below.queries))
        in_flight = f.counters.queries_in_flight
        f.responder.answerer = Remembers(slow)
        at_once: list[bytes | None] = []
        f.responder(query(id=9), UDP, at_once.append)
        answered = len(at_once)
        await asyncio.sleep(2)
        return begun, in_flight, answered, sorted(number for number, _ in sent), f.counters.queries_in_flight

    begun, in_flight, answered, sent, left = front(run, main, answers=False)
    assert sorted(set(begun)) == [1 + turns * PER_TURN for turns in range(4)]
    assert begun == sorted(begun)
    assert (in_flight, answered, sent, left) == (1 + 3 * PER_TURN, 1, list(range(1 + 3 * PER_TURN)), 0)


@pytest.mark.parametrize(("client", "rcode"), [(UDP, None), (TCP, Rcode.SERVFAIL)])
def test_only_so_many_wait_to_be_begun(run, client, rcode):
    async def main(f: Front):
        f.responder.answerer = Works(slow)
        sent: list[bytes | None] = []
        for number in range(6):
            f.responder(query(id=number, edns=Edns()), client, sent.append)
        turned_away = list(sent)
        await asyncio.sleep(2)
        return turned_away, len(sent), f.counters.queries_dropped_busy, f.counters.queries_in_flight

    turned_away, answered, dropped, left = front(run, main, max_in_flight=32, answers=False)
    assert [each and parse(each).rcode for each in turned_away] == [rcode], "one was begun, four wait"
    assert (answered, dropped, left) == (6, 1, 0)


def test_at_the_end_those_that_wait_get_no_answer(run):
    async def main(f: Front):
        f.responder.answerer = Works(slow)
        sent: list[bytes | None] = []
        for number in range(4):
            f.responder(query(id=number), UDP, sent.append)
        f.responder.give_up()
        given_up = list(sent)
        await asyncio.sleep(2)
        return given_up, [each is None for each in sent], f.counters.queries_in_flight

    assert front(run, main, answers=False) == ([None] * 3, [True] * 3 + [False], 0), "one was begun"


def test_a_bug_in_what_is_at_hand_is_servfail_and_a_line_in_the_log(run):
    class Breaks(Says):
        def peek(self, query: Query) -> Reply | None:
            raise ZeroDivisionError

    async def main(f: Front):
        f.responder.answerer = Breaks()
        return await f.ask(query(edns=Edns())), f.events[-1]["event"], f.counters

    message, event, counters = front(run, main)
    assert (message.rcode, event) == (Rcode.SERVFAIL, "internal_error")
    assert (counters.answers_internal_error, counters.answers_servfail, counters.queries_in_flight) == (1, 1, 0)


# -- who may ask


STRANGER = Client("203.0.113.9", 4242, Transport.UDP)


@pytest.mark.rfc(5358, "4")
def test_who_may_not_ask_is_refused_whatever_is_stored(run):
    async def main(f: Front):
        await f.ask()
        told = await f.ask(query(edns=Edns()), STRANGER)
        return told, f.counters, len(f.below.queries)

    told, counters, made = front(run, main, allow="192.0.2.0/24")
    assert (told.rcode, told.answer, told.question, made) == (Rcode.REFUSED, (), WWW, 1)
    assert told.edns.options == ((15, b"\0\x12clients of this address may not ask here [DENY]"),)
    assert (counters.queries_denied, counters.queries_denied_told, counters.queries_udp) == (1, 1, 2)


def test_strangers_over_udp_are_told_so_only_so_often(run):
    async def main(f: Front):
        return [await f.raw(query(), STRANGER) is None for _ in range(5)], f.counters

    silent, counters = front(run, main, allow="192.0.2.0/24", refusals=2)
    assert silent == [False, False, True, True, True]
    assert (counters.queries_denied, counters.queries_denied_told) == (5, 2)


def test_a_stranger_over_tcp_is_always_told(run):
    async def main(f: Front):
        tcp = STRANGER._replace(transport=Transport.TCP)
        return [parse(await f.raw(query(), tcp)).rcode for _ in range(3)]

    assert front(run, main, allow="192.0.2.0/24", refusals=0) == [Rcode.REFUSED] * 3


@pytest.mark.parametrize("wire", [query(flags=QR | RD), query()[:11], b""])
def test_what_is_never_answered_is_not_refused_either(run, wire):
    assert front(run, lambda f: f.raw(wire, STRANGER), allow="192.0.2.0/24") is None


def test_what_may_not_be_asked_is_refused_whatever_it_is(run):
    async def main(f: Front):
        wires = (query() + b"junk", query(flags=0x1000), query(edns=Edns(options=((10, b"odd"),))))
        return [(await f.ask(wire, STRANGER)).rcode for wire in wires]

    assert front(run, main, allow="192.0.2.0/24") == [Rcode.REFUSED] * 3


# -- sizes that could be misused


@pytest.mark.rfc(9715, "3.1")
@pytest.mark.parametrize("payload", [512, 700, 1232])
def test_a_stored_answer_is_no_longer_than_a_made_one(run, payload):
    """Nothing longer than `payload` is ever in the store for UDP, not even after an answer over TCP."""

    async def main(f: Front):
        await f.ask(query(edns=Edns(4096)), TCP)
        sizes = []
        for _ in range(3):
            for edns in (Edns(1232), Edns(4096), Edns(65_535, do=True), None):
                sizes.append(len(await f.raw(query(edns=edns))))
                sizes.append(len(f.stored(query(edns=edns)) or b""))
        return max(sizes)

    assert front(run, main, big(30), payload=payload) <= payload


# -- options


@pytest.mark.rfc(7873, "5.2")
def test_every_response_to_a_client_with_a_cookie_has_one(run):
    """Whatever becomes of the query: a client may take a response without one for a forgery."""
    with_cookie = Edns(options=((10, b"clients!"),))
    wires = (
        (query(edns=with_cookie), Rcode.NOERROR),
        (query(edns=with_cookie, answer=ANSWER), Rcode.FORMERR),
        (query(edns=with_cookie, flags=0x1000), Rcode.NOTIMP),
    )
    for wire, rcode in wires:
        message = ask(run, GOOD, wire)
        assert message.rcode == rcode
        assert [(code, data[:8], len(data)) for code, data in message.edns.options] == [(10, b"clients!", 24)]
    for said in (ResolutionFailed("MUTE", 22, "silence"), ValueError("a bug")):
        message = ask(run, said, wires[0][0])
        assert [code for code, _ in message.edns.options] == [10, 15]


def test_an_answer_to_a_cookie_is_stored_for_nobody(run):
    async def main(f: Front):
        for _ in range(2):
            await f.ask(query(edns=Edns(options=((10, b"clients!"),))))
        return len(f.below.queries), len(f.responder.answers)

    assert front(run, main) == (2, 0)


@pytest.mark.rfc(7828, "3.3.2")
def test_keepalive_is_told_over_tcp_alone(run):
    wire = query(edns=Edns(options=((11, b""),)))
    assert ask(run, GOOD, wire, TCP).edns.options == ((11, b"\0\x64"),)
    assert ask(run, GOOD, wire, UDP).edns.options == ()


# -- what is counted and logged


def test_queries_and_answers_are_counted(run):
    async def main(f: Front):
        for rcode in (0, 3, 2, 5):
            f.below.said = Reply(rcode)
            await f.ask()
        await f.ask(client=TCP)
        return f.counters

    counters = front(run, main)
    assert (counters.queries_udp, counters.queries_tcp) == (4, 1)
    assert (counters.answers_noerror, counters.answers_nxdomain, counters.answers_servfail) == (1, 1, 1)
    assert counters.answers_other == 2


def test_each_query_is_logged_when_that_is_wanted(run):
    async def slow(query: Query) -> Reply:
        await asyncio.sleep(0.25)
        raise ResolutionFailed("MUTE", 22, "silence")

    async def main(f: Front):
        await f.ask(client=TCP)
        return f.events

    (event,) = front(run, main, slow, log_queries=True)
    assert {key: event[key] for key in ("event", "query", "client", "transport", "name", "type", "rcode")} == {
        "event": "query",
        "query": 1,
        "client": "192.0.2.9",
        "transport": "tcp",
        "name": "www.example.com.",
        "type": "A",
        "rcode": "SERVFAIL",
    }
    assert (event["ms"], event["answers"], event["ede"]) == (250.0, 0, "silence [MUTE]")
    assert front(run, main, slow) == []


# -- stored answers


@pytest.mark.parametrize("client", [UDP, TCP])
def test_an_answer_is_made_once_and_served_from_its_octets_until_its_ttl_is_over(run, client):
    async def main(f: Front):
        await f.ask(client=client)
        await asyncio.sleep(299)
        second = await f.ask(query(id=8), client)
        made = len(f.below.queries)
        await asyncio.sleep(1)
        await f.ask(client=client)
        return second, made, len(f.below.queries)

    second, made, after = front(run, main)
    assert (second.id, second.answer[0].ttl, made, after) == (8, 1, 1, 2)


def test_what_may_not_be_stored_is_made_each_time(run):
    async def main(f: Front):
        f.below.said = Reply(0, ANSWER, storable=False)
        for _ in range(3):
            await f.ask()
        f.below.said = Reply(0, sets("www.example.com. 0 IN A 192.0.2.80"), storable=True)
        for _ in range(3):
            await f.ask()
        f.below.said = ResolutionFailed("MUTE", 22, "silence")
        for _ in range(3):
            await f.ask()
        return len(f.below.queries)

    assert front(run, main) == 9


def test_a_truncated_answer_is_not_stored(run):
    async def main(f: Front):
        await f.ask()
        await f.ask()
        return len(f.below.queries)

    assert front(run, main, big(100)) == 2


@pytest.mark.rfc(6891, "6.2.3")
def test_an_answer_for_a_client_that_takes_more_is_not_stored_for_one_that_takes_less(run):
    async def main(f: Front):
        first = await f.raw(query(edns=Edns(4096)))
        second = await f.raw(query(edns=Edns(1232)))
        return len(first), len(second), bool(parse(second).flags & TC)

    first, second, cut = front(run, main, big(40), payload=4096)
    assert first > 1232
    assert second <= 1232
    assert cut


def test_a_listener_finds_stored_answers_to_datagrams_before_anything_else(run):
    async def main(f: Front):
        nothing = f.stored(query())
        await f.ask()
        found = f.stored(query(id=9))
        over_tcp = f.stored(query(edns=Edns()))
        return nothing, parse(found), over_tcp, f.counters.queries_udp, len(f.below.queries)

    nothing, found, other_key, counted, made = front(run, main)
    assert nothing is None
    assert other_key is None
    assert (found.id, counted, made) == (9, 2, 1)


def _folded(wire: bytes) -> Message:
    message = parse(wire)

    def fold(rrsets):
        return tuple(
            each._replace(name=each.name.lower(), rdatas=tuple(r.lower() for r in each.rdatas)) for each in rrsets
        )

    assert message.question is not None
    return message._replace(
        answer=fold(message.answer), authority=fold(message.authority), additional=fold(message.additional)
    )


_REPLIES = st.sampled_from(
    [
        GOOD,
        Reply(
            0, sets(["www.example.com. 60 IN CNAME web.Example.com.", "web.Example.com. 90 IN A 192.0.2.1"]), ra=True
        ),
        Reply(3, (), sets(soa("example.com.")), ra=True),
        Reply(0, sets([f"www.example.com. 70 IN A 192.0.2.{last}" for last in range(9)]), aa=True, ad=True),
        Reply(0, sets("www.example.com. 100 IN MX 5 mail.example.com."), sets("example.com. 80 IN NS ns.example.com.")),
    ]
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    _REPLIES,
    st.integers(0, 0xFFFF),
    st.sampled_from([0, RD, RD | CD, RD | AD, CD]),
    st.sampled_from([None, Edns(), Edns(4096, do=True)]),
    st.sampled_from([UDP, TCP]),
    st.integers(0, 59),
    st.integers(0, (1 << 17) - 1),
)
def test_a_stored_answer_is_octet_for_octet_what_would_be_made(reply, id, flags, edns, client, age, case):
    """But where the spelling differs: then names that share a suffix with the question are told in its spelling."""
    spelled = bytes(
        octet ^ 0x20 if case >> at & 1 and 0x61 <= octet <= 0x7A else octet for at, octet in enumerate(WWW.name)
    )
    storable = reply._replace(storable=True)

    def aged(rrsets):
        return tuple(each._replace(ttl=each.ttl - age) for each in rrsets)

    async def main():
        f = Front(storable)
        await f.ask(query(flags=flags, edns=edns), client)
        await asyncio.sleep(age)
        wires = [query(Question(asked, Type.A), id=id, flags=flags, edns=edns) for asked in (WWW.name, spelled)]
        found = [await f.raw(wire, client) for wire in wires]
        made_once = len(f.below.queries)
        fresh = Front(storable._replace(answer=aged(reply.answer), authority=aged(reply.authority)), answers=False)
        return found, [await fresh.raw(wire, client) for wire in wires], made_once

    (same, other), (made, made_other), made_once = run_strictly(main())
    assert same == made
    assert _folded(other) == _folded(made_other)
    assert made_once == 1


def test_a_query_that_the_key_does_not_cover_is_not_served_from_store(run):
    async def main(f: Front):
        await f.ask(query(edns=Edns()))
        for edns in (Edns(options=((10, b"12345678"),)), Edns(1000), Edns(version=1)):
            await f.ask(query(edns=edns))
        return len(f.below.queries)

    assert front(run, main) == 3


def test_where_each_query_is_logged_each_goes_the_long_way(run):
    async def main(f: Front):
        for _ in range(2):
            await f.ask()
        await f.ask(query(flags=0x2800))
        return [(event["event"], event.get("name"), event["rcode"]) for event in f.events], f.stored(query())

    logged, found = front(run, main, log_queries=True)
    assert logged == [("query", "www.example.com.", "NOERROR")] * 2 + [("query", None, "NOTIMP")]
    assert found is None


def test_who_is_denied_hears_nothing_over_tcp_either(run):
    async def main(f: Front):
        denied = [ipaddress.ip_network("192.0.2.0/24")]
        f.responder.access = Access([ipaddress.ip_network("0.0.0.0/0")], f.clock, 100, denied)
        return [await f.raw(query(), client) for client in (UDP, TCP)], f.counters

    heard, counters = front(run, main)
    assert heard == [None, None]
    assert (counters.queries_denied, counters.queries_denied_told) == (2, 0)
