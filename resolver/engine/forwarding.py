"""How a pool of upstreams is asked until one member is of use: what each event means, and what is done next.

Rules
* Whoever stands behind `Upstreams` chooses the members, and says how long the first is waited for before another is
  asked too. The first stays open meanwhile, whatever carries it, and the first reply of use is the answer.
* A member that says something unusable (SERVFAIL, REFUSED, what is malformed), or cannot be reached, leaves the
  question to another one at once.
* Where each has been asked, those that are silent over UDP are sent the question again, since a datagram may be lost,
  each time after twice the wait. A stream loses nothing, and is waited for.
* TC means TCP to the same member; so does a datagram that fits in all but its letter case, or several that do not fit
  at all. EDNS is left out for a member after FORMERR or NOTIMP. A new cookie is used once.
* What its members answer is read as that of any server that recursed on our behalf (`classify`), and no member is
  believed about names outside the zone that is forwarded.
* The extended errors of members are told on: those of the reply that is the answer, or else of all that were heard.

Limits: `Limits.sends` messages for one question, `Limits.sends_per_server` to one member, and `Upstreams.patience_s`
of silence.
"""

from __future__ import annotations

from typing import Final

from resolver.engine.actions import Event, Exchange, Listen, Malformed, Replied, Steps, Suspicion, Unanswered
from resolver.engine.asking import Heard
from resolver.engine.budget import NETWORK_ERROR, NO_REACHABLE_AUTHORITY, Budget
from resolver.engine.classify import classify, told
from resolver.engine.delegation import Delegation
from resolver.engine.giving_up import MAX_HEARD
from resolver.engine.knowledge import CONFIGURED, Choice, Knowledge, Target, Upstreams
from resolver.engine.outcome import Answered, Fault, Referral, Truncated, Unusable
from resolver.errors import ResolutionFailed
from resolver.message import EDE_OPTION, Ede, Question, Transport
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_UDP: Final = Transport.UDP
_TCP: Final = Transport.TCP
LONGEST_WAIT_S: Final = 2.0
"""For one message, so that a question which began while the network was down is soon asked again when it is back."""
_LEAST_S: Final = 0.01
_NOT_FROM_HERE: Final = frozenset((Trouble.LOCAL, Trouble.BUSY))
"""Why a message has not left this machine, though another time it may: that is held against nobody."""


class Attempt:
    """A member that is asked. `tries` counts messages; `why` is what became of it, None while it may reply."""

    __slots__ = ("edns", "endpoint", "new_cookie", "target", "transport", "tries", "why")

    def __init__(self, target: Target, edns: bool, tcp: bool) -> None:
        self.target = target
        self.endpoint: Endpoint = target.endpoint
        self.transport: Transport = _TCP if tcp and target.transport is _UDP else target.transport
        self.edns = edns
        self.tries = 0
        self.new_cookie = False
        self.why: Trouble | Fault | str | None = None

    def turn_to_tcp(self) -> bool:
        """It is asked over TCP now; False where it was asked over a stream already."""
        if self.transport is not _UDP:
            return False
        self.transport, self.tries = _TCP, 0
        return True


