from __future__ import annotations

import asyncio

import pytest

from resolver.message import Transport
from resolver.network import brief
from resolver.network.base import Endpoint, Reuse, Trouble
from tests.support.shared_sockets import front
from tests.support.sockets import HandClock, Inbox, echo, network, silent, udp_server, unused_port

pytestmark = pytest.mark.sockets


def moment(**options):
    return front(reuse=Reuse.BRIEF, **options)


def test_what_leaves_in_one_moment_shares_a_socket_and_each_gets_what_has_its_id(on_loop):
    async def main():
        with moment() as world:
            sent = [world.send(b"%d." % n) for n in range(5)]
            await world.until_heard(5)
            assert len(set(world.ports())) == world.network.open == 1
            world.say(*(b"%d.reply" % n for n in (4, 0, 2, 3, 1)))
            for n, (sending, inbox) in enumerate(sent):
                assert await inbox.wait_for(1) == [b"%d.reply" % n]
                sending.close()
                sending.close()
            assert world.network.counts()["upstream.pooled"] == 5

    on_loop(main())


@pytest.mark.rfc(5452, "9.2")
def test_the_next_moment_has_a_port_of_its_own_and_late_replies_of_the_last_still_come(on_loop):
    async def main():
        clock = HandClock()
        with moment(clock=clock) as world:
            sending, inbox = world.send(b"1.")
            clock.advance(brief.BRIEF_S / 2)
            second, _ = world.send(b"2.")
            clock.advance(brief.BRIEF_S / 2)
            third, _ = world.send(b"3.")
            heard = await world.until_heard(3)
            port = {wire: address[1] for wire, address in heard}
            assert port[b"1."] == port[b"2."] != port[b"3."]
            world.say(b"1.late")
            assert await inbox.wait_for(1) == [b"1.late"]
            sending.close()
            assert world.network.open == 2
            second.close()
            assert world.network.open == 1, "when its moment is over a socket lasts as long as what is outstanding"
            third.close()
            clock.advance(brief.BRIEF_S)
            assert world.network.open == 0
            assert clock.timers == []
            assert world.network._brief._now == {}, "of a server without sockets nothing is kept"
            assert world.network._brief._opener.open == 0

    on_loop(main())


def test_a_socket_takes_so_many_messages_and_none_with_an_id_that_it_has_had(on_loop):
    async def main():
        with moment() as world:
            ids = [n.to_bytes(2, "big") for n in range(brief.MESSAGES + 1)]
            sent = [world.send(wire) for wire in (*ids, ids[-1] + b"again")]
            heard = await world.until_heard(len(sent))
            port = {wire: address[1] for wire, address in heard}
            assert len({port[each] for each in ids[:-1]}) == 1
            assert len(set(port.values())) == 3
            for sending, _ in sent:
                sending.close()

    on_loop(main())


def test_an_id_that_was_answered_is_not_used_again_on_the_same_port(on_loop):
    async def main():
        with moment() as world:
            first, _ = world.send(b"1.")
            first.close()
            again, inbox = world.send(b"1.again")
            heard = dict(await world.until_heard(2))
            assert heard[b"1."] != heard[b"1.again"]
            world.sock.sendto(b"1.late reply to the first", heard[b"1."])
            world.sock.sendto(b"1.reply", heard[b"1.again"])
            assert await inbox.wait_for(1) == [b"1.reply"]
            again.close()

    on_loop(main())


@pytest.mark.rfc(5452, "9.1")
def test_a_guess_is_seen_by_all_that_wait_and_ends_the_moment(on_loop):
    async def main():
        with moment() as world:
            sent = [world.send(b"%d." % n) for n in range(3)]
            await world.until_heard(3)
            world.say(b"??guess", b"1.true")
            for n, (_, inbox) in enumerate(sent):
                expected = [b"??guess", b"1.true"] if n == 1 else [b"??guess"]
                assert await inbox.wait_for(len(expected)) == expected
            assert world.network.counts()["upstream.strays"] == 1
            later, _ = world.send(b"9.")
            ports = [address[1] for _, address in await world.until_heard(4)]
            assert ports[3] not in ports[:3]
            for sending in (*(each for each, _ in sent), later):
                sending.close()

    on_loop(main())


def test_a_reply_that_comes_twice_or_late_is_nobodys_guess(on_loop):
    async def main():
        with moment() as world:
            (first, inbox), (second, other) = world.send(b"1."), world.send(b"2.")
            await world.until_heard(2)
            world.say(b"1.reply", b"1.again")
            assert await inbox.wait_for(2) == [b"1.reply", b"1.again"]
            first.close()
            world.say(b"1.late", b"2.reply")
            assert await other.wait_for(1) == [b"2.reply"]
            second.close()
            assert world.network.counts()["upstream.strays"] == 0

    on_loop(main())


def test_a_receiver_may_close_others_when_it_hears_of_a_guess(on_loop):
    async def main():
        with moment() as world:
            got, done, sendings = [], asyncio.Event(), []

            def deliver(what):
                got.append(what)
                for sending in sendings:
                    sending.close()
                done.set()

            sendings += [world.send(b"%d." % n, deliver)[0] for n in range(3)]
            await world.until_heard(3)
            world.say(b"??guess", b"1.reply")
            await done.wait()
            await world.fence()
            assert got == [b"??guess"]
            assert world.network.open == 0

    on_loop(main())


def test_each_server_has_a_socket_of_its_own(on_loop):
    async def main():
        with moment() as world, udp_server(echo) as other:
            sending, _ = world.send(b"1.")
            inbox = Inbox()
            second = world.network.send(other, b"1.", Transport.UDP, inbox, reuse=Reuse.BRIEF)
            assert await inbox.wait_for(1) == [b"1."]
            assert world.network.open == 2
            sending.close()
            second.close()

    on_loop(main())


def test_a_refusal_is_trouble_for_all_that_are_outstanding_and_the_next_begins_anew(on_loop):
    async def main():
        world, gone = network(), Inbox()
        with udp_server(silent) as at:
            sendings = [world.send(at, b"%d." % n, Transport.UDP, gone, reuse=Reuse.BRIEF) for n in range(2)]
        sendings += [world.send(at, b"%d." % n, Transport.UDP, gone, reuse=Reuse.BRIEF) for n in range(2, 5)]
        # The refusal of one is met by the next, which leaves by a socket of its own.
        assert await gone.wait_for(5) == [Trouble.REFUSED] * 5
        with udp_server(echo, at.host, at.port) as back:
            inbox = Inbox()
            again = world.send(back, b"9.", Transport.UDP, inbox, reuse=Reuse.BRIEF)
            assert await inbox.wait_for(1) == [b"9."]
            again.close()
        for sending in sendings:
            sending.close()

    on_loop(main())


def test_a_refusal_of_a_message_that_nobody_waits_for_is_no_trouble_of_the_next(on_loop):
    async def main():
        world, gone, inbox = network(), Inbox(), Inbox()
        at = Endpoint("127.0.0.1", unused_port())
        world.send(at, b"1.", Transport.UDP, gone, reuse=Reuse.BRIEF).close()
        with udp_server(echo, at.host, at.port):
            sending = world.send(at, b"2.", Transport.UDP, inbox, reuse=Reuse.BRIEF)
            assert await inbox.wait_for(1) == [b"2."]
            sending.close()
        assert gone.got == []

    on_loop(main())
