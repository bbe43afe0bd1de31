"""Decides how the daemon under test is started, known to answer, and ended.

Rules: the command is split into words as a shell would, and no shell runs it. It must stay in the foreground. Its
configuration, its log and whatever else it writes are in a folder of its own, which goes with it. It answers once it
has replied anything at all to a question of the class CH, which no resolver asks others for. At the end it is told to
(SIGTERM), and after `ENDS_S` its process group is killed; it is killed, too, when this process dies.

Limits: nothing tells when a daemon listens, so it is asked again every `PROBE_S` until it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from resolver.errors import ConfigError
from resolver.message import RD, Class, Message, Question, Transport, Type
from resolver.network.base import Endpoint
from resolver.testing.blackbox.clients import Clients
from resolver.wire import names
from resolver.wire.render import render

STARTS_S: Final = 15.0
"""Seconds in which a daemon answers, or is said not to."""

ENDS_S: Final = 2.0
"""Seconds that a daemon has to end before it is killed."""

PROBE_S: Final = 0.05
"""Seconds between two probes."""

LOG_LINES: Final = 15
"""Lines at the end of a daemon's log that are shown."""

PLACEHOLDERS: Final = ("config", "address", "port", "date", "directory")

_DIES_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of <linux/prctl.h>."""


class NotStarted(Exception):
    """The daemon ended, or did not answer: the first argument says so, the others are the end of its log."""


def words(command: str, values: Mapping[str, object]) -> list[str]:
    """The words of `command`, with `values` for its placeholders. Raises `ConfigError`."""
    try:
        split = shlex.split(command)
    except ValueError as wrong:
        raise ConfigError(f"{wrong}", where="--start", instead="close the quotes") from None
    if not split:
        raise ConfigError("the command is empty", where="--start", instead='write one: "unbound -d -c {config}"')
    for unknown in set(re.findall(r"\{(\w+)\}", command)) - set(PLACEHOLDERS):
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        raise ConfigError(f"nothing stands for {{{unknown}}}", where="--start", instead=f"use one of: {known}")
    return [re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), word) for word in split]


class Daemon:
    """The process of a daemon that answers at `where`, started in `directory`."""

    def __init__(self, command: list[str], where: Endpoint, directory: Path) -> None:
        """Raises `NotStarted` where there is no such program."""
        self._where = where
        self._log = directory / "daemon.log"
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 — what a person wrote on the command line
                    command,
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=dies_with_parent,
                )
        except OSError as wrong:
            raise NotStarted(f"{command[0]} cannot be started: {wrong.strerror}") from None

    async def answers(self) -> None:
        """It has answered. Raises `NotStarted`."""
        clients = Clients(self._where)
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        end = loop.time() + STARTS_S
        question = Question(names.from_text("version.bind."), Type.TXT, Class.CH)
        try:
            ident = 0
            while not heard.is_set():
                if (ended := self.ended()) is not None:
                    raise NotStarted(f"{ended} before it answered")
                if loop.time() > end:
                    raise NotStarted(f"the daemon does not answer at {self._where} after {STARTS_S:.0f} s")
                ident += 1
                clients.ask(render(Message(ident, RD, 0, question)), None, Transport.UDP, lambda _: heard.set())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), PROBE_S)
        finally:
            clients.close()

    def ended(self) -> str | None:
        """That the process has ended, in words; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"the daemon {how}"

    def log(self) -> list[str]:
        """The last lines of what it wrote."""
        return self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]

    def stop(self) -> None:
        """It has ended, with all that it started. Calling it again does nothing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def dies_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """This process gets the signal `by` when the one that started it is gone, however that ended; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, by)
