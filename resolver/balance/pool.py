"""Which member of a pool takes the next question: who may at all, and, among those, whom the policy of the pool says.

Rules
* A member takes questions while it is up, or starting. What health finds (`up`, `down`) and what an operator says
  (`drain`, `undrain`) are kept apart: a drained member that recovers stays drained.
* A member that comes back is *starting* for `slow_start_s`: it is let in with a chance that grows to 1 meanwhile, so
  that a cold cache is not hit by a full share. The chance is the policy's, so that one that hashes moves each key once.
* When health lets none in, the pool is open (all that are not drained take questions, since a wrong finding is more
  likely than none of them working) or closed (nobody does).
* Response times are smoothed as in RFC 6298 section 2, and lose half of themselves in each `HALF_LIFE_S` without a new
  one: a member that was slow is tried again. A failure counts as a response of at least `FAILURE_S`, however soon it
  came: who refuses at once must not be the fastest.

Limits: a pool knows nothing of messages, sockets or addresses; `target` is its owner's. It owns its members: what they
hold is read by all and changed here alone.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from resolver.network.base import Clock

SMOOTHING: Final = 0.125
HALF_LIFE_S: Final = 10.0
FAILURE_S: Final = 0.4
STARTS_WITH: Final = 0.05
"""The share of its own with which a member starts."""


class State(enum.StrEnum):
    """Whether a member takes questions: UP and STARTING do."""

    UP = "up"
    DOWN = "down"
    DRAINED = "drained"
    STARTING = "starting"


class Key(NamedTuple):
    """What a choice may depend on: the address of the client, packed, and the name that is asked for, folded. Empty
    where it is not known."""

    client: bytes = b""
    name: bytes = b""


class Member:
    """One of a pool. Times in seconds."""

    __slots__ = (
        *("drained", "failed", "failures", "healthy", "heard", "name", "order", "outstanding", "picked", "replied"),
        *("rtt", "rtt_at", "since", "state", "target", "weight"),
    )

    def __init__(self, name: str, target: Any = None, *, weight: int = 1, order: int = 0) -> None:
        self.name = name
        self.target = target
        self.weight = weight
        self.order = order
        self.state = State.UP
        self.healthy = True
        self.drained = False
        self.since = 0.0
        """When its state last changed, by the monotonic clock; 0.0: it has been up from the beginning."""
        self.outstanding = 0
        self.rtt = 0.0
        """Smoothed, as it was at `rtt_at`; 0.0 while it is not known."""
        self.rtt_at = 0.0
        self.failures = 0
        """In a row."""
        self.picked = 0
        self.replied = 0
        self.failed = 0
        self.heard: Callable[[bool], None] | None = None
        """Called after each question that has ended, with whether that was good."""

    def __repr__(self) -> str:
        return f"<{self.name} {self.state}>"

    def rtt_now(self, now: float) -> float:
        """The smoothed response time, less what it has lost by age; 0.0 while it is not known."""
        return self.rtt * math.exp2((self.rtt_at - now) / HALF_LIFE_S)


class Policy(Protocol):
    """How one is chosen among those that may be."""

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """One of `among`, which is not empty and in the order of the configuration."""
        ...

    def chance(self, key: Key) -> float:
        """What decides whether a starting member is let in for `key`: a number in [0, 1), drawn, or always the same for
        the same key where the policy always chooses the same."""
        ...

    def changed(self, members: Sequence[Member]) -> None:
        """The pool has these members from now on, whichever of them take questions; called first when it is made."""
        ...


Changed = Callable[[Member, State], None]
"""Called after the state of a member has changed, with the state before."""


class Pool:
    """Members, and the policy by which one is picked."""

    def __init__(
        self,
        name: str,
        members: Iterable[Member],
        policy: Policy,
        clock: Clock,
        *,
        slow_start_s: float = 0.0,
        open_when_all_down: bool = True,
        changed: Changed | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.slow_start_s = slow_start_s
        self.open_when_all_down = open_when_all_down
        self.changed = changed
        self.members: tuple[Member, ...] = ()
        self._monotonic = clock.monotonic
        self._usable: tuple[Member, ...] = ()
        self._starting: tuple[Member, ...] = ()
        self.become(members)

    # -- choosing

    def pick(self, key: Key, without: Collection[Member] = ()) -> Member | None:
        """Who takes the question of `key`, not one of `without`; None where nobody is left."""
        among: Sequence[Member] = self._usable
        if self._starting:
            among = self._admitted(key, without)
        elif without:
            among = [each for each in among if each not in without]
        if not among:
            return None
        member = among[0] if len(among) == 1 else self.policy.pick(among, key)
        member.picked += 1
        return member

    def began(self, member: Member) -> None:
        """A question is on its way to `member`; `ended` or `dropped` must follow."""
        member.outstanding += 1

    def ended(self, member: Member, seconds: float, good: bool) -> None:
        """The question is over after `seconds`: with a reply that is of use, or without one."""
        member.outstanding -= 1
        if good:
            member.replied += 1
            member.failures = 0
        else:
            member.failed += 1
            member.failures += 1
            seconds = max(seconds, FAILURE_S)
        before = member.rtt
        member.rtt = seconds if before == 0.0 else before + (seconds - before) * SMOOTHING
        member.rtt_at = self._monotonic()
        if member.heard is not None:
            member.heard(good)

    def dropped(self, member: Member) -> None:
        """Nobody waits for the question any more, and nothing is learnt of it."""
        member.outstanding -= 1

    # -- who may be chosen

    def up(self, member: Member) -> None:
        """Health finds that `member` works."""
        member.healthy = True
        self._stands(member)

    def down(self, member: Member) -> None:
        """Health finds that `member` does not work."""
        member.healthy = False
        self._stands(member)

    def drain(self, name: str) -> bool:
        """The member of that name gets no new questions; False where there is none."""
        return self._drained(name, True)

    def undrain(self, name: str) -> bool:
        """The member of that name is what health finds; False where there is none."""
        return self._drained(name, False)

    def settle(self) -> None:
        """Members whose start is over are up; to be called before their states are shown."""
        now = self._monotonic()
        for member in self._starting:
            if now - member.since >= self.slow_start_s:
                self._is(member, State.UP)

    def become(self, members: Iterable[Member]) -> None:
        """These are the members from now on, in this order. One that is here already, by its name and target, stays as
        it is, and has the new weight. One whose name has another target begins anew, but stays drained."""
        before = {each.name: each for each in self.members}
        self.members = tuple(_inheriting(each, before.get(each.name)) for each in members)
        for order, member in enumerate(self.members):
            member.order = order
        self.policy.changed(self.members)
        self._listed()

    def named(self, name: str) -> Member | None:
        """The member of that name."""
        return next((each for each in self.members if each.name == name), None)

    # -- inside

    def _admitted(self, key: Key, without: Collection[Member]) -> Sequence[Member]:
        self.settle()
        now, chance = self._monotonic(), self.policy.chance(key)
        left = [each for each in self._usable if each not in without]
        admitted = [each for each in left if each.state is not State.STARTING or chance < self._share(each, now)]
        return admitted or left

    def _share(self, member: Member, now: float) -> float:
        return max(STARTS_WITH, (now - member.since) / self.slow_start_s)

    def _drained(self, name: str, drained: bool) -> bool:
        member = self.named(name)
        if member is None:
            return False
        member.drained = drained
        self._stands(member)
        return True

    def _stands(self, member: Member) -> None:
        """The state of `member` is what follows of its health and of what the operator said."""
        if member.drained:
            self._is(member, State.DRAINED)
        elif not member.healthy:
            self._is(member, State.DOWN)
        elif member.state in (State.DOWN, State.DRAINED):
            self._is(member, State.STARTING if self.slow_start_s > 0 else State.UP)

    def _is(self, member: Member, state: State) -> None:
        before = member.state
        if state is before:
            return
        if state is State.STARTING:  # what it was before it was away says nothing of it
            member.rtt, member.failures = 0.0, 0
        member.state = state
        member.since = self._monotonic()
        self._listed()
        if self.changed is not None:
            self.changed(member, before)

    def _listed(self) -> None:
        usable = tuple(each for each in self.members if each.state in (State.UP, State.STARTING))
        if not usable and self.open_when_all_down:
            usable = tuple(each for each in self.members if each.state is State.DOWN)
        self._usable = usable
        self._starting = tuple(each for each in usable if each.state is State.STARTING)


def _inheriting(member: Member, old: Member | None) -> Member:
    """`old`, if it is the same as `member`; else `member`."""
    if old is None or old is member:
        return member
    if old.target == member.target:
        old.weight = member.weight
        return old
    if old.drained:
        member.drained, member.state = True, State.DRAINED
    return member
