"""How one zone's servers are asked until one is of use: what each event means for the server, and what is done next.

Rules
* `candidates.py` chooses the server and the time that it gets. Name servers without an address are looked up when those
  with one have all been tried: the first alone, then two at a time, a further one when `STAGGER_S` have passed in vain.
  AAAA is asked for when there is no A.
* TC means TCP to the same server; so does a reply that fits in all but its letter case, several that do not fit at
  all, and a UDP port that is closed.
* EDNS is left out for a server only after FORMERR or NOTIMP (RFC 6891 section 6.2.2), never after a timeout.
* A server that says something unusable is not asked again for this question. A message with too many records ends the
  asking: the zone's other servers hold the same.
* When all that a silent zone gets has been sent, replies to it are waited for until its time is over.
* A zone whose servers were all silent is remembered as dead for a moment, and not asked at all.
* A message that could not leave this machine costs nothing and is held against nobody. A name server whose addresses
  are all of a family without a route is looked up in the other, when nobody else is left.

Limits: what is spent is the `Budget`'s; name servers without an address that cannot be found are five at most for one
client query, those looked up ten (NXNSAttack, CVE-2020-12662).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from resolver.engine.actions import (
    Ended,
    Exchange,
    Found,
    Listen,
    Lookup,
    Malformed,
    Replied,
    Steps,
    Suspicion,
    Unanswered,
    exchange,
    race,
)
from resolver.engine.budget import Budget
from resolver.engine.candidates import Candidate, Candidates, Why
from resolver.engine.classify import classify
from resolver.engine.delegation import Delegation, NameServer, endpoints
from resolver.engine.giving_up import gave_up, too_large
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Conclusion, Fault, Referral, Truncated, Unusable
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Question, Rcode, Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names

STAGGER_S: Final = 0.4
"""Seconds after which a look-up that has not ended gets company: above nearly all round trips on earth."""
PATIENCE_S: Final = 60.0
"""Seconds of waiting for look-ups that cannot get company: they have limits of their own."""
ABREAST: Final = 2
"""Look-ups of name servers' addresses under way at a time."""
_NOT_FROM_HERE: Final = frozenset((Trouble.LOCAL, Trouble.NO_ROUTE, Trouble.BUSY))
"""Why a message has not left this machine, though another time it may."""
_NEVER_FROM_HERE: Final = frozenset((Trouble.FORBIDDEN, Trouble.UNDECLARED))
"""Why a message will never leave this machine."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply of use: what it means, and the message itself for the glue that is in it."""

    outcome: Conclusion | Referral
    message: Message


@dataclass(slots=True)
class Asking:
    """The state of asking one zone one question."""

    delegation: Delegation
    question: Question
    known: Knowledge
    budget: Budget
    candidates: Candidates
    nameless: list[NameServer] = field(default_factory=list)
    open: list[Lookup] = field(default_factory=list)
    fetches: int = 0
    sent: bool = False
    heard: list[Ede] = field(default_factory=list)
    failed_fetch: ResolutionFailed | None = None
    sought: bool = False
    """Name servers without a route were looked up in the other family."""
    cut_short: bool = False
    """Something was ended by the asker's own limits, so the zone may be better than it looks."""

    @property
    def recursed(self) -> bool:
        """Whether the servers recurse on our behalf."""
        return self.candidates.recursed

    def may_fetch(self) -> bool:
        """Whether one more name server may be looked up. Where all are silent, no more than can still be asked."""
        if self.sent and not self.candidates.patient and self.fetches >= self.budget.limits.sends_to_silent_zone:
            return False
        return bool(self.nameless) and len(self.open) < ABREAST and self.budget.may_fetch(len(self.open))

    def begin(self, question: Question) -> None:
        """One more address is looked up."""
        self.fetches += 1
        self.budget.spend_fetch()
        self.open.append(Lookup(question))

    def seek_other_family(self) -> bool:
        """Whether name servers are looked up in the other family: those of which all addresses have no route from here.

        Once, and `ABREAST` of them at most. Those of a configuration are what they are.
        """
        if self.sought or self.delegation.configured:
            return False
        self.sought = True
        gone = self.candidates.dismissed
        routed = {candidate.name for candidate, why in gone if why is not Trouble.NO_ROUTE}
        routed.update(candidate.name for candidate in self.candidates.waiting.values())
        six = {candidate.name: ":" in candidate.endpoint.host for candidate, _ in gone if candidate.name not in routed}
        for name, is_six in list(six.items())[:ABREAST]:
            if self.budget.may_fetch(len(self.open)):
                self.begin(Question(name, Type.A if is_six else Type.AAAA))
        return bool(self.open)

    def replied(self) -> None:
        """A server of the zone has said something."""
        self.sent = True
        self.candidates.replied()

    def dismiss(self, candidate: Candidate | None, why: Why) -> None:
        """`candidate`, if it is still one, is not asked again for this question."""
        if candidate is not None:
            self.candidates.dismiss(candidate, why)


