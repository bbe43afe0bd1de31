"""Decides how a daemon of several workers lives: told to start, to reload and to end as one of one process is.

Rules:
* It does nothing for clients: it holds the sockets, has workers started on them (`crew.py`), and answers on the
  control socket (`speaking.py`). So there is little in it that could break.
* It says that it has started when all workers answer. SIGHUP reads the configuration again: a wrong one, or one that
  cannot be put in force, is one line of the log, and the old one stays. The number of workers may change.
* SIGTERM and SIGINT drain all workers for `server.drain_s`; a second one ends all at once, and so does what is still
  there `GRACE_S` later. If this process is killed, each worker notices the end of its channel.
* It has the event loop of the standard library, which starts nothing that a fork would have to fear (`birth.py`).

Limits: from one process to several and back it takes a restart. What a reload has made or read anew for clients of TLS
is one of each worker: an ephemeral certificate for other names, and the keys of tickets, so that a session which is
resumed with another worker begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TextIO

from resolver import fronts
from resolver.announcing import announce
from resolver.banner import banner
from resolver.certificates import Shown
from resolver.config import Loaded
from resolver.control.paths import socket_path
from resolver.control.routes import of_process
from resolver.control.server import AdminPlace, ControlPlace
from resolver.daemon import Settings, log_broken, warn_of_plain, with_clock
from resolver.errors import ResolverdError
from resolver.network import descriptors
from resolver.network.base import Timer
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.observe.log import Log, place_of
from resolver.server.cookies import drawn
from resolver.server.flights import MOST, affordable
from resolver.workers import speaking
from resolver.workers.count import wanted
from resolver.workers.crew import Crew
from resolver.workers.repeating import Repeating
from resolver.workers.speaking import RESTARTED, WORKERS
from resolver.workers.worker import Build

OUTLIVING: Final = ("/faults", "/clock", "/set-servfail")
"""Changes that a reload leaves in force."""

GRACE_S: Final = 2.0
"""Seconds beyond `server.drain_s` after which a worker that was told to end is killed."""


def supervise(settings: Settings, loaded: Loaded, build: Build, out: TextIO | None = None) -> int:
    """The daemon has run until it was told to end; its exit code. It was `loaded`; `settings` reads it again.

    Raises `ListenError`, and what kept a worker from starting.
    """
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        supervisor = Supervisor(settings, loaded, sys.stdout if out is None else out)
        runner.run(supervisor.begin(build))
        try:
            # A worker is forked between two runs of the loop, from the bottom of the stack: see birth.py.
            while (birth := runner.run(supervisor.next_birth())) is not None:
                birth()
            return supervisor.code
        finally:
            runner.run(supervisor.close())


class Supervisor:
    """The daemon around its workers, from its start to its end."""

    def __init__(self, settings: Settings, loaded: Loaded, out: TextIO) -> None:
        self.code = 0
        """What the daemon ends with."""
        self._settings, self._loaded, self._out = settings, loaded, out
        self._wake = asyncio.Event()
        self._reload = self._told = self._announced = False
        self._changed: set[str] = set()
        """Paths of what workers were asked to change, and have changed, since the world was read."""
        self._repeating = Repeating()
        self._patience: Timer | None = None

    async def begin(self, build: Build) -> None:
        """Everything is bound and the first worker is due. Raises `ListenError`."""
        loop = asyncio.get_running_loop()
        self._clock, config = RealClock(loop), self._loaded.config
        self._log = Log(sys.stderr, self._clock.wall, config.log.level, config.log.format)
        loop.set_exception_handler(lambda _, context: log_broken(self._log, context))
        before, limit = descriptors.raise_limit()
        secret = drawn(SystemEntropy())
        self._crew = Crew(loop, self._clock, self._log, build, secret, self._wake.set)
        self._crew.greet = self._repeating.tell
        of_workers = speaking.of_all(lambda: self._crew.links, self._counts, self._note)
        table = [*of_process(lambda: self._loaded), *of_workers]
        self._control = ControlPlace(table, self._clock, self._log)
        self._admin = AdminPlace(table, self._clock, self._log)
        self._prepared = self._admin.prepare(config.admin)
        self._show(fronts.to_show(config, self._clock.wall(), self._crew.shown))
        self._crew.begin(config, wanted(config))
        self._log.info("descriptors", limit=limit, before=before)
        self._warn_of_descriptors()
        warn_of_plain(self._log)
        heeded = {"SIGTERM": self._end, "SIGINT": self._end, "SIGHUP": self._hear_reload, "SIGCHLD": self._crew.reap}
        for name, handler in heeded.items():
            loop.add_signal_handler(getattr(signal, name), handler)
        gc.collect()
        gc.freeze()  # what exists now is in the memory of all workers, once

    async def next_birth(self) -> Callable[[], None] | None:
        """What starts the next worker, when one is due; None when the daemon has ended. Raises what has ended it."""
        crew = self._crew
        while True:
            if crew.gone:
                if crew.problem is not None:
                    raise crew.problem
                return None
            if crew.due:
                index = crew.due.pop(0)
                if self._changed:
                    instead = "make them again, or reload the daemon"
                    self._log.warning("worker_without_changes", worker=index, instead=instead)
                return lambda: crew.bear(index)
            if crew.problem is not None or self._told:
                self._have_patience()
            elif crew.complete and not self._announced:
                await self._announce()
            elif self._announced and self._reload:
                self._reload = False
                await self._read_again()
                continue
            await self._wake.wait()
            self._wake.clear()

    async def close(self) -> None:
        """Nothing is left: no worker, no socket."""
        if self._patience is not None:
            self._patience.cancel()
        self._crew.end(now=True)
        self._crew.kill()
        await self._admin.stop()
        self._prepared.close()  # what was never put in force
        await self._control.stop()
        self._log.info("stopped")

    # -- told

    def _hear_reload(self) -> None:
        self._reload = True
        self._wake.set()

    def _end(self) -> None:
        if self._told:
            self.code = 128 + signal.SIGTERM
            self._clock.after(GRACE_S, self._crew.kill)
        else:
            self._log.info("stopping", drain_s=self._loaded.config.server.drain_s)
            self._have_patience()  # from now on, whatever a reload that is under way still waits for
        self._crew.end(now=self._told)
        self._told = True
        self._wake.set()

    def _have_patience(self) -> None:
        """What has not ended in due time is killed."""
        if self._patience is None:
            seconds = self._loaded.config.server.drain_s + GRACE_S
            self._patience = self._clock.after(seconds, self._crew.kill)

    # -- said

    async def _announce(self) -> None:
        self._announced = True
        await self._control.put(self._control_path())
        await self._admin.put(self._prepared)
        config, crew = self._loaded.config, self._crew
        with contextlib.suppress(OSError, ValueError):  # nobody reads: the daemon runs all the same
            self._out.write(banner(config, crew.endpoints, crew.simulated, (crew.encrypted, crew.https), crew.shown))
            self._out.flush()
        announce(self._log, config, self._loaded.file, len(self._crew.links))

    def _note(self, path: str, value: Any) -> None:
        """Workers have changed by what they were asked at `path`."""
        if not self._repeating.heard(path, value):
            self._changed.add(path)

    def _counts(self) -> dict[str, int]:
        return {WORKERS: len(self._crew.links), RESTARTED: self._crew.restarted}

    def _control_path(self) -> Path | None:
        config = self._loaded.config
        port = next((endpoint.port for endpoint in self._crew.endpoints), None)
        return socket_path(config, os.environ, port) if config.control.enabled else None

    def _warn_of_descriptors(self) -> None:
        server = self._loaded.config.server
        most = affordable(descriptors.limit(), server.tcp_max_connections)
        if server.max_in_flight is None and most < MOST:
            instead = "allow more open files (ulimit -n, LimitNOFILE=), or set server.max_in_flight"
            self._log.warning("few_descriptors", max_in_flight=most, instead=instead)

    def _show(self, shown: Shown | None) -> None:
        """Workers that are started from now on show `shown`."""
        fronts.warn_of_ephemeral(shown, self._crew.shown, self._log)
        self._crew.shown = shown

    async def _read_again(self) -> None:
        kept = "the old configuration"
        try:
            loaded = with_clock(self._settings(), self._loaded.config.server.test_clock, self._log)
            count, shown = wanted(loaded.config), fronts.to_show(loaded.config, self._clock.wall(), self._crew.shown)
            prepared = self._admin.prepare(loaded.config.admin)
            try:
                await self._crew.settle(loaded.config, count)
            except BaseException:
                prepared.close()
                raise
        except ResolverdError as wrong:
            self._log.error("reload_refused", problem=str(wrong).replace("\n", " | "), kept=kept)
            return
        except Exception as wrong:
            self._log.error("reload_refused", problem=repr(wrong), where=place_of(wrong), kept=kept)
            return
        self._loaded = loaded
        self._changed = {path for path in self._changed if path.startswith(OUTLIVING)}
        self._show(shown)
        self._log.adjust(loaded.config.log.level, loaded.config.log.format)
        await self._control.put(self._control_path())
        await self._admin.put(prepared)
        self._log.info("reloaded", config=loaded.file, workers=count)
