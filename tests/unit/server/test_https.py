"""What one read of a client of HTTPS may cost, past TLS, in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from h2.settings import SettingCodes

from resolver.server import https
from tests.support.https import QUERY, Bench, Peer, head, parameter, response
from tests.support.streams import feed

ROOM = 65_536
LARGE = 16_000
REQUESTS = 1_000


def large(query):
    return response(query) + bytes(LARGE)


def windows_without_end(peer):
    """Settings of a client that has room for whatever comes."""
    peer.acknowledges = False
    peer.http.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1, SettingCodes.MAX_FRAME_SIZE: 2**24 - 1})
    peer.send()
    feed(peer.stream, peer.connection, b"\0\0\4\x08\0\0\0\0\0" + (2**31 - 65_536).to_bytes(4, "big"))


def short_requests(peer):
    """Requests of 13 octets each: their fields stand in the table of HPACK."""
    fields = [*head(b"GET"), (b":path", parameter(QUERY))]
    octets = []
    for number in range(1, 2 * REQUESTS, 2):
        block = peer.http.encoder.encode(fields)
        octets.append(len(block).to_bytes(3, "big") + b"\x01\x05" + number.to_bytes(4, "big") + block)
    return b"".join(octets)


def told(stream, since=0):
    return sum(map(len, stream.writes[since:]))


def pipelined():
    return (b"GET " + parameter(QUERY) + b" HTTP/1.1\r\nhost: a\r\n\r\n") * 150


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_a_client_that_takes_nothing_is_made_no_more_answers_than_there_is_room_for(run, protocol):
    async def main():
        made = Bench(response, large, write_buffer=ROOM)
        if protocol == "h2":
            peer = Peer(made)
            windows_without_end(peer)
            stream, connection, octets = peer.stream, peer.connection, short_requests(peer)
        else:
            stream, connection = made.connect(protocol)
            octets = pipelined()
        stream.stuck, since = True, len(stream.writes)
        left = feed(stream, connection, octets)
        assert not stream.reading
        assert ROOM < told(stream, since) < 2 * ROOM
        while not stream.reading:  # the client takes what there is, and again
            before = told(stream, since)
            stream.drain()
            assert told(stream, since) - before < 2 * ROOM
            if stream.reading:
                left = feed(stream, connection, left)
        wanted = REQUESTS if protocol == "h2" else 150
        assert made.listener.received == made.listener.sent == wanted
        assert told(stream, since) > wanted * LARGE

    run(main())


def test_a_client_that_takes_all_has_all_answers_of_a_read_at_once(run):
    async def main():
        made = Bench(response, large, write_buffer=ROOM)
        peer = Peer(made)
        windows_without_end(peer)
        since = len(peer.stream.writes)
        assert feed(peer.stream, peer.connection, short_requests(peer)) == b""
        assert made.listener.sent == REQUESTS
        assert max(map(len, peer.stream.writes[since:])) < 2 * ROOM

    run(main())


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_an_end_in_the_midst_of_a_read_leaves_what_had_no_room(run, protocol):
    async def main():
        made = Bench(response, large, write_buffer=ROOM)
        if protocol == "h2":
            peer = Peer(made)
            windows_without_end(peer)
            stream, connection, octets = peer.stream, peer.connection, short_requests(peer)
        else:
            stream, connection = made.connect(protocol)
            octets = pipelined()
        stream.stuck = True
        feed(stream, connection, octets[:16_000])
        connection.finish()
        sent = made.listener.sent
        assert 0 < sent < 20
        stream.drain()
        assert stream.closing
        assert made.listener.sent == sent

    run(main())


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
@pytest.mark.parametrize("ends", [False, True])
def test_a_read_that_is_much_work_goes_on_in_later_turns(run, protocol, ends):
    async def main():
        made = Bench(response)
        if protocol == "h2":
            peer = Peer(made)
            windows_without_end(peer)
            stream, connection, octets = peer.stream, peer.connection, short_requests(peer)[:13_000]
        else:
            stream, connection = made.connect(protocol)
            octets = pipelined()
        wires = made.server.wires
        feed(stream, connection, octets)
        turns, before = 0, 0
        if ends:
            assert connection.eof_received()
        while not stream.reading and not stream.closing:
            turns += 1
            assert len(wires) - before <= https.PER_TURN
            before = len(wires)
            await asyncio.sleep(0)
        assert turns >= 4
        assert len(wires) > 4 * https.PER_TURN
        assert made.listener.received == len(wires)
        assert stream.closing is ends
        assert made.https.counts()["https.put_off"] in (turns, turns - 1)

    run(main())
