"""How one zone's servers are asked until one is of use: what each event means for the server, and what is done next.

Rules
* `candidates.py` chooses the server and the time that it gets; `seeking.py` finds more when each has been tried.
* TC means TCP to the same server; so does a reply that fits in all but its letter case, several that do not fit at
  all, and a UDP port that is closed.
* EDNS is left out for a server only after FORMERR or NOTIMP (RFC 6891 section 6.2.2), never after a timeout.
* A server that says something unusable is not asked again for this question. A message with too many records ends the
  asking: the zone's other servers hold the same.
* When nothing more may be sent, replies to what was sent are waited for, as long as a silent zone is.
* A denial without a SOA is what some broken servers say of everything: one more server is asked, and believed if it has
  more to say.
* A zone whose servers were all silent is remembered as dead for a moment, and not asked at all.
* A message that could not leave this machine costs nothing and is held against nobody.

Limits: what is spent is the `Budget`'s.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from resolver.engine.actions import (
    Event,
    Exchange,
    Listen,
    Malformed,
    Replied,
    Steps,
    Suspicion,
    Unanswered,
)
from resolver.engine.budget import Budget
from resolver.engine.candidates import Candidate, Candidates, Why
from resolver.engine.classify import classify
from resolver.engine.delegation import Delegation
from resolver.engine.giving_up import gave_up, too_large
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Answered, Conclusion, Denied, Fault, Referral, Truncated, Unusable
from resolver.engine.seeking import PATIENCE_S, STAGGER_S, Seeking
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Question, Rcode, Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_UDP: Final = Transport.UDP
_TCP: Final = Transport.TCP

_NOT_FROM_HERE: Final = frozenset((Trouble.LOCAL, Trouble.NO_ROUTE, Trouble.BUSY))
"""Why a message has not left this machine, though another time it may."""
_NEVER_FROM_HERE: Final = frozenset((Trouble.FORBIDDEN, Trouble.UNDECLARED))
"""Why a message will never leave this machine."""


class Heard(NamedTuple):
    """A reply of use: what it means, the message itself for the glue that is in it, and whose it is."""

    outcome: Conclusion | Referral
    message: Message
    server: Endpoint


class Asking:
    """The state of asking one zone one question."""

    __slots__ = (
        "budget",
        "candidates",
        "cut_short",
        "delegation",
        "doubted",
        "heard",
        "known",
        "question",
        "seeking",
        "sought_another",
    )

    def __init__(
        self, candidates: Candidates, question: Question, known: Knowledge, budget: Budget, seeking: Seeking | None
    ) -> None:
        self.candidates, self.delegation = candidates, candidates.delegation
        self.question, self.known, self.budget = question, known, budget
        self.seeking = seeking
        """Only where some name servers have no address, or none that can be reached."""
        self.heard: tuple[Ede, ...] = ()
        self.cut_short = False
        """Something could not be sent from here, so the zone may be better than it looks."""
        self.doubted: Heard | None = None
        """A denial without a SOA: some broken servers say it of everything, so that another one is asked."""
        self.sought_another = False
        """The address of another has been sought for that, which must not take the denial's time away."""

    @property
    def recursed(self) -> bool:
        """Whether the servers recurse on our behalf."""
        return self.candidates.recursed

    def dismiss(self, candidate: Candidate | None, why: Why) -> None:
        """`candidate`, if it is still one, is not asked again for this question."""
        if candidate is not None:
            self.candidates.dismiss(candidate, why)


def ask_zone(
    delegation: Delegation,
    question: Question,
    known: Knowledge,
    budget: Budget,
    *,
    recursed: bool = False,
    without: Endpoint | None = None,
) -> Steps[Heard]:
    """What the servers of `delegation` say about `question`, `without` the one whose reply is not believed.

    Raises `ResolutionFailed` when none is of use.
    """
    if not recursed and (dead := known.dead_zone(delegation)) is not None:
        raise dead.fresh()  # what is raised must not be held by its own frame
    candidates = Candidates(delegation, known.servers, budget, recursed, without)
    nameless = []
    for server in delegation.servers:
        name, endpoints = server
        endpoints = endpoints or budget.places_of(name)
        if endpoints:
            candidates.add(name, endpoints)
        else:
            nameless.append(server)
    seeking = Seeking(candidates, known, nameless) if nameless else None
    asking = Asking(candidates, question, known, budget, seeking)
    while True:
        heard = doubted = asking.doubted
        candidate = candidates.next(only_fresh=seeking is not None and seeking.possible)
        if candidate is not None:
            seconds = candidates.send_to(candidate)
            event = yield _message(asking, candidate, seconds)
            if isinstance(event, Replied):
                heard = _read(asking, event) or doubted
            else:
                _without_reply(asking, candidate, event, seconds)
        elif seeking is not None and seeking.possible and not asking.sought_another:
            asking.sought_another = doubted is not None
            yield from seeking.seek(PATIENCE_S if doubted is None else STAGGER_S)
            continue
        elif doubted is None and candidates.may_listen:
            left = candidates.left_s
            event = yield Listen(question, delegation.zone, left)
            if isinstance(event, Replied):
                heard = _read(asking, event)
            else:  # nobody else can be asked, and a zone may be slow, or slower than it was
                slept = event.waited if isinstance(event, Unanswered) and event.suspicion is None else 0.0
                candidates.waited += slept or left
        elif doubted is None:
            seeking = asking.seeking = seeking or Seeking(candidates, known)
            if not seeking.in_other_family():
                raise _failure(asking)
        if heard is not None:
            return heard