class Forwarding:
    """The state of asking one pool one question."""

    __slots__ = (
        *("again", "attempts", "budget", "choice", "cut_short", "heard", "known", "question"),
        *("upstreams", "waited", "zone"),
    )

    def __init__(
        self, upstreams: Upstreams, choice: Choice, zone: bytes, question: Question, known: Knowledge, budget: Budget
    ) -> None:
        self.upstreams, self.choice, self.zone = upstreams, choice, zone
        self.question, self.known, self.budget = question, known, budget
        self.attempts: list[Attempt] = []
        self.again: Attempt | None = None
        """Who is asked at once, in another way than before."""
        self.heard: tuple[Ede, ...] = ()
        self.waited = 0.0
        self.cut_short = False
        """Something could not be sent from here, so the pool may be better than it looks."""

    @property
    def left_s(self) -> float:
        """Seconds for which silence may still be waited for."""
        return self.upstreams.patience_s - self.waited

    def next(self) -> Attempt | None:
        """Who is asked now; None where nobody else may be."""
        again = self.again
        if again is not None:
            self.again = None
            return again
        if self.attempts and self.left_s <= _LEAST_S:
            return None
        target = self.choice.next()
        if target is None:
            return self._silent()
        knows_edns, keeps_case, _ = self.known.servers.standing(target.endpoint)
        attempt = Attempt(target, knows_edns, not keeps_case)
        self.attempts.append(attempt)
        return attempt

    def _silent(self) -> Attempt | None:
        """The one that was sent least of those whose datagrams, or whose replies, may have been lost."""
        most = self.budget.limits.sends_per_server
        found: Attempt | None = None
        for each in self.attempts:
            open_ = each.why is None and each.transport is _UDP and each.tries < most
            if open_ and (found is None or each.tries < found.tries):
                found = each
        return found

    def of(self, server: Endpoint) -> Attempt | None:
        """The member at `server` that may still reply."""
        for each in self.attempts:
            if each.endpoint == server and each.why is None:
                return each
        return None

    def of_no_use(self, attempt: Attempt, seconds: float, why: Fault | str) -> None:
        """The member of `attempt`, which replied after `seconds`, is not asked this question again."""
        attempt.why = why
        self.choice.replied(attempt.target, seconds, False)

    @property
    def may_listen(self) -> bool:
        """Whether a message that was sent may still be replied to, and there is time to wait for that."""
        return self.left_s > _LEAST_S and any(each.why is None for each in self.attempts)


def ask_pool(
    upstreams: Upstreams,
    delegation: Delegation,
    question: Question,
    known: Knowledge,
    budget: Budget,
    without: Endpoint | None = None,
) -> Steps[Heard]:
    """What the members of `upstreams` say about `question`, `without` the one whose reply is not believed.

    Raises `ResolutionFailed` when none is of use.
    """
    choice = upstreams.choose(question, budget.client, without)
    asking = Forwarding(upstreams, choice, delegation.zone, question, known, budget)
    try:
        while True:
            attempt = asking.next()
            if attempt is not None:
                budget.spend_send()
                event = yield _message(asking, attempt)
            elif asking.may_listen:
                event = yield Listen(question, delegation.zone, asking.left_s)
            else:
                raise _gave_up(asking)
            heard = _read(asking, event) if isinstance(event, Replied) else None
            if heard is not None:
                return heard
            if not isinstance(event, Replied):
                _without_reply(asking, attempt, event)
    finally:
        choice.end()


def _message(asking: Forwarding, attempt: Attempt) -> Exchange:
    """What is sent to the member of `attempt`, whose reply is waited for so long before something else is done."""
    seconds = asking.choice.patience(attempt.target)
    if attempt.tries:
        seconds *= float(1 << attempt.tries)
    attempt.tries += 1
    seconds = max(_LEAST_S, min(seconds, LONGEST_WAIT_S, asking.left_s))
    return _make(
        Exchange,
        (
            attempt.endpoint,
            asking.question,
            asking.zone,
            attempt.transport,
            seconds,
            True,
            attempt.edns,
            b"",
            attempt.tries > 1,
            attempt.target.called,
        ),
    )


def _without_reply(asking: Forwarding, asked: Attempt | None, event: Event) -> None:
    """What follows from `event`, which is no reply of use; the one `asked` last, if it was not all that are open."""
    match event:
        case Malformed(server, reason):
            attempt = asking.of(server)
            if attempt is not None:
                asking.of_no_use(attempt, 0.0, f"sent a malformed reply ({reason})")
        case Unanswered(_, _, Suspicion() as suspicion, server):
            attempt = asked if server is None else asking.of(server)
            if suspicion is Suspicion.CASE and attempt is not None:
                asking.known.servers.changes_case(attempt.endpoint)
            if attempt is not None and attempt.turn_to_tcp():
                asking.again = attempt
        case Unanswered(Trouble.TIMEOUT, waited):
            asking.waited += waited if waited > 0 else asking.left_s
        case Unanswered(trouble, waited, None, server):
            attempt = asked if server is None else asking.of(server)
            if trouble in _NOT_FROM_HERE:
                asking.cut_short = True
                asking.budget.refund_send()
            if attempt is not None:
                asking.choice.failed(attempt.target, trouble, waited)
                attempt.why = trouble
        case _:
            raise AssertionError(event)


