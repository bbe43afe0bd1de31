"""Decides which questions and answers a client does not get as they are: those of which a policy has a word.

Rules
* The policies are asked in their order, first of the question (`before`), then of what came of it (`after`). The first
  verdict ends it, but for `Left`, by which those behind that policy are not asked of this question again.
* What a policy has changed is never stored as octets, so that each time is counted. Where a policy looks at who asks,
  no answer is.
* A redirected answer is looked up below, and told with its aliases before it. Policies have no word on it.

Limits: look-ups that the resolver makes for itself, such as those for addresses of name servers, do not pass here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias, assert_never

from resolver.answering import Stage, Told, peek_or_work
from resolver.errors import ResolutionFailed
from resolver.filters.policy import Dropped, Left, Policy, Redirected, Result, Settled, Truncated, Verdict
from resolver.message import UNTOLD, Class, Query, Reply, Transport

_TRUNCATED: Final = Reply(0, ra=True, tc=True)
_IN: Final = int(Class.IN)
_UDP: Final = Transport.UDP

Noted: TypeAlias = Callable[[Query, Verdict], None]
"""Is told of each verdict that decides."""


class Filtered:
    """The stage that asks `policies` about what `below` is asked and says."""

    __slots__ = ("_below", "_looking_back", "_noted", "_policies", "_spare", "_stores")

    def __init__(self, below: Stage, policies: Sequence[Policy], noted: Noted) -> None:
        self._below, self._policies, self._noted = below, tuple(policies), noted
        self._spare: Callable[[Query], Reply | None] | None = getattr(below, "spare", None)
        self._looking_back = tuple((at, each) for at, each in enumerate(policies) if each.looks_back)
        self._stores = not any(each.by_client for each in policies)

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is none."""
        verdict, end = self._before(query)
        if verdict is not None:
            return self._at_hand(query, verdict)
        reply = self._below.peek(query)
        if reply is None:
            return None
        verdict = self._after(query, reply, end)
        return self._passed(reply) if verdict is None else self._at_hand(query, verdict)

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""
        verdict, end = self._before(query)
        if verdict is not None:
            self._carry_out(query, verdict, done)
        else:
            self._below.work(query, partial(self._worked, query, end, done))

    def spare(self, query: Query) -> Reply | None:
        """What is told without work when there is no room for any; None when there is nothing."""
        if self._spare is None:
            return None
        verdict, end = self._before(query)
        reply = self._spare(query) if verdict is None else None
        if reply is None:
            return None
        verdict = self._after(query, reply, end)
        return self._passed(reply) if verdict is None else self._at_hand(query, verdict)

    def _worked(self, query: Query, end: int, done: Told, result: Result) -> None:
        """`result` came of the work on `query`, of which the policies before `end` have a word."""
        verdict = self._after(query, result, end)
        if verdict is not None:
            self._carry_out(query, verdict, done)
        else:
            done(self._passed(result) if isinstance(result, Reply) else result)

    def _before(self, query: Query) -> tuple[Verdict | None, int]:
        """The verdict on a question, if there is one, and how many policies have a word on what comes of it."""
        if query.question.cls != _IN:
            return None, 0
        for at, policy in enumerate(self._policies):
            verdict = policy.before(query)
            if verdict is not None:
                return (None, at) if _leaves(query, verdict) else (verdict, at)
        return None, len(self._policies)

    def _after(self, query: Query, result: Result, end: int) -> Verdict | None:
        """The verdict of the first `end` policies on what came of a question, if there is one."""
        for at, policy in self._looking_back:
            if at >= end:
                return None
            verdict = policy.after(query, result)
            if verdict is not None:
                return None if _leaves(query, verdict) else verdict
        return None

    def _passed(self, reply: Reply) -> Reply:
        """`reply`, which no policy has changed."""
        return reply if self._stores else reply._replace(storable=False)

    def _at_hand(self, query: Query, verdict: Verdict) -> Reply | None:
        """What is told by `verdict`; None where that has to be looked up."""
        reply: Reply | None
        match verdict:
            case Settled():
                reply = verdict.reply
            case Redirected():
                found = self._below.peek(_asked(query, verdict.target))
                reply = None if found is None else _behind(verdict, found)
            case _:
                reply = _silent(verdict)
        if reply is not None:
            self._noted(query, verdict)
        return reply

    def _carry_out(self, query: Query, verdict: Verdict, done: Told) -> None:
        """`done` has what is told by `verdict`."""
        reply = self._at_hand(query, verdict)
        if reply is not None:
            done(reply)
        elif isinstance(verdict, Redirected):
            self._noted(query, verdict)
            self._below.work(_asked(query, verdict.target), partial(_led, verdict, done))


def _leaves(query: Query, verdict: Verdict) -> bool:
    """Whether by `verdict` everything is left as it is."""
    return isinstance(verdict, Left) or (isinstance(verdict, Truncated) and query.client.transport is not _UDP)


def _silent(verdict: Dropped | Truncated | Left) -> Reply:
    """What is told by a verdict that has no answer."""
    match verdict:
        case Dropped():
            return UNTOLD
        case Truncated():
            return _TRUNCATED
        case Left():
            raise ValueError("what is left as it is has an answer of its own")
        case _:
            assert_never(verdict)


def _asked(query: Query, target: bytes) -> Query:
    return query._replace(question=query.question._replace(name=target))


def _led(verdict: Redirected, done: Told, result: Reply | ResolutionFailed) -> None:
    done(_behind(verdict, result) if isinstance(result, Reply) else result)


def _behind(verdict: Redirected, found: Reply) -> Reply:
    """`found`, which is told of the target, behind the aliases that led there."""
    return found._replace(
        answer=(*verdict.links, *found.answer), ad=False, aa=False, ede=(*verdict.ede, *found.ede), storable=False
    )
