"""Decides what happens in each step of a scenario, and whether the program did what the script wants.

Rules
* Between two steps everything happens that can happen without time passing. A step that waits lets time go on: for an
  answer, for a query that fits, for a query that is given up.
* CHECK_ANSWER takes the oldest answer to its question that was not checked yet, or else the oldest of all.
* CHECK_OUT_QUERY is met by a query sent since the last one was met, or since the last QUERY.
* REPLY answers a query that is open. When there is none the resolver did not need it, which is noted.
* TIMEOUT lets time go on until the resolver does something about a query that is open; TRAFFIC is a pause.
* TIME_PASSES moves all clocks.
* At the end every client has been answered, each MANDATORY entry was used, and nothing went wrong unseen.

Limits: a scenario waits at most `PATIENCE_S` for anything.
"""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from resolver.app import build
from resolver.errors import WireError
from resolver.message import Client, Message, Question, Transport
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.observe.transcript import Node, Transcript
from resolver.testing.replay.comparing import Difference, Level, diff, differences
from resolver.testing.replay.matching import fits
from resolver.testing.replay.network import ScriptedNetwork, Sent
from resolver.testing.replay.script import Entry, Kind, Scenario, Step
from resolver.testing.replay.settings import Arrangement
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render

PATIENCE_S: Final = 60.0
"""Virtual seconds that a step waits for what must come: longer than any client does."""

PAUSE_S: Final = 0.0001
"""Virtual seconds in which all that is due now has happened: the loop's clock moves only when nothing can run."""

_CLIENT: Final = "127.0.0.1"


class Failed(Exception):
    """The program did something else than the step in line `line` wants; `lines` show it."""

    def __init__(self, line: int, text: str, found: list[Difference] | None = None, lines: list[str] | None = None):
        super().__init__(text)
        self.line, self.text = line, text
        self.found, self.lines = found or [], lines or []


@dataclass(slots=True, eq=False)
class _Asked:
    """A client's query."""

    step: Step
    question: Question | None
    answer: bytes | None = None
    done: bool = False
    checked: bool = False


@dataclass(slots=True)
class Course:
    """How it went: `failure` is None when all is as wanted; `nodes` are what was sent since the last QUERY."""

    failure: Failed | None = None
    nodes: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def play(scenario: Scenario, arrangement: Arrangement, level: Level) -> Course:
    """How the program did in `scenario`. Run it in virtual time."""
    player = _Player(scenario, arrangement, level)
    failure = None
    try:
        await player.go_through()
    except Failed as failed:
        failure = failed
    finally:
        await player.program.stop()
    return Course(failure, player.nodes(), player.notes + [f"filled in {what}" for what in player.network.filled])


