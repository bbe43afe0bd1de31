"""Upstreams over TLS and HTTPS that do what they can: it costs nobody else, and never without bound."""

from __future__ import annotations

import asyncio
import itertools

import h2.connection
import pytest

from resolver.network.base import Trouble
from resolver.network.carrying import STUCK_S
from resolver.network.dot import MAX_UNANSWERED
from resolver.network.h2_frames import AT_FIRST, MAX_FRAMES, Sieve
from resolver.network.peers import FRUITLESS, HELD_OFF_S, MAX_OPEN, PER_SERVER
from tests.support.authorities import Authority
from tests.support.sockets import HandClock, Inbox, framed, network, read_message, tcp_server, until
from tests.support.tls_peers import HttpsPeer, Peer, asked, echo, held, listening, terms

pytestmark = pytest.mark.sockets

NAME = "dns.example"
PATH = "/dns-query"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shown(authority):
    """What servers over HTTPS show."""
    return authority.server(NAME, protocols=("h2",))


def frame(kind, payload=b"", flags=0, stream=0):
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class Acting(Peer):
    """One that does `act` with each query, in place of an answer."""

    def __init__(self, act):
        super().__init__(held)
        self.act = act

    async def serve(self, reader, writer):
        self.met(writer)
        while True:
            self.queries.append(await read_message(reader))
            await self.act(self.queries[-1], writer)


# -- who ends connections


async def ends(_query, writer):
    writer.close()


async def resets(_query, writer):
    writer.transport.abort()


async def garbage(_query, writer):
    writer.write(bytes(range(256)) * 64)


async def nothing(_query, writer):
    writer.write(b"\0\0")


async def strangers(query, writer):
    """Replies to what was not asked, and more of them than queries."""
    for number in range(9):
        writer.write(framed((int.from_bytes(query[:2], "big") + 1 + number & 0xFFFF).to_bytes(2, "big") + query[2:]))


@pytest.mark.parametrize("act", [ends, resets, garbage, nothing, strangers])
def test_who_never_answers_and_ends_each_connection_is_met_again_once_a_second_at_most(on_loop, authority, act):
    async def main():
        clock = HandClock()
        world = network(clock=clock)
        async with listening(Acting(act), authority.server(NAME)) as bad:
            how = terms(world, bad, authority.pem, NAME)
            for _ in range(9):
                assert (await asked(world, how)).kind in (Trouble.RESET, Trouble.NO_TLS)
            assert bad.connections == FRUITLESS
            for seconds in range(1, 3):
                clock.advance(HELD_OFF_S)
                for _ in range(9):
                    assert (await asked(world, how)).kind in (Trouble.RESET, Trouble.NO_TLS)
                assert bad.connections == FRUITLESS + seconds
            assert world.open == 0
            assert world.counts()["upstream.tls_fruitless"] == bad.connections
        async with listening(Peer(echo), authority.server(NAME), bad.at.port) as good:
            clock.advance(HELD_OFF_S)
            for _ in range(FRUITLESS + 1):
                assert await asked(world, how) == b"id ask, ed"
                good.cut()
                await until(lambda: world.open == 0)
            assert good.connections == FRUITLESS + 1, "who has answered is met at once"

    on_loop(main())


def test_who_breaks_off_handshakes_is_met_again_once_a_second_at_most(on_loop, authority):
    async def main():
        met, clock = [], HandClock()
        world = network(clock=clock)

        async def breaks_off(reader, writer):
            met.append(await reader.read(1))
            writer.transport.abort()

        server, at = await tcp_server(breaks_off)
        async with server:
            peer = Peer(echo)
            peer.at = at
            how = terms(world, peer, authority.pem, NAME)
            for _ in range(9):
                assert await asked(world, how) == Trouble.RESET
            assert len(met) == FRUITLESS
            clock.advance(HELD_OFF_S)
            assert await asked(world, how) == Trouble.RESET
            assert len(met) == FRUITLESS + 1

    on_loop(main())


def test_what_is_open_is_used_while_nothing_else_may_be_opened(on_loop, authority, shown):
    class Once(HttpsPeer):
        """It has one good connection, and resets all others."""

        resets = 0

        async def serve(self, reader, writer):
            if not self.writers:
                await super().serve(reader, writer)
                return
            self.resets += 1
            await reader.read(1)
            writer.transport.abort()

    async def main():
        world, peer, first = network(), Once(echo, MAX_CONCURRENT_STREAMS=1), Inbox()
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            assert await asked(world, how) == b"id ask, ed"
            peer.answer = held
            world.encrypted().send(how, b"id one", first)
            await until(lambda: len(peer.waiting) == 1)
            for _ in range(FRUITLESS + 1):
                assert await asked(world, how) == Trouble.RESET
            assert peer.resets == FRUITLESS
            peer.answer = echo
            peer.reply(peer.https[0], peer.waiting[0][0], b"id one")
            peer.flush()
            await first.wait_for(1)
            assert await asked(world, how) == b"id ask, ed"
            assert peer.resets == FRUITLESS

    on_loop(main())


