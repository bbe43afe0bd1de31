"""Workers that are no processes: each speaks, and ends, as the test says, in virtual time."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from resolver.config import Config
from resolver.network import channel
from resolver.network.channel import Channel, Socket
from resolver.observe.log import Log
from resolver.testing.virtual_time import VirtualClock
from resolver.workers import crew as module
from resolver.workers import messages
from resolver.workers.crew import Crew
from resolver.workers.messages import End, Order, Question, Settings


class Actor:
    """A worker that does as it is told, unless the test has it do something else."""

    def __init__(self, pid: int, end: Socket) -> None:
        self.pid = pid
        self.orders: list[Order] = []
        self.sockets: list[Socket] = []
        self.answer: Any = {"flushed": 1}
        self.status: int | None = 200
        """None leaves questions without an answer."""
        self.well = True
        """Whether it answers when it is asked just that."""
        self.channel = Channel(asyncio.get_running_loop(), end, self._hear, lambda: None)

    def say(self, kind: str, **fields: object) -> None:
        self.channel.send(messages.said(kind, **fields))

    def ready(self) -> None:
        self.say("ready", simulated=[["a.root.", ["127.53.0.1", 5300]]])

    def _hear(self, frame: bytes, sockets: list[Socket]) -> None:
        order = messages.ordered(frame)
        self.sockets += sockets
        if isinstance(order, Question) and order.target == "/health":
            if self.well:
                self.say("answer", number=order.number, status=200, value={})
            return
        self.orders.append(order)
        if isinstance(order, End) or self.status is None:
            return
        assert isinstance(order, Question | Settings)
        value = {"simulated": []} if isinstance(order, Settings) and self.status == 200 else self.answer
        self.say("answer", number=order.number, status=self.status, value=value)

    @property
    def settled(self) -> list[Config]:
        """The settings that it was given."""
        return [order.config for order in self.orders if isinstance(order, Settings)]


class Stage:
    """A crew whose processes are actors."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = VirtualClock(self.loop)
        self.text = io.StringIO()
        self.actors: dict[int, Actor] = {}
        self.killed: list[int] = []
        self.unforkable = 0
        self._pid = 100
        self._dead: list[tuple[int, int]] = []
        self._pairs: list[Socket] = []
        patch.setattr(channel, "pair", self._pair)
        patch.setattr(module.birth, "forked", self._forked)
        patch.setattr(os, "waitpid", self._waitpid)
        patch.setattr(os, "kill", self._kill)
        log = Log(self.text, self.clock.wall)
        self.crew = Crew(self.loop, self.clock, log, lambda: None, bytes(16), lambda: None)  # type: ignore[arg-type,return-value]

    def _pair(self) -> tuple[Socket, Socket]:
        ours, theirs = REAL_PAIR()
        self._pairs.append(theirs.dup())
        return ours, theirs

    def _forked(self, live: object, kept: object) -> int:
        end = self._pairs.pop()
        if self.unforkable:
            self.unforkable -= 1
            end.close()
            raise OSError(errno.EAGAIN, "no more processes")
        self._pid += 1
        end.setblocking(False)
        self.actors[self._pid] = Actor(self._pid, end)
        return self._pid

    def _waitpid(self, _: int, __: int) -> tuple[int, int]:
        return self._dead.pop(0) if self._dead else (0, 0)

    def _kill(self, pid: int, number: int) -> None:
        self.killed.append(pid)
        self.dies(self.actors[pid], number)

    def dies(self, actor: Actor, status: int = signal.SIGSEGV) -> None:
        """Its process has ended, with a raw `status` of waitpid: a signal's number, or an exit code times 256."""
        actor.channel.close()
        self._dead.append((actor.pid, status))
        self.loop.call_soon(self.crew.reap)

    def born(self) -> list[Actor]:
        """Those that were due, started."""
        before = set(self.actors)
        while self.crew.due:
            self.crew.bear(self.crew.due.pop(0))
        return [actor for pid, actor in self.actors.items() if pid not in before]

    async def turn(self) -> None:
        """What was said has been heard."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def complete(self, config: Config, count: int) -> list[Actor]:
        """`count` workers that answer."""
        self.crew.begin(config, count)
        actors: list[Actor] = []
        while born := self.born():
            for each in born:
                each.ready()
            actors += born
            await self.turn()
        assert self.crew.complete
        return actors

    def log(self) -> Sequence[str]:
        """What was logged, without the time."""
        return [line.partition(" ")[2] for line in self.text.getvalue().splitlines()]

    async def close(self) -> None:
        """Nothing is left open."""
        self.crew.end(now=True)
        for actor in self.actors.values():
            self.dies(actor)
            for each in actor.sockets:
                each.close()
        await self.turn()


REAL_PAIR = channel.pair
