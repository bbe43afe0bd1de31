"""Decides who is started when, and what follows when a worker ends.

Rules:
* The first worker is started alone: it has the simulated servers' addresses, and what keeps it from starting would keep
  the others.
* A worker that ends untold is one line of the log, and is started again (`restarts.py`); when that does not help, the
  daemon ends with an error. One that cannot start in the beginning ends it at once, with the reason.
* New settings are put in force in the first worker; only when that has taken them, in the others. One that then refuses
  is replaced. So either all have them, or none.
* A worker that does not answer its supervisor for `HUNG_BEATS` beats does not answer its clients either: it is killed,
  and so replaced. One that has not begun to, or has shut its ears and does not end, has `STARTING_BEATS`.

Limits: a worker that somebody has stopped, such as a debugger, looks as if it hung.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Final

from resolver import fronts
from resolver.certificates import Shown, inherited
from resolver.config import Config
from resolver.errors import ControlError, InputError, ListenError, ResolverdError
from resolver.listeners import Kind
from resolver.network import channel, descriptors
from resolver.network.base import Clock, Endpoint, Timer
from resolver.observe.log import Log
from resolver.workers import birth, messages
from resolver.workers.division import divided
from resolver.workers.group import Group
from resolver.workers.link import Answer, Link
from resolver.workers.restarts import MOST, UNABLE_S, Restarts
from resolver.workers.worker import Build, lived

RELOAD_S: Final = 60.0
"""Seconds in which a worker has read its zones again, beyond `server.drain_s`."""

BEAT_S: Final = 10.0
"""Seconds from one question whether a worker is well to the next, and for its answer."""

HUNG_BEATS: Final = 3
"""So many questions in a row without an answer, and the worker hangs."""

STARTING_BEATS: Final = 30
"""The same for one that does not answer yet, which may have zones to read."""


class Crew:
    """The workers of a daemon. `wake` is called whenever there may be something to do."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        log: Log,
        build: Build,
        secret: bytes,
        wake: Callable[[], None],
    ) -> None:
        self._loop, self._clock, self._log, self._build = loop, clock, log, build
        self._secret, self._wake = secret, wake
        self._config = Config()
        self._count = 0
        self._group = Group()
        self._links: dict[int, Link] = {}
        self._restarts: dict[int, Restarts] = {}
        self._waiting: dict[int, Timer] = {}
        self._ending = False
        self._beat: Timer | None = None
        self.greet: Callable[[Link], None] = lambda _: None
        """Called with each worker that has begun to answer."""
        self.shown: Shown | None = None
        """What clients of TLS are shown, for workers that are started from now on."""
        self.due: list[int] = []
        """Workers that are to be started."""
        self.problem: ResolverdError | None = None
        """Why the daemon cannot go on."""
        self.complete = False
        """Whether all have answered once."""
        self.restarted = 0
        """Workers that were started again."""

    @property
    def links(self) -> list[Link]:
        """Those that answer, in their order."""
        return [link for _, link in sorted(self._links.items()) if link.life.ready]

    @property
    def gone(self) -> bool:
        """Whether there is no worker, and none will be."""
        return not self._links and (self._ending or self.problem is not None)

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where clients are answered over UDP and TCP."""
        return self._group.endpoints(Kind.PLAIN)

    @property
    def encrypted(self) -> list[Endpoint]:
        """Where they are over TLS."""
        return self._group.endpoints(Kind.TLS)

    @property
    def https(self) -> list[Endpoint]:
        """Where they are over HTTPS."""
        return self._group.endpoints(Kind.HTTPS)

    @property
    def simulated(self) -> list[tuple[str, Endpoint]]:
        """The simulated servers that have an address of their own: name and place, those of the root first."""
        link = self._links.get(0)
        return [] if link is None else link.life.simulated

    def begin(self, config: Config, count: int) -> None:
        """All sockets are bound and the first worker is due. Raises `ListenError`."""
        self._group = self._bound(config, count)
        self._config, self._count = config, count
        self._beat = self._clock.after(BEAT_S, self._ask_whether_well)
        self._want(0)

    # -- birth and death

    def bear(self, index: int) -> None:
        """The worker `index` is on its way. To be called while the loop does not run."""
        ours, theirs = channel.pair()
        config = divided(self._config, self._count, index, self._secret, descriptors.limit())
        try:
            self._group.wake(index)
            bounds = self._group.of(index)
            kept = {theirs.fileno(), *(one.fileno() for each in bounds for one in each.sockets)}
            build = partial(self._build, shown=inherited(self.shown, self._config.server))
            pid = birth.forked(lambda: lived(index, config, bounds, theirs, build), kept)
        except (OSError, ListenError) as wrong:
            ours.close()
            self._log.error("worker_not_started", worker=index, problem=str(wrong))
            self._again(index, 0.0, str(wrong), unable=True)
            return
        finally:
            theirs.close()
        self._links[index] = Link(self._loop, index, pid, ours, self._clock, self._changed)

    def reap(self) -> None:
        """Whoever has ended is known to have. This process may be the first of a container, and reaps others, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for link in tuple(self._links.values()):
                if link.life.pid == pid:
                    link.died(os.waitstatus_to_exitcode(status))

    def end(self, *, now: bool) -> None:
        """Nobody new is taken, and each worker ends: when it has drained, or `now`."""
        self._ending = True
        self.due.clear()
        self._group.close_but(Group())
        self._group = Group()
        for timer in (*self._waiting.values(), *([self._beat] if self._beat else [])):
            timer.cancel()
        for link in self._links.values():
            link.end(now)

    def kill(self) -> None:
        """Whoever is still there ends."""
        for link in self._links.values():
            _kill(link)

    def _want(self, index: int) -> None:
        self._waiting.pop(index, None)
        if index < self._count and index not in self._links and index not in self.due and not self._ending:
            self.due.append(index)
            self._wake()

    def _changed(self, link: Link) -> None:
        self._wake()
        if not link.ended:
            self.greet(link)
            if self.complete:
                self._log.info("worker_started", worker=link.index, pid=link.life.pid)
            elif link.index == 0:
                for index in range(1, self._count):
                    self._want(index)
            self.complete = self.complete or len(self.links) == self._count
            return
        del self._links[link.index]
        life, ended = link.life, _said(link.life.status)
        if self._ending:
            return
        if life.leaving:
            self._log.info("worker_ended", worker=link.index, pid=life.pid)
            self._want(link.index)  # which a reload may have asked for in the meantime
            return
        problem, is_input = life.failed or (None, False)
        if life.status == 0:  # by a signal, perhaps one that a terminal or a service manager is just sending to all
            self._log.info("worker_ended", worker=link.index, pid=life.pid)
        else:
            self._log.error("worker_died", worker=link.index, pid=life.pid, status=ended, problem=problem)
        if problem is not None and not self.complete:
            self._fail(InputError(problem) if is_input else ListenError(problem))
            return
        unable = problem is not None
        self._again(link.index, self._clock.monotonic() - life.began, problem or ended, unable=unable)

    def _again(self, index: int, lived_s: float, why: str, *, unable: bool) -> None:
        """The worker `index`, which has ended or was `unable` to start, is started in due time, or the daemon ends."""
        wait = self._restarts.setdefault(index, Restarts()).died(lived_s)
        if wait is None and unable and self.complete and self.links:
            wait = UNABLE_S
        if wait is None:
            self._fail(ResolverdError(f"worker {index} has ended {MOST} times in a row, the last time by {why}"))
            return
        self.restarted += 1
        if not wait:
            self._want(index)
            return
        self._group.rest(index)
        self._waiting[index] = self._clock.after(wait, lambda: self._want(index))

    def _fail(self, problem: ResolverdError) -> None:
        if self.problem is None:
            self.problem = problem
            self.end(now=False)
            self._wake()

    def _ask_whether_well(self) -> None:
        self._beat = self._clock.after(BEAT_S, self._ask_whether_well)
        for link in tuple(self._links.values()):
            most = HUNG_BEATS if link.life.ready else STARTING_BEATS
            if link.life.unanswered >= most:
                self._log.error("worker_hung", worker=link.index, pid=link.life.pid, seconds=BEAT_S * most)
                _kill(link)
            else:
                link.life.unanswered += 1
                link.ask("GET", "/health", b"", BEAT_S).add_done_callback(partial(_well, link))

    # -- settings

    async def settle(self, config: Config, count: int) -> None:
        """`config` is in force in `count` workers; or an error is raised and nothing has changed.

        Raises `ListenError`, and `ControlError` with why a worker refuses it.
        """
        group = self._bound(config, count)
        try:
            await self._first_takes(group, config, count)
            if self._ending:
                raise ControlError("the daemon is ending")
        except BaseException:
            group.close_but(self._group)
            raise
        group.forget_closed()
        before, self._group, self._config, self._count = self._group, group, config, count
        rest = [link for index, link in sorted(self._links.items()) if 0 < index < count]
        asked = [self._put(link, before) for link in rest]
        for link, future in zip(rest, asked, strict=True):
            answer = await future
            if not _taken(answer) and not link.ended:
                self._log.error("worker_replaced", worker=link.index, problem=_why(answer))
                _kill(link)
        for index, link in self._links.items():
            if index >= count:
                link.end(now=False, relieved=True)
        before.close_but(group)
        for index in range(count):
            if index not in self._waiting:
                self._want(index)

    def _bound(self, config: Config, count: int) -> Group:
        """The sockets of the workers that have some; to whom there is no worker yet the kernel must send nobody."""
        buffer = config.server.receive_buffer_kb * 1024
        workers = [index for index in range(count) if index == 0 or self._group.of(index)]
        return self._group.changed(fronts.wanted(config), workers, buffer, self._log)

    async def _first_takes(self, group: Group, config: Config, count: int) -> None:
        link = self._links.get(0)
        if link is None or link.life.leaving:
            raise ControlError("the first worker is just being started again; tell it once more")
        answer = await link.settle(
            divided(config, count, 0, self._secret, descriptors.limit()),
            group.without(self._group, 0),
            config.server.drain_s + RELOAD_S,
        )
        if not _taken(answer):
            raise ControlError(_why(answer))
        assert answer is not None
        link.life.simulated = messages.places(answer[1])

    def _put(self, link: Link, before: Group) -> asyncio.Future[Answer | None]:
        config = divided(self._config, self._count, link.index, self._secret, descriptors.limit())
        opened = self._group.without(before, link.index)
        return link.settle(config, opened, config.server.drain_s + RELOAD_S)


def _well(link: Link, future: asyncio.Future[Answer | None]) -> None:
    if not future.cancelled() and future.result() is not None:
        link.life.unanswered = 0


def _taken(answer: Answer | None) -> bool:
    return answer is not None and answer[0] == 200


def _why(answer: Answer | None) -> str:
    return "it did not answer" if answer is None else str(answer[1].get("error"))


def _said(status: int | None) -> str:
    """How a process has ended, in words."""
    if status is None or status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _kill(link: Link) -> None:
    if link.life.status is None:  # else its number may be another process's by now
        with contextlib.suppress(ProcessLookupError):
            os.kill(link.life.pid, signal.SIGKILL)