def test_who_leaves_each_connection_and_answers_none_does_not_get_all_sockets(on_loop, authority, shown):
    class Leaving(HttpsPeer):
        def answer(self, _query):
            self.writers[-1].write(frame(7, b"\x7f\xff\xff\xff" + bytes(4)))

    async def main():
        world, heard = network(), []
        peer = Leaving(None)
        peer.answer = lambda query: Leaving.answer(peer, query)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            sendings = []
            for number in range(MAX_OPEN):
                sendings.append(world.encrypted().send(how, b"id ask", heard.append))
                await until(lambda count=number: len(peer.waiting) == count + 1)
                await until(lambda: world.counts()["upstream.tls_connections"] == 0)
            assert world.open == MAX_OPEN
            assert await asked(world, how) == Trouble.BUSY
            assert not heard
            for each in sendings:
                each.close()
            assert world.open == 0
            world.close()

    on_loop(main())


# -- who says nothing, or next to nothing


class Halting(HttpsPeer):
    """Over HTTPS, or by `dot` over TLS: one that hears nothing more by its first connection once it is `halted`."""

    dot = False

    def __init__(self, answer):
        super().__init__(answer)
        self.halted, self.hears = False, asyncio.Event()

    async def serve(self, reader, writer):
        reading = reader.read

        async def read(size):
            octets = await reading(size)
            if self.halted and len(self.writers) == 1:
                await self.hears.wait()
            return octets

        reader.read = read
        if not self.dot:
            await super().serve(reader, writer)
            return
        self.met(writer)
        while octets := await reader.read(65_536):
            writer.write(framed(octets[2:] + b", ed"))


@pytest.mark.parametrize("path", ["", PATH])
def test_a_way_that_is_broken_is_found_out_by_who_is_impatient_too(on_loop, authority, shown, path):
    async def main():
        clock = HandClock()
        world, peer = network(clock=clock), Halting(echo)
        peer.dot = not path
        async with listening(peer, shown if path else authority.server(NAME)):
            how = terms(world, peer, authority.pem, NAME, path)
            assert await asked(world, how) == b"id ask, ed"
            peer.halted = True
            for _ in range(3):
                given_up = world.encrypted().send(how, b"id ask", Inbox())
                clock.advance(STUCK_S / 4)
                given_up.close()
                clock.advance(STUCK_S / 4)
            clock.advance(STUCK_S / 2)
            assert await asked(world, how) == b"id ask, ed"
            assert peer.connections == 2
            peer.hears.set()

    on_loop(main())


def test_who_answers_pings_is_there_though_all_queries_were_given_up(on_loop, authority, shown):
    async def main():
        clock = HandClock()
        world, peer = network(clock=clock), HttpsPeer(held)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for number in range(1, 5):
                slow = world.encrypted().send(how, b"id slow", Inbox())
                await until(lambda count=number: len(peer.waiting) == count)
                clock.advance(STUCK_S / 2)
                slow.close()
                await until(lambda count=number: len(peer.reset) == count)
                await asyncio.sleep(0.05)  # what it says to the PING is on its way
                clock.advance(STUCK_S)
            peer.answer = echo
            assert await asked(world, how) == b"id ask, ed"
            assert peer.connections == 1

    on_loop(main())


def test_a_handshake_that_never_ends_takes_few_connections_and_no_more_than_its_queries_wait(on_loop, authority):
    async def main():
        met, clock = [], HandClock()
        world = network(clock=clock)

        async def drips(reader, writer):
            met.append(writer)
            await reader.read(1)
            writer.write(b"\x16\x03\x03\x40\x00")
            while not writer.is_closing():
                writer.write(b"\x02")
                await asyncio.sleep(0.001)
            met.remove(writer)

        server, at = await tcp_server(drips)
        async with server:
            peer = Peer(echo)
            peer.at = at
            how, sendings = terms(world, peer, authority.pem, NAME), []
            for _ in range(2 * MAX_OPEN):
                sendings += (world.encrypted().send(how, b"id ask", Inbox()) for _ in range(3))
                await asyncio.sleep(0.002)
                clock.advance(STUCK_S)
            assert world.open == MAX_OPEN
            for each in sendings:
                each.close()
            clock.advance(1)  # when the last is found to be stuck
            clock.advance(STUCK_S)
            assert world.open == 0
            await until(lambda: not met)

    on_loop(main())


def test_who_drips_octets_of_a_reply_keeps_one_connection_until_too_much_is_left_unanswered(on_loop, authority):
    async def drips(_query, writer):
        if len(dripping) < 2:
            dripping.append(writer)
            writer.write(b"\xff\xff")
        for _ in range(3):
            writer.write(b"x")
            await asyncio.sleep(0)

    dripping = []

    async def main():
        clock = HandClock()
        world, peer = network(clock=clock), Acting(drips)
        async with listening(peer, authority.server(NAME)):
            how = terms(world, peer, authority.pem, NAME)
            for number in range(MAX_UNANSWERED + 1):
                inbox = Inbox()
                given_up = world.encrypted().send(how, b"id ask", inbox)
                await until(lambda count=number: len(peer.queries) == count + 1)
                given_up.close()
                assert world.open <= PER_SERVER
                assert not inbox.got
            await until(lambda: world.open == 0)
            assert peer.connections == 1

    on_loop(main())


