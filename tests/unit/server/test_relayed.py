from __future__ import annotations

import asyncio

import pytest

from resolver.balance.pool import FAILURE_S, State
from resolver.message import Client, Transport
from resolver.network.base import Endpoint, Trouble, Upstream
from resolver.network.datagrams import OCTETS
from resolver.network.entropy import SeededEntropy
from resolver.network.shared import UDP_BUFFER
from resolver.network.simulated import Link, SimulatedNetwork
from resolver.server.places import Places, TcpLimits
from resolver.server.relayed import LONGEST, Datagrams, Relayed, Relaying, Streams
from resolver.testing.virtual_time import VirtualClock
from tests.support.pools import member, pool

PATIENCE_S = 2.0
QUERY = b"\xab\xcd" + bytes(range(10)) + b"whatever stands here"


def client(host: str = "192.0.2.1") -> Client:
    return Client(host, 5000, Transport.UDP, None)


class Relay:
    """A relay of datagrams before two simulated servers, which say who they are and what they were sent."""

    def __init__(self, *, names: str = "ab", link: Link | None = None, pending: int = 100, **settings) -> None:
        self.clock = VirtualClock()
        self.pool = pool("client-hash", names, clock=self.clock, **settings)
        self.network = SimulatedNetwork({}, self.clock, SeededEntropy(1), link=link or Link(latency_ms=10))
        for at, each in enumerate(self.pool.members, 1):
            each.target = Upstream(Endpoint(f"198.51.100.{at}", 53), Transport.UDP)
            self.network.declare(each.target.endpoint.host, self._server(each.name))
        self.relaying = Relaying(self.pool, self.network, PATIENCE_S, pending)
        self.relayed = Relayed()
        self.datagrams = Datagrams(self.relaying, self.relayed, self.clock, SeededEntropy(2))
        self.heard: list[tuple[str, bytes]] = []
        self.given: list[bytes | None] = []

    def _server(self, name: str):
        def respond(wire, _client, done) -> None:
            self.heard.append((name, wire))
            done(wire + name.encode())

        return respond

    def ask(self, wire: bytes = QUERY, host: str = "192.0.2.1") -> None:
        self.datagrams(wire, client(host), self.given.append)


def test_of_a_datagram_the_id_alone_changes_and_changes_back(run):
    async def main() -> None:
        relay = Relay()
        relay.ask()
        await asyncio.sleep(1)
        ((name, wire),) = relay.heard
        assert wire[2:] == QUERY[2:]
        assert wire[:2] != QUERY[:2]
        assert relay.given == [QUERY + name.encode()]
        assert len(relay.datagrams) == 0

    run(main())


def test_ids_are_drawn_and_clients_with_the_same_id_are_told_apart(run):
    async def main() -> None:
        relay = Relay(names="a")
        for number in range(50):
            relay.ask(QUERY + bytes([number]))
        await asyncio.sleep(1)
        assert len({wire[:2] for _, wire in relay.heard}) == 50
        assert sorted(relay.given) == [QUERY + bytes([number]) + b"a" for number in range(50)]

    run(main())


def test_a_client_has_the_same_member_each_time_and_clients_are_spread(run):
    async def main() -> None:
        relay = Relay()
        for host in range(40):
            for _ in range(2):
                relay.ask(bytes([host]) * 12, f"192.0.2.{host}")
        await asyncio.sleep(1)
        of = {wire[2]: name for name, wire in relay.heard}
        assert all(of[wire[2]] == name for name, wire in relay.heard)
        assert set(of.values()) == {"a", "b"}

    run(main())


def test_what_comes_with_another_id_is_not_the_reply(run):
    async def main() -> None:
        relay = Relay(link=Link(latency_ms=10, forgery="wrong_id"), names="a")
        relay.ask()
        await asyncio.sleep(1)
        assert relay.given == [QUERY + b"a"]
        assert relay.relayed.replies == 1

    run(main())


