"""Answers made of records that are held, without asking anyone. What is not complete goes to the stage below.

ANY is answered with one RRset, of what is held or of what the servers give (RFC 8482 section 4.1). Positive answers
have nothing in their authority and additional sections, and denials nothing but the SOA: minimal responses.

A query without RD is answered from here or not at all: REFUSED tells it that we would have had to ask (RFC
1035 section 4.1.1 leaves the choice; Unbound's default too).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Alias, Answer, Answered, Conclusion, Denied
from resolver.message import Answerer, Ede, Query, Question, Rcode, Reply, RRset, Type
from resolver.observe.counters import Counters
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.replying import reply_of

_NOT_AUTHORITATIVE: Final = 20
_NOT_HELD: Final = Ede(_NOT_AUTHORITATIVE, "not in the cache, and recursion was not desired [NREC]")

Look = Callable[[bytes, int], Conclusion | None]
"""Gives what is held of a name and a type."""


class Cached:
    """The stage in front of resolution."""

    def __init__(
        self,
        known: Knowledge,
        below: Answerer,
        counters: Counters,
        *,
        max_aliases: int = 11,
        prefetch: Prefetch | None = None,
    ) -> None:
        """`max_aliases` is how many one query may follow at all."""
        self._max_aliases = max_aliases
        self._known = known
        self._prefetch = prefetch
        self._below = below
        self._counters = counters

    async def answer(self, query: Query) -> Reply:
        """The reply from records, or from the stage below."""
        reply = await self._answer(query)
        if query.question.type == Type.ANY and len(reply.answer) > 1:
            return replace(reply, answer=_minimal(reply.answer))
        return reply

    async def _answer(self, query: Query) -> Reply:
        held = recall(query.question, self._known.recall, self._max_aliases)
        if held is not None:
            self._counters.answers_cached += 1
            if self._prefetch is None or not query.rd:
                return reply_of(held)
            return reply_of(held, self._prefetch.consider(query.question, held))
        if not query.rd:
            return Reply(Rcode.REFUSED, ra=True, ede=(_NOT_HELD,))
        reply = await self._below.answer(query)
        # What is asked for once is held as records alone: a flood of names is not worth their octets too.
        return replace(reply, storable=False) if reply.storable else reply


def _minimal(answer: tuple[RRset, ...]) -> tuple[RRset, ...]:
    """One of the RRsets that a server gave for ANY, that of the lowest type (RFC 8482 section 4.1)."""
    return tuple(sorted(answer, key=lambda rrset: rrset.type)[:1])


def recall(question: Question, look: Look, max_aliases: int) -> Answer | None:
    """The whole answer to `question` from what `look` finds; None where a part is missing or the chain is too long."""
    chain: list[RRset] = []
    name = question.name
    while len(chain) <= max_aliases:
        match look(name, question.type):
            case Answered(links, rrsets):
                return Answer(Rcode.NOERROR, (*chain, *links, *rrsets))
            case Denied(links, _, rcode, soa):
                return Answer(rcode, (*chain, *links), soa)
            case Alias(links, target):
                chain.extend(links)
                name = target
            case _:
                return None
    return None