def _failure(asking: Asking) -> ResolutionFailed:
    """Why no server was of use; remembered where they were all silent."""
    delegation = asking.delegation
    if asking.seeking is not None and asking.seeking.nameless:
        asking.budget.check_failed_fetches(names.to_text(delegation.zone))
    failure = gave_up(asking)
    if _is_dead(asking, failure):
        asking.known.learn_dead_zone(delegation, failure)
    return failure.fresh()


def _is_dead(asking: Asking, failure: ResolutionFailed) -> bool:
    """Whether the silence is the zone's: some servers drop questions of other types than A (RFC 8906 section 3.1.2,
    RFC 4074 section 4.1: of AAAA)."""
    told = asking.question.type in (Type.A, Type.NS)
    silent = (
        asking.candidates.sent and failure.label in ("silent", "unreachable") and not asking.candidates.anyone_replied
    )
    return silent and told and not (failure.own_limit or asking.recursed)


def _message(asking: Asking, candidate: Candidate, seconds: float) -> Exchange:
    """What is sent to `candidate`, whose reply is waited for so long."""
    candidates = asking.candidates
    return _make(
        Exchange,
        (
            candidate.endpoint,
            asking.question,
            candidates.delegation.zone,
            _TCP if candidate.tcp else _UDP,
            seconds,
            candidates.recursed,
            candidate.edns,
            candidate.name,
            candidates.waited > 0,
            "",
        ),
    )


def _without_reply(asking: Asking, candidate: Candidate, event: Event, seconds: float) -> None:
    """What follows from `event`, which is no reply of use to what was sent to `candidate`."""
    match event:
        case Malformed(server, reason, oversized):
            asking.known.servers.replied(server, seconds)
            asking.candidates.sent = True  # but it is no reply that would make a silent zone worth more messages
            if oversized:
                raise too_large(asking, reason)
            asking.dismiss(asking.candidates.waiting.get(server), f"sent a malformed reply ({reason})")
        case Unanswered(_, _, Suspicion() as suspicion, server):
            _suspected(asking, server or candidate.endpoint, suspicion)
        case Unanswered(trouble, waited):
            _unanswered(asking, candidate, trouble, waited)
        case _:
            raise AssertionError(event)


def _suspected(asking: Asking, server: Endpoint, suspicion: Suspicion) -> None:
    """`server` is asked over TCP: from now on where it changes the letter case, else for this question."""
    if suspicion is Suspicion.CASE:
        asking.known.servers.changes_case(server)
        asking.candidates.replied()
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
    asking.candidates.sent = True
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
    asking.candidates.replied()
    candidate = asking.candidates.waiting.get(event.server)
    outcome = classify(
        event.message,
        asking.question,
        asking.delegation.zone,
        known.port,
        recursed=asking.candidates.recursed,
        trim=known.trim,
        borders=known.borders,
    )
    known.note(outcome)
    match outcome:
        case Answered() | Referral():  # as nearly all are
            pass
        case Truncated():
            if event.transport is _TCP:
                asking.dismiss(candidate, "truncated its answer over TCP too")
            elif candidate is not None:
                candidate.turn_to_tcp()
            return None
        case Unusable(Fault.FORMERR | Fault.NOTIMP) if event.edns:
            if candidate is not None:
                candidate.turn_to_plain()
            return None
        case Unusable(Fault.BADCOOKIE) if candidate is not None and event.transport is _UDP:
            candidate.turn_to_new_cookie()
            return None
        case Unusable(fault, ede):
            asking.heard += ede
            if fault in (Fault.LAME, Fault.UPWARD):
                known.servers.lame(event.server, asking.delegation.zone)
            asking.dismiss(candidate, fault)
            return None
        case Denied(rcode=Rcode.NOERROR, soa=None) if candidate and not (asking.doubted or asking.recursed):
            asking.doubted = Heard(outcome, event.message, event.server)
            asking.dismiss(candidate, "denied without a SOA")
            return None
    if not event.edns and known.servers.standing(event.server)[0]:
        known.servers.without_edns(event.server)
    return _make(Heard, (outcome, event.message, event.server))
