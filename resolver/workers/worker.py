"""Decides how a worker lives: a program on the sockets that it was given, told what to do by its supervisor alone.

Rules: it says once that it answers, or why it cannot. It drains when the supervisor, or a SIGTERM, tells it to; where
others go on in its place it answers over UDP meanwhile, as its part of the clients is theirs only once it is gone. It
ends at once when told so, and when the supervisor is gone, however that came to its end: nobody would start it again,
and it would keep the ports from the next daemon. What it is asked is answered from the same table of routes as in a
daemon of one process. A reload that is refused leaves all as it was.

Limits: orders are taken one at a time; a question is answered while a reload waits for zones to be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from resolver.config import Config, Loaded
from resolver.control.challenges import Challenges
from resolver.control.routes import routes
from resolver.control.table import Inside, Table
from resolver.control.turns import Turns
from resolver.daemon import MovedClock, Program, log_broken, loop_factory, movable, settle_memory, unraisable_logged
from resolver.errors import InputError, ResolverdError
from resolver.laboratory import Laboratory
from resolver.listeners import Bound, Kind
from resolver.network.base import Endpoint
from resolver.network.channel import Channel, Socket
from resolver.network.clock import RealClock
from resolver.observe.log import Log, place_of
from resolver.workers import messages
from resolver.workers.messages import End, Question, Settings

if TYPE_CHECKING:
    from resolver.program import Program as LivingProgram

Build = Callable[..., Program]
"""`app.build`: a program of a configuration, with its `log` and what gives it sockets, `bind`."""


def lived(index: int, config: Config, bounds: Sequence[Bound], end: Socket, build: Build) -> int:
    """The worker `index` has run until it was told to end; its exit status, 1 if it could not start."""
    with asyncio.Runner(loop_factory=loop_factory(config.server.test_clock)) as runner:
        worker = Worker(index, config, bounds, build)
        try:
            return runner.run(worker.live(end))
        except asyncio.CancelledError:
            return 0  # told to end at once


class Worker:
    """One program from its start to its end, in a process of its own."""

    def __init__(self, index: int, config: Config, bounds: Sequence[Bound], build: Build) -> None:
        self._index, self._config, self._build = index, config, build
        self._handed = {(each.asked, each.kind): each for each in bounds}
        self._settings: list[tuple[Settings, list[Socket]]] = []
        self._wake = asyncio.Event()
        self._turns = Turns(self._wake.set)
        self._ended = self._hurry = self._relieved = False
        self._main: asyncio.Task[Any] | None = None
        self._table: Table | None = None

    async def live(self, end: Socket) -> int:
        """The program has started, run and ended; the exit status. Raises `CancelledError` when told to end at once."""
        loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        test_clock, wanted = movable(loop, self._config), self._config.log
        clock = test_clock or RealClock(loop)
        log = Log(sys.stderr, clock.wall, wanted.level, wanted.format).bind(worker=self._index)
        loop.set_exception_handler(lambda _, context: log_broken(log, context))
        with unraisable_logged(log):
            return await self._live(loop, test_clock, log, end)

    async def _live(self, loop: asyncio.AbstractEventLoop, test_clock: MovedClock | None, log: Log, end: Socket) -> int:
        channel = Channel(loop, end, self._hear, lambda: self._end(True))
        self._channel = channel
        loop.add_signal_handler(signal.SIGTERM, lambda: self._end(False))
        try:
            given = {} if test_clock is None else {"clock": test_clock}
            program = self._build(self._config, log=log, bind=self._take, keeps=self._index == 0, **given)
            await program.start()
        except ResolverdError as wrong:
            channel.send(messages.said("failed", problem=str(wrong), input=isinstance(wrong, InputError)))
            return 1
        settle_memory()
        laboratory = Laboratory(cast("LivingProgram", program), test_clock)
        inside = Inside(program, laboratory, lambda: Loaded(self._config, {}, None), Challenges(), self._index)
        self._table = Table(routes(inside, self._turns), log)
        try:
            channel.send(messages.said("ready", simulated=program.simulated))
            while not self._ended:
                await self._wake.wait()
                self._wake.clear()
                await self._turns.run()
                while self._settings and not self._ended:
                    await self._settle(program, *self._settings.pop(0), log)
        finally:
            self._turns.close()
            await (program.stop(0.0) if self._hurry else program.stop(relieved=self._relieved))
            channel.close()
        return 0

    def _take(self, wanted: Iterable[Endpoint], buffer: int, kind: Kind) -> list[Bound]:
        """The sockets that were handed over for `wanted`; where there are none, the supervisor has left them out."""
        places = [(each, kind) for each in wanted]
        return [self._handed.pop(place) for place in places if place in self._handed]

    def _end(self, now: bool) -> None:
        self._ended = True
        self._wake.set()
        if now and not self._hurry:
            self._hurry = True
            if self._main is not None:
                self._main.cancel()

    def _hear(self, frame: bytes, sockets: list[Socket]) -> None:
        order = messages.ordered(frame)
        match order:
            case Question():
                self._answer(order)
            case Settings():
                self._settings.append((order, sockets))
                self._wake.set()
            case End():
                self._relieved = order.relieved
                self._end(order.now)

    def _answer(self, asked: Question) -> None:
        if self._table is None:
            self._say(asked.number, 503, {"error": "the worker has not started yet"})
            return
        answer = lambda status, _, value: self._say(asked.number, status, value)  # noqa: E731
        self._table.answer(asked.method, asked.target, asked.body, answer)

    def _say(self, number: int, status: int, value: object) -> None:
        self._channel.send(messages.said("answer", number=number, status=status, value=value))

    async def _settle(self, program: Program, order: Settings, sockets: list[Socket], log: Log) -> None:
        there = iter(sockets)
        for asked, endpoint, kind in order.opened:
            udp = next(there) if kind is Kind.PLAIN else None
            self._handed[asked, kind] = Bound(asked, endpoint, udp, next(there), kind)
        try:
            await program.reload(order.config)
        except ResolverdError as wrong:
            self._say(order.number, 400, {"error": str(wrong)})
        except Exception as wrong:
            log.error("internal_error", doing="reload", error=repr(wrong), where=place_of(wrong))
            self._say(order.number, 500, {"error": f"{wrong!r} at {place_of(wrong)}"})
        else:
            self._config = order.config
            self._say(order.number, 200, {"simulated": program.simulated})
        finally:
            for left in self._handed.values():
                with contextlib.suppress(OSError):
                    left.close()
            self._handed.clear()
