from __future__ import annotations

import asyncio
import os
import socket
import struct

import pytest

from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.network.listening import bind_tcp, bound_to
from resolver.server.places import Places, TcpLimits
from resolver.server.tcp import TcpListener

pytestmark = pytest.mark.sockets


def framed(*wires):
    return b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires)


def echo(wire, client, send):
    send(b"re:" + wire)


async def serve(respond=echo, host="127.0.0.1", **limits):
    loop, sock = asyncio.get_running_loop(), bind_tcp(Endpoint(host, 0))
    listener = TcpListener(loop, sock, respond, RealClock(loop), Places(TcpLimits(**limits)))
    at = bound_to(sock)
    await listener.start()
    return listener, at


async def read_message(reader):
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


async def ended(reader):
    """Reads until the other side has closed or reset the connection."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


async def close(listener, *writers):
    for writer in writers:
        writer.close()
    listener.close()
    listener.close()
    await listener.drained()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_many_queries_on_one_connection(on_loop, host):
    async def main():
        listener, at = await serve(host=host)
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(*(b"%d" % n for n in range(500))))
        for n in range(500):
            assert await read_message(reader) == b"re:%d" % n
        writer.write(framed(b"later"))
        assert await read_message(reader) == b"re:later"
        assert listener.connections == listener.places.accepted == 1
        await close(listener, writer)
        assert listener.connections == 0

    on_loop(main())


def test_answers_overtake_one_another(on_loop):
    async def main():
        waiting = {}
        listener, at = await serve(lambda wire, client, send: waiting.setdefault(wire, send))
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(b"slow", b"fast"))
        await until(lambda: len(waiting) == 2)
        waiting[b"fast"](b"fast!")
        assert await read_message(reader) == b"fast!"
        assert listener.outstanding == 1
        waiting[b"slow"](b"slow!")
        assert await read_message(reader) == b"slow!"
        await close(listener, writer)

    on_loop(main())


def test_a_client_that_shuts_its_side_gets_all_its_answers_and_then_the_end(on_loop):
    async def main():
        waiting = []
        listener, at = await serve(lambda wire, client, send: waiting.append(send))
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(b"one", b"two"))
        writer.write_eof()
        await until(lambda: len(waiting) == 2)
        for _ in range(10):
            await asyncio.sleep(0)
        for send in waiting:
            send(b"answer")
        assert await reader.read() == framed(b"answer", b"answer")
        await until(lambda: listener.connections == 0)
        await close(listener, writer)

    on_loop(main())


def test_an_idle_connection_is_closed(on_loop):
    async def main():
        listener, at = await serve(idle_seconds=0.05)
        reader, writer = await asyncio.open_connection(*at)
        assert await ended(reader) == b""
        assert listener.places.timed_out == 1
        await close(listener, writer)

    on_loop(main())


def test_an_empty_message_ends_the_connection(on_loop):
    async def main():
        listener, at = await serve()
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(b"one", b""))
        assert await reader.read() == framed(b"re:one")
        await close(listener, writer)

    on_loop(main())


def test_a_client_that_never_reads_fills_its_buffer_and_not_our_memory(on_loop):
    async def main():
        big = b"x" * 60_000
        listener, at = await serve(lambda wire, client, send: send(big), idle_seconds=0.3)
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(greedy, tuple(at))
            sent = asyncio.ensure_future(loop.sock_sendall(greedy, framed(*[b"q" * 10] * 1_000_000)))
            await until(lambda: listener.places.timed_out == 1)
            assert listener.sent < 1000, "some 60 MB would be the kernel's; ours is 64 KiB and a message"
            assert not sent.done() or sent.exception()
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)
        await close(listener)

    on_loop(main())


def test_stop_finishes_what_was_asked_and_then_refuses_connections(on_loop):
    async def main():
        waiting = []
        listener, at = await serve(lambda wire, client, send: waiting.append(send))
        reader, writer = await asyncio.open_connection(*at)
        idle_reader, idle_writer = await asyncio.open_connection(*at)
        writer.write(framed(b"one"))
        await until(lambda: waiting and listener.connections == 2)
        listener.stop_reading()
        writer.write(framed(b"thrown away"))
        assert await idle_reader.read() == b""
        drained = asyncio.ensure_future(listener.drained())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not drained.done()
        waiting[0](b"answer")
        assert await read_message(reader) == b"answer"
        assert await ended(reader) == b""
        await drained
        with pytest.raises(OSError):
            await asyncio.open_connection(*at)
        await close(listener, writer, idle_writer)

    on_loop(main())


def test_a_flood_of_connections_is_bounded_and_the_listener_lives_on(on_loop):
    async def main():
        waiting = []

        def respond(wire, client, send):
            waiting.append(send) if wire == b"hold" else send(b"re:" + wire)

        listener, at = await serve(respond, connections=20)
        holders = [await asyncio.open_connection(*at) for _ in range(20)]
        for _, writer in holders:
            writer.write(framed(b"hold"))
        await until(lambda: len(waiting) == 20)
        refused = [await asyncio.open_connection(*at) for _ in range(100)]
        for reader, writer in refused:
            assert await ended(reader) == b""
            writer.close()
        assert (listener.connections, listener.places.refused) == (20, 100)
        for send in waiting:
            send(b"held")
        for reader, _ in holders:
            assert await read_message(reader) == b"held"
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(b"in"))
        assert await read_message(reader) == b"re:in"
        assert (listener.connections, listener.places.evicted) == (20, 1)
        await close(listener, writer, *(writer for _, writer in holders))

    on_loop(main())


def test_clients_that_vanish_leave_nothing_behind(on_loop):
    async def main():
        waiting = []
        listener, at = await serve(lambda wire, client, send: waiting.append(send))
        for _ in range(50):
            _, writer = await asyncio.open_connection(*at)
            writer.write(framed(b"ask"))
            await writer.drain()
            count = len(waiting)
            await until(lambda count=count: len(waiting) > count or listener.places.accepted == len(waiting))
            vanish = writer.get_extra_info("socket")
            vanish.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        await until(lambda: listener.places.accepted == 50 and listener.connections == 0)
        for send in waiting:
            send(b"answer")
        assert listener.outstanding == 0
        await close(listener)

    on_loop(main())


def test_random_octets_break_nothing(on_loop):
    async def main():
        listener, at = await serve(lambda wire, client, send: send(wire[:50] or None))
        for n in range(40):
            reader, writer = await asyncio.open_connection(*at)
            writer.write(os.urandom(100 * n))
            writer.write_eof()
            await ended(reader)
            writer.close()
        await until(lambda: listener.connections == 0)
        assert listener.failed == 0
        await close(listener)

    on_loop(main())


@pytest.mark.rfc(7766, "6.2.3")
@pytest.mark.parametrize("start", [b"", b"\x00\x20half"], ids=["idle", "half a message"])
def test_a_newcomer_gets_in_at_five_hundred_connections(on_loop, start):
    """More than there are places: each of the later ones took that of an earlier one, and so does the newcomer."""

    async def main():
        listener, at = await serve(idle_seconds=1000)  # a twentieth of it where places are few
        others = []
        for _ in range(500):
            reader, writer = await asyncio.open_connection(*at)
            writer.write(start)
            others.append(writer)
        await until(lambda: listener.places.accepted == 500)
        assert listener.connections == len(listener.places) == 256
        for _ in range(5):
            reader, writer = await asyncio.open_connection(*at)
            writer.write(framed(b"let me in"))
            assert await asyncio.wait_for(read_message(reader), 2) == b"re:let me in"
            others.append(writer)
        assert listener.places.refused == 0
        assert listener.connections == 256
        await close(listener, *others)

    on_loop(main())


def test_a_newcomer_gets_in_where_nobody_takes_his_answers(on_loop):
    async def main():
        big = b"x" * 60_000
        listener, at = await serve(
            lambda wire, client, send: send(wire if wire == b"small" else big), connections=4, idle_seconds=30
        )
        loop = asyncio.get_running_loop()
        greedy = [socket.socket() for _ in range(4)]
        for each in greedy:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.setblocking(False)
            await loop.sock_connect(each, tuple(at))
        sending = [asyncio.ensure_future(loop.sock_sendall(each, framed(*[b"q"] * 500))) for each in greedy]
        await until(lambda: sum(one._blocked for one in listener._connections) == 4)
        reader, writer = await asyncio.open_connection(*at)
        writer.write(framed(b"small"))
        assert await asyncio.wait_for(read_message(reader), 2) == b"small"
        assert (listener.places.evicted, listener.places.refused, listener.connections) == (1, 0, 4)
        for each in sending:
            each.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        for each in greedy:
            each.close()
        await close(listener, writer)

    on_loop(main())


def test_a_message_that_drips_is_cut_off_though_octets_go_on_coming(on_loop):
    async def main():
        listener, at = await serve(message_seconds=0.2)
        reader, writer = await asyncio.open_connection(*at)
        gone = asyncio.ensure_future(ended(reader))
        writer.write(b"\x40\x00")
        began = asyncio.get_running_loop().time()
        while not gone.done():
            writer.write(b"x")
            await asyncio.wait([gone], timeout=0.02)
        assert 0.15 < asyncio.get_running_loop().time() - began < 2
        assert (listener.places.timed_out, listener.connections) == (1, 0)
        await close(listener, writer)

    on_loop(main())


def test_who_may_not_ask_is_closed_at_once(on_loop):
    async def main():
        listener, at = await serve()
        listener.allows = lambda host: host != "127.0.0.1"
        reader, writer = await asyncio.open_connection(*at)
        assert await ended(reader) == b""
        assert (listener.places.denied, listener.places.accepted) == (1, 0)
        await close(listener, writer)

    on_loop(main())
