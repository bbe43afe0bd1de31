"""A simulated server that offers recursion: it asks the servers below on behalf of whoever asked it.

This is the recursive mode of the textbooks: root → TLD → authority, and the answer comes back the way it went
(RFC 1034 section 4.3.1). Each server knows its own zones and the delegations in them, nothing else; it asks a
server below with RD=1 where one offers recursion, and the authority answers from its zone.

Rules
* What its own zones answer or deny is answered from them, with RD or without.
* Where they hold only a delegation and RD is set, those of its servers that offer recursion are asked to recurse; where
  none does, it is iterated from there. An alias is followed as far as it stays below the server's zones, and the rest
  is left to the asker.
* The address of a name server for which the server's zones hold no glue is looked up from the root, as by any resolver.
* The deeper the server stands, the less time it takes, so that a failure below is told before the one above
  gives up.

Limits: nothing is cached here, so that a walk always shows every hop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from resolver.answering import Told
from resolver.auth.authority import Authority
from resolver.cache.servers import Servers
from resolver.dnssec.attach import attach
from resolver.engine.actions import Steps
from resolver.engine.budget import Budget, Limits
from resolver.engine.classify import classify
from resolver.engine.delegation import UNTOUCHED, Delegation, NameServer
from resolver.engine.knowledge import Route
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Outcome, Referral
from resolver.errors import ResolutionFailed
from resolver.message import AA, Class, Ede, Message, Query, Question, RRset, Type
from resolver.network.base import Endpoint
from resolver.observe.transcript import Transcript
from resolver.pipeline.driving import Tools
from resolver.pipeline.resolved import Owner, Resolved
from resolver.wire import names

STEP_S: Final = 0.5
"""How much earlier than its asker each further level gives up."""


class ZoneKnowledge:
    """What a server knows from its zones alone (`engine.knowledge.Knowledge`)."""

    minimises = False
    validates = False
    overhears = False
    trim = UNTOUCHED
    borders: frozenset[bytes] = frozenset()

    def __init__(
        self,
        authority: Authority,
        servers: Servers,
        recursing: Mapping[bytes, tuple[Endpoint, ...]],
        port: int,
        transcript: Transcript | None,
    ) -> None:
        """`recursing` are the declared servers that offer recursion, by folded name."""
        self._transcript = transcript
        self._authority = authority
        self._recursing = recursing
        self.servers = servers
        self.port = port

    def recall(self, name: bytes, rtype: int, checked: bool = False) -> Conclusion | None:
        """What the server's own zones say, when it is more than a delegation."""
        outcome, message = self._said(Question(name, rtype))
        return attach(outcome, message) if isinstance(outcome, Answered | Alias | Denied) else None

    def current(self, rrset: RRset) -> RRset:
        """As it is: nothing is kept here, so nothing is known of when it was learnt."""
        return rrset

    def overheard(self, question: Question, zone: bytes, message: Message) -> None:
        """Nothing is kept."""

    def route(self, question: Question) -> Route | None:
        """The servers of the delegation that the server's zones hold for `question`."""
        outcome, _ = self._said(question)
        if not isinstance(outcome, Referral):
            return None
        below = outcome.delegation
        willing = tuple(
            NameServer(server.name, self._recursing[server.name])
            for server in below.servers
            if server.name in self._recursing
        )
        return Route(replace(below, servers=willing), recursed=True) if willing else Route(below)

    def otherwise(self, question: Question) -> Route | None:
        """Nobody: it has no upstreams."""
        return None

    def wants_priming(self) -> bool:
        """Never: it has no hints."""
        return False

    def attach(self, conclusion: Conclusion, message: Message) -> Conclusion:
        """`conclusion` with the signatures in `message`, which whoever asked may want."""
        return attach(conclusion, message)

    def prove(
        self, question: Question, conclusion: Conclusion, message: Message, zone: bytes, budget: Budget
    ) -> Steps[Conclusion]:
        """Never: it is for whoever asked to prove what they are told."""
        raise NotImplementedError

    def told(self, name: bytes) -> tuple[Ede, ...]:
        """Nothing."""
        return ()

    def learn(self, question: Question, conclusion: Conclusion) -> Conclusion:
        """Nothing is kept."""
        return conclusion

    def learn_delegation(self, delegation: Delegation) -> None:
        """Nothing is kept."""

    def referred(self, zone: bytes, message: Message) -> None:
        """Nothing is proven here."""

    def dead_zone(self, delegation: Delegation) -> ResolutionFailed | None:
        """None: nothing is kept."""
        return None

    def learn_dead_zone(self, delegation: Delegation, failure: ResolutionFailed) -> None:
        """Nothing is kept."""

    @property
    def blames_zones(self) -> bool:
        """Whether what fails is put down to its zone: as long as somebody replies."""
        return self.servers.network_works

    def note(self, outcome: Outcome) -> None:
        """`outcome` stands in the transcript, when one is kept."""
        if self._transcript is not None:
            self._transcript.decided(outcome)

    def _said(self, question: Question) -> tuple[Outcome | None, Message]:
        """What the server's zones say, with the signatures in them; None where it has none for the name."""
        reply = self._authority.reply(question, do=True)
        flags = AA if reply.aa else 0
        message = Message(0, flags, reply.rcode, question, reply.answer, reply.authority, reply.additional)
        zone = self._authority.enclosing(names.fold(question.name))
        return None if zone is None else classify(message, question, zone.apex, self.port), message


class Recursing:
    """The answerer of a simulated server with `recursion = true`."""

    def __init__(
        self,
        authority: Authority,
        known: ZoneKnowledge,
        tools: Tools,
        addresses: Resolved,
        owner: Owner,
        *,
        level: int,
    ) -> None:
        """`addresses` finds those of name servers elsewhere; `level` is the number of labels of the highest zone."""
        self._authority = authority
        self._resolved = Resolved(known, tools, owner=owner, limits=Limits(), use_0x20=False, addresses=addresses)
        self._earlier_s = STEP_S * (level + 1)
        self._tools = tools

    def answer(self, query: Query, done: Told) -> None:
        """`done` has the reply from the server's zones, or what the servers below say."""
        reply = self._authority.reply(query.question)
        below = not reply.aa and not reply.answer and bool(reply.authority)
        unfinished = bool(reply.answer) and reply.answer[-1].type == Type.CNAME != query.question.type
        if not query.rd or query.question.cls != Class.IN or not (below or unfinished):
            done(self._authority.reply(query.question, query.do)._replace(ra=True))
            return
        self._resolved.answer(query._replace(deadline=query.deadline - self._earlier_s), done)
