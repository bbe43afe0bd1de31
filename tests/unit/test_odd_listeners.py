"""What a client on a real socket sees of replies that do not travel as replies do."""

from __future__ import annotations

import asyncio
import io
import socket
from contextlib import asynccontextmanager

import dns.message
import dns.rcode
import pytest

from resolver.app import build
from resolver.config import Config
from resolver.listeners import bind
from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.network.faults import rule
from resolver.network.odd_sockets import elsewhere
from resolver.network.oddly import Oddly, Stream
from resolver.observe.log import Log
from resolver.odd_listeners import OddListeners
from resolver.server.places import TcpLimits

pytestmark = pytest.mark.sockets

HOST = "127.53.250.1"
QUERY = bytes(range(12))
REPLY = b"a reply that is long enough to be cut"
FRAME = len(REPLY).to_bytes(2, "big") + REPLY


@asynccontextmanager
async def serving(*replies, limits=None):
    """Where a server listens that gives `replies` to its queries in turn, and the last of them ever after."""
    loop = asyncio.get_running_loop()
    listeners = OddListeners(loop, RealClock(loop))
    if limits is not None:
        listeners.places.limits = limits
    left = list(replies)
    asked = []

    def respond(wire, client, send):
        asked.append(client)
        send(left.pop(0) if len(left) > 1 else left[0])

    bound = bind(Endpoint(HOST, 0), 65536)
    await listeners.start(bound, respond)
    listeners.asked = asked
    try:
        yield listeners, bound.endpoint
    finally:
        await listeners.keep_only((), 0)


