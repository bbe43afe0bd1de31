"""Decides how the supervisor knows one worker: what was asked of it, what it has said, when it has ended.

Rules: each question has a number and at most so many seconds; an answer that comes later is nobody's. A worker that
ends leaves no question open. It has ended when its process has and all that it said before has been heard.

Limits: as many questions at a time as the control socket has connections, and a reload.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from resolver.config import Config
from resolver.listeners import Bound
from resolver.network.base import Clock, Endpoint
from resolver.network.channel import Channel, Socket
from resolver.workers import messages
from resolver.workers.messages import End, Question, Settings

Answer = tuple[int, Any]
"""A status of HTTP, and the value that goes with it."""


@dataclass(slots=True)
class Life:
    """What is known of a worker's process."""

    pid: int
    began: float
    ready: bool = False
    simulated: list[tuple[str, Endpoint]] = field(default_factory=list)
    failed: tuple[str, bool] | None = None
    """Why it could not start, and whether what a person wrote is wrong."""
    unanswered: int = 0
    """Questions in a row whether it is well that it has not answered."""
    leaving: bool = False
    """It was told to end."""
    status: int | None = None
    """What its process ended with, once that has been told."""


class Link:
    """The supervisor's end. `changed` is called when the worker is ready, and when it has ended."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        index: int,
        pid: int,
        end: Socket,
        clock: Clock,
        changed: Callable[[Link], None],
    ) -> None:
        self.index: Final = index
        self.life: Final = Life(pid, clock.monotonic())
        self._clock, self._changed, self._loop = clock, changed, loop
        self._asked: dict[int, asyncio.Future[Answer | None]] = {}
        self._numbers = itertools.count(1)
        self._open = True
        self._channel = Channel(loop, end, lambda frame, _: self._hear(frame), self._gone)

    @property
    def ended(self) -> bool:
        """Whether the worker is gone, and all that it said was heard."""
        return self.life.status is not None and not self._open

    def ask(self, method: str, target: str, body: bytes, seconds: float) -> asyncio.Future[Answer | None]:
        """What the worker answers; None if it does not within `seconds`."""
        number, future = self._question(seconds)
        self._channel.send(messages.written(Question(number, method, target, body)))
        return future

    def settle(self, config: Config, opened: Sequence[Bound], seconds: float) -> asyncio.Future[Answer | None]:
        """Whether `config` is in force in the worker, which has the sockets that were `opened` for it as well."""
        number, future = self._question(seconds)
        order = Settings(number, config, tuple((each.asked, each.endpoint, each.kind) for each in opened))
        self._channel.send(messages.written(order), [one for each in opened for one in each.sockets])
        return future

    def end(self, now: bool, *, relieved: bool = False) -> None:
        """The worker is told to end: to drain, or at once; `relieved` where others go on in its place."""
        self.life.leaving = True
        self._channel.send(messages.written(End(now, relieved)))

    def died(self, status: int) -> None:
        """Its process has ended with `status`, which is negative for a signal."""
        self.life.status = status
        if self.ended:
            self._changed(self)

    def _question(self, seconds: float) -> tuple[int, asyncio.Future[Answer | None]]:
        number = next(self._numbers)
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        self._asked[number] = future
        timer = self._clock.after(seconds, lambda: self._answer(number, None))
        future.add_done_callback(lambda _: timer.cancel())
        if not self._open:
            self._answer(number, None)
        return number, future

    def _answer(self, number: object, answer: Answer | None) -> None:
        future = self._asked.pop(number, None) if isinstance(number, int) else None
        if future is not None and not future.done():
            future.set_result(answer)

    def _hear(self, frame: bytes) -> None:
        said = messages.heard(frame)
        match said["kind"]:
            case "answer":
                status = said.get("status")
                self._answer(said.get("number"), (status if isinstance(status, int) else 500, said.get("value")))
            case "failed":
                self.life.failed = str(said.get("problem")), bool(said.get("input"))
            case "ready":
                self.life.ready = True
                self.life.unanswered = 0  # its loop did not run while it read its zones
                self.life.simulated = messages.places(said)
                self._changed(self)

    def _gone(self) -> None:
        self._open = False
        self.life.ready = False
        for number in tuple(self._asked):
            self._answer(number, None)
        if self.ended:
            self._changed(self)
