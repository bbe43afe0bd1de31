from __future__ import annotations

import asyncio

import pytest

from resolver.message import Transport
from resolver.network import pooled, shared
from resolver.network.base import Reuse, Trouble
from resolver.network.entropy import SeededEntropy, SystemEntropy
from tests.support.shared_sockets import OneSlot, front
from tests.support.sockets import HandClock, Inbox, echo, network, silent, udp_server

pytestmark = pytest.mark.sockets


def test_messages_share_a_socket_and_each_gets_what_has_its_id(on_loop):
    async def main():
        with front() as world:
            sent = [world.send(b"%d." % n) for n in range(5)]
            await world.until_heard(5)
            assert len(set(world.ports())) == 1
            assert world.network.open == 1
            world.say(*(b"%d.reply" % n for n in (4, 0, 2, 3, 1)))
            for n, (sending, inbox) in enumerate(sent):
                assert await inbox.wait_for(1) == [b"%d.reply" % n]
                sending.close()
                sending.close()
            assert world.network.counts()["upstream.pooled"] == 5
            assert world.network.open == 1

    on_loop(main())


def test_everything_with_an_id_is_delivered_until_its_sending_is_closed(on_loop):
    async def main():
        with front() as world:
            (sending, inbox), (other, nothing) = world.send(b"1."), world.send(b"2.")
            await world.until_heard(2)
            world.say(b"1.forged", b"1.true", b"3.stray", b"", b"1", b"1.late")
            assert await inbox.wait_for(3) == [b"1.forged", b"1.true", b"1.late"]
            sending.close()
            world.say(b"1.too late", b"2.reply")
            assert await nothing.wait_for(1) == [b"2.reply"]
            other.close()
            assert len(inbox.got) == 3
            assert world.network.counts()["upstream.strays"] == 4

    on_loop(main())


def test_a_server_has_several_sockets_on_ports_of_their_own(on_loop):
    async def main():
        with front(entropy=SeededEntropy(1)) as world:
            sent = [world.send(n.to_bytes(2, "big")) for n in range(200)]
            await world.until_heard(200)
            used = world.ports()
            assert 1 << pooled.SLOT_BITS == len(set(used)) == world.network.open
            assert all(used.count(port) > 2 for port in set(used))
            assert min(used) < 32768, "not the kernel's own choice"
            for sending, _ in sent:
                sending.close()

    on_loop(main())


def test_who_does_not_allow_it_has_a_fresh_socket(on_loop):
    async def main():
        with front() as world:
            sent = [world.send(b"%d." % n, reuse=Reuse.LASTING if n == 0 else Reuse.NONE) for n in range(3)]
            await world.until_heard(3)
            assert len(set(world.ports())) == 3
            for sending, _ in sent:
                sending.close()

    on_loop(main())


@pytest.mark.parametrize("bound", [1, 2])
def test_an_id_in_use_or_a_full_socket_means_a_fresh_one(on_loop, monkeypatch, bound):
    monkeypatch.setattr(pooled, "MAX_OUTSTANDING", bound)

    async def main():
        with front() as world:
            (one, first), (two, second) = world.send(b"1.one"), world.send(b"1.two" if bound == 2 else b"2.two")
            await world.until_heard(2)
            assert len(set(world.ports())) == 2
            for (wire, address), inbox in zip(sorted(world.heard), (first, second), strict=True):
                world.sock.sendto(wire, address)
                assert await inbox.wait_for(1) == [wire]
            one.close()
            two.close()
            again, _ = world.send(b"1.")
            assert (await world.until_heard(3))[2][1] in [address for wire, address in world.heard if wire == b"1.one"]
            again.close()

    on_loop(main())


def test_a_socket_is_retired_after_so_many_messages_and_late_replies_still_come(on_loop, monkeypatch):
    monkeypatch.setattr(pooled, "MESSAGES", 3)

    async def main():
        with front() as world:
            sent = [world.send(b"%d." % n) for n in range(5)]
            await world.until_heard(5)
            used = world.ports()
            assert used[:3] == used[:1] * 3
            assert used[3:] == used[3:4] * 2
            assert used[0] != used[3]
            world.say(b"1.late")
            assert await sent[1][1].wait_for(1) == [b"1.late"]
            assert world.network.open == 2
            for sending, _ in sent[:3]:
                sending.close()
            assert world.network.open == 1
            assert world.network.counts()["upstream.retired"] == 1

    on_loop(main())


