"""Decides what happens in each step of a scenario, and whether the resolver did what the script wants.

Rules
* Between two steps everything happens that can happen without time passing. A step that waits lets time go on: for an
  answer, for a query that fits, for a query that is given up.
* CHECK_ANSWER takes the oldest answer to its question that was not checked yet, or else the oldest of all.
* CHECK_OUT_QUERY is met by a query sent since the last one was met, or since the last QUERY but the first.
* AFTER and WITHIN are counted from the client's query to its answer, and to the query that CHECK_OUT_QUERY found.
* REPLY answers a query that is open. When there is none the resolver did not need it, which is noted.
* TIMEOUT lets time go on until the resolver does something about a query that is open.
* TRAFFIC is a pause. With a table it waits until traffic has stopped, or the table is met, and counts the queries that
  were sent since the TRAFFIC before it, or since the beginning.
* TIME_PASSES moves all clocks.
* At the end every client has been answered, each MANDATORY entry was used, and nothing went wrong unseen.

Limits: a scenario waits at most `Subject.patience_s` for anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from resolver.errors import WireError
from resolver.message import Question, Transport
from resolver.observe.transcript import Node
from resolver.testing.replay import traffic
from resolver.testing.replay.comparing import Difference, Level, diff, differences
from resolver.testing.replay.matching import fits
from resolver.testing.replay.network import Sent
from resolver.testing.replay.script import Entry, Kind, Scenario, Step
from resolver.testing.replay.settings import Arrangement
from resolver.testing.replay.subject import Failed, Inside, Subject
from resolver.wire import names, types
from resolver.wire.parse import parse

ROUNDING_S: Final = 1e-6
"""What the sum of two times may be off."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A client's query, at a monotonic time."""

    step: Step
    question: Question | None
    at: float
    answer: bytes | None = None
    answered_at: float = 0.0
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
    return await play_with(scenario, level, Inside(scenario, arrangement))


async def play_with(scenario: Scenario, level: Level, subject: Subject) -> Course:
    """How `subject`, which is stopped then, did in `scenario`."""
    player = _Player(scenario, level, subject)
    failure = None
    try:
        await player.go_through()
    except Failed as failed:
        failure = failed
    finally:
        await subject.stop()
    return Course(failure, subject.nodes(), player.notes + [f"filled in {what}" for what in subject.network.filled])