def test_silence_is_given_up_and_counts_against_the_member(run):
    async def main() -> None:
        relay = Relay(names="a")
        relay.network.silence()
        relay.ask()
        await asyncio.sleep(PATIENCE_S - 0.1)
        assert relay.given == []
        assert relay.pool.members[0].outstanding == 1
        await asyncio.sleep(0.2)
        assert relay.given == [None]
        only = relay.pool.members[0]
        assert (only.outstanding, only.failed, only.rtt) == (0, 1, PATIENCE_S)
        assert relay.relayed.silent == 1

    run(main())


def test_silence_at_one_says_nothing_of_a_member_that_answers_others_meanwhile(run):
    async def main() -> None:
        relay = Relay(names="a")
        answering = relay._server("a")

        def respond(wire, client, done) -> None:
            if wire[2:3] == b"\x00":
                answering(wire, client, done)
            else:
                done(None)

        relay.network.declare("198.51.100.1", respond)
        only = relay.pool.members[0]
        for _ in range(10):
            relay.ask(QUERY[:2] + b"\x01" + QUERY[3:], "192.0.2.66")
        await asyncio.sleep(1)
        relay.ask()
        await asyncio.sleep(PATIENCE_S)
        assert (relay.relayed.silent, relay.relayed.replies) == (10, 1)
        assert (only.outstanding, only.failed, only.replied) == (0, 0, 1)
        relay.ask(QUERY[:2] + b"\x01" + QUERY[3:], "192.0.2.66")
        await asyncio.sleep(PATIENCE_S + 0.1)
        assert (only.outstanding, only.failed) == (0, 1), "nobody else was answered"

    run(main())


def test_a_member_that_cannot_be_reached_fails_at_once(run):
    async def main() -> None:
        relay = Relay(names="a")
        relay.pool.members[0].target = Upstream(Endpoint("203.0.113.1", 53), Transport.UDP)
        relay.ask()
        await asyncio.sleep(0.01)
        assert relay.given == [None]
        assert relay.pool.members[0].rtt == FAILURE_S

    run(main())


def test_the_oldest_is_given_up_for_a_newcomer(run):
    async def main() -> None:
        relay = Relay(names="a", pending=3)
        for number in range(5):
            relay.ask(QUERY + bytes([number]))
        assert relay.given == [None, None]
        assert len(relay.datagrams) == 3
        await asyncio.sleep(1)
        assert sorted(relay.given[2:]) == [QUERY + bytes([number]) + b"a" for number in (2, 3, 4)]
        assert relay.relayed.dropped == 2
        assert (relay.pool.members[0].outstanding, relay.pool.members[0].failed) == (0, 0)

    run(main())


@pytest.mark.parametrize("wire", [b"", b"x", QUERY[:11], QUERY.ljust(LONGEST, b"x")])
def test_what_is_shorter_than_a_header_or_was_cut_off_is_dropped(run, wire: bytes):
    async def main() -> None:
        relay = Relay()
        relay.ask(wire)
        assert relay.given == [None]
        assert relay.relayed.dropped == 1
        assert relay.heard == []

    run(main())


def test_what_says_that_it_is_a_response_is_not_passed_on_and_speaks_against_no_member(run):
    async def main() -> None:
        relay = Relay(names="a")
        relay.network.silence()
        for _ in range(20):
            relay.ask(QUERY[:2] + b"\x80" + QUERY[3:])
        await asyncio.sleep(2 * PATIENCE_S)
        only = relay.pool.members[0]
        assert (relay.relayed.dropped, relay.given) == (20, [None] * 20)
        assert (only.picked, only.failed, only.state) == (0, 0, State.UP)

    run(main())


class Local:
    """A network in which nothing can be sent from here."""

    def send(self, to, wire, transport, deliver, *, reuse=False):
        asyncio.get_running_loop().call_soon(deliver, Trouble.LOCAL)
        return self

    def close(self) -> None:
        pass


