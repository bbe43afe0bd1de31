"""TLS over a transport that is made by hand, with a client in memory, in virtual time."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from resolver import certificates
from resolver.config import Config
from resolver.message import Client, Transport
from resolver.server import handshakes as module
from resolver.server.handshakes import Handshakes
from resolver.server.places import Places, TcpLimits
from resolver.server.tcp import TcpListener
from resolver.testing.virtual_time import WALL_START, VirtualClock
from tests.support.streams import Kept, Server, Stream, feed, framed


@pytest.fixture(scope="module")
def shown():
    return certificates.shown(Config().server, WALL_START)


def client_context(version=None, alpn=("dot",)):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class Peer:
    """A client of TLS: what it says goes to the connection when `send` is called."""

    def __init__(self, bench, context=None, session=None, host="192.0.2.1"):
        self.stream, self.connection = Stream(host), bench.listener.connect()
        self.stream.protocol = self.connection
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(self._in, self._out, session=session)
        self._taken = 0
        self.connection.connection_made(self.stream)

    def octets(self):
        """What it has to say, as octets."""
        return self._out.read()

    def send(self, octets=None):
        """The connection gets what it says; returns what was not read."""
        return feed(self.stream, self.connection, self.octets() if octets is None else octets)

    def take(self):
        """It has got what was written."""
        for each in self.stream.writes[self._taken :]:
            self._in.write(each)
        self._taken = len(self.stream.writes)

    def heard(self):
        """All that it has heard, decrypted."""
        self.take()
        said = b""
        while True:
            try:
                part = self.tls.read(65_536)
            except ssl.SSLWantReadError:
                return said
            if not part:
                return said + b"(close_notify)"
            said += part

    async def shake(self):
        """The handshake is done."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                self.take()
            else:
                self.send()
                for _ in range(3):
                    await asyncio.sleep(0)
                return self

    def ask(self, *wires):
        """Each query in a record of its own, all in one read."""
        for wire in wires:
            self.tls.write(framed(wire))
        self.send()


class Bench:
    """A listener for TLS without a socket, in virtual time."""

    def __init__(self, shown, server, stored=None, **limits):
        self.clock, self.server = VirtualClock(), server
        self.handshakes = Handshakes(self.clock, shown.contexts)
        loop, self.places = asyncio.get_running_loop(), Places(TcpLimits(**limits))
        self.listener = TcpListener(
            loop, None, server, self.clock, self.places, hits=stored and Kept(stored), handshakes=self.handshakes
        )


def echo(wire):
    return b"re:" + wire


def bench(run, shown, act, answer=echo, stored=None, **limits):
    async def main():
        return await act(Bench(shown, Server(answer), stored, **limits))

    return run(main())


@pytest.mark.rfc(7858, "3.3")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_queries_are_answered_over_tls_all_of_one_read_with_one_write(run, shown, version):
    async def act(made):
        peer = await Peer(made, client_context(version)).shake()
        before = len(peer.stream.writes)
        peer.ask(b"one", b"two", b"three")
        assert len(peer.stream.writes) == before + 1
        assert peer.heard() == framed(b"re:one", b"re:two", b"re:three")
        assert made.server.clients == [Client("192.0.2.1", 4000, Transport.TLS)] * 3
        assert made.handshakes.counts() == {
            "tls.handshakes": 1,
            "tls.resumed": 0,
            "tls.failed": 0,
            "tls.under_way": 0,
        }

    bench(run, shown, act)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_records_and_messages_may_be_cut_anywhere(run, shown, step):
    async def act(made):
        peer = await Peer(made).shake()
        messages = framed(b"one", b"x" * 3000, b"three")
        for at in range(0, len(messages), 999):
            peer.tls.write(messages[at : at + 999])  # one message over several records
        octets = peer.octets()
        for at in range(0, len(octets), step):
            peer.send(octets[at : at + step])
        assert made.server.wires == [b"one", b"x" * 3000, b"three"]
        assert peer.heard() == framed(b"re:one", b"re:" + b"x" * 3000, b"re:three")

    bench(run, shown, act)


