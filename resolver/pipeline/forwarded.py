"""Which member of a pool is asked a question, when another one is asked too, and what the pool learns of each.

Rules
* The pool's policy chooses (`balance.pool`), by the client's address and the name; each member once for a question.
* The first member is waited for as long as all but `hedge_percent` of a hundred replies of the pool take, and then a
  second one is asked too, as long as such questions are no more than `hedge_percent` of a hundred (Dean and Barroso,
  *The Tail at Scale*, 2013). Where none may be spent on that, a member has `retry_s`, and then the question goes to
  another one: that is no luxury, a datagram may be lost.
* What a member says counts for it or against it. SERVFAIL and REFUSED count against it only where another member then
  gave an answer: a name that nobody can resolve must not take all of them down.
* A member that was overtaken while it still had time is neither; one that was silent for `retry_s` has failed.

Limits: the quantile is an estimate that follows the replies (a step of a tenth at most for each), not a count of them.
"""

from __future__ import annotations

from typing import Final

from resolver.balance.pool import Key, Member, Pool
from resolver.engine.knowledge import CONFIGURED, Choice, Target
from resolver.message import Question
from resolver.network.base import Clock, Endpoint, Trouble, Upstream
from resolver.observe.counters import Counters

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

MOST_HEDGES: Final = 10.0
"""Second questions that may be saved up while members are fast."""
LEAST_HEDGE_S: Final = 0.005
"""A second question sooner than this would be sent while the first reply is on its way up through this program."""
_STARTS_WITH_S: Final = 0.1
_STEP: Final = 0.1
_ITS_TIME: Final = 0.99
"""Of the time that a member may be silent, what it has had when it was over: timers are not exact."""
_NOT_ITS_FAULT: Final = frozenset((Trouble.LOCAL, Trouble.BUSY))


class Hedging:
    """How soon a second member is asked, and how often; what is learnt of that outlives a reload with the pool."""

    __slots__ = ("_allowed", "_down", "_share", "_up", "after_s")

    def __init__(self, percent: int) -> None:
        self.after_s = _STARTS_WITH_S
        """What all but `percent` of a hundred replies take."""
        self.adjust(percent)

    def adjust(self, percent: int) -> None:
        """So many of a hundred questions may be asked of a second member."""
        self._share = percent / 100
        self._allowed = min(MOST_HEDGES, 1.0) if percent else 0.0
        # In balance where `percent` of a hundred replies take longer.
        self._up, self._down = _STEP * (1.0 - self._share), _STEP * self._share

    @property
    def may(self) -> bool:
        """Whether one may be spent now."""
        return self._allowed >= 1.0

    def began(self) -> None:
        """One more question is asked."""
        allowed = self._allowed + self._share
        self._allowed = allowed if allowed < MOST_HEDGES else MOST_HEDGES

    def spend(self) -> None:
        """One more is asked of a second member."""
        self._allowed -= 1.0

    def took(self, seconds: float) -> None:
        """A member replied after `seconds`, or was given up then."""
        after = self.after_s
        after *= 1.0 + self._up if seconds > after else 1.0 - self._down
        self.after_s = after if after > LEAST_HEDGE_S else LEAST_HEDGE_S