def test_how_many_messages_and_how_long_is_drawn_for_each_socket(on_loop):
    async def main():
        clock = HandClock()
        with front(entropy=SystemEntropy(), clock=clock) as world:
            sent = [world.send(n.to_bytes(2, "big")) for n in range(300)]
            sockets = set(world.network._poller.watched.values())
            drawn = {each.left + len(each.waiting) for each in sockets}
            ages = [each.until - clock.now for each in sockets]
            assert len(drawn) > 4
            assert all(pooled.MESSAGES <= each < 2 * pooled.MESSAGES for each in drawn)
            assert all(pooled.AGE_S <= each <= 2 * pooled.AGE_S for each in ages)
            assert len(set(ages)) == len(ages)
            for sending, _ in sent:
                sending.close()

    on_loop(main())


@pytest.mark.parametrize("busy", [True, False])
def test_a_socket_is_retired_by_age_however_busy_and_when_it_was_idle(on_loop, busy):
    async def main():
        clock = HandClock()
        with front(clock=clock) as world:
            began, seen = clock.now, 0
            while True:
                if busy or not seen:
                    sending, _ = world.send(b"x.")
                    seen += 1
                    await world.until_heard(seen)
                    sending.close()
                if len(set(world.ports())) > 1 or not world.network.open:
                    break
                clock.advance(1)
            assert clock.now - began == (pooled.AGE_S if busy else pooled.IDLE_S)
            assert len(world.network._pool._slots) == busy, "of a server without sockets nothing is kept"

    on_loop(main())


def test_strays_retire_a_socket_so_that_its_port_must_be_found_again(on_loop):
    async def main():
        with front() as world:
            sending, inbox = world.send(b"1.")
            await world.until_heard(1)
            world.say(*[b"?%d" % n for n in range(shared.MAX_STRAYS)])
            await world.fence()
            other, _ = world.send(b"2.")
            await world.until_heard(2)
            assert len(set(world.ports())) == 2
            world.say(b"1.reply")
            assert await inbox.wait_for(1) == [b"1.reply"]
            sending.close()
            assert world.network.open == 1
            assert world.network.counts()["upstream.strays"] == shared.MAX_STRAYS
            other.close()

    on_loop(main())


def test_strays_that_come_while_nothing_is_outstanding_close_it(on_loop):
    async def main():
        with front() as world:
            sending, _ = world.send(b"1.")
            await world.until_heard(1)
            sending.close()
            world.say(*[b"?%d" % n for n in range(shared.MAX_STRAYS)])
            for _ in range(shared.MAX_STRAYS):
                await world.fence()
            assert world.network.open == 0

    on_loop(main())


def test_a_refusal_is_trouble_for_all_that_are_outstanding_and_the_next_begins_anew(on_loop):
    async def main():
        world, inbox = network(entropy=OneSlot()), Inbox()
        with udp_server(echo) as at:
            world.send(at, b"0.", Transport.UDP, inbox, reuse=Reuse.LASTING)
            await inbox.wait_for(1)
        gone = Inbox()
        sendings = [world.send(at, b"%d." % n, Transport.UDP, gone, reuse=Reuse.LASTING) for n in range(1, 4)]
        closed = Inbox()
        world.send(at, b"4.", Transport.UDP, closed, reuse=Reuse.LASTING).close()
        # The refusal of the first is met by the second, which leaves by a socket of its own, and so does the third.
        assert await gone.wait_for(3) == [Trouble.REFUSED] * 3
        assert closed.got == []
        assert world.counts()["upstream.retired"] >= 1, "at once, so that no other message shares its fate"
        assert inbox.got == [b"0.", Trouble.REFUSED]
        for sending in sendings:
            sending.close()
        assert world.open == 0

    on_loop(main())


def test_a_receiver_may_close_others_when_it_hears_of_a_refusal(on_loop):
    async def main():
        world, got = network(entropy=OneSlot()), []
        done = asyncio.Event()

        def deliver(what):
            got.append(what)
            for sending in sendings:
                sending.close()
            done.set()

        with udp_server(silent) as at:
            sendings = [world.send(at, b"%d." % n, Transport.UDP, deliver, reuse=Reuse.LASTING) for n in range(3)]
        last = Inbox()
        world.send(at, b"9.", Transport.UDP, last, reuse=Reuse.LASTING)
        await done.wait()
        await last.wait_for(1)
        assert got == [Trouble.REFUSED]
        assert last.got == [Trouble.REFUSED]

    on_loop(main())


def test_a_receiver_may_close_all_and_the_network_in_the_middle_of_a_batch(on_loop):
    async def main():
        with front() as world:
            inbox, sendings = Inbox(), []

            def deliver(what):
                inbox(what)
                for sending in sendings:
                    sending.close()
                world.network.close()

            sendings += [world.send(b"%d." % n, deliver)[0] for n in range(3)]
            await world.until_heard(3)
            world.say(b"0.", b"1.", b"2.", b"0.")
            await inbox.wait_for(1)
            await world.fence()
            assert inbox.got == [b"0."]
            assert world.network.open == 0

    on_loop(main())
