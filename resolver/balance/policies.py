"""The policies that need nothing but the members: whose turn it is, who is next in rank, or who is best off.

Rules
* Static, blind to what members do: `round-robin`; `weighted-round-robin`, whose turns are spread as evenly as weights
  allow (5, 1 and 1 give a a b a c a a, as NGINX does it: each gains its weight, and who has most pays for all);
  `weighted-random`; `first-available`, the order of the configuration.
* Dynamic: `least-outstanding` takes who has least to do for its weight, and those that are equal in turn.
  `least-response-time` draws two and takes the better one of them: nearly as even as the best of all, and never all at
  once the same (Mitzenmacher, *The Power of Two Choices in Randomized Load Balancing*, 2001). Better is who has the
  lower smoothed response time, times what it has to do.

Limits: nothing here costs more than a look at each member that may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resolver.balance.pool import Key, Member
from resolver.network.base import Clock, Entropy

UNKNOWN_S: Final = 0.376
"""What a member of unknown response time that has something to do already is taken for, as in `cache.servers`."""


class Drawing:
    """What all of them have in common: whether a starting member is let in is drawn, and nobody is remembered."""

    __slots__ = ("_entropy",)

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def chance(self, key: Key) -> float:
        """Drawn each time."""
        return self._entropy.fraction()

    def changed(self, members: Sequence[Member]) -> None:
        """Nothing is kept of them here."""


class RoundRobin(Drawing):
    """Each in its turn."""

    __slots__ = ("_turn",)

    def __init__(self, entropy: Entropy) -> None:
        super().__init__(entropy)
        self._turn = 0

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The next one."""
        turn = self._turn
        self._turn = turn + 1
        return among[turn % len(among)]


class WeightedRoundRobin(Drawing):
    """Each as often as its weight says, and never the same for longer than it must be."""

    __slots__ = ("_credit",)

    def __init__(self, entropy: Entropy) -> None:
        super().__init__(entropy)
        self._credit: dict[Member, int] = {}

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """Who has gained most; it pays what all have gained in this turn."""
        credit, total = self._credit, 0
        best, most = among[0], -(1 << 60)
        for member in among:
            total += member.weight
            has = credit[member] = credit.get(member, 0) + member.weight
            if has > most:
                best, most = member, has
        credit[best] = most - total
        return best

    def changed(self, members: Sequence[Member]) -> None:
        """Who left is forgotten; who stays keeps its turn."""
        self._credit = {each: self._credit[each] for each in members if each in self._credit}


class WeightedRandom(Drawing):
    """One at random, as often as its weight says."""

    __slots__ = ()

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """One that is drawn."""
        total = 0
        for member in among:
            total += member.weight
        left = int(self._entropy.fraction() * total)
        for member in among:
            left -= member.weight
            if left < 0:
                return member
        return among[-1]


class FirstAvailable(Drawing):
    """The first that may be, in the order of the configuration: the others stand by."""

    __slots__ = ()

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The first."""
        return among[0]


class LeastOutstanding(Drawing):
    """Who has least to do."""

    __slots__ = ("_turn",)

    def __init__(self, entropy: Entropy) -> None:
        super().__init__(entropy)
        self._turn = 0

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """Who has least outstanding for its weight, this question included; of equals another one each time."""
        count = len(among)
        turn = self._turn
        self._turn = turn + 1
        best = among[turn % count]
        least = (best.outstanding + 1) / best.weight
        for after in range(1, count):
            member = among[(turn + after) % count]
            load = (member.outstanding + 1) / member.weight
            if load < least:
                best, least = member, load
        return best


class LeastResponseTime(Drawing):
    """The better one of two that are drawn."""

    __slots__ = ("_monotonic",)

    def __init__(self, entropy: Entropy, clock: Clock) -> None:
        super().__init__(entropy)
        self._monotonic = clock.monotonic

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The better of two."""
        count, drawn = len(among), self._entropy.bits(32)
        if count == 1:
            return among[0]
        one = drawn % count
        other = (one + 1 + drawn // count % (count - 1)) % count
        now = self._monotonic()
        return among[one] if _load(among[one], now) <= _load(among[other], now) else among[other]


def _load(member: Member, now: float) -> float:
    """How long a further question would take; the lower the weight, the longer. One of whom nothing is known is tried,
    and not flooded before it has replied."""
    known = member.rtt_now(now) if member.rtt > 0.0 else UNKNOWN_S if member.outstanding else 0.0
    return known * (member.outstanding + 1) / member.weight