def test_many_queries_in_one_record_are_all_answered(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        wires = [b"%05d" % n for n in range(1000)]
        peer.tls.write(framed(*wires))
        peer.send()
        assert peer.heard() == framed(*wires)
        assert (made.listener.received, made.listener.sent, made.server.wires) == (1000, 1000, [])

    bench(run, shown, act, stored=lambda wire: wire)


def test_the_largest_messages_go_both_ways(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        wire = bytes(range(256)) * 255 + bytes(255)
        for at in range(0, 65_537, 16_384):
            peer.tls.write(framed(wire)[at : at + 16_384])
        assert peer.send() == b""
        assert peer.heard() == framed(wire)

    bench(run, shown, act, lambda wire: wire)


@pytest.mark.rfc(7858, "3.4")
def test_a_session_is_resumed_at_the_price_of_no_signature(run, shown):
    async def act(made):
        context = client_context()
        first = await Peer(made, context).shake()
        first.ask(b"one")
        first.heard()  # the tickets come with it
        second = await Peer(made, context, first.tls.session).shake()
        second.ask(b"two")
        assert second.heard() == framed(b"re:two")
        assert second.tls.session_reused
        assert (made.handshakes.done, made.handshakes.resumed) == (2, 1)

    bench(run, shown, act)


@pytest.mark.parametrize("ends_first", [True, False])
def test_sessions_of_clients_without_tickets_are_remembered_within_a_bound(run, monkeypatch, ends_first):
    monkeypatch.setattr(module, "SESSIONS", 3)
    shown = certificates.shown(Config().server, WALL_START)
    without = client_context(ssl.TLSVersion.TLSv1_2)
    without.options |= ssl.OP_NO_TICKET

    def held():
        return shown.contexts[Transport.TLS].session_stats()["number"]

    async def gone(peer):
        """What the client has heard by the end of its connection."""
        if ends_first:
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.unwrap()
            peer.send()
        else:
            peer.ask(b"")  # an empty message is no DNS
        assert peer.stream.closing
        closed = b"".join(peer.stream.writes[peer._taken :])
        peer.connection.connection_lost(None)
        return closed

    async def act(made):
        peers = [await Peer(made, without).shake() for _ in range(5)]
        assert held() == 5, "each is remembered as long as it is open"
        assert [bool(await gone(each)) for each in peers] == [False, False, True, True, True]
        assert held() == 3
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            assert await gone(await Peer(made, client_context(version)).shake()), "who has tickets is told of the end"
        assert held() == 3
        cut = await Peer(made, without).shake()
        cut.connection.connection_lost(ConnectionResetError())
        for _ in range(20):
            peer = await Peer(made, without).shake()
            peer.ask(b"one")
            assert peer.heard() == framed(b"re:one")
            await gone(peer)
        assert held() == 3

    bench(run, shown, act)


@pytest.mark.rfc(7858, "3.2")
@pytest.mark.parametrize(
    ("offered", "chosen"), [(("dot",), "dot"), (("h2", "dot"), "dot"), (("h2",), None), ((), None)]
)
def test_the_protocol_dot_is_offered_and_not_demanded(run, shown, offered, chosen):
    async def act(made):
        peer = await Peer(made, client_context(alpn=offered)).shake()
        peer.ask(b"one")
        assert (peer.tls.selected_alpn_protocol(), peer.heard()) == (chosen, framed(b"re:one"))

    bench(run, shown, act)


@pytest.mark.rfc(9325, "3.1.1")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_refused(run, shown):
    async def act(made):
        context = client_context(ssl.TLSVersion.TLSv1_1)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match=r"(?i)version"):
            await Peer(made, context).shake()
        assert (made.handshakes.failed, len(made.places)) == (1, 0)

    bench(run, shown, act)


@pytest.mark.rfc(9325, "3.5")
def test_a_renegotiation_is_refused(run, shown):
    assert shown.contexts[Transport.TLS].options & ssl.OP_NO_RENEGOTIATION
    assert shown.contexts[Transport.TLS].options & ssl.OP_NO_COMPRESSION


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", framed(b"plain dns"), bytes(100), b"\x16\x03\x01\xff\xff" * 9]
)
def test_garbage_ends_the_connection_and_is_counted(run, shown, garbage):
    async def act(made):
        peer = Peer(made)
        peer.send(garbage)
        await made.clock.advance(5.1)
        assert peer.stream.closing
        assert made.handshakes.counts() == {"tls.handshakes": 0, "tls.resumed": 0, "tls.failed": 1, "tls.under_way": 0}
        assert (len(made.places), made.server.wires) == (0, [])

    bench(run, shown, act)


