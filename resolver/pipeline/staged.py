"""The pipeline as a server sees it: what is at hand is told at once, and all else is worked on.

Stages that are at hand give a reply or None, one after the other, and wait for nothing: they are asked first of every
query, before it is given a place or made to wait for its turn. What none of them has goes to the one that works, which
does not look at them again.

ANY is answered with one RRset, of what is held or of what the servers give (RFC 8482 section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from resolver.answering import Answerer, Told, peek_or_work
from resolver.errors import ResolutionFailed
from resolver.message import Query, Reply, Type

_ANY: Final = int(Type.ANY)
_RRSIG: Final = int(Type.RRSIG)

AtHand = Callable[[Query], Reply | None]
"""The reply that needs no work, or None."""


class Staged:
    """The stages `at_hand`, in their order, in front of the one that works."""

    __slots__ = ("_at_hand", "_spare", "_works")

    def __init__(self, at_hand: Sequence[AtHand], works: Answerer) -> None:
        """Where `works` has something at hand itself (`answering.Stage`), its `peek` is the last of `at_hand`."""
        self._at_hand = tuple(at_hand)
        self._works: Callable[[Query, Told], None] = getattr(works, "work", works.answer)
        self._spare: AtHand | None = getattr(works, "spare", None)

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is none."""
        for look in self._at_hand:
            reply = look(query)
            if reply is not None:
                return minimal(reply) if query.question.type == _ANY else reply
        return None

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""
        self._works(query, partial(_tell_minimal, done) if query.question.type == _ANY else done)

    def spare(self, query: Query) -> Reply | None:
        """What is told without work when there is no room for any; None when there is nothing."""
        reply = None if self._spare is None else self._spare(query)
        return minimal(reply) if reply is not None and query.question.type == _ANY else reply


def _tell_minimal(done: Told, result: Reply | ResolutionFailed) -> None:
    done(minimal(result) if isinstance(result, Reply) else result)


def minimal(reply: Reply) -> Reply:
    """`reply` with one of its RRsets, that of the lowest type, and its signatures: what is told to ANY."""
    answer = reply.answer
    if len(answer) < 2:
        return reply
    lowest = min(range(len(answer)), key=lambda at: (answer[at].type == _RRSIG, answer[at].type))
    signed = lowest + 1 < len(answer) and answer[lowest].type != _RRSIG == answer[lowest + 1].type
    return reply._replace(answer=answer[lowest : lowest + 1 + signed])