def test_what_cannot_be_sent_from_here_speaks_against_no_member(run):
    async def main() -> None:
        relay = Relay(names="a")
        relay.relaying.network = Local()
        relay.ask()
        await asyncio.sleep(0.1)
        only = relay.pool.members[0]
        assert (relay.given, relay.relayed.silent) == ([None], 1)
        assert (only.outstanding, only.failed, only.rtt) == (0, 0, 0.0)

    run(main())


@pytest.mark.parametrize("extra", [LONGEST - 34, LONGEST - 33])
def test_a_reply_that_may_have_been_cut_off_is_given_back_with_tc(run, extra: int):
    async def main() -> None:
        relay = Relay(names="a")
        asked = bytes.fromhex("abcd01000001000000000000037777770765") + b"xample\x03com\x00\x00\x01\x00\x01"

        def respond(wire, _client, done) -> None:
            done(wire[:2] + b"\x81\x80" + wire[4:] + bytes(extra))

        assert (len(asked), LONGEST) == (33, UDP_BUFFER) == (33, OCTETS)
        relay.network.declare("198.51.100.1", respond)
        relay.ask(asked)
        await asyncio.sleep(0.1)
        ((reply,), told) = relay.given, asked[:2] + b"\x81\x80" + asked[4:]
        if len(told) + extra < LONGEST:
            assert reply == told + bytes(extra)
        else:
            assert reply == told[:2] + b"\x83\x80" + told[4:]

    run(main())


def test_without_a_member_that_takes_questions_datagrams_are_dropped(run):
    async def main() -> None:
        relay = Relay(open_when_all_down=False)
        for name in "ab":
            relay.pool.down(member(relay.pool, name))
        relay.ask()
        assert relay.given == [None]

    run(main())


def test_to_give_up_ends_all_that_is_waited_for(run):
    async def main() -> None:
        relay = Relay()
        for _ in range(3):
            relay.ask()
        relay.datagrams.give_up()
        assert relay.given == [None] * 3
        await asyncio.sleep(5)
        assert relay.given == [None] * 3
        assert [each.outstanding for each in relay.pool.members] == [0, 0]

    run(main())


class FakeSplice:
    """A connection whose other end a test decides on."""

    def __init__(self, host: str = "192.0.2.1") -> None:
        self.host = host
        self.owner = None
        self.asked: list[Endpoint] = []
        self.told = None
        self.given_up = 0
        self.closed = False

    def join(self, to, joined) -> None:
        self.asked.append(to)
        self.told = joined

    def answer(self, trouble: Trouble | None) -> None:
        told, self.told = self.told, None
        told(trouble)

    @property
    def joining(self) -> bool:
        return self.told is not None

    def give_up(self) -> None:
        self.given_up += 1
        self.told = None

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self.owner is not None:
                self.owner.ended()


class StreamRelay:
    """A relay of streams before two members."""

    def __init__(self, *, limits: TcpLimits | None = None, **settings) -> None:
        self.clock = VirtualClock()
        self.pool = pool("client-hash", "ab", clock=self.clock, **settings)
        for at, each in enumerate(self.pool.members, 1):
            each.target = Upstream(Endpoint(f"198.51.100.{at}", 53), Transport.UDP)
        self.relayed = Relayed()
        relaying = Relaying(self.pool, SimulatedNetwork({}, self.clock, SeededEntropy(1)), PATIENCE_S, 10)
        self.streams = Streams(relaying, self.relayed, self.clock, Places(limits or TcpLimits(idle_seconds=10)))

    def take(self, host: str = "192.0.2.1") -> FakeSplice:
        splice = FakeSplice(host)
        self.streams.take(splice)
        return splice


