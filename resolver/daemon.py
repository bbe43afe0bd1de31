"""Decides how the program lives as a daemon: started, told to reload, told to end.

Rules: before anything is made, the process may have as many files and sockets open as the system lets it. SIGHUP
reads the configuration again; a wrong one is logged in one line and the old one stays in force. SIGTERM and SIGINT
drain: nothing new is taken and what is in progress may finish, for `server.drain_s`; a second one ends at once. A
control socket that cannot be made is a warning, not a failure: answers matter more. What the control socket or the
admin listener are asked to change takes its turn with reloads. With `server.test_clock` the loop's time can be moved.
This is one process; several that answer together are workers/supervisor.py.

Limits: where the loop knows no signals (Windows), only an interrupt from the keyboard ends the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO, cast

from resolver import compiled
from resolver.announcing import announce
from resolver.banner import banner
from resolver.certificates import Shown
from resolver.config import Config, Loaded
from resolver.control.challenges import Challenges
from resolver.control.paths import socket_path
from resolver.control.routes import routes
from resolver.control.server import AdminPlace, ControlPlace
from resolver.control.table import Controlled, Inside
from resolver.control.turns import Turns
from resolver.errors import ResolverdError
from resolver.laboratory import Laboratory, MovableClock
from resolver.network import descriptors
from resolver.network.base import Clock, Endpoint
from resolver.network.clock import RealClock
from resolver.observe.log import Log, place_of
from resolver.workers.count import wanted

if TYPE_CHECKING:
    from resolver.program import Program as LivingProgram


class Program(Controlled, Protocol):
    """What `app.build` gives."""

    @property
    def listening(self) -> Sequence[Endpoint]:
        """Where clients are answered over UDP and TCP, with the ports that were really taken."""
        ...

    @property
    def simulated(self) -> Sequence[tuple[str, Endpoint]]:
        """The simulated servers that have their own address: (name, where); the first is a root server."""
        ...

    @property
    def encrypted(self) -> Sequence[Endpoint]:
        """Where clients are answered over TLS, with the ports that were really taken."""
        ...

    @property
    def https(self) -> Sequence[Endpoint]:
        """Where clients are answered over HTTPS, with the ports that were really taken."""
        ...

    @property
    def shown(self) -> Shown | None:
        """The certificate that clients of TLS are shown."""
        ...

    async def start(self) -> None:
        """Everything listens. Raises `ListenError`."""
        ...

    async def reload(self, config: Config) -> None:
        """`config` is in force and the cache is kept; or an error is raised and nothing has changed."""
        ...

    async def stop(self, drain_s: float | None = None, *, relieved: bool = False) -> None:
        """Queries in progress are answered or given up after `drain_s` (`server.drain_s`); nothing listens any more.

        `relieved`: others listen on the same ports and go on (`Listeners.keep_only`).
        """
        ...


GC_THRESHOLDS: Final = (5000, 0, 200)
"""How often objects are searched for cycles: the youngest when there are five thousand more than after the last search,
the middle ones every second time, all of them after two million, as there are few cycles.

A miss makes some forty objects that the collector knows, and frees them all: in 8,000 misses no search found anything.
So what counts is that the first number is above what a hundred misses in progress hold (4,300): searches at a thousand
took 20 us of each miss of 200 us, at three thousand 16, at five thousand 0.2. The longest search of the young took
1.2 ms then, of 8,000 misses that came with a hundred in progress, and 2.5 ms at (1000, 5). None of them depends on what
the cache holds: with a million names of which records are held, 2 objects are searched when all are."""

Build = Callable[..., Program]
"""`app.build`: a program of a configuration, with its `clock` where that can be moved."""

Settings = Callable[[], Loaded]


def run(settings: Settings, build: Build, out: TextIO | None = None, loaded: Loaded | None = None) -> int:
    """The daemon has run until it was told to end; its exit code. `settings` reads the configuration, unless it was
    `loaded` for the start."""
    daemon = Daemon(settings, build, sys.stdout if out is None else out, loaded or settings())
    with asyncio.Runner(loop_factory=loop_factory(daemon.config.server.test_clock)) as runner:
        try:
            runner.run(daemon.live())
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM  # told twice
    return 0


def loop_factory(test_clock: bool = False) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop: one whose time can be moved for a `test_clock`, else uvloop where there is one."""
    if test_clock:
        from resolver.testing.virtual_time import MovableLoop

        return partial(MovableLoop, real=True)
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def movable(loop: asyncio.AbstractEventLoop, config: Config) -> MovedClock | None:
    """The clock that can be moved, beginning now, where `config` wants one."""
    if not config.server.test_clock:
        return None
    from resolver.testing.virtual_time import VirtualClock

    return VirtualClock(loop, wall=RealClock(loop).wall())


def with_clock(loaded: Loaded, test_clock: bool, log: Log) -> Loaded:
    """`loaded` with that `server.test_clock`, with which the daemon was started: a reload does not change it."""
    config = loaded.config
    if config.server.test_clock == test_clock:
        return loaded
    log.warning("test_clock_not_switched", instead="a restart is needed to switch it on or off")
    server = config.server.model_copy(update={"test_clock": test_clock})
    return replace(loaded, config=config.model_copy(update={"server": server}))


class MovedClock(Clock, MovableClock, Protocol):
    """A clock like any other, that can be moved."""


def log_broken(log: Log, context: dict[str, Any]) -> None:
    """What the loop alone has seen break is one line of the log, like everything else."""
    error = context.get("exception")
    log.error("internal_error", doing=context.get("message"), error=repr(error), where=place_of(error))


