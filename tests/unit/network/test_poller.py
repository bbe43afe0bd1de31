from __future__ import annotations

import asyncio
import os
import select
import socket

import pytest

from resolver.network import poller
from resolver.network.poller import READ, WRITE, LoopPoller, new_poller

pytestmark = pytest.mark.sockets


@pytest.fixture(params=["epoll", "loop"])
def make(request):
    """A poller of each kind on a loop."""
    if request.param == "loop":
        return LoopPoller
    if not hasattr(select, "epoll"):
        pytest.skip("no epoll here")
    return new_poller


class Owner:
    """Has one end of a pair; what happens at it is told to `told`."""

    def __init__(self, watching, told=lambda owner, events: None, events=READ):
        self.sock, self.peer = socket.socketpair()
        self.sock.setblocking(False)
        self.number = self.sock.fileno()
        self.watching, self.told = watching, told
        self.seen = asyncio.Event()
        self.events = []
        watching.add(self.number, self, events)

    def ready(self, events):
        self.events.append(events)
        self.told(self, events)
        self.seen.set()

    async def next(self):
        self.seen.clear()
        await self.seen.wait()
        return self.events[-1]

    def close(self):
        if self.sock.fileno() >= 0:
            self.watching.remove(self.number)
            self.sock.close()
        self.peer.close()


def read(owner, events):
    owner.sock.recv(100)


def test_who_is_watched_is_told_each_time_until_removed(on_loop, make):
    async def main():
        watching = make(asyncio.get_running_loop())
        one, two = Owner(watching, read), Owner(watching, read)
        for _ in range(3):
            one.peer.send(b"x")
            assert await one.next() & READ
        assert two.events == []
        one.close()
        assert list(watching.watched) == [two.number]
        two.peer.send(b"x")
        await two.next()
        two.close()
        watching.close()

    on_loop(main())


def test_what_is_not_read_is_told_again(on_loop, make):
    async def main():
        watching = make(asyncio.get_running_loop())
        owner = Owner(watching)
        owner.peer.send(b"x")
        await owner.next()
        await owner.next()
        owner.close()
        watching.close()

    on_loop(main())


def test_writing_is_watched_when_it_is_asked_for(on_loop, make):
    async def main():
        watching = make(asyncio.get_running_loop())
        owner = Owner(watching, events=READ | WRITE)
        assert await owner.next() & WRITE
        watching.change(owner.number, READ)
        owner.peer.send(b"x")
        while await owner.next() & WRITE:  # one may have been under way
            pass
        watching.change(owner.number, WRITE)
        assert await owner.next() == WRITE
        owner.close()
        watching.close()

    on_loop(main())


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="no epoll here")
def test_an_event_is_for_who_had_the_number_when_the_loop_woke_up(on_loop):
    """The first of two that are ready closes the other, and its number is given to a third who has nothing."""

    async def main():
        watching = new_poller(asyncio.get_running_loop())
        third, closed = [], []

        def told(owner, events):
            if third:
                return
            other = two if owner is one else one
            closed.append(other)
            other.close()
            third.append(Owner(watching))
            spare = os.dup(third[0].number)
            os.close(spare)
            owner.close()

        one, two = Owner(watching, told), Owner(watching, told)
        taken = {one.number, two.number}
        one.peer.send(b"x")
        two.peer.send(b"x")
        await closed_by(one, two)
        assert third[0].number in taken
        assert third[0].events == [], "the event was of the one before"
        third[0].peer.send(b"x")
        assert await third[0].next() & READ
        third[0].close()
        watching.close()

    async def closed_by(*owners):
        waiting = [asyncio.ensure_future(owner.seen.wait()) for owner in owners]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    on_loop(main())


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="no epoll here")
def test_a_wake_up_handles_so_many_and_the_rest_in_its_turn(on_loop, monkeypatch):
    monkeypatch.setattr(poller, "BATCH", 2)

    async def main():
        watching, turns = new_poller(asyncio.get_running_loop()), []
        owners = [Owner(watching, read) for _ in range(5)]
        wake = watching._wake

        for owner in owners:
            owner.peer.send(b"x")
        for _ in range(3):
            wake()
            turns.append(sum(len(owner.events) for owner in owners))
        assert turns == [2, 4, 5]
        for owner in owners:
            owner.close()
        watching.close()
        wake()

    on_loop(main())


def test_after_its_end_it_can_be_used_again_and_leaves_no_file_open(on_loop, make):
    async def main():
        watching = make(asyncio.get_running_loop())
        watching.close()
        for _ in range(2):
            owner = Owner(watching, read)
            owner.peer.send(b"x")
            await owner.next()
            owner.close()
            watching.close()
            watching.close()

    on_loop(main())


def test_without_epoll_the_loop_watches(monkeypatch):
    monkeypatch.delattr(select, "epoll", raising=False)
    assert isinstance(new_poller(None), LoopPoller)
