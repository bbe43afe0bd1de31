"""The pipeline where a transcript is kept: each question of a client has a tree of its own, with what it was told.

Rules: it stands in the place of `Staged`, and is not there where no transcript is kept, so that one costs nothing then.
What is at hand is noted with the stage that had it. No answer is stored as octets: those would be told past it. Who
wants to know what became of a question has its tree as soon as it is told (`last`), before anything else is.
"""

from __future__ import annotations

from collections.abc import Callable

from resolver.answering import Told, peek_or_work
from resolver.errors import ResolutionFailed
from resolver.message import Query, Reply
from resolver.observe.notes import At, Held, Stage
from resolver.observe.transcript import Opened, Root, Transcript
from resolver.pipeline.staged import AtHand, Staged
from resolver.pipeline.stale import STALE

Ages = Callable[[Query], Held | None]
"""Since when something is held of what is asked."""


class Transcribed:
    """The stages, with a tree in `transcript` for each query."""

    __slots__ = ("_ages", "_stages", "_transcript", "last")

    def __init__(self, stages: Staged, transcript: Transcript, ages: Ages) -> None:
        """What each of `stages` has at hand is noted by itself (`at_stage`)."""
        self._stages = stages
        self._transcript, self._ages = transcript, ages
        self.last: Root | None = None
        """The tree of the question that was told last."""

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is none."""
        return self._looked(query, self._stages.peek)

    def spare(self, query: Query) -> Reply | None:
        """What is told without work when there is no room for any; None when there is nothing."""
        return self._looked(query, self._stages.spare)

    def _looked(self, query: Query, look: AtHand) -> Reply | None:
        transcript = self._transcript
        opened = transcript.asked(query)
        reply = None
        try:
            reply = look(query)
        finally:
            transcript.left(opened)
            if reply is None:
                transcript.withdrawn(opened)
        if reply is None:
            return None
        self._told(opened, query, reply)
        return reply._replace(storable=False)

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""
        transcript = self._transcript
        opened = transcript.asked(query)

        def told(result: Reply | ResolutionFailed) -> None:
            self._told(opened, query, result)
            done(result._replace(storable=False) if isinstance(result, Reply) else result)

        try:
            self._stages.work(query, told)
        finally:
            transcript.left(opened)

    def _told(self, opened: Opened, query: Query, result: Reply | ResolutionFailed) -> None:
        self.last = root = self._transcript.told(opened, result)
        if not isinstance(result, Reply):
            return
        if At(Stage.CACHED) in root.notes or any(each.code in STALE for each in result.ede):
            held = self._ages(query)
            if held is not None:
                root.notes.append(held)


Stages = Staged | Transcribed
"""The pipeline, with or without a transcript."""


def at_stage(stage: Stage, look: AtHand, transcript: Transcript) -> AtHand:
    """`look`, noting that it was `stage` that had the reply."""

    def looked(query: Query) -> Reply | None:
        reply = look(query)
        if reply is not None:
            transcript.noted(At(stage))
        return reply

    return looked