def ask_zone(
    delegation: Delegation, question: Question, known: Knowledge, budget: Budget, *, recursed: bool = False
) -> Steps[Heard]:
    """What the servers of `delegation` say about `question`. Raises `ResolutionFailed` when none is of use."""
    if not recursed and (dead := known.dead_zone(delegation)) is not None:
        raise dead.fresh()  # what is raised must not be held by its own frame
    candidates = Candidates(delegation, known.servers, budget, recursed)
    asking = Asking(delegation, question, known, budget, candidates)
    for server in delegation.servers:
        if server.endpoints:
            candidates.add(server.name, server.endpoints)
        else:
            asking.nameless.append(server)
    while True:
        may_look_up = not candidates.exhausted and (bool(asking.open) or asking.may_fetch())
        candidate = candidates.next(only_fresh=may_look_up)
        if candidate is not None:
            heard = yield from _try(asking, candidate)
            if heard is not None:
                return heard
        elif may_look_up:
            yield from _look_up(asking)
        elif asking.sent and not candidates.patient and candidates.left_s > 0:
            heard = yield from _listen(asking)
            if heard is not None:
                return heard
        elif not asking.seek_other_family():
            if asking.nameless:
                budget.check_failed_fetches(names.to_text(delegation.zone))
            failure = gave_up(asking)
            if _is_dead(asking, failure):
                known.learn_dead_zone(delegation, failure)
            raise failure.fresh()


def _is_dead(asking: Asking, failure: ResolutionFailed) -> bool:
    """Whether the silence is the zone's: some servers drop questions of other types than A (RFC 8906 section 3.1.2,
    RFC 4074 section 4.1: of AAAA)."""
    told = asking.question.type in (Type.A, Type.NS)
    silent = asking.sent and failure.label in ("silent", "unreachable") and not asking.candidates.anyone_replied
    return silent and told and not (failure.own_limit or asking.recursed)


def _try(asking: Asking, candidate: Candidate) -> Steps[Heard | None]:
    """One exchange with `candidate`, and what follows from it."""
    timeout = asking.candidates.send_to(candidate)
    event = yield from exchange(
        Exchange(
            candidate.endpoint,
            asking.question,
            asking.delegation.zone,
            candidate.transport,
            timeout,
            asking.recursed,
            candidate.edns,
            candidate.name,
        )
    )
    match event:
        case Replied():
            return _read(asking, event)
        case Malformed(server, reason, oversized):
            asking.known.servers.replied(server, timeout)
            asking.sent = True  # but it is no reply that would make a silent zone worth more messages
            if oversized:
                raise too_large(asking, reason)
            asking.dismiss(asking.candidates.waiting.get(server), f"sent a malformed reply ({reason})")
        case Unanswered(_, _, Suspicion() as suspicion, server):
            _suspected(asking, server or candidate.endpoint, suspicion)
        case Unanswered(trouble, waited):
            _unanswered(asking, candidate, trouble, waited)
    return None


def _listen(asking: Asking) -> Steps[Heard | None]:
    """Nobody else can be asked, and a zone that never replied may be slow: earlier messages are given its time."""
    left = asking.candidates.left_s
    event = yield from exchange(Listen(asking.question, asking.delegation.zone, left))
    match event:
        case Replied():
            return _read(asking, event)
        case Unanswered(waited=waited) if event.suspicion is None:
            asking.candidates.waited += waited or left
        case _:
            asking.candidates.waited += left
    return None