def test_garbage_after_the_handshake_ends_the_connection(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        peer.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert peer.stream.aborted
        assert (len(made.places), made.handshakes.failed) == (0, 0)

    bench(run, shown, act)


@pytest.mark.parametrize("octets", [0, 1, 100])
def test_a_handshake_that_is_not_done_in_time_is_cut(run, shown, octets):
    async def act(made):
        peer = Peer(made)
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        hello = peer.octets()
        for at in range(octets):
            peer.send(hello[at : at + 1])
            await made.clock.advance(0.04)
        await made.clock.advance(4.9 - 0.04 * octets)
        assert not peer.stream.closing
        await made.clock.advance(0.2)
        assert peer.stream.aborted
        assert (made.places.timed_out, made.handshakes.failed, len(made.places)) == (1, octets > 0, 0)

    bench(run, shown, act)


def test_silence_after_the_handshake_is_an_idle_connection(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        await made.clock.advance(9.8)
        assert not peer.stream.closing
        await made.clock.advance(0.3)
        assert peer.stream.aborted
        assert made.places.timed_out == 1

    bench(run, shown, act)


def test_so_many_handshakes_are_under_way_and_the_oldest_goes_for_a_newcomer(run, shown, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3)

    async def act(made):
        peers = [Peer(made) for _ in range(5)]
        for peer in peers:
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.do_handshake()
            peer.send()
            await made.clock.advance(0.01)
        assert [peer.stream.aborted for peer in peers] == [True, True, False, False, False]
        assert (len(made.handshakes), made.handshakes.failed) == (3, 2)
        await peers[4].shake()
        peers[4].ask(b"one")
        assert peers[4].heard() == framed(b"re:one")

    bench(run, shown, act)


@pytest.mark.parametrize("of_many", ["192.0.2.1", "192.0.2.{}", "2001:db8:1:{}::1"])
def test_who_begins_many_handshakes_loses_its_own_and_not_that_of_another_who_came_first(
    run, shown, monkeypatch, of_many
):
    monkeypatch.setattr(module, "AT_ONCE", 4)

    async def act(made):
        far = Peer(made, host="203.0.113.1")
        flood = [Peer(made, host=of_many.format(number)) for number in range(9)]
        for peer in (far, *flood):
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.do_handshake()
            peer.send()
            await made.clock.advance(0.01)
        assert [peer.stream.aborted for peer in flood] == [True] * 6 + [False] * 3
        assert not far.stream.aborted
        far.take()
        await far.shake()
        far.ask(b"one")
        assert far.heard() == framed(b"re:one")

    bench(run, shown, act)


def test_few_handshakes_go_on_in_one_turn_and_the_others_are_read_no_further(run, shown):
    async def act(made):
        peers = [Peer(made) for _ in range(12)]
        for peer in peers:
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.do_handshake()
            peer.send()
        answered = [sum(bool(peer.stream.writes) for peer in peers)]
        reading = sum(peer.stream.reading for peer in peers)
        for _ in range(4):
            await asyncio.sleep(0)
            answered.append(sum(bool(peer.stream.writes) for peer in peers))
        assert (sorted(set(answered)), reading) == ([1, 5, 9, 12], 1)
        assert all(peer.stream.reading for peer in peers)
        for peer in peers:
            await peer.shake()
            peer.ask(b"one")
            assert peer.heard() == framed(b"re:one")

    bench(run, shown, act)


def test_handshakes_that_wait_for_their_turn_are_bounded_and_read_no_further(run, shown, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)

    async def act(made):
        peers = [Peer(made) for _ in range(9)]
        for peer in peers:
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.do_handshake()
            peer.send()
            peer.connection.resume_reading()
        assert len(made.handshakes._waiting) == 2
        assert len(made.handshakes) <= 2
        assert not any(peer.stream.reading for peer in peers[1:] if not peer.stream.closing)
        for _ in range(9):
            await asyncio.sleep(0)
        assert len(made.handshakes) == sum(not peer.stream.closing for peer in peers) > 0
        assert len(made.handshakes) + made.handshakes.failed == 9
        assert all(peer.stream.reading for peer in peers if not peer.stream.closing)

    bench(run, shown, act)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_comes_together_with_the_end_of_the_handshake_is_answered(run, shown, version):
    async def act(made):
        first = await Peer(made, context := client_context(version)).shake()
        first.ask(b"x")
        first.heard()
        peer = Peer(made, context, first.tls.session)  # the client has the last word of a handshake that is resumed
        while True:
            try:
                peer.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                peer.send()
                for _ in range(3):
                    await asyncio.sleep(0)
                peer.take()
        peer.ask(b"early")
        for _ in range(3):
            await asyncio.sleep(0)
        assert peer.heard() == framed(b"re:early")

    bench(run, shown, act)


def test_a_client_that_does_not_take_its_handshake_is_read_no_further(run, shown):
    async def act(made):
        peer = Peer(made)
        peer.stream.stuck = True
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.do_handshake()
        peer.send()
        assert peer.stream.writes
        assert not peer.stream.reading
        peer.stream.drain()
        assert peer.stream.reading

    bench(run, shown, act, write_buffer=100)


def test_a_connection_that_is_lost_while_its_handshake_waits_is_forgotten(run, shown):
    async def act(made):
        peers = [Peer(made) for _ in range(3)]
        for peer in peers:
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.do_handshake()
            peer.send()
            peer.connection.connection_lost(ConnectionResetError())
        for _ in range(5):
            await asyncio.sleep(0)
        assert (len(made.handshakes), made.handshakes.failed, len(made.places)) == (0, 3, 0)

    bench(run, shown, act)


@pytest.mark.rfc(7766, "6.2.4")
@pytest.mark.rfc(8446, "6.1")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("how", ["close_notify", "end of the stream", "both"])
def test_a_client_that_has_ended_its_side_still_gets_its_answers(run, shown, version, how):
    async def act(made):
        peer = await Peer(made, client_context(version)).shake()
        peer.ask(b"one", b"two")
        if how != "end of the stream":
            with pytest.raises(ssl.SSLWantReadError):
                peer.tls.unwrap()
            peer.send()
        if how != "close_notify":
            assert peer.connection.eof_received() is True
        made.server.waiting[0][1](b"1")
        assert not peer.stream.closing
        made.server.waiting[1][1](b"2")
        assert peer.stream.closing
        said = b"".join(peer.stream.writes)
        assert len(made.server.wires) == 2
        if how == "end of the stream":
            assert peer.heard() == framed(b"1", b"2") + b"(close_notify)"
        assert said

    bench(run, shown, act, None)


def test_a_client_that_is_owed_nothing_is_closed_when_it_ends(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        peer.ask(b"one")
        with pytest.raises(ssl.SSLWantReadError):
            peer.tls.unwrap()
        peer.send()
        assert peer.stream.closing
        assert not peer.stream.aborted
        assert len(made.places) == 0

    bench(run, shown, act)


@pytest.mark.rfc(8446, "6.1")
def test_who_is_closed_is_told_so(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        peer.ask(b"one", b"")  # an empty message is no DNS
        assert peer.stream.closing
        assert peer.heard() == framed(b"re:one") + b"(close_notify)"

    bench(run, shown, act)


def test_a_client_that_takes_nothing_is_read_no_further_and_then_cut(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        peer.stream.stuck = True
        for _ in range(200):
            peer.tls.write(framed(*[b"q" * 10] * 50))
        rest = peer.send()
        assert rest
        assert not peer.stream.reading
        assert peer.stream.buffered < 20_000
        asked = len(made.server.wires)
        peer.stream.drain()
        assert len(made.server.wires) > asked
        await made.clock.advance(10.1)
        assert peer.stream.aborted

    bench(run, shown, act, lambda wire: wire * 50, write_buffer=1000)


def test_a_client_that_does_not_listen_is_read_no_further_whatever_it_makes_tls_say(run, shown):
    """Updates of keys and the like are answered without a query being there, which would pause the reading."""

    async def act(made):
        peer = await Peer(made).shake()
        peer.connection.pause_writing()
        assert not peer.stream.reading
        peer.connection.resume_writing()
        assert peer.stream.reading

    bench(run, shown, act)


def test_unanswered_queries_are_bounded_as_over_tcp(run, shown):
    async def act(made):
        peer = await Peer(made).shake()
        peer.ask(*(b"%d" % n for n in range(9)))
        assert made.server.wires == [b"0", b"1", b"2"]
        assert not peer.stream.reading
        made.server.waiting[1][1](b"a")
        assert made.server.wires == [b"0", b"1", b"2", b"3"]
        for _ in range(8):
            made.server.waiting.pop()[1](b"a")
        assert peer.stream.reading
        assert peer.heard() == framed(*[b"a"] * 9)

    bench(run, shown, act, None, outstanding=3)


def test_who_may_not_ask_gets_no_handshake(run, shown):
    async def act(made):
        made.listener.allows = lambda host: host == "192.0.2.1"
        refused = Peer(made, host="192.0.2.2")
        assert refused.stream.aborted
        assert (made.places.denied, len(made.handshakes), refused.stream.writes) == (1, 0, [])
        await made.clock.advance(10)
        assert made.places.timed_out == 0

    bench(run, shown, act)


def test_to_stop_is_to_finish_what_was_asked_and_to_end_handshakes(run, shown):
    class Closable:
        def close(self):
            pass

    async def act(made):
        idle, busy, shaking = await Peer(made).shake(), await Peer(made).shake(), Peer(made)
        busy.ask(b"one")
        with pytest.raises(ssl.SSLWantReadError):
            shaking.tls.do_handshake()
        shaking.send()
        made.listener._sock = Closable()
        made.listener.stop_reading()
        assert (idle.stream.closing, busy.stream.closing, shaking.stream.closing) == (True, False, True)
        made.server.waiting[0][1](b"answer")
        await made.listener.drained()
        assert busy.heard() == framed(b"answer") + b"(close_notify)"

    bench(run, shown, act, None)


def test_connections_go_on_with_the_certificate_that_they_began_with(run, shown):
    async def act(made):
        old = await Peer(made).shake()
        made.handshakes.contexts = certificates.shown(Config().server, WALL_START).contexts
        new = await Peer(made).shake()
        old.ask(b"old")
        new.ask(b"new")
        assert (old.heard(), new.heard()) == (framed(b"re:old"), framed(b"re:new"))
        assert old.tls.getpeercert(True) != new.tls.getpeercert(True)

    bench(run, shown, act)
