"""The policies that need nothing but the members: whose turn it is, or who is fastest.

Rules: `round-robin` takes each in its turn, whatever it does. `least-response-time` draws two and takes the better one
of them: nearly as even as the best of all, and never all at once the same (Mitzenmacher, *The Power of Two Choices in
Randomized Load Balancing*, 2001). Better is who has the lower smoothed response time, times what it has to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resolver.balance.pool import Key, Member
from resolver.network.base import Clock, Entropy

UNKNOWN_S: Final = 0.376
"""What a member of unknown response time that has something to do already is taken for, as in `cache.servers`."""


class RoundRobin:
    """Each in its turn."""

    __slots__ = ("_entropy", "_turn")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._turn = 0

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The next one."""
        turn = self._turn
        self._turn = turn + 1
        return among[turn % len(among)]

    def chance(self, key: Key) -> float:
        """Drawn each time."""
        return self._entropy.fraction()

    def changed(self, members: Sequence[Member]) -> None:
        """Turns are counted, not members."""


class LeastResponseTime:
    """The better one of two that are drawn."""

    __slots__ = ("_entropy", "_monotonic")

    def __init__(self, entropy: Entropy, clock: Clock) -> None:
        self._entropy = entropy
        self._monotonic = clock.monotonic

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """The better of two."""
        count, drawn = len(among), self._entropy.bits(32)
        one = drawn % count
        other = (one + 1 + drawn // count % (count - 1)) % count
        now = self._monotonic()
        return among[one] if _load(among[one], now) <= _load(among[other], now) else among[other]

    def chance(self, key: Key) -> float:
        """Drawn each time."""
        return self._entropy.fraction()

    def changed(self, members: Sequence[Member]) -> None:
        """Nothing is kept of them here."""


def _load(member: Member, now: float) -> float:
    """How long a further question would take; the lower the weight, the longer. One of whom nothing is known is tried,
    and not flooded before it has replied."""
    known = member.rtt_now(now) if member.rtt > 0.0 else UNKNOWN_S if member.outstanding else 0.0
    return known * (member.outstanding + 1) / member.weight
