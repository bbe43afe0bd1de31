"""Decides what is told of a name that a block list has.

Rules
* A name is blocked if a list has it or a name above it, unless an allow list does: what is allowed is never blocked.
* So is an answer in which an alias leads to a blocked name, unless the name asked for is allowed: a tracker that hides
  behind a name of the page's own is one (CNAME cloaking).
* What is told says so in an extended error (15, RFC 8914 section 4.16), with the name of the list.

Limits: addresses in answers are for policy zones (`filters/rpz`). Other aliases, such as those of HTTPS records, are
not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from resolver.filters import told
from resolver.filters.kinds import BlockAnswer
from resolver.filters.names import Found, Names
from resolver.filters.policy import Cause, Result, Settled
from resolver.message import Ede, Query, Rcode, Reply, RRset, Type
from resolver.wire import names

BLOCKED: Final = "blocked"
"""The kind of cause."""
_CNAME: Final = int(Type.CNAME)


@dataclass(frozen=True, slots=True)
class Telling:
    """`addresses` are told by their type, or where there are none the `answer`; for `ttl_s` seconds."""

    answer: BlockAnswer = BlockAnswer.NXDOMAIN
    addresses: Mapping[int, tuple[bytes, ...]] | None = None
    ttl_s: int = 60

    def reply(self, query: Query, covering: bytes, ede: tuple[Ede, ...]) -> Reply:
        """What is told of the name that `query` asks for, which is blocked because `covering` is."""
        addresses = told.NULL if self.answer is BlockAnswer.NULL else self.addresses
        if addresses is not None:
            found = told.of_type(addresses, query.question.type, query.question.name, self.ttl_s)
            if found is not None:
                return told.positive((found,), ede=ede)
        elif self.answer is BlockAnswer.REFUSED:
            return told.refusal(ede)
        rcode = Rcode.NXDOMAIN if addresses is None and self.answer is BlockAnswer.NXDOMAIN else Rcode.NOERROR
        return told.denial(rcode, told.soa(covering, self.ttl_s), ede=ede)


class Blocking:
    """The policy of block lists and allow lists."""

    by_client = False
    looks_back = True

    def __init__(self, blocked: Names, allowed: Names, sources: Sequence[str], telling: Telling) -> None:
        """`sources` are what lists are called, by the numbers of the names."""
        self._blocked, self._allowed, self._sources, self._telling = blocked, allowed, sources, telling

    def before(self, query: Query) -> Settled | None:
        """What is told of a blocked name."""
        name = query.question.name.lower()
        found = self._blocked.above(name)
        if found is None or self._allowed.above(name) is not None:
            return None
        return self._settled(query, found)

    def after(self, query: Query, result: Result) -> Settled | None:
        """What is told in the place of an answer that leads to a blocked name."""
        if not isinstance(result, Reply) or not result.answer or query.question.type == _CNAME:
            return None
        for rrset in result.answer:
            if rrset.type == _CNAME:
                settled = self._behind(query, rrset)
                if settled is not None:
                    return settled
        return None

    def _behind(self, query: Query, link: RRset) -> Settled | None:
        target = link.rdatas[0].lower()
        found = self._blocked.above(target)
        if found is None or self._allowed.above(target) is not None:
            return None
        return None if self._allowed.above(query.question.name.lower()) is not None else self._settled(query, found)

    def _settled(self, query: Query, found: Found) -> Settled:
        source, trigger = self._sources[found.number], names.to_text(found.name)
        ede = (Ede(told.BLOCKED, f"{trigger} is blocked by {source} [BLKD]"),)
        return Settled(Cause(BLOCKED, trigger, source), self._telling.reply(query, found.name, ede))
