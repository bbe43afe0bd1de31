"""Answers made of records that are held, without asking anyone. What is not complete goes to the stage below.

Positive answers have nothing in their authority and additional sections, and denials nothing but the SOA: minimal
responses.

A query without RD is answered from here or not at all: REFUSED tells it that we would have had to ask (RFC
1035 section 4.1.1 leaves the choice). What has failed a moment ago is told as that. Where the configuration says who
may look into the cache (`snooped`), they are told as well which delegation is held, and others are REFUSED whatever is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Alias, Answer, Answered, Conclusion, Denied
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Query, Question, Rcode, Reply, RRset
from resolver.observe.counters import Counters
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.replying import reply_of

_NOT_AUTHORITATIVE: Final = 20
_PROHIBITED: Final = 18
_NOT_HELD: Final = Ede(_NOT_AUTHORITATIVE, "not in the cache, and recursion was not desired [NREC]")
_NOT_SHOWN: Final = Ede(_PROHIBITED, "recursion was not desired, and what is in the cache is not shown [SNOP]")

Look = Callable[[bytes, int, bool], Conclusion | None]
"""Gives what is held of a name and a type, for a question that is to be checked or not."""


class Snoops(Protocol):
    """Who may look into the cache, and what they are told besides whole answers."""

    def may(self, host: str) -> bool:
        """Whether the client at `host` may."""
        ...

    def referral(self, query: Query, checked: bool) -> Reply | None:
        """The delegation that is held for `query`; None where none is."""
        ...


Failed = Callable[[Question, bool], ResolutionFailed | None]
"""Gives the failure that is remembered of a question, which is to be checked or not."""

_NOTHING: Final = Reply(Rcode.REFUSED, ra=True, ede=(_NOT_HELD,))
_REFUSED: Final = Reply(Rcode.REFUSED, ra=True, ede=(_NOT_SHOWN,))


def _never(question: Question, checked: bool) -> ResolutionFailed | None:
    """Nothing is remembered."""
    return None


class Cached:
    """The last of the stages at hand."""

    def __init__(
        self,
        known: Knowledge,
        counters: Counters,
        *,
        max_aliases: int = 11,
        prefetch: Prefetch | None = None,
        failed: Failed = _never,
        snoops: Snoops | None = None,
    ) -> None:
        """`max_aliases` is how many one query may follow at all. Without `snoops` all are told without RD what is held,
        and nobody of delegations."""
        self._failed, self._snoops = failed, snoops
        self._max_aliases = max_aliases
        self._known = known
        self._why = known.told if known.validates else None
        self._prefetch = prefetch
        self._counters = counters

    def peek(self, query: Query) -> Reply | None:
        """The reply that needs no work: from records, or to a query that wants none done; None when there is work."""
        if not query.rd and self._snoops is not None:
            return self._looked_into(query, self._snoops)
        name, rtype, _ = query.question
        checked = not query.cd
        found = self._known.recall(name, rtype, checked)
        held = None if found is None else whole(found, rtype, checked, self._known.recall, self._max_aliases)
        if held is None:
            return None if query.rd else self._failure(query, checked) or _NOTHING
        self._counters.answers_cached += 1
        if self._prefetch is None or not query.rd:
            return reply_of(held, query, None, self._why)
        return reply_of(held, query, self._prefetch.consider(query.question, held, checked), self._why)

    def _looked_into(self, query: Query, snoops: Snoops) -> Reply:
        """What a query without RD is told where not all may see what is held; it is never stored for others."""
        if not snoops.may(query.client.host):
            self._counters.answers_hidden += 1
            return _REFUSED
        name, rtype, _ = query.question
        checked = not query.cd
        found = self._known.recall(name, rtype, checked)
        held = None if found is None else whole(found, rtype, checked, self._known.recall, self._max_aliases)
        if held is not None:
            self._counters.answers_cached += 1
            return reply_of(held, query, None, self._why)._replace(storable=False)
        failure = self._failure(query, checked)
        referral = snoops.referral(query, checked) if failure is None else None
        if referral is not None:
            self._counters.answers_referred += 1
        return referral or failure or _NOTHING

    def _failure(self, query: Query, checked: bool) -> Reply | None:
        """What is remembered of the failure of a question, if it has failed a moment ago."""
        failure = self._failed(query.question, checked)
        if failure is None:
            return None
        self._counters.failures_cached += 1
        return Reply(failure.rcode, ra=True, ede=failure.ede)


def whole(found: Conclusion | None, rtype: int, checked: bool, look: Look, max_aliases: int) -> Answer | None:
    """The whole answer that begins with what was `found`, from what `look` finds for type `rtype`, `checked` or not.

    None where a part is missing or the chain is too long.
    """
    chain: list[RRset] = []
    while len(chain) <= max_aliases:
        match found:
            case Answered(links, rrsets):
                return Answer(Rcode.NOERROR, (*chain, *links, *rrsets))
            case Denied(links, _, rcode, soa):
                return Answer(rcode, (*chain, *links), soa)
            case Alias(links, target):
                chain.extend(links)
                found = look(target, rtype, checked)
            case _:
                return None
    return None
