"""Decides what a player asks of whatever plays the part of the resolver, and how our own program plays it.

Rules: a `Subject` has the scripted network that it sends to, a clock, and an event that is set whenever anything
happened. `Inside` is the program that `app.build` makes, in this process and in virtual time. A resolver that is a
process of its own, in real time, is `blackbox.subject.Outside`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from resolver.app import build
from resolver.arranged import Arranged
from resolver.config import Config
from resolver.errors import ResolverdError
from resolver.message import Client, Message, Transport
from resolver.network.base import Clock
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.observe.transcript import Node, Transcript
from resolver.program import Program
from resolver.testing.replay.comparing import Difference
from resolver.testing.replay.network import ScriptedNetwork
from resolver.testing.replay.script import Entry, Scenario, Step
from resolver.testing.replay.settings import Arrangement
from resolver.testing.virtual_time import VirtualClock
from resolver.wire.render import render

PATIENCE_S: Final = 60.0
"""Virtual seconds that a step waits for what must come: longer than any client does."""

PAUSE_S: Final = 0.0001
"""Virtual seconds in which all that is due now has happened: the loop's clock moves only when nothing can run."""

CLIENT: Final = "127.0.0.1"
"""Who asks, where a script does not say."""

Answered = Callable[[bytes | None], None]


class Failed(Exception):
    """The resolver did something else than the step in line `line` wants; `lines` show it."""

    def __init__(self, line: int, text: str, found: list[Difference] | None = None, lines: list[str] | None = None):
        super().__init__(text)
        self.line, self.text = line, text
        self.found, self.lines = found or [], lines or []


class Subject(Protocol):
    """A resolver in the world of a scenario.

    `tolerance_s` is by how much times may be off, `unseen_s` how much of the time spent waiting no TTL tells.
    """

    network: ScriptedNetwork
    changed: asyncio.Event
    patience_s: float
    tolerance_s: float
    unseen_s: float

    @property
    def clock(self) -> Clock:
        """The time in which it lives."""
        ...

    def ask(self, step: Step, transport: Transport, answered: Answered) -> None:
        """A client has sent what `step` says; `answered` is called with the octets, or with None for no answer."""
        ...

    async def pause(self) -> None:
        """All that happens without time passing has happened."""
        ...

    async def settle(self) -> None:
        """Nothing is on its way any more that was sent already."""
        ...

    async def advance(self, step: Step) -> None:
        """The seconds of `step` have passed."""
        ...

    def broken(self) -> tuple[str, list[str]] | None:
        """What went wrong that no answer shows, with lines that show it."""
        ...

    def nodes(self) -> list[Node]:
        """What was sent since the last query of a client, where that is known."""
        ...

    async def stop(self) -> None:
        """It has ended."""
        ...


class Inside:
    """Our own program, as a `Subject` in virtual time."""

    patience_s = PATIENCE_S
    tolerance_s = 0.0
    unseen_s = 0.5

    def __init__(self, scenario: Scenario, arrangement: Arrangement) -> None:
        self._clock = VirtualClock(wall=arrangement.wall)
        self.changed = asyncio.Event()
        self.network = ScriptedNetwork(scenario, self._clock, arrangement, self.changed.set)
        self._transcript = Transcript()
        self._first_node = 0
        self._log = io.StringIO()
        self._unseen: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: self._unseen.append(context))
        self._folder = TemporaryDirectory(prefix="zones-") if arrangement.zones else None
        try:
            self._program = self._built(arrangement)
        except ResolverdError:
            self._forget()
            raise

    def _built(self, arrangement: Arrangement) -> Program:
        return build(
            arrangement.config if self._folder is None else _placed(arrangement, Path(self._folder.name)),
            clock=self._clock,
            entropy=SeededEntropy(1),
            log=Log(self._log, self._clock.wall),
            arranged=Arranged(
                self.network, root=arrangement.root, transcript=self._transcript, texts=arrangement.texts
            ),
        )

    def _forget(self) -> None:
        """The files of zones are gone."""
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def clock(self) -> VirtualClock:
        """The time of the loop, from the date of the script."""
        return self._clock

    def ask(self, step: Step, transport: Transport, answered: Answered) -> None:
        """The program has the query."""
        assert step.entry is not None
        self._first_node = len(self._transcript.roots)
        self._program.respond(octets(step.entry), Client(step.address or CLIENT, 4242, transport), answered)

    async def pause(self) -> None:
        """All that happens without time passing has happened."""
        await asyncio.sleep(PAUSE_S)

    async def settle(self) -> None:
        """The same: nothing is on its way for any time here."""
        await self.pause()

    async def advance(self, step: Step) -> None:
        """All clocks are moved."""
        await self._clock.advance(step.seconds)

    def broken(self) -> tuple[str, list[str]] | None:
        """An internal error of the program, or an exception that nobody caught."""
        if "internal_error" in self._log.getvalue():
            return "the program met an internal error", self._log.getvalue().splitlines()
        if self._unseen:
            return f"the loop met an exception: {self._unseen[0]}", []
        return None

    def nodes(self) -> list[Node]:
        """What was sent since the last query of a client."""
        return self._transcript.roots[self._first_node :]

    async def stop(self) -> None:
        """The program has ended."""
        await self._program.stop()
        self._forget()


def _placed(arrangement: Arrangement, folder: Path) -> Config:
    """The configuration of `arrangement`, the zones of which stand in `folder`."""
    for name, text in arrangement.zones.items():
        (folder / name).write_text(text)
    config = arrangement.config
    rules = [
        each.model_copy(update={"zone_files": tuple(folder / name for name in each.zone_files)})
        for each in config.rules
    ]
    return config.model_copy(update={"rules": tuple(rules)})


def octets(entry: Entry, ident: int = 1) -> bytes:
    """The query that a QUERY step asks."""
    if entry.raw is not None:
        return entry.raw
    sections = (entry.answer, entry.authority, entry.additional)
    return render(Message(ident, entry.flags, entry.rcode, entry.question, *sections, entry.edns))
