"""Who else serves a zone: the addresses of its name servers that came without one are looked up.

Rules
* The first look-up is alone, then two are under way at a time; one that takes longer than `STAGGER_S` gets company.
  AAAA is asked for when there is no A.
* Where a zone is silent, no more addresses are sought than can still be asked.
* A name server whose addresses are all of a family without a route is looked up in the other, when nobody else is left,
  and so is one whose reply is not believed.

Limits: what is spent is the `Budget`'s; addresses that are not found are five at most for one client query, those
sought ten (NXNSAttack, CVE-2020-12662).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from resolver.engine.actions import Ended, Found, Lookup, Steps, race
from resolver.engine.candidates import Candidates
from resolver.engine.delegation import NameServer, endpoints
from resolver.engine.knowledge import Knowledge
from resolver.errors import ResolutionFailed
from resolver.message import Question, Rcode, Type
from resolver.network.base import Trouble

STAGGER_S: Final = 0.4
"""Seconds after which a look-up that has not ended gets company: above nearly all round trips on earth."""
PATIENCE_S: Final = 60.0
"""Seconds of waiting for look-ups that cannot get company: they have limits of their own."""
ABREAST: Final = 2
"""Look-ups of name servers' addresses under way at a time."""


@dataclass(slots=True)
class Seeking:
    """The name servers of a zone that have no address yet, `nameless`, and the look-ups under way, `open`."""

    candidates: Candidates
    known: Knowledge
    nameless: list[NameServer] = field(default_factory=list)
    open: list[Lookup] = field(default_factory=list)
    begun: int = 0
    failure: ResolutionFailed | None = None
    """What the last look-up that failed died of."""
    cut_short: bool = False
    """A look-up was ended by the asker's own limits."""
    _other_family: bool = False

    @property
    def possible(self) -> bool:
        """Whether an address may still be found."""
        return not self.candidates.exhausted and (bool(self.open) or self._may_begin())

    def seek(self, patience_s: float = PATIENCE_S) -> Steps[None]:
        """Something has come of it: an address, the knowledge that one has none, or one more look-up; or nothing has
        within `patience_s`."""
        abreast = ABREAST if self.candidates.budget.spent.fetches else 1
        while len(self.open) < abreast and self._may_begin():
            self._begin_next()
        could_begin = self._may_begin()
        event = yield from race(self.open, STAGGER_S if could_begin else patience_s)
        if isinstance(event, Ended):
            self._ended(event)
        elif could_begin:
            self._begin_next()

    def in_other_family(self) -> bool:
        """Whether those of which all addresses have no route from here, or the one that is not believed, are being
        looked up in the other family.

        Once, and `ABREAST` of them at most. Those of a configuration are what they are.
        """
        candidates = self.candidates
        if self._other_family or candidates.delegation.configured:
            return False
        self._other_family = True
        gone = candidates.dismissed
        routed = {candidate.name for candidate, why in gone if why is not Trouble.NO_ROUTE}
        routed.update(candidate.name for candidate in candidates.waiting.values())
        six = {candidate.name: ":" in candidate.endpoint.host for candidate, _ in gone if candidate.name not in routed}
        doubted = candidates.without
        if doubted is not None:
            for name, places in candidates.delegation.servers:
                if doubted in places and name not in routed:
                    six.setdefault(name, ":" in doubted.host)
        for name, is_six in list(six.items())[:ABREAST]:
            if candidates.budget.may_fetch(len(self.open)):
                self._begin(Question(name, Type.A if is_six else Type.AAAA))
        return bool(self.open)

    def _may_begin(self) -> bool:
        budget = self.candidates.budget
        if self.candidates.sent and not self.candidates.patient and self.begun >= budget.limits.sends_to_silent_zone:
            return False
        return bool(self.nameless) and len(self.open) < ABREAST and budget.may_fetch(len(self.open))

    def _begin_next(self) -> None:
        self._begin(Question(self.nameless.pop(0).name, Type.A))

    def _begin(self, question: Question) -> None:
        self.begun += 1
        self.candidates.budget.spend_fetch()
        self.open.append(Lookup(question))

    def _ended(self, event: Ended) -> None:
        lookup, result = event
        budget = self.candidates.budget
        self.open.remove(lookup)
        server, rtype, _ = lookup.question
        if not isinstance(result, Found):
            budget.spend_failed_fetch()
            self.failure = result.failure
            self.cut_short = self.cut_short or result.failure.own_limit
            return
        found = [
            endpoint
            for rrset in result.answer.rrsets
            if rrset.type == rtype
            for endpoint in endpoints(rrset, self.known.port)
        ]
        if found:
            places = tuple(self.known.trim.addresses_of(found))
            budget.fetched(server, places)
            self.candidates.add(server, places)
            return
        budget.spend_failed_fetch()
        if rtype == Type.A and result.answer.rcode == Rcode.NOERROR and budget.may_fetch(len(self.open)):
            self._begin(Question(server, Type.AAAA))