async def datagrams(endpoint, count):
    """The first `count` datagrams that come for one query, with their sources, to a socket that takes all."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        sock.sendto(QUERY, endpoint)
        return [await asyncio.wait_for(loop.sock_recvfrom(sock, 65535), 5) for _ in range(count)]


def test_copies_arrive_as_so_many_datagrams():
    async def main():
        async with serving(Oddly.of(REPLY, copies=3)) as (listeners, endpoint):
            got = await datagrams(endpoint, 3)
            assert got == [(REPLY, tuple(endpoint))] * 3
            return listeners.counts()["udp.dropped_full"], next(iter(listeners._pairs.values()))[1].sent

    assert asyncio.run(main()) == (0, 3)


@pytest.mark.parametrize("part", ["address", "port"])
def test_a_reply_comes_from_elsewhere(part):
    async def main():
        async with serving(Oddly.of(REPLY, source=part, copies=2), REPLY) as (_, endpoint):
            (wire, source), (again, _), (sound, right) = await datagrams_twice(endpoint)
            assert wire == again == sound == REPLY
            assert right == tuple(endpoint)
            if part == "address":
                assert source == (elsewhere(HOST), endpoint.port) == ("127.55.250.1", endpoint.port)
            else:
                assert source[0] == HOST
                assert source[1] != endpoint.port

    async def datagrams_twice(endpoint):
        return [*await datagrams(endpoint, 2), *await datagrams(endpoint, 1)]

    asyncio.run(main())


def test_a_connected_socket_takes_nothing_that_comes_from_elsewhere():
    async def main():
        async with serving(Oddly.of(b"forged", source="port"), REPLY) as (listeners, endpoint):
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect(endpoint)
                sock.send(QUERY)
                sock.send(QUERY)
                got = await asyncio.wait_for(loop.sock_recv(sock, 65535), 5)
            assert len(listeners.asked) == 2
            return got

    assert asyncio.run(main()) == REPLY


def test_where_nothing_can_be_sent_from_it_is_counted(monkeypatch):
    monkeypatch.setattr("resolver.odd_listeners.send_elsewhere", lambda *_: False)

    async def main():
        async with serving(Oddly.of(b"forged", source="port"), REPLY) as (listeners, endpoint):
            await datagrams_of_two(endpoint)
            return next(iter(listeners._pairs.values()))[1].failed

    async def datagrams_of_two(endpoint):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(endpoint)
            sock.send(QUERY)
            sock.send(QUERY)
            await asyncio.wait_for(loop.sock_recv(sock, 65535), 5)

    assert asyncio.run(main()) == 1


async def stream(endpoint, queries=1):
    """What comes by a connection until it ends, in reads, and how it ends."""
    reader, writer = await asyncio.open_connection(*endpoint)
    writer.write((len(QUERY).to_bytes(2, "big") + QUERY) * queries)
    reads = []
    try:
        while octets := await asyncio.wait_for(reader.read(65535), 5):
            reads.append(octets)
        return reads, "end"
    except ConnectionResetError:
        return reads, "reset"
    finally:
        writer.close()


def by_stream(*replies, queries=1, **limits):
    async def main():
        async with serving(*replies, limits=TcpLimits(**limits) if limits else None) as (_, endpoint):
            return await stream(endpoint, queries)

    return asyncio.run(main())


def test_a_connection_is_reset_when_the_query_has_come():
    assert by_stream(Oddly.of(b"", stream=Stream.RESET)) == ([], "reset")


def test_a_connection_ends_in_the_middle_of_the_reply():
    reads, how = by_stream(Oddly.of(REPLY, stream=Stream.CUT))
    assert (b"".join(reads), how) == (FRAME[: len(FRAME) // 2], "end")


def test_a_connection_stalls_and_is_closed_when_it_was_idle_for_long_enough():
    reads, _ = by_stream(Oddly.of(REPLY, stream=Stream.HANGING), idle_seconds=0.2)
    assert b"".join(reads) == FRAME[: len(FRAME) // 2]


def test_nothing_more_comes_by_a_connection_that_stalls():
    reads, _ = by_stream(Oddly.of(REPLY, stream=Stream.HANGING), REPLY, queries=3, idle_seconds=0.2)
    assert b"".join(reads) == FRAME[: len(FRAME) // 2]


def test_a_frame_of_no_octets_comes_and_the_connection_goes_on():
    async def main():
        async with serving(Oddly.of(b"", stream=Stream.EMPTY), REPLY) as (_, endpoint):
            reader, writer = await asyncio.open_connection(*endpoint)
            writer.write((len(QUERY).to_bytes(2, "big") + QUERY) * 2)
            got = await asyncio.wait_for(reader.readexactly(2 + len(FRAME)), 5)
            writer.close()
            return got

    assert asyncio.run(main()) == bytes(2) + FRAME


def test_a_reply_comes_octet_by_octet_and_those_behind_it_wait():
    async def main():
        async with serving(Oddly.of(REPLY, octet_ms=1.0), b"second", b"third") as (listeners, endpoint):
            reader, writer = await asyncio.open_connection(*endpoint)
            writer.write((len(QUERY).to_bytes(2, "big") + QUERY) * 3)
            whole = FRAME + b"\0\6second\0\5third"
            reads = []
            while sum(map(len, reads)) < len(whole):
                reads.append(await asyncio.wait_for(reader.read(65535), 5))
            assert b"".join(reads) == whole
            writer.close()
            return len(reads), next(iter(listeners._pairs.values()))[2].outstanding

    reads, outstanding = asyncio.run(main())
    assert reads > len(FRAME) / 4, "it came in many pieces"
    assert outstanding == 0


def test_replies_that_wait_are_bounded():
    async def main():
        limits = TcpLimits(outstanding=4)
        async with serving(Oddly.of(REPLY, octet_ms=20.0), REPLY, limits=limits) as (listeners, endpoint):
            reader, writer = await asyncio.open_connection(*endpoint)
            writer.write((len(QUERY).to_bytes(2, "big") + QUERY) * 100)
            await asyncio.wait_for(reader.readexactly(4), 5)
            asked = len(listeners.asked)
            writer.close()
            return asked

    assert asyncio.run(main()) == 4


def test_what_is_not_odd_is_delivered_as_ever():
    async def main():
        async with serving(REPLY) as (_, endpoint):
            reader, writer = await asyncio.open_connection(*endpoint)
            writer.write((len(QUERY).to_bytes(2, "big") + QUERY) * 2)
            reads = await asyncio.wait_for(reader.readexactly(2 * len(FRAME)), 5)
            writer.close()
            return reads, await datagrams(endpoint, 1), endpoint

    reads, (datagram,), endpoint = asyncio.run(main())
    assert reads == FRAME * 2
    assert datagram == (REPLY, tuple(endpoint))


def test_a_fault_is_seen_at_once_on_sockets_where_answers_were_stored_and_gone_when_it_is_cleared():
    async def main():
        config = Config.model_validate({"server": {"listen": ["127.0.0.1:0"]}})
        program = build(config, log=Log(io.StringIO(), lambda: 0.0))
        await program.start()
        try:
            places = dict(program.simulated)
            place, faults = places["ns1.example.com."], program.lab.faults
            told = [await rcode(place) for _ in range(4)]
            number = faults.add(rule({"kind": "servfail", "server": "ns1.example.com"}))
            told.append(await rcode(place))
            faults.clear(number)
            told += [await rcode(place) for _ in range(3)]
            return told, faults.counts()["faults.applied"]
        finally:
            await program.stop(0.0)

    async def rcode(endpoint):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(endpoint)
            sock.send(dns.message.make_query("www.example.com.", "A").to_wire())
            return dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(sock, 65535), 5)).rcode()

    assert asyncio.run(main()) == ([0, 0, 0, 0, dns.rcode.SERVFAIL, 0, 0, 0], 1)