# -- who says too much

HEAD = bytes.fromhex("0f 0d 01 31")  # a field of no importance


def informing(http):
    """A response of status 103."""
    http.send_headers(1, [(":status", "103"), ("x", "y")])
    return http.data_to_send()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(frame(6, bytes(8)), id="PING"),
        pytest.param(frame(4), id="SETTINGS"),
        pytest.param(frame(8, b"\0\0\0\1"), id="WINDOW_UPDATE"),
        pytest.param(frame(2, bytes(4) + b"\1", stream=1), id="PRIORITY"),
        pytest.param(frame(0x77, b"of no known kind"), id="unknown"),
        pytest.param(frame(7, b"\x7f\xff\xff\xff" + bytes(4)), id="GOAWAY"),
        pytest.param(informing, id="103"),
        pytest.param(b"data", id="empty DATA"),
    ],
)
def test_who_sends_ever_more_of_what_is_no_reply_is_left(on_loop, authority, shown, said):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            for number in range(2):
                await until(lambda count=number: len(peer.waiting) == count + 1)
                http: h2.connection.H2Connection = peer.https[-1]
                flood = frame(0, stream=1) if said == b"data" else said
                if said == b"data":
                    http.send_headers(1, [(":status", "200"), *peer.fields])
                    peer.flush()
                for _ in range(MAX_FRAMES):
                    peer.writers[-1].write(flood(http) if callable(flood) else flood)
            (came,) = await inbox.wait_for(1)
            assert came.kind in (Trouble.HTTP, Trouble.RESET)
            await until(lambda: world.open == 0)

    on_loop(main())


def test_header_fields_that_never_end_are_not_waited_for(on_loop, authority, shown):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            for number in range(2):
                await until(lambda count=number: len(peer.waiting) == count + 1)
                peer.writers[-1].write(frame(1, b"\x88", stream=1))
                for _ in range(AT_FIRST):
                    peer.writers[-1].write(frame(9, b"\x40\x01x\x01y", stream=1))
            (came,) = await inbox.wait_for(1)
            assert came.kind is Trouble.HTTP
            assert world.open == 0

    on_loop(main())


@pytest.mark.parametrize("said", [frame(1, b"\x88", 4, 9), frame(5, bytes(4), 4, 1), frame(1, b"\x88", 4, 2)])
def test_what_comes_on_a_stream_that_was_not_asked_on_is_no_reply(on_loop, authority, shown, said):
    async def main():
        world, peer, inbox = network(), HttpsPeer(held), Inbox()
        async with listening(peer, shown):
            world.encrypted().send(terms(world, peer, authority.pem, NAME, PATH), b"id ask", inbox)
            for number in range(2):
                await until(lambda count=number: len(peer.waiting) == count + 1)
                peer.writers[-1].write(said)
            (came,) = await inbox.wait_for(1)
            assert came.kind is Trouble.HTTP
            assert world.open == 0

    on_loop(main())


def test_who_answers_may_say_much_beside_it(on_loop, authority, shown):
    async def main():
        world, peer = network(), HttpsPeer(echo)
        async with listening(peer, shown):
            how = terms(world, peer, authority.pem, NAME, PATH)
            for _ in range(MAX_FRAMES // 2):
                assert await asked(world, how) == b"id ask, ed"
                peer.writers[0].write(frame(8, b"\0\0\0\1") + frame(6, bytes(8)))
            assert peer.connections == 1

    on_loop(main())


def test_a_sieve_lets_no_more_frames_pass_than_are_allowed():
    sieve = Sieve()
    assert len(sieve.passed(frame(6, bytes(8)) * AT_FIRST)) == AT_FIRST * 17
    for allowed in (1, MAX_FRAMES):
        sieve.allow(allowed)
        assert sieve.passed(frame(6, bytes(8)) * allowed)
    sieve.allow(2 * MAX_FRAMES)
    for _ in itertools.repeat(None, MAX_FRAMES):
        sieve.passed(frame(6, bytes(8)))
    with pytest.raises(ValueError, match="too many frames"):
        sieve.passed(frame(6, bytes(8)))


# -- who changes


def test_a_certificate_that_is_another_on_the_next_connection_is_looked_at_again(on_loop, authority):
    async def main():
        clock, told = HandClock(), []
        world, peer = network(clock=clock), Peer(echo)
        world.encrypted().told = lambda _, trouble: told.append(str(trouble))
        how = None
        for names in ((NAME,), ("other.example",), (NAME,), ("other.example",)):
            async with listening(peer, authority.server(*names), 0 if how is None else peer.at.port):
                how = how or terms(world, peer, authority.pem, NAME)
                for _ in range(2):
                    came = await asked(world, how)
                assert came == b"id ask, ed" if names == (NAME,) else came.kind is Trouble.UNTRUSTED
                peer.cut()
                await until(lambda: world.open == 0)
            clock.advance(HELD_OFF_S)
        refused = f"{Trouble.UNTRUSTED}: it is for other.example, not for dns.example"
        assert told == [refused, refused]

    on_loop(main())
