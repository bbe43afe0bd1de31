"""HTTP/1.1 with octets of a client, past TLS, in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.message import Session
from resolver.server.https import PER_TURN
from resolver.server.terms import Terms
from resolver.testing.virtual_time import run as run_in_virtual_time
from tests.support.https import QUERY, Bench, parameter, response

GET = b"GET " + parameter(QUERY) + b" HTTP/1.1\r\nhost: dns.example\r\nx-team: blue\r\n\r\n"
POST = (
    b"POST /dns-query HTTP/1.1\r\nhost: dns.example\r\ncontent-type: application/dns-message\r\n"
    b"content-length: 33\r\n\r\n" + QUERY
)
CHUNKED = POST.replace(b"content-length: 33", b"transfer-encoding: chunked").replace(QUERY, b"")


def bench(run, act, answer=response, stored=None, terms=None, **limits):
    async def main():
        made = Bench(answer, stored, terms, **limits)
        stream, connection = made.connect("http/1.1", "dns.example")
        return await act(made, stream, connection)

    return run(main())


def told(stream):
    """The answers that were written: status line and header fields in lower case, and body, of each."""
    octets, found = b"".join(stream.writes), []
    while octets:
        head, _, octets = octets.partition(b"\r\n\r\n")
        line, *fields = head.decode().lower().split("\r\n")
        fields = dict(each.split(": ") for each in fields)
        length = int(fields.get("content-length", 0))
        found.append((line, fields, octets[:length]))
        octets = octets[length:]
    return found


@pytest.mark.rfc(8484, "4.1")
@pytest.mark.parametrize("request_octets", [GET, POST])
@pytest.mark.parametrize("stored", [response, None])
def test_a_question_is_answered_and_the_connection_stays(run, request_octets, stored):
    async def act(made, stream, connection):
        connection.received(request_octets)
        connection.received(request_octets)
        for line, fields, body in told(stream):
            assert line == "http/1.1 200 "
            assert body == response(QUERY)
            assert fields["content-type"] == "application/dns-message"
            assert fields["cache-control"] == "max-age=300"
        assert len(told(stream)) == 2
        assert not stream.closing
        if stored is None:
            assert made.server.clients[0].session == Session("dns.example", "/dns-query", ())
        assert made.listener.received == made.listener.sent == 2

    bench(run, act, stored=stored)


def test_octets_may_be_cut_anywhere(run):
    async def act(made, stream, connection):
        for at in range(len(POST)):
            connection.received(POST[at : at + 1])
        assert told(stream)[0][2] == response(QUERY)

    bench(run, act)


def test_header_fields_are_told_that_rules_look_at(run):
    async def act(made, stream, connection):
        connection.received(GET)
        assert made.server.clients[0].session == Session("dns.example", "/dns-query", (("x-team", "blue"),))

    bench(run, act, terms=Terms(fields=frozenset({b"x-team"})))


@pytest.mark.rfc(9112, "9.3.2")
def test_requests_ahead_of_their_answers_are_answered_in_order_and_read_no_further_meanwhile(run):
    async def act(made, stream, connection):
        connection.received(GET * 3)
        assert len(made.server.wires) == 1
        assert not stream.reading
        made.server.waiting[0][1](response(QUERY, ttl=1))
        assert len(made.server.wires) == 2
        made.server.waiting[1][1](response(QUERY, ttl=2))
        made.server.waiting[2][1](response(QUERY, ttl=3))
        assert [fields["cache-control"] for _, fields, _ in told(stream)] == ["max-age=1", "max-age=2", "max-age=3"]
        assert stream.reading

    bench(run, act, answer=None)


def test_many_requests_of_one_read_are_answered_with_one_write(run):
    async def act(made, stream, connection):
        connection.received(GET * 30)
        assert (len(stream.writes), len(told(stream))) == (1, 30)

    bench(run, act)


@pytest.mark.parametrize(
    ("octets", "status", "ends"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 404, False),
        (b"PUT /dns-query HTTP/1.1\r\nhost: x\r\n\r\n", 405, False),
        (b"GET /dns-query HTTP/1.1\r\nhost: x\r\n\r\n", 400, False),
        (POST.replace(b"dns-message", b"json"), 415, True),
        (POST.replace(b"33", b"99999"), 413, True),
        (CHUNKED + b"20000\r\n" + b"x" * 70_000, 413, True),
        (b"nonsense\r\n\r\n", 400, True),
        (b"GET /" + b"x" * 20_000, 431, True),
        (GET.replace(b"\r\n\r\n", b"\r\nx: " + b"y" * 20_000 + b"\r\n\r\n"), 431, False),
        (GET.replace(b"\r\n\r\n", b"\r\nx: y" * 4_000 + b"\r\n\r\n"), 431, False),
    ],
)  # fmt: skip
def test_what_asks_nothing_is_told_why(run, octets, status, ends):
    async def act(made, stream, connection):
        connection.received(octets)
        (line, fields, body), *more = told(stream)
        assert (line.split()[1], more) == (str(status), [])
        assert body.endswith(b"\n")
        assert stream.closing == ends
        assert fields.get("connection") == ("close" if ends else None)
        assert (made.https.refused, made.server.wires) == (1, [])

    bench(run, act)


def test_a_client_that_waits_to_be_told_to_go_on_is(run):
    async def act(made, stream, connection):
        head, _, body = POST.partition(b"\r\n\r\n")
        connection.received(head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert stream.writes[0].startswith(b"HTTP/1.1 100 ")
        connection.received(body)
        assert told(stream)[1][2] == response(QUERY)

    bench(run, act)


def test_a_client_that_wants_the_connection_closed_has_it_so(run):
    async def act(made, stream, connection):
        connection.received(GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        assert told(stream)[0][2] == response(QUERY)
        assert stream.closing

    bench(run, act)


def test_who_is_told_nothing_is_closed(run):
    async def act(made, stream, connection):
        connection.received(GET)
        assert (stream.writes, stream.closing, made.https.reset) == ([], True, 1)

    bench(run, act, answer=lambda wire: None)


def test_to_stop_is_to_finish_what_was_asked(run):
    async def act(made, stream, connection):
        connection.received(GET)
        connection.finish()
        assert not stream.closing
        made.server.waiting[0][1](response(QUERY))
        assert told(stream)[0][1]["connection"] == "close"
        assert stream.closing

    bench(run, act, answer=None)


@pytest.mark.parametrize("octets", [b"GET /dns", POST[:-5]])
def test_a_request_that_was_begun_must_be_whole_in_time(run, octets):
    async def act(made, stream, connection):
        connection.received(octets)
        await made.clock.advance(4.8)
        assert not stream.closing
        await made.clock.advance(0.4)
        assert stream.aborted

    bench(run, act)


def test_who_is_idle_is_closed(run):
    async def act(made, stream, connection):
        connection.received(GET)
        await made.clock.advance(9.8)
        assert not stream.closing
        await made.clock.advance(0.4)
        assert (stream.closing, stream.aborted) == (True, False)

    bench(run, act)


@given(st.lists(st.sampled_from([GET, POST, b"GET ", b"\r\n", b"\x00", b"a: b\r\n", b"HTTP/1.1", QUERY]), max_size=9))
def test_nothing_that_a_client_can_send_breaks_the_server(parts):
    broken = []

    async def main():
        made = Bench()
        made.listener.broke = broken.append
        _, connection = made.connect("http/1.1")
        for each in parts:
            connection.received(each)
        connection.finish()

    run_in_virtual_time(main())
    assert broken == []


@pytest.mark.rfc(9112, "6.1")
@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"21\r\n" + QUERY + b"\r\n0\r\n\r\n", b""])
@pytest.mark.parametrize("order", [1, -1])
def test_a_request_that_tells_its_length_twice_is_refused_and_what_follows_is_not_read(run, body, order):
    lengths = [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"][::order]
    request = POST.partition(b"content-length")[0] + b"".join(lengths) + b"\r\n" + body

    async def act(made, stream, connection):
        connection.received(request + GET)
        ((line, fields, text),) = told(stream)
        assert line == "http/1.1 400 "
        assert (fields["connection"], b"content-length or transfer-encoding" in text) == ("close", True)
        assert (stream.closing, made.server.wires, made.https.refused) == (True, [], 1)

    bench(run, act)


def test_a_read_full_of_tiny_chunks_is_read_in_several_turns(run):
    async def act(made, stream, connection):
        chunks = [b"1\r\n" + bytes((octet,)) + b"\r\n" for octet in QUERY + bytes(500)]
        connection.received(CHUNKED + b"".join(chunks) + b"0\r\n\r\n")
        turns = 0
        while not stream.reading:
            assert made.server.wires == []
            turns += 1
            await asyncio.sleep(0)
        assert turns >= len(chunks) // PER_TURN
        assert made.server.wires == [QUERY + bytes(500)]
        assert made.https.put_off == (1 + len(chunks)) // PER_TURN

    bench(run, act)