def log_unraisable(log: Log, seen: sys.UnraisableHookArgs) -> None:
    """What was raised where nobody can catch it is one line of the log, too; but for what the `ssl` module says of a
    client that calls us by octets that are no name (SNI), whose handshake has failed and is counted: anybody can."""
    if isinstance(seen.exc_value, UnicodeDecodeError) and isinstance(seen.object, bytes):
        return
    log.error("internal_error", doing=seen.err_msg, error=repr(seen.exc_value), where=place_of(seen.exc_value))


@contextlib.contextmanager
def unraisable_logged(log: Log) -> Iterator[None]:
    """Inside, `log_unraisable` is told of all that is raised where nobody can catch it."""
    before, sys.unraisablehook = sys.unraisablehook, partial(log_unraisable, log)
    try:
        yield
    finally:
        sys.unraisablehook = before


def warn_of_plain(log: Log) -> None:
    """Where something is compiled that cannot be used, it is told: nothing else would but the time that it takes."""
    if (problem := compiled.problem()) is not None:
        log.warning("plain_python", problem=problem, instead=compiled.INSTEAD)


def settle_memory() -> None:
    """What exists now is never garbage, and what the cache holds has no cycles: collections are short."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


class Daemon:
    """One program from its start to its end."""

    def __init__(self, settings: Settings, build: Build, out: TextIO, loaded: Loaded) -> None:
        self._settings, self._build, self._out = settings, build, out
        self._loaded = loaded
        self._wake = asyncio.Event()
        self._turns = Turns(self._wake.set)
        self._reload = self._end = self._hurry = False

    @property
    def config(self) -> Config:
        """The settings in force."""
        return self._loaded.config

    async def live(self) -> None:
        """The program has started, run and ended."""
        loop = asyncio.get_running_loop()
        test_clock = movable(loop, self.config)
        clock = test_clock or RealClock(loop)
        wanted = self._loaded.config.log
        log = Log(sys.stderr, clock.wall, wanted.level, wanted.format)
        loop.set_exception_handler(lambda _, context: log_broken(log, context))
        with unraisable_logged(log):
            await self._live(loop, test_clock, clock, log)

    async def _live(
        self, loop: asyncio.AbstractEventLoop, test_clock: MovedClock | None, clock: Clock, log: Log
    ) -> None:
        self._heed_signals(loop)
        before, limit = descriptors.raise_limit()
        program = self._build(self.config) if test_clock is None else self._build(self.config, clock=test_clock)
        laboratory = Laboratory(cast("LivingProgram", program), test_clock)
        table = routes(Inside(program, laboratory, lambda: self._loaded, Challenges()), self._turns)
        control, admin = ControlPlace(table, clock, log), AdminPlace(table, clock, log)
        prepared = admin.prepare(self.config.admin)
        try:
            await program.start()
        except BaseException:
            prepared.close()
            raise
        log.info("descriptors", limit=limit, before=before)
        warn_of_plain(log)
        settle_memory()
        try:
            await control.put(self._control_path(program))
            await admin.put(prepared)
            self._announce(program, log)
            while not self._end:
                await self._wake.wait()
                self._wake.clear()
                await self._turns.run()
                if self._reload and not self._end:
                    self._reload = False
                    await self._read_again(program, control, admin, log)
        finally:
            log.info("stopping", drain_s=self._loaded.config.server.drain_s)
            self._turns.close()
            await admin.stop()
            await control.stop()
            await (program.stop(0.0) if self._hurry else program.stop())
        log.info("stopped")

    def _heed_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        main = asyncio.current_task()

        def end() -> None:
            if self._end and main is not None:
                self._hurry = True
                main.cancel()
            self._end = True
            self._wake.set()

        def reload() -> None:
            self._reload = True
            self._wake.set()

        wanted = [("SIGTERM", end), ("SIGINT", end), ("SIGHUP", reload)]
        for name, handler in wanted:
            with contextlib.suppress(AttributeError, NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), handler)

    def _control_path(self, program: Program) -> Path | None:
        """Where the configuration in force wants the control socket, if at all."""
        config = self._loaded.config
        port = next((endpoint.port for endpoint in program.listening), None)
        return socket_path(config, os.environ, port) if config.control.enabled else None

    def _announce(self, program: Program, log: Log) -> None:
        config = self._loaded.config
        with contextlib.suppress(OSError, ValueError):  # nobody reads: the daemon runs all the same
            encrypted = program.encrypted, program.https
            self._out.write(banner(config, program.listening, program.simulated, encrypted, program.shown))
            self._out.flush()
        announce(log, config, self._loaded.file)

    async def _read_again(self, program: Program, control: ControlPlace, admin: AdminPlace, log: Log) -> None:
        try:
            loaded = with_clock(self._settings(), self.config.server.test_clock, log)
            workers = wanted(loaded.config)
            prepared = admin.prepare(loaded.config.admin)
            try:
                await program.reload(loaded.config)
            except BaseException:
                prepared.close()
                raise
        except ResolverdError as wrong:
            problem = str(wrong).replace("\n", " | ")
            log.error("reload_refused", problem=problem, kept="the old configuration")
            return
        except Exception as wrong:
            kept = "the old configuration"
            log.error("reload_refused", problem=repr(wrong), where=place_of(wrong), kept=kept)
            return
        self._loaded = loaded
        log.adjust(loaded.config.log.level, loaded.config.log.format)
        await control.put(self._control_path(program))
        await admin.put(prepared)
        if workers > 1:
            log.warning("workers_not_started", workers=workers, instead="a restart is needed to have several")
        log.info("reloaded", config=loaded.file)
