"""The pipeline as a server sees it: what is at hand is told at once, and all else is worked on.

Stages that are at hand give a reply or None, one after the other, and await nothing: they are asked first of every
query, before it is given a place or made to wait for its turn. What none of them has goes to the one that works, which
does not look at them again.

ANY is answered with one RRset, of what is held or of what the servers give (RFC 8482 section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resolver.message import Answerer, Query, Reply, Type

AtHand = Callable[[Query], Reply | None]
"""The reply that needs no work, or None."""


class Staged:
    """The stages `at_hand`, in their order, in front of the one that works."""

    __slots__ = ("_at_hand", "_works")

    def __init__(self, at_hand: Sequence[AtHand], works: Answerer) -> None:
        self._at_hand, self._works = tuple(at_hand), works

    async def answer(self, query: Query) -> Reply:
        """The reply to `query`. Raises `ResolutionFailed`."""
        return self.peek(query) or await self.work(query)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is none."""
        for look in self._at_hand:
            reply = look(query)
            if reply is not None:
                return minimal(query, reply) if query.question.type == Type.ANY else reply
        return None

    async def work(self, query: Query) -> Reply:
        """The reply to `query`, for which nothing is at hand. Raises `ResolutionFailed`."""
        reply = await self._works.answer(query)
        return minimal(query, reply) if query.question.type == Type.ANY else reply


def minimal(query: Query, reply: Reply) -> Reply:
    """`reply` with one of its RRsets, that of the lowest type: what is told to ANY."""
    if len(reply.answer) < 2:
        return reply
    return reply._replace(answer=tuple(sorted(reply.answer, key=lambda rrset: rrset.type)[:1]))