def _suspected(asking: Asking, server: Endpoint, suspicion: Suspicion) -> None:
    """`server` is asked over TCP: from now on where it changes the letter case, else for this question."""
    if suspicion is Suspicion.CASE:
        asking.known.servers.changes_case(server)
        asking.replied()
    candidate = asking.candidates.waiting.get(server)
    if candidate is not None:
        candidate.turn_to_tcp()


def _unanswered(asking: Asking, candidate: Candidate, trouble: Trouble, waited: float) -> None:
    if trouble in _NOT_FROM_HERE or trouble in _NEVER_FROM_HERE:
        asking.candidates.refund()
        asking.cut_short = asking.cut_short or trouble in _NOT_FROM_HERE
        if trouble is Trouble.NO_ROUTE:
            asking.known.servers.no_route(candidate.endpoint)
        asking.dismiss(candidate, trouble)
        return
    asking.sent = True
    asking.candidates.waited += waited
    asking.known.servers.silent(candidate.endpoint, waited)
    if trouble is Trouble.REFUSED and not candidate.tcp:
        candidate.turn_to_tcp(at_once=False)
    elif trouble is not Trouble.TIMEOUT or candidate.tcp or candidate.sent >= asking.budget.limits.sends_per_server:
        asking.dismiss(candidate, trouble)


def _read(asking: Asking, event: Replied) -> Heard | None:
    """What the reply means; None when it is of no use and the asking goes on.

    It need not be that of the last try: what it says counts for the server and for the message that it replies to.
    """
    known = asking.known
    known.servers.replied(event.server, event.rtt)
    asking.replied()
    candidate = asking.candidates.waiting.get(event.server)
    outcome = classify(
        event.message,
        asking.question,
        asking.delegation.zone,
        known.port,
        recursed=asking.recursed,
        trim=known.trim,
        borders=known.borders,
    )
    known.note(outcome)
    match outcome:
        case Truncated():
            if event.transport is Transport.TCP:
                asking.dismiss(candidate, "truncated its answer over TCP too")
            elif candidate is not None:
                candidate.turn_to_tcp()
        case Unusable(Fault.FORMERR | Fault.NOTIMP) if event.edns:
            if candidate is not None:
                candidate.turn_to_plain()
        case Unusable(Fault.BADCOOKIE) if candidate is not None and event.transport is Transport.UDP:
            candidate.turn_to_new_cookie()
        case Unusable(fault, ede):
            asking.heard.extend(ede)
            if fault in (Fault.LAME, Fault.UPWARD):
                known.servers.lame(event.server, asking.delegation.zone)
            asking.dismiss(candidate, fault)
        case _:
            if not event.edns and known.servers.knows_edns(event.server):
                known.servers.without_edns(event.server)
            return Heard(outcome, event.message)
    return None


def _look_up(asking: Asking) -> Steps[None]:
    """Something has come of looking up name servers: an address, the knowledge that one has none, or one more begun."""
    abreast = ABREAST if asking.budget.spent.fetches else 1
    while len(asking.open) < abreast and asking.may_fetch():
        _begin_next(asking)
    could_begin = asking.may_fetch()
    event = yield from race(asking.open, STAGGER_S if could_begin else PATIENCE_S)
    if not isinstance(event, Ended):
        if could_begin:
            _begin_next(asking)
        return
    lookup, result = event
    asking.open.remove(lookup)
    server, rtype, _ = lookup.question
    if isinstance(result, Found):
        found = [
            endpoint
            for rrset in result.answer.rrsets
            if rrset.type == rtype
            for endpoint in endpoints(rrset, asking.known.port)
        ]
        if found:
            asking.candidates.add(server, asking.known.trim.addresses_of(found))
            return
        asking.budget.spend_failed_fetch()
        if rtype == Type.A and result.answer.rcode == Rcode.NOERROR and asking.budget.may_fetch(len(asking.open)):
            asking.begin(Question(server, Type.AAAA))
        return
    asking.budget.spend_failed_fetch()
    asking.failed_fetch = result.failure
    asking.cut_short = asking.cut_short or result.failure.own_limit


def _begin_next(asking: Asking) -> None:
    """The address of one more name server is looked up."""
    asking.begin(Question(asking.nameless.pop(0).name, Type.A))
