"""One connection over a transport that is made by hand, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from resolver.message import Client, Transport
from resolver.server.connection import Connection
from resolver.server.places import Places, TcpLimits
from resolver.server.tcp import TcpListener
from resolver.testing.virtual_time import VirtualClock
from tests.support.streams import Server, Stream, feed, framed


class Bench:
    """A listener without a socket, in virtual time."""

    def __init__(self, server, stored=None, **limits):
        self.clock = VirtualClock()
        self.server = server
        loop, places = asyncio.get_running_loop(), Places(TcpLimits(**limits))
        self.listener = TcpListener(loop, None, server, self.clock, places, stored=stored)
        self.places = self.listener.places

    def connect(self, host="192.0.2.1", port=4000):
        stream, connection = Stream(host, port), Connection(self.listener)
        stream.protocol = connection
        connection.connection_made(stream)
        return stream, connection


def bench(run, act, server=None, **limits):
    async def main():
        made = Bench(server or Server(lambda wire: b"re:" + wire), **limits)
        result = act(made)
        if asyncio.iscoroutine(result):
            result = await result
        return result

    return run(main())


@pytest.mark.rfc(7766, "6.2.1.1")
def test_pipelined_queries_that_are_answered_at_once_are_answered_with_one_write(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one", b"two", b"three"))
        assert stream.writes == [framed(b"re:one", b"re:two", b"re:three")]
        assert made.server.clients == [Client("192.0.2.1", 4000, Transport.TCP)] * 3
        assert (made.listener.received, made.listener.sent, made.listener.outstanding) == (3, 3, 0)

    bench(run, act)


@pytest.mark.rfc(7766, "7")
def test_answers_go_out_in_the_order_in_which_they_are_ready(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"1", b"2", b"3"))
        for n in (1, 2, 0):
            made.server.waiting[n][1](made.server.waiting[n][0] if n else None)
        assert stream.writes == [framed(b"2"), framed(b"3")]
        assert made.listener.outstanding == 0

    bench(run, act, Server())


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_messages_may_be_cut_anywhere(run, step):
    def act(made):
        stream, connection = made.connect()
        octets = framed(b"one", b"x" * 300, b"three")
        for at in range(0, len(octets), step):
            feed(stream, connection, octets[at : at + step])
        assert made.server.wires == [b"one", b"x" * 300, b"three"]
        assert b"".join(stream.writes) == framed(b"re:one", b"re:" + b"x" * 300, b"re:three")

    bench(run, act)


def test_the_largest_message_is_read(run):
    def act(made):
        stream, connection = made.connect()
        wire = bytes(range(256)) * 255 + bytes(255)
        assert feed(stream, connection, framed(wire, b"next")) == b""
        assert made.server.wires == [wire, b"next"]

    bench(run, act, Server(lambda wire: None))


def test_an_empty_message_closes_the_connection_after_the_answers_before_it(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one", b"", b"two"))
        assert made.server.wires == [b"one"]
        assert stream.writes == [framed(b"re:one")]
        assert stream.closing
        assert not stream.aborted
        assert made.listener.connections == 0

    bench(run, act)


def test_an_empty_message_waits_for_what_is_outstanding(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one", b""))
        assert not stream.closing
        made.server.waiting[0][1](b"answer")
        assert stream.writes == [framed(b"answer")]
        assert stream.closing

    bench(run, act, Server())


def test_unanswered_queries_are_bounded_and_reading_pauses_until_one_is_answered(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(*(b"%d" % n for n in range(9))))
        assert made.server.wires == [b"0", b"1", b"2"]
        assert not stream.reading
        made.server.waiting[1][1](b"a")
        assert made.server.wires == [b"0", b"1", b"2", b"3"]
        assert not stream.reading
        for _ in range(8):
            made.server.waiting.pop()[1](b"a")
        assert made.server.wires == [b"%d" % n for n in range(9)]
        assert stream.reading

    bench(run, act, Server(), outstanding=3)


def test_a_client_that_leaves_its_answers_lying_is_read_no_further_and_then_cut(run):
    async def act(made):
        stream, connection = made.connect()
        stream.stuck = True
        rest = feed(stream, connection, framed(*[b"q" * 10] * 10_000))
        assert rest
        assert not stream.reading
        assert stream.buffered < 1000 + 2 * 503 + 503, "one flush goes over the bound by a message at most"
        asked = len(made.server.wires)
        stream.drain()
        assert len(made.server.wires) > asked
        await made.clock.advance(9.9)
        assert not stream.aborted
        await made.clock.advance(0.2)
        assert stream.aborted
        assert made.places.timed_out == 1
        assert made.listener.connections == 0

    bench(run, act, Server(lambda wire: wire * 50), write_buffer=1000)


def test_late_answers_do_not_keep_a_stuck_client_alive(run):
    async def act(made):
        stream, connection = made.connect()
        stream.stuck = True
        feed(stream, connection, framed(*(b"%d" % n for n in range(20))))
        for _, send in made.server.waiting:
            send(b"x" * 400)
            await made.clock.advance(1)
        assert stream.aborted
        assert 11 < made.clock.monotonic() - 1000 < 21

    bench(run, act, Server(), write_buffer=1000)


@pytest.mark.rfc(7766, "6.2.3")
def test_an_idle_connection_is_closed_and_a_busy_one_is_not(run):
    async def act(made):
        (idle, _), (busy, connection) = made.connect(), made.connect()
        for _ in range(8):
            await made.clock.advance(3)
            feed(busy, connection, framed(b"q"))
        assert idle.closing
        assert not busy.closing
        await made.clock.advance(9.9)
        assert not busy.closing
        await made.clock.advance(0.2)
        assert busy.closing
        assert made.places.timed_out == 2

    bench(run, act)


def test_a_connection_that_waits_for_an_answer_is_not_idle(run):
    async def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"q"))
        await made.clock.advance(30)
        assert not stream.closing
        made.server.waiting[0][1](b"answer")
        await made.clock.advance(9.9)
        assert not stream.closing
        await made.clock.advance(0.2)
        assert stream.closing

    bench(run, act, Server())


@pytest.mark.parametrize("before", [b"", framed(b"whole")])
def test_a_message_that_trickles_in_is_cut_off_at_an_absolute_time(run, before):
    async def act(made):
        stream, connection = made.connect()
        await made.clock.advance(2)
        feed(stream, connection, before + b"\x00")
        for _ in range(9):
            await made.clock.advance(0.5)
            feed(stream, connection, b"x" if len(connection._pending) > 1 else b"\x40")
        assert not stream.closing
        await made.clock.advance(0.6)
        assert stream.aborted
        assert made.places.timed_out == 1

    bench(run, act)


def test_each_message_has_its_own_time(run):
    async def act(made):
        stream, connection = made.connect()
        octets = framed(*[b"message"] * 40)
        for at in range(0, len(octets), 9):  # always one octet off the boundary
            feed(stream, connection, octets[at + 1 if at else 0 : at + 10])
            await made.clock.advance(1)
        assert not stream.closing
        assert len(made.server.wires) == 40

    bench(run, act)


def test_the_time_in_which_we_do_not_read_is_not_counted_against_the_client(run):
    async def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one") + b"\x00\x05ab")
        await made.clock.advance(20)
        assert not stream.closing
        made.server.waiting[0][1](b"answer")
        assert stream.reading
        await made.clock.advance(4.9)
        assert not stream.closing
        await made.clock.advance(0.2)
        assert stream.aborted

    bench(run, act, Server(), outstanding=1)


def test_half_a_message_before_the_end_costs_nobody_the_answer_to_a_whole_one(run):
    async def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one") + b"\x00\x09half")
        assert connection.eof_received() is True
        await made.clock.advance(8)
        made.server.waiting[0][1](b"answer")
        assert stream.writes == [framed(b"answer")]
        assert not stream.aborted

    bench(run, act, Server())


@pytest.mark.rfc(7766, "6.2.4")
def test_a_client_that_has_sent_its_last_octet_still_gets_its_answers(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one", b"two"))
        assert connection.eof_received() is True
        made.server.waiting[0][1](b"1")
        assert not stream.closing
        made.server.waiting[1][1](b"2")
        assert stream.writes == [framed(b"1"), framed(b"2")]
        assert stream.closing

    bench(run, act, Server())


def test_a_client_that_is_owed_nothing_is_closed_at_its_end(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one"))
        assert connection.eof_received() is False

    bench(run, act)


def test_what_is_answered_after_the_connection_is_lost_is_dropped(run):
    async def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"one"))
        connection.connection_lost(ConnectionResetError())
        made.server.waiting[0][1](b"answer")
        await made.clock.advance(60)
        assert stream.writes == []
        assert (made.listener.connections, made.listener.outstanding, made.places.timed_out) == (0, 0, 0)

    bench(run, act, Server())


def test_to_stop_is_to_finish_what_was_asked(run):
    async def act(made):
        (idle, _), (busy, connection) = made.connect(), made.connect()
        feed(busy, connection, framed(b"one"))
        made.listener._sock = Closable()
        made.listener.stop_reading()
        assert idle.closing
        assert not busy.closing
        feed(busy, connection, framed(b"too late"))
        drained = asyncio.ensure_future(made.listener.drained())
        await made.clock.advance(1)
        assert not drained.done()
        made.server.waiting[0][1](b"answer")
        await drained
        await made.listener.drained()
        assert made.server.wires == [b"one"]
        assert busy.writes == [framed(b"answer")]
        assert busy.closing
        late, _ = made.connect()
        assert late.aborted

    bench(run, act, Server())


def test_a_finished_client_that_takes_nothing_is_cut(run):
    async def act(made):
        stream, connection = made.connect()
        stream.stuck = True
        feed(stream, connection, framed(b"one"))
        made.listener._sock = Closable()
        made.listener.stop_reading()
        assert stream.closing
        assert made.listener.connections == 1
        await made.clock.advance(10.1)
        assert stream.aborted
        assert made.listener.connections == 0

    bench(run, act)


def test_a_server_may_close_everything_in_the_middle_of_a_read(run):
    async def act(made):
        stream, connection = made.connect()
        made.listener._sock = Closable()
        inner = made.server.answer

        def answer(wire):
            if wire == b"two":
                made.listener.close()
            return inner(wire)

        made.server.answer = answer
        feed(stream, connection, framed(b"one", b"two", b"three"))
        assert made.server.wires == [b"one", b"two"]
        assert stream.aborted
        assert made.listener.connections == 0

    bench(run, act)


def test_what_was_answered_in_the_read_that_stops_the_server_still_leaves(run):
    async def act(made):
        stream, connection = made.connect()
        made.listener._sock = Closable()
        feed(stream, connection, framed(b"one", b"two"))
        assert made.server.wires == [b"one"]
        assert stream.writes == [framed(b"answer")]
        assert stream.closing
        assert not stream.aborted

    class Stopping(Server):
        def __call__(self, wire, client, send):
            self.wires.append(wire)
            send(b"answer")
            made_listener[0].stop_reading()

    made_listener = []

    async def main():
        made = Bench(Stopping())
        made_listener.append(made.listener)
        await act(made)

    run(main())


class Closable:
    def close(self):
        pass


def test_a_query_that_breaks_its_server_is_counted_and_the_next_is_answered(run):
    def act(made):
        unseen = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        stream, connection = made.connect()
        feed(stream, connection, framed(b"bad", b"good"))
        assert stream.writes == [framed(b"good")]
        assert made.listener.failed == len(unseen) == 1
        assert made.listener.outstanding == 0

    def answer(wire):
        if wire == b"bad":
            raise ZeroDivisionError
        return wire

    bench(run, act, Server(answer))


def test_a_client_that_left_before_it_was_accepted_is_no_connection(run):
    def act(made):
        stream, connection = Stream(), Connection(made.listener)
        stream.protocol, stream.peer = connection, None
        connection.connection_made(stream)
        assert stream.aborted
        assert (made.listener.connections, made.places.accepted) == (0, 0)

    bench(run, act)


def test_late_answers_to_a_client_that_takes_none_are_bounded(run):
    def act(made):
        stream, connection = made.connect()
        stream.stuck = True
        feed(stream, connection, framed(*(b"q%d" % number for number in range(8))))
        for _, send in list(made.server.waiting):
            send(bytes(60_000))
        return stream.aborted, sum(map(len, stream.writes))

    aborted, written = bench(run, act, Server(), write_buffer=64 * 1024)
    assert aborted
    assert written <= 64 * 1024 + 2 * 65_537


# Places: `places.py` decides, by what a connection says of itself


def test_a_connection_says_since_when_its_client_is_slow(run):
    async def act(made):
        stream, connection = made.connect()
        began = made.clock.monotonic()
        assert connection.stalled_since == began
        await made.clock.advance(1)
        feed(stream, connection, framed(b"one"))
        assert connection.stalled_since is None
        feed(stream, connection, b"\x00")
        assert connection.stalled_since is None, "it waits for us, whatever else it sends"
        made.server.waiting[0][1](b"answer")
        await made.clock.advance(1)
        for octet in (b"\x09", b"half"):
            await made.clock.advance(1)
            feed(stream, connection, octet)
        assert connection.stalled_since == began + 1, "a message that drips counts from its first octet"
        feed(stream, connection, b"wayyy")
        assert connection.stalled_since is None
        stream.stuck = True
        made.server.waiting[1][1](b"x" * 1001)
        assert connection.stalled_since == began + 4, "its answers lie there"
        await made.clock.advance(1)
        stream.drain()
        assert connection.stalled_since == began + 5

    bench(run, act, Server(), write_buffer=1000)


@pytest.mark.rfc(7766, "6.2.3")
@pytest.mark.parametrize("state", ["idle", "in the middle of a message", "not taking its answers"])
def test_a_newcomer_gets_in_whatever_the_others_are_slow_at(run, state):
    async def act(made):
        others = []
        for n in range(4):
            stream, connection = made.connect(f"192.0.2.{n}")
            if state == "in the middle of a message":
                feed(stream, connection, b"\x00\x09half")
            elif state == "not taking its answers":
                stream.stuck = True
                feed(stream, connection, framed(b"q" * 600, b"q" * 600))
            others.append(stream)
            await made.clock.advance(0.01)
        for n in range(3):
            assert not made.connect(f"198.51.100.{n}")[0].aborted
            assert [stream.aborted for stream in others] == [number <= n for number in range(4)]
        assert (len(made.places), made.places.evicted, made.places.refused) == (4, 3, 0)

    bench(run, act, connections=4, write_buffer=1000)


@pytest.mark.rfc(7766, "6.2.3")
def test_an_idle_connection_is_closed_earlier_when_places_are_short(run):
    async def act(made):
        streams = [made.connect(f"192.0.2.{n}")[0] for n in range(8)]
        await made.clock.advance(0.6)
        closed = [stream.aborted for stream in streams]
        await made.clock.advance(2.5)
        later = [stream.aborted for stream in streams]
        await made.clock.advance(2.0)
        return closed, later, [stream.aborted for stream in streams]

    # The first four had 10 s, the next two 2.5 s and the last two 0.5 s, by how full it was when they came.
    first, second, third = bench(run, act, connections=8)
    assert first == [False] * 6 + [True] * 2
    assert second == [False] * 4 + [True] * 4
    assert third == [False] * 4 + [True] * 4, "with half of the places free the others keep their time"


def test_who_may_not_ask_has_no_connection(run):
    def act(made):
        made.listener.allows = lambda host: host == "192.0.2.1"
        assert not made.connect("192.0.2.1")[0].aborted
        assert made.connect("192.0.2.2")[0].aborted
        assert (len(made.places), made.places.denied, made.places.refused) == (1, 1, 0)

    bench(run, act)


def test_a_listener_that_is_stopped_gives_no_places(run):
    def act(made):
        made.listener._sock = Closable()
        made.listener.stop_reading()
        assert made.connect()[0].aborted
        assert (len(made.places), made.places.refused) == (0, 1)

    bench(run, act)


def test_listeners_share_their_places(run):
    async def main():
        one = Bench(Server(lambda wire: wire), connections=2)
        two = Bench(Server(lambda wire: wire))
        two.listener.places = one.places
        first, _ = one.connect("192.0.2.1")
        second, _ = two.connect("192.0.2.2")
        third, _ = two.connect("192.0.2.3")
        assert [stream.aborted for stream in (first, second, third)] == [True, False, False]
        assert (one.listener.connections, two.listener.connections, len(one.places)) == (0, 2, 2)

    run(main())


def test_what_is_stored_is_answered_in_its_order_without_asking_further_and_all_with_one_write(run):
    def act(made):
        stream, connection = made.connect()
        feed(stream, connection, framed(b"stored 1", b"other", b"stored 2"))
        assert made.server.wires == [b"other"]
        assert stream.writes == [framed(b"STORED 1", b"re:other", b"STORED 2")]
        assert (made.listener.received, made.listener.sent, made.listener.outstanding) == (3, 3, 0)

    bench(run, act, stored=lambda wire: wire.upper() if b"stored" in wire else None)


def test_who_may_not_ask_any_more_gets_nothing_that_is_stored(run):
    def act(made):
        made.listener.allows = lambda host: True
        stream, connection = made.connect()
        feed(stream, connection, framed(b"q"))
        made.listener.allows = lambda host: False
        feed(stream, connection, framed(b"q"))
        assert stream.writes == [framed(b"stored"), framed(b"re:q")]

    bench(run, act, stored=lambda wire: b"stored")


def test_what_breaks_the_store_is_told_and_costs_nobody_else_an_answer(run):
    def stored(wire):
        if wire == b"bad":
            raise KeyError(wire)
        return wire

    async def act(made):
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        stream, connection = made.connect()
        feed(stream, connection, framed(b"1", b"bad", b"2"))
        assert stream.writes == [framed(b"1", b"2")]
        assert [type(each) for each in told] == [KeyError]
        assert (made.listener.failed, made.listener.outstanding) == (1, 0)

    bench(run, act, stored=stored)


def test_stored_answers_fill_the_write_buffer_by_one_message_too_many_at_most(run):
    def act(made):
        stream, connection = made.connect()
        stream.stuck = True
        feed(stream, connection, framed(*[b"q"] * 1000))
        assert not stream.reading
        assert stream.buffered <= 2 * (1000 + 500) + 20
        for _ in range(1000):
            stream.drain()
        assert stream.reading
        assert sum(map(len, stream.writes)) == 1000 * 502

    bench(run, act, stored=lambda wire: wire * 500, write_buffer=1000)


@pytest.mark.parametrize("answered", [True, False])
def test_a_message_of_many_reads_is_handed_on_once_it_is_whole(run, answered):
    def act(made):
        stream, connection = made.connect()
        octets = framed(b"x" * 65_535, b"next")
        for at in range(0, len(octets), 1000):
            feed(stream, connection, octets[at : at + 1000])
        assert b"".join(stream.writes) == framed(b"x", b"n")
        assert not connection._pending

    stored = (lambda wire: wire[:1]) if answered else None
    bench(run, act, Server(lambda wire: wire[:1]), stored=stored)


def test_a_message_that_drips_is_looked_at_again_only_when_it_is_whole(run, monkeypatch):
    looked = []
    dispatch = Connection._dispatch
    monkeypatch.setattr(Connection, "_dispatch", lambda self, octets: looked.append(octets) or dispatch(self, octets))

    def act(made):
        stream, connection = made.connect()
        octets = framed(b"x" * 500)
        for at in range(len(octets)):
            feed(stream, connection, octets[at : at + 1])
        assert looked == [octets[:1], octets]
        assert made.server.wires == [b"x" * 500]

    bench(run, act)