def _read(asking: Forwarding, event: Replied) -> Heard | None:
    """What the reply means; None when it is of no use and the asking goes on."""
    server, transport, message, rtt, edns = event
    known = asking.known
    known.servers.replied(server, rtt)
    attempt = asking.of(server)
    outcome = classify(
        message, asking.question, asking.zone, known.port, recursed=True, trim=known.trim, borders=known.borders
    )
    known.note(outcome)
    if isinstance(outcome, Answered):  # as nearly all are
        pass
    elif isinstance(outcome, Truncated):
        if attempt is not None and attempt.turn_to_tcp():
            asking.again = attempt
        elif attempt is not None:
            asking.of_no_use(attempt, rtt, "truncated its answer over a stream too")
        return None
    elif isinstance(outcome, Unusable):
        fault, said = outcome
        if attempt is not None and _in_another_way(attempt, fault, transport, edns):
            asking.again = attempt
        elif attempt is not None:
            asking.heard += said
            asking.of_no_use(attempt, rtt, fault)
        return None
    elif isinstance(outcome, Referral):
        if attempt is not None:
            asking.of_no_use(attempt, rtt, "refers elsewhere, and does not recurse")
        return None
    if attempt is not None:
        asking.choice.replied(attempt.target, rtt, True)
    if not edns and known.servers.standing(server)[0]:
        known.servers.without_edns(server)
    opt = message.edns
    if opt is not None and opt.options and any(code == EDE_OPTION for code, _ in opt.options):
        asking.budget.told = told(message)
    return _make(Heard, (outcome, message, server))


def _in_another_way(attempt: Attempt, fault: Fault, transport: Transport, edns: bool) -> bool:
    """Whether the member of `attempt` is asked again, differently, for the `fault` of its reply."""
    if fault in (Fault.FORMERR, Fault.NOTIMP) and edns and attempt.edns:
        attempt.edns, attempt.tries = False, 0
        return True
    if fault is Fault.BADCOOKIE and transport is _UDP:
        if attempt.new_cookie:
            return attempt.turn_to_tcp()
        attempt.new_cookie, attempt.tries = True, max(0, attempt.tries - 1)
        return True
    return False


def _gave_up(asking: Forwarding) -> ResolutionFailed:
    """Why no member was of use: the one that tells most, what a member said before what none said."""
    zone, own = names.to_text(asking.zone), asking.cut_short
    if not asking.attempts:
        text = f"{zone}: no upstream may be asked"
        return ResolutionFailed("PLNO", NO_REACHABLE_AUTHORITY, text, label="no_upstream")
    heard = tuple(dict.fromkeys(asking.heard))[:MAX_HEARD]
    unreached: tuple[Attempt, Trouble] | None = None
    for attempt in asking.attempts:
        why = attempt.why
        if why is Trouble.LOOP:
            text = f"{zone}: {_who(attempt)} {why}"
            return ResolutionFailed("PLLP", NETWORK_ERROR, text, label="loop")
        if isinstance(why, Trouble):
            unreached = unreached or (attempt, why)
        elif why is not None:
            text = f"{zone}: {_who(attempt)} {why}"
            label = why.name.lower() if isinstance(why, Fault) else "malformed"
            return ResolutionFailed("PLSF", NETWORK_ERROR, text, label=label, heard=heard, own_limit=own)
    if unreached is not None:
        attempt, trouble = unreached
        text = f"{zone}: {_who(attempt)}: {trouble}"
        label = "local" if own else "unreachable"
        return ResolutionFailed("PLUN", NO_REACHABLE_AUTHORITY, text, label=label, own_limit=own)
    text = f"{zone}: no upstream replied"
    return ResolutionFailed("PLMU", NO_REACHABLE_AUTHORITY, text, label="silent")


def _who(attempt: Attempt) -> str:
    """The member as a person knows it: by its pool, or by where the configuration says that it is."""
    called = attempt.target.called
    return f"the configured server {attempt.endpoint}" if called == CONFIGURED else f"{called} ({attempt.endpoint})"
