from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import Counter

import pytest

from resolver.message import Transport
from resolver.network import streams
from resolver.network.base import Endpoint, Trouble
from resolver.network.poller import READ
from tests.support.sockets import HandClock, Inbox, framed, network, read_message, tcp_server, unused_port

pytestmark = pytest.mark.sockets

HOSTS = ["127.0.0.1", "::1"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_stream_carries_a_query_and_its_reply(on_loop, host):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            writer.write(framed(await read_message(reader) + b", ed"))
            await reader.read()

        server, at = await tcp_server(handle, host)
        async with server:
            sending = world.send(at, b"ask", Transport.TCP, inbox)
            assert inbox.got == []
            assert await inbox.wait_for(1) == [b"ask, ed"]
            sending.close()
            assert world.open == 1, "it is kept"

    on_loop(main())


def test_a_first_reply_with_another_id_is_handed_on_and_its_stream_closed(on_loop):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(framed(b"re:"))
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [b"re:"]
        assert world.open == 0

    on_loop(main())


@pytest.mark.rfc(7766, "8")
def test_length_and_message_leave_together_and_may_arrive_octet_by_octet(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        first = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            first.set_result(await reader.read(100))
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in framed(b"as an answer"):
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(0)

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [b"as an answer"]
            assert await first == b"\x00\x03ask"

    on_loop(main())


def test_a_frame_of_no_octets_is_a_reset_at_once(on_loop):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(framed(b""))
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [Trouble.RESET]
        assert world.open == 0

    on_loop(main())


def test_a_stream_that_drips_is_given_up_with_its_sending_and_delivers_nothing(on_loop):
    """However many octets still come: the time of a reply is that of its last octet, and its waiter's to bound."""

    async def main():
        world, inbox = network(), Inbox()
        half, gone = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            await read_message(reader)
            for octet in framed(b"answer")[:-1]:
                writer.write(bytes([octet]))
                await writer.drain()
            half.set()
            try:
                gone.set_result(await reader.read())
            except ConnectionResetError:  # what it had not read yet makes the kernel say so
                gone.set_result(b"")

        server, at = await tcp_server(handle)
        async with server:
            sending = world.send(at, b"ask", Transport.TCP, inbox)
            await half.wait()
            sending.close()
            assert await gone == b"", "the connection is closed"
        assert inbox.got == []
        assert world.open == 0

    on_loop(main())


def test_the_largest_message_passes_both_ways(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        wire = bytes(range(256)) * 256
        wire = wire[:65535]

        async def handle(reader, writer):
            writer.write(framed(await read_message(reader)))
            await writer.drain()
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, wire, Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [wire]
            world.send(at, wire + b"x", Transport.TCP, inbox)
            assert (await inbox.wait_for(2))[1] is Trouble.LOCAL

    on_loop(main())


@pytest.mark.parametrize("said", [b"", b"\x00", b"\x00\x05half"])
def test_a_stream_that_ends_early_is_a_reset(on_loop, said):
    async def main():
        world, inbox = network(), Inbox()

        async def handle(reader, writer):
            await read_message(reader)
            writer.write(said)
            await writer.drain()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [Trouble.RESET]
        assert world.open == 0

    on_loop(main())


def test_a_stream_can_be_given_up_at_any_time(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        arrived = asyncio.get_running_loop().create_future()

        async def handle(reader, writer):
            await read_message(reader)
            arrived.set_result(None)
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"ask", Transport.TCP, inbox).close()
            sending = world.send(at, b"ask", Transport.TCP, inbox)
            await arrived
            sending.close()
            sending.close()
        assert inbox.got == []
        assert world.open == 0

    on_loop(main())


class Server:
    """A TCP server whose connections and messages a test sees and answers."""

    def __init__(self):
        self.asked = []
        self.writers = []
        self.ended = []
        self._changed = asyncio.Event()

    async def handle(self, reader, writer):
        number = len(self.writers)
        self.writers.append(writer)
        try:
            while True:
                self.asked.append((number, await read_message(reader)))
                self._changed.set()
        finally:
            self.ended.append(number)
            self._changed.set()

    async def until(self, what):
        """Returns once `what()` is true."""
        while not what():
            self._changed.clear()
            await self._changed.wait()

    async def until_asked(self, count):
        await self.until(lambda: len(self.asked) >= count)
        return self.asked

    def say(self, number, *wires):
        self.writers[number].write(b"".join(map(framed, wires)))

    def reset(self, number):
        sock = self.writers[number].get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writers[number].transport.abort()


def with_server(on_loop, test, **options):
    """`test(world, server, send)` on a loop; `send(wire)` gives the sending and its inbox."""

    async def main():
        world, server = network(**options), Server()
        listening, at = await tcp_server(server.handle)
        server.port = at.port

        def send(wire):
            inbox = Inbox()
            return world.send(at, wire, Transport.TCP, inbox), inbox

        async with listening:
            await test(world, server, send)
            world.close()

    on_loop(main())


@pytest.mark.rfc(7766, "6.2.1")
def test_a_connection_is_kept_for_the_next_query(on_loop):
    async def test(world, server, send):
        for n in range(3):
            sending, inbox = send(b"%d." % n)
            await server.until_asked(n + 1)
            server.say(0, b"%d.reply" % n)
            assert await inbox.wait_for(1) == [b"%d.reply" % n]
            sending.close()
        assert {number for number, _ in server.asked} == {0}
        assert world.counts()["upstream.connections"] == 1
        assert world.counts()["upstream.tcp_reused"] == 2

    with_server(on_loop, test)


@pytest.mark.rfc(7766, "6.2.1.1")
@pytest.mark.rfc(7766, "7")
def test_queries_are_pipelined_and_replies_may_come_in_any_order(on_loop):
    async def test(world, server, send):
        sent = [send(b"%d." % n) for n in range(5)]
        assert await server.until_asked(5) == [(0, b"%d." % n) for n in range(5)]
        server.say(0, *(b"%d.reply" % n for n in (3, 0, 4)))
        assert [await sent[n][1].wait_for(1) for n in (3, 0, 4)] == [[b"3.reply"], [b"0.reply"], [b"4.reply"]]
        server.say(0, b"2.reply", b"1.reply")
        assert [await sent[n][1].wait_for(1) for n in (1, 2)] == [[b"1.reply"], [b"2.reply"]]
        assert all(len(inbox.got) == 1 for _, inbox in sent)

    with_server(on_loop, test)


def test_an_id_that_is_in_use_takes_another_connection(on_loop):
    async def test(world, server, send):
        (_, one), (_, two) = send(b"x.one"), send(b"x.two")
        asked = dict(await server.until_asked(2))
        for number, wire in asked.items():
            server.say(number, wire)
        assert await one.wait_for(1) == [b"x.one"]
        assert await two.wait_for(1) == [b"x.two"]
        assert world.open == 2

    with_server(on_loop, test)


def test_beyond_the_bounds_a_query_has_a_connection_of_its_own(on_loop, monkeypatch):
    monkeypatch.setattr(streams, "MAX_PIPELINED", 2)
    monkeypatch.setattr(streams, "PER_SERVER", 2)

    async def test(world, server, send):
        sent = [send(b"%d." % n) for n in range(6)]
        await server.until_asked(6)
        assert sorted(Counter(number for number, _ in server.asked).values()) == [1, 1, 2, 2]
        assert (world.open, world.counts()["upstream.connections"]) == (4, 2)
        for number, wire in server.asked:
            server.say(number, wire)
        for _, inbox in sent:
            await inbox.wait_for(1)
        assert world.open == 2, "those of one query are closed after it"

    with_server(on_loop, test)


def test_at_most_a_quarter_of_all_sockets_are_kept_connections(on_loop):
    async def test(world, server, send):
        sent = [send(b"%d." % n) for n in range(2)]
        await server.until_asked(2)
        assert (world.open, world.counts()["upstream.connections"]) == (2, 0)
        for number, wire in server.asked:
            server.say(number, wire)
        for _, inbox in sent:
            await inbox.wait_for(1)
        assert world.open == 0

    with_server(on_loop, test, max_open=3)


@pytest.mark.rfc(7766, "6.2.4")
@pytest.mark.parametrize("how", ["reset", "closed"])
def test_what_was_put_on_a_kept_connection_that_ends_is_sent_once_more_each_by_its_own(on_loop, how):
    async def test(world, server, send):
        _, first = send(b"0.")
        await server.until_asked(1)
        server.say(0, b"0.reply")
        await first.wait_for(1)
        sent = [send(b"%d." % n) for n in (1, 2)]
        await server.until_asked(3)
        server.reset(0) if how == "reset" else server.writers[0].close()
        await server.until_asked(5)
        assert sorted(server.asked[3:]) == [(1, server.asked[3][1]), (2, server.asked[4][1])]
        for number, wire in server.asked[3:]:
            server.say(number, wire + b"again")
        assert [(await inbox.wait_for(1)) for _, inbox in sent] == [[b"1.again"], [b"2.again"]]
        assert world.counts()["upstream.tcp_repeated"] == 2
        assert world.open == 0, "they are not kept"

    with_server(on_loop, test)


def test_what_was_sent_once_more_is_not_sent_again(on_loop):
    async def test(world, server, send):
        (_, first), (_, second) = send(b"1."), send(b"2.")
        await server.until_asked(2)
        server.reset(0)
        assert await first.wait_for(1) == [Trouble.RESET], "it was the first: the server does not want it"
        await server.until_asked(3)
        server.reset(1)
        assert await second.wait_for(1) == [Trouble.RESET]
        assert world.open == 0

    with_server(on_loop, test)


def test_what_cannot_be_sent_once_more_has_the_trouble(on_loop):
    async def test(world, server, send):
        (_, first), (_, second) = send(b"1."), send(b"2.")
        await server.until_asked(2)
        world.max_open = 0
        server.reset(0)
        assert await first.wait_for(1) == await second.wait_for(1) == [Trouble.RESET]

    with_server(on_loop, test)


def test_a_connection_that_ends_while_nothing_is_outstanding_is_no_trouble(on_loop):
    async def test(world, server, send):
        _, first = send(b"1.")
        await server.until_asked(1)
        server.say(0, b"1.reply")
        await first.wait_for(1)
        server.writers[0].close()
        await server.until(lambda: server.ended == [0])
        assert world.open == 0
        _, second = send(b"2.")
        assert (await server.until_asked(2))[1] == (1, b"2.")
        server.say(1, b"2.reply")
        assert await second.wait_for(1) == [b"2.reply"]
        assert first.got == [b"1.reply"]

    with_server(on_loop, test)


def test_a_connection_on_which_a_query_was_given_up_takes_no_more(on_loop):
    async def test(world, server, send):
        (slow, nothing), (_, other) = send(b"1."), send(b"2.")
        await server.until_asked(2)
        slow.close()
        _, third = send(b"3.")
        assert (await server.until_asked(3))[2] == (1, b"3.")
        server.say(0, b"1.late", b"2.reply")
        assert await other.wait_for(1) == [b"2.reply"], "others may still have their replies there"
        await server.until(lambda: 0 in server.ended)
        server.say(1, b"3.reply")
        assert await third.wait_for(1) == [b"3.reply"]
        assert nothing.got == []
        assert world.open == 1

    with_server(on_loop, test)


def test_frames_that_nobody_waits_for_end_the_connection(on_loop):
    async def test(world, server, send):
        _, first = send(b"1.")
        await server.until_asked(1)
        server.say(0, b"1.reply", *[b"1.reply"] * streams.MAX_STRAYS)
        await first.wait_for(1)
        (_, second), (_, third) = send(b"2."), send(b"3.")
        await server.until_asked(3)
        server.say(0, b"2.reply")
        assert await second.wait_for(1) == [b"2.reply"]
        server.say(0, b"x")
        await server.until_asked(4)
        assert server.asked[3] == (1, b"3."), "sent once more"
        server.say(1, b"3.reply")
        assert await third.wait_for(1) == [b"3.reply"]
        assert first.got == [b"1.reply"]
        assert world.counts()["upstream.strays"] == streams.MAX_STRAYS + 1

    with_server(on_loop, test)


def test_a_receiver_may_close_all_in_the_middle_of_what_came(on_loop):
    async def test(world, server, send):
        got = []
        sendings = []

        def deliver(what):
            got.append(what)
            for sending in sendings:
                sending.close()

        at = Endpoint("127.0.0.1", server.port)
        sendings += [world.send(at, b"%d." % n, Transport.TCP, deliver) for n in range(3)]
        await server.until_asked(3)
        server.say(0, b"0.", b"1.", b"2.")
        await server.until(lambda: server.ended == [0])
        assert got == [b"0."]
        assert world.open == 0

    with_server(on_loop, test)


def test_a_receiver_may_ask_again_from_within_and_close_others_when_a_connection_ends(on_loop):
    async def test(world, server, send):
        got, sendings, again = [], [], []

        def deliver(what):
            got.append(what)
            sendings[1].close()
            again.append(send(b"9."))

        at = Endpoint("127.0.0.1", server.port)
        sendings += [world.send(at, b"%d." % n, Transport.TCP, deliver) for n in range(2)]
        await server.until_asked(2)
        server.reset(0)
        assert (await server.until_asked(3))[2] == (1, b"9.")
        assert got == [Trouble.RESET]
        server.say(1, b"9.reply")
        assert await again[0][1].wait_for(1) == [b"9.reply"]

    with_server(on_loop, test)


@pytest.mark.rfc(7766, "6.2.3")
def test_a_connection_is_closed_when_it_was_idle_and_not_while_it_is_waited_for(on_loop):
    clock = HandClock()

    async def test(world, server, send):
        _, inbox = send(b"1.")
        await server.until_asked(1)
        clock.advance(60)
        assert world.open == 1
        server.say(0, b"1.reply")
        await inbox.wait_for(1)
        _, inbox = send(b"2.")
        await server.until_asked(2)
        server.say(0, b"2.reply")
        await inbox.wait_for(1)
        clock.advance(streams.IDLE_S - 2)
        assert world.open == 1
        clock.advance(2)
        await server.until(lambda: server.ended == [0])
        assert world.open == 0

    with_server(on_loop, test, clock=clock)


@pytest.mark.rfc(7766, "8")
def test_queries_of_one_turn_leave_with_one_write(on_loop):
    async def main():
        world, reads = network(), []
        inbox = Inbox()

        async def handle(reader, writer):
            for _ in range(2):
                octets = await reader.read(65536)
                reads.append(octets)
                writer.write(octets)
            await reader.read()

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"0.", Transport.TCP, inbox)
            await inbox.wait_for(1)
            for n in range(1, 6):
                world.send(at, b"%d." % n, Transport.TCP, inbox)
            await inbox.wait_for(6)
        assert reads == [framed(b"0."), b"".join(framed(b"%d." % n) for n in range(1, 6))]

    on_loop(main())


def test_replies_that_are_late_because_they_were_given_up_do_not_end_a_connection(on_loop):
    async def test(world, server, send):
        many = streams.MAX_STRAYS + 2
        sent = [send(b"%d." % n) for n in range(many + 1)]
        await server.until_asked(many + 1)
        for sending, _ in sent[:many]:
            sending.close()
        server.say(0, *(b"%d.late" % n for n in range(many)), b"%d.reply" % many)
        assert await sent[many][1].wait_for(1) == [b"%d.reply" % many]
        assert world.counts()["upstream.tcp_repeated"] == 0

    with_server(on_loop, test)


def test_a_first_reply_with_another_id_is_nobodys_when_it_could_be_of_two(on_loop):
    async def test(world, server, send):
        (_, one), (_, two) = send(b"1."), send(b"2.")
        await server.until_asked(2)
        server.say(0, b"?.", b"2.reply", b"1.reply")
        assert await one.wait_for(1) == [b"1.reply"]
        assert two.got == [b"2.reply"]
        assert world.counts()["upstream.strays"] == 1

    with_server(on_loop, test)


def test_what_waited_for_a_connection_that_is_refused_is_not_sent_once_more(on_loop):
    async def main():
        world, inbox = network(), Inbox()
        at = Endpoint("127.0.0.1", unused_port(kind=socket.SOCK_STREAM))
        for n in range(2):
            world.send(at, b"%d." % n, Transport.TCP, inbox)
        assert await inbox.wait_for(2) == [Trouble.REFUSED] * 2
        assert world.counts()["upstream.tcp_repeated"] == 0
        assert world.open == 0

    on_loop(main())


def test_replies_that_came_before_a_write_failed_are_still_read(on_loop):
    class Broken:
        def __init__(self, sock):
            self._sock = sock

        def __getattr__(self, name):
            return getattr(self._sock, name)

        def send(self, octets):
            raise BrokenPipeError(errno.EPIPE, "")

    async def test(world, server, send):
        _, first = send(b"1.")
        await server.until_asked(1)
        (connection,) = world._poller.watched.values()
        connection._sock = Broken(connection._sock)
        _, second = send(b"2.")
        await asyncio.sleep(0)
        server.say(0, b"1.reply")
        assert await first.wait_for(1) == [b"1.reply"]
        server.writers[0].close()
        assert (await server.until_asked(2))[1] == (1, b"2.")
        server.say(1, b"2.reply")
        assert await second.wait_for(1) == [b"2.reply"]

    with_server(on_loop, test)


def test_what_finds_no_room_is_written_when_there_is_and_then_room_is_not_waited_for(on_loop):
    async def main():
        world, inbox, watched = network(), Inbox(), []
        change, begin = world._poller.change, asyncio.Event()
        world._poller.change = lambda fd, events: (watched.append(events), change(fd, events))

        async def handle(reader, writer):
            writer.write(framed(await read_message(reader)))
            await begin.wait()
            while True:
                writer.write(framed((await read_message(reader))[:2]))

        server, at = await tcp_server(handle)
        async with server:
            world.send(at, b"first", Transport.TCP, inbox)
            assert await inbox.wait_for(1) == [b"first"]
            inbox.got.clear()
            for n in range(10, 70):
                world.send(at, b"%d" % n + bytes(65_533), Transport.TCP, inbox)
            begin.set()
            assert sorted(await inbox.wait_for(60)) == [b"%d" % n for n in range(10, 70)]
            assert watched[-1] == READ, "else the loop would spin"
            world.close()

    on_loop(main())