class _Player:
    """A resolver in the world of a scenario."""

    def __init__(self, scenario: Scenario, level: Level, subject: Subject) -> None:
        self._scenario, self._level, self._subject = scenario, level, subject
        self.network = subject.network
        self.notes: list[str] = []
        self._asked: list[_Asked] = []
        self._began = subject.clock.monotonic()
        self._passed = 0.0
        self._seen_out = 0
        self._counted = 0

    async def go_through(self) -> None:
        """Every step is done. Raises `Failed`."""
        steps = self._scenario.steps
        self.network.go_to(steps[0].number)
        for step, following in zip(steps, (*steps[1:], steps[-1]), strict=True):
            await self._do(step)
            self.network.go_to(following.number)
            await self._subject.pause()
        await self._until(lambda: all(each.done for each in self._asked))
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
                await self._let_pass(step)
            case Kind.TRAFFIC:
                await self._traffic(step)
            case Kind.NOTHING:
                pass
            case _:
                assert_never(step.kind)

    async def _let_pass(self, step: Step) -> None:
        if step.until is not None:
            step = replace(step, seconds=max(0.0, step.until - (self._now() - self._began)))
        await self._subject.advance(step)
        self._passed += step.seconds

    def _query(self, step: Step) -> None:
        assert step.entry is not None
        entry = step.entry
        if self._asked:  # what was sent before the first belongs to it
            self._seen_out = len(self.network.sent)
        asked = _Asked(step, entry.question, self._now())
        self._asked.append(asked)
        transport = Transport.TCP if "TCP" in entry.match else Transport.UDP

        def answered(wire: bytes | None) -> None:
            asked.answer, asked.done, asked.answered_at = wire, True, self._now()
            self._subject.changed.set()

        self._subject.ask(step, transport, answered)

    async def _check_answer(self, step: Step) -> None:
        assert step.entry is not None
        entry = step.entry
        asked = self._next_answered(entry)
        while asked is None:
            if not await self._until(lambda: self._next_answered(entry) is not None):
                raise Failed(step.line, "no answer was sent")
            asked = self._next_answered(entry)
        asked.checked = True
        assert asked.answer is not None
        try:
            got = parse(asked.answer)
        except WireError as wrong:
            raise Failed(step.line, f"the answer is no message: {wrong}") from wrong
        self._check_that_nothing_broke(step)
        self._check_time(step, asked.answered_at - asked.at, "the answer came")
        silence = self._now() - self._began - self._passed
        found = differences(entry, got, self._level, slack_s=math.ceil(silence - self._subject.unseen_s))
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

        if not await self._until(lambda: found() is not None):
            text = f"no query for {_text(step.entry.question)} was sent"
            raise Failed(step.line, text, [Difference("query", text)])
        place = found()
        assert place is not None
        self._seen_out = place + 1
        if self._asked:
            self._check_time(step, self.network.sent[place].at - self._asked[-1].at, "it was sent")

    def _check_time(self, step: Step, seconds: float, what: str) -> None:
        """Raises `Failed` unless what is checked came when it should."""
        slack = self._subject.tolerance_s + ROUNDING_S
        wanted = ""
        if step.after is not None and seconds < step.after - slack:
            wanted = f"not before {step.after:g} s"
        elif step.within is not None and seconds > step.within + slack:
            wanted = f"within {step.within:g} s"
        if wanted:
            text = f"{what} after {seconds:.3f} s, and is wanted {wanted}"
            raise Failed(step.line, text, [Difference("time", text)])

    async def _traffic(self, step: Step) -> None:
        begin, self._counted = self._counted, len(self.network.sent)
        wanted = step.traffic
        if wanted is None:
            return

        def counted() -> traffic.Counted:
            return traffic.count(wanted, queries(self.network.sent[begin:]))

        await self._subject.settle()
        await self._until(lambda: counted().met() or counted().over() or not self._busy())
        found, self._counted = counted(), len(self.network.sent)
        if not found.met():
            text = f"traffic: {'; '.join(found.mistakes())}"
            where = f"{self._scenario.path.name}:{step.line}"
            lines = list(found.lines(queries(self.network.sent[begin:]), where))
            raise Failed(step.line, text, [Difference("traffic", text)], lines)

    async def _reply(self, step: Step) -> None:
        assert step.entry is not None

        def found() -> Sent | None:
            return next((sent for sent in self.network.waiting() if _is_for(step, sent)), None)

        await self._until(lambda: found() is not None or not self._busy())
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
        await self._until(lambda: state() != before)

    def _busy(self) -> bool:
        """Whether there is anything that could still lead to a query."""
        return bool(self.network.waiting()) or not all(each.done for each in self._asked)

    def _check_that_nothing_broke(self, step: Step) -> None:
        if (found := self._subject.broken()) is not None:
            text, lines = found
            raise Failed(step.line, text, lines=lines)

    def _now(self) -> float:
        return self._subject.clock.monotonic()

    async def _until(self, condition: Callable[[], bool]) -> bool:
        """Time goes on until `condition` holds, as long as the subject has patience; whether it holds."""
        over: list[bool] = []
        changed = self._subject.changed

        def end() -> None:
            over.append(True)
            changed.set()

        timer = self._subject.clock.after(self._subject.patience_s, end)
        try:
            while not condition():
                if over:
                    return False
                changed.clear()
                await changed.wait()
        finally:
            timer.cancel()
        return True


def queries(sent: list[Sent]) -> list[traffic.Query]:
    """What is counted of `sent`; a message without a question is no query."""
    return [
        traffic.Query(each.to.host, names.fold(each.query.question.name), each.query.question.type, each.transport)
        for each in sent
        if each.query.question is not None
    ]


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