def test_a_stream_is_joined_with_the_member_of_its_client_and_counts_for_it(run):
    async def main() -> None:
        relay = StreamRelay()
        splice = relay.take()
        await asyncio.sleep(0.05)
        splice.answer(None)
        busy = next(each for each in relay.pool.members if each.outstanding)
        assert splice.asked == [busy.target.endpoint]
        splice.close()
        assert (busy.outstanding, busy.replied, busy.rtt) == (0, 1, pytest.approx(0.05))
        assert len(relay.streams) == 0
        again = relay.take()
        assert again.asked == splice.asked
        again.close()

    run(main())


def test_a_member_that_cannot_be_reached_is_passed_over_once(run):
    async def main() -> None:
        relay = StreamRelay()
        splice = relay.take()
        splice.answer(Trouble.REFUSED)
        assert len(set(splice.asked)) == 2
        splice.answer(Trouble.REFUSED)
        assert splice.closed
        assert len(splice.asked) == 2
        assert relay.relayed.unreached == 1
        assert sorted((each.failed, each.outstanding) for each in relay.pool.members) == [(1, 0), (1, 0)]

    run(main())


def test_a_stream_for_which_no_file_may_be_opened_speaks_against_no_member(run):
    async def main() -> None:
        relay = StreamRelay()
        splice = relay.take()
        splice.answer(Trouble.LOCAL)
        splice.answer(Trouble.LOCAL)
        assert (splice.closed, relay.relayed.unreached) == (True, 1)
        assert [(each.failed, each.outstanding) for each in relay.pool.members] == [(0, 0), (0, 0)]

    run(main())


def test_a_member_that_takes_too_long_to_be_reached_is_given_up(run):
    async def main() -> None:
        relay = StreamRelay()
        splice = relay.take()
        await asyncio.sleep(PATIENCE_S + 1)
        assert splice.given_up == 1
        assert len(set(splice.asked)) == 2
        splice.answer(None)
        splice.close()

    run(main())


def test_a_stream_that_carries_nothing_is_closed(run):
    async def main() -> None:
        relay = StreamRelay()
        idle, busy = relay.take(), relay.take("192.0.2.2")
        for each in (idle, busy):
            each.answer(None)
        for _ in range(12):
            await asyncio.sleep(1)
            busy.owner.moved()
        assert idle.closed
        assert not busy.closed
        assert relay.streams.places.timed_out == 1
        relay.streams.cut()
        assert busy.closed

    run(main())


def test_who_may_not_ask_has_no_stream(run):
    async def main() -> None:
        relay = StreamRelay()
        relay.streams.allows = lambda host: host == "192.0.2.2"
        refused = relay.take("192.0.2.1")
        assert refused.closed
        assert not refused.asked
        assert relay.streams.places.denied == 1
        taken = relay.take("192.0.2.2")
        assert not taken.closed
        taken.close()

    run(main())


def test_streams_are_bounded_and_a_newcomer_takes_the_place_of_the_idlest(run):
    async def main() -> None:
        relay = StreamRelay(limits=TcpLimits(connections=2))
        first, second = relay.take("192.0.2.1"), relay.take("192.0.2.2")
        for each in (first, second):
            each.answer(None)
        await asyncio.sleep(0.5)
        first.owner.moved()
        third = relay.take("192.0.2.3")
        assert (first.closed, second.closed, third.closed) == (False, True, False)
        assert len(relay.streams) == 2
        relay.streams.cut()

    run(main())


def test_a_client_that_leaves_before_its_member_is_reached_teaches_nothing(run):
    async def main() -> None:
        relay = StreamRelay()
        splice = relay.take()
        splice.close()
        assert all((each.outstanding, each.failed, each.replied) == (0, 0, 0) for each in relay.pool.members)
        assert all(each.state is State.UP for each in relay.pool.members)

    run(main())


def test_who_waits_for_the_last_stream_is_called(run):
    async def main() -> None:
        relay, called = StreamRelay(), []
        relay.streams.when_empty(lambda: called.append("at once"))
        splice = relay.take()
        relay.streams.when_empty(lambda: called.append("later"))
        assert called == ["at once"]
        splice.close()
        assert called == ["at once", "later"]

    run(main())