class Forwarded:
    """A pool as the engine sees it (`engine.knowledge.Upstreams`). Its members' targets are `network.base.Upstream`."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        counters: Counters,
        hedging: Hedging,
        *,
        listed: bool = False,
        retry_s: float,
        patience_s: float,
        by_client: bool,
    ) -> None:
        """`listed`: it is a mere list; `by_client`: its policy looks at who asks."""
        self.pool, self.hedging, self.counters = pool, hedging, counters
        self.retry_s, self.patience_s = retry_s, patience_s
        self._listed = listed
        self.monotonic = clock.monotonic
        self._by_client = by_client
        self._targets: dict[Member, Target] = {}

    def choose(self, question: Question, client: str, without: Endpoint | None) -> Choice:
        """Who is asked `question`."""
        self.hedging.began()
        packed = packed_address(client) if self._by_client and client else b""
        return _Choice(self, _make(Key, (packed, question.name.lower())), without)

    def target_of(self, member: Member) -> Target:
        """Where `member` is."""
        target = self._targets.get(member)
        if target is None:
            if len(self._targets) > 2 * len(self.pool.members):  # those that have left
                self._targets.clear()
            upstream: Upstream = member.target
            target = self._targets[member] = Target(upstream.endpoint, upstream.transport, self._called(member))
        return target

    def _called(self, member: Member) -> str:
        if self._listed:
            return CONFIGURED
        which = "a member" if member.name == str(member.target) else f'the member "{member.name}"'
        return f'{which} of the pool "{self.pool.name}"'


class _Asked:
    """A member that a question is on its way to, since the monotonic time `began`."""

    __slots__ = ("bad", "began", "member", "open", "seconds", "target")

    def __init__(self, member: Member, target: Target, began: float) -> None:
        self.member, self.target, self.began = member, target, began
        self.open = True
        self.bad = False
        """It has said nothing of use, after so many seconds."""
        self.seconds = 0.0


class _Choice:
    """Who is asked one question (`engine.knowledge.Choice`)."""

    __slots__ = ("_answered", "_asked", "_from", "_hedges", "_key", "_last", "_without")

    def __init__(self, whom: Forwarded, key: Key, without: Endpoint | None) -> None:
        self._from, self._key, self._without = whom, key, without
        self._asked: list[_Asked] = []
        self._last: _Asked | None = None
        self._answered = False
        self._hedges = False
        """The wait for the last one is so short that to ask another has a price."""

    def next(self) -> Target | None:
        """One more member."""
        whom, pool = self._from, self._from.pool
        member = pool.pick(self._key, self._passed_over()) if self._asked or self._without else pool.pick(self._key)
        if member is None:
            return None
        if self._asked:
            hedged = self._hedges and self._last is not None and self._last.open
            if hedged:
                whom.hedging.spend()
                whom.counters.forwarded_hedged += 1
            else:
                whom.counters.forwarded_retried += 1
        pool.began(member)
        asked = _Asked(member, whom.target_of(member), whom.monotonic())
        self._asked.append(asked)
        self._last = asked
        return asked.target

    def patience(self, target: Target) -> float:
        """Until a second one is asked, if that is allowed; else the time that it may be silent."""
        whom = self._from
        self._hedges = False
        if len(self._asked) == 1 and whom.hedging.may and len(whom.pool.members) > 1:
            after = whom.hedging.after_s
            if after < whom.retry_s:
                self._hedges = True
                return after
        return whom.retry_s

    def replied(self, target: Target, seconds: float, good: bool) -> None:
        """It did: what that says of the member may only be known at the end."""
        asked = self._of(target)
        if asked is None:
            return
        asked.open = False
        asked.seconds = self._from.monotonic() - asked.began
        self._from.hedging.took(asked.seconds)
        if good:
            self._answered = True
            self._from.pool.ended(asked.member, asked.seconds, True)
        else:
            asked.bad = True

    def failed(self, target: Target, trouble: Trouble, waited: float) -> None:
        """It did, unless nothing could be sent from here."""
        asked = self._of(target)
        if asked is None:
            return
        asked.open = False
        if trouble in _NOT_ITS_FAULT:
            self._from.pool.dropped(asked.member)
        else:
            self._from.pool.ended(asked.member, waited, False)

    def end(self) -> None:
        """What is still open, and what was of no use, is judged."""
        asked = self._last
        if asked is None or (len(self._asked) == 1 and not (asked.open or asked.bad)):
            return
        pool, now = self._from.pool, self._from.monotonic()
        for asked in self._asked:
            if asked.bad and self._answered:
                pool.ended(asked.member, asked.seconds, False)
            elif asked.bad:
                pool.dropped(asked.member)
            elif asked.open:
                waited = now - asked.began
                if waited >= _ITS_TIME * self._from.retry_s:
                    pool.ended(asked.member, waited, False)
                else:
                    pool.dropped(asked.member)
                self._from.hedging.took(waited)
            asked.bad = asked.open = False
        self._last = None

    def _passed_over(self) -> list[Member]:
        """Who is not to be asked any more."""
        gone = [each.member for each in self._asked]
        without = self._without
        if without is not None:
            gone += [each for each in self._from.pool.members if each.target.endpoint == without]
        return gone

    def _of(self, target: Target) -> _Asked | None:
        for asked in self._asked:
            if asked.target is target and asked.open:
                return asked
        return None


def packed_address(text: str) -> bytes:
    """The octets of an address in canonical text form; empty for what is none."""
    if ":" not in text:
        parts = text.split(".")
        return bytes(map(int, parts)) if len(parts) == 4 else b""
    import ipaddress

    return ipaddress.IPv6Address(text).packed