class _Player:
    """A program in the world of a scenario."""

    def __init__(self, scenario: Scenario, arrangement: Arrangement, level: Level) -> None:
        self._scenario, self._level = scenario, level
        self._clock = VirtualClock(wall=arrangement.wall)
        self._changed = asyncio.Event()
        self.network = ScriptedNetwork(scenario, self._clock, arrangement, self._changed.set)
        self._transcript = Transcript()
        self._log = io.StringIO()
        self._unseen: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: self._unseen.append(context))
        self.program = build(
            arrangement.config,
            clock=self._clock,
            entropy=SeededEntropy(1),
            log=Log(self._log, self._clock.wall),
            transcript=self._transcript,
            network=self.network,
            root=arrangement.root,
        )
        self.notes: list[str] = []
        self._asked: list[_Asked] = []
        self._began = self._clock.monotonic()
        self._passed = 0.0
        self._seen_out = 0
        self._first_node = 0

    def nodes(self) -> list[Node]:
        """What was sent since the last QUERY."""
        return self._transcript.roots[self._first_node :]

    async def go_through(self) -> None:
        """Every step is done. Raises `Failed`."""
        steps = self._scenario.steps
        self.network.go_to(steps[0].number)
        for step, following in zip(steps, (*steps[1:], steps[-1]), strict=True):
            await self._do(step)
            self.network.go_to(following.number)
            await asyncio.sleep(PAUSE_S)
        await self._until(lambda: all(each.done for each in self._asked), PATIENCE_S)
        for each in self._asked:
            if not each.done:
                raise Failed(each.step.line, "this query got no answer at all")
        for entry in self._scenario.entries():
            if entry.mandatory and entry.line not in self.network.used:
                text = f"nobody asked for the mandatory reply to {_text(entry.question)}"
                raise Failed(entry.line, text, [Difference("mandatory", text)])
        self._check_that_nothing_broke(steps[-1])

    async def _do(self, step: Step) -> None:
        match step.kind:
            case Kind.QUERY:
                self._query(step)
            case Kind.CHECK_ANSWER:
                await self._check_answer(step)
            case Kind.CHECK_OUT_QUERY:
                await self._check_out_query(step)
            case Kind.REPLY:
                await self._reply(step)
            case Kind.TIMEOUT:
                await self._time_out()
            case Kind.TIME_PASSES:
                await self._clock.advance(step.seconds)
                self._passed += step.seconds
            case Kind.TRAFFIC | Kind.NOTHING:
                pass
            case _:
                assert_never(step.kind)

    def _query(self, step: Step) -> None:
        assert step.entry is not None
        entry = step.entry
        self._first_node = len(self._transcript.roots)
        self._seen_out = len(self.network.sent)
        asked = _Asked(step, entry.question)
        self._asked.append(asked)
        transport = Transport.TCP if "TCP" in entry.match else Transport.UDP

        def answered(wire: bytes | None) -> None:
            asked.answer, asked.done = wire, True
            self._changed.set()

        self.program.respond(_octets(entry), Client(step.address or _CLIENT, 4242, transport), answered)

    async def _check_answer(self, step: Step) -> None:
        assert step.entry is not None
        entry = step.entry
        asked = self._next_answered(entry)
        while asked is None:
            if not await self._until(lambda: self._next_answered(entry) is not None, PATIENCE_S):
                raise Failed(step.line, "no answer was sent")
            asked = self._next_answered(entry)
        asked.checked = True
        assert asked.answer is not None
        try:
            got = parse(asked.answer)
        except WireError as wrong:
            raise Failed(step.line, f"the answer is no message: {wrong}") from wrong
        self._check_that_nothing_broke(step)
        silence = self._clock.monotonic() - self._began - self._passed
        found = differences(entry, got, self._level, slack_s=math.ceil(silence - 0.5))
        if found:
            text = ", ".join(f"{each.part}: {each.text}" for each in found)
            where = f"{self._scenario.path.name}:{step.line}"
            raise Failed(step.line, text, found, diff(entry, got, where))

    def _next_answered(self, entry: Entry) -> _Asked | None:
        """The answer that is checked next; None while that for the same question is not there."""
        unchecked = [each for each in self._asked if not each.checked]
        same = [each for each in unchecked if _same(each.question, entry.question)]
        for each in same or unchecked:
            if each.answer is not None:
                return each
        return None

    async def _check_out_query(self, step: Step) -> None:
        assert step.entry is not None

        def found() -> int | None:
            for place in range(self._seen_out, len(self.network.sent)):
                if _is_for(step, self.network.sent[place]):
                    return place
            return None

        if not await self._until(lambda: found() is not None, PATIENCE_S):
            text = f"no query for {_text(step.entry.question)} was sent"
            raise Failed(step.line, text, [Difference("query", text)])
        place = found()
        assert place is not None
        self._seen_out = place + 1

    async def _reply(self, step: Step) -> None:
        assert step.entry is not None

        def found() -> Sent | None:
            return next((sent for sent in self.network.waiting() if _is_for(step, sent)), None)

        await self._until(lambda: found() is not None or not self._busy(), PATIENCE_S)
        sent = found()
        if sent is None:
            self.notes.append(f"nobody waited for the REPLY in line {step.line}")
        else:
            self.network.reply(sent, step.entry)

    async def _time_out(self) -> None:
        if not self.network.waiting():
            return

        def state() -> tuple[int, int, int]:
            answered = sum(each.done for each in self._asked)
            return len(self.network.sent), len(self.network.waiting()), answered

        before = state()
        await self._until(lambda: state() != before, PATIENCE_S)

    def _busy(self) -> bool:
        """Whether there is anything that could still lead to a query."""
        return bool(self.network.waiting()) or not all(each.done for each in self._asked)

    def _check_that_nothing_broke(self, step: Step) -> None:
        if "internal_error" in self._log.getvalue():
            raise Failed(step.line, "the program met an internal error", lines=self._log.getvalue().splitlines())
        if self._unseen:
            raise Failed(step.line, f"the loop met an exception: {self._unseen[0]}")

    async def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Time goes on until `condition` holds, for so many seconds at most; whether it holds."""
        over: list[bool] = []

        def end() -> None:
            over.append(True)
            self._changed.set()

        timer = self._clock.after(seconds, end)
        try:
            while not condition():
                if over:
                    return False
                self._changed.clear()
                await self._changed.wait()
        finally:
            timer.cancel()
        return True


def _octets(entry: Entry) -> bytes:
    """The query that a QUERY step asks."""
    if entry.raw is not None:
        return entry.raw
    sections = (entry.answer, entry.authority, entry.additional)
    return render(Message(1, entry.flags, entry.rcode, entry.question, *sections, entry.edns))


def _is_for(step: Step, sent: Sent) -> bool:
    assert step.entry is not None
    if step.address is not None and step.address != sent.to.host:
        return False
    return fits(step.entry, sent.query, sent.transport)


def _same(one: Question | None, other: Question | None) -> bool:
    if one is None or other is None:
        return one is other
    return (names.fold(one.name), one.type, one.cls) == (names.fold(other.name), other.type, other.cls)


def _text(question: Question | None) -> str:
    return "nothing" if question is None else f"{names.to_text(question.name)} {types.to_text(question.type)}"
