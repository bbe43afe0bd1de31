"""Which policy a name of the configuration stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from resolver.balance.hashing import ClientHash, NameHash, Prefixes
from resolver.balance.policies import (
    FirstAvailable,
    LeastOutstanding,
    LeastResponseTime,
    RoundRobin,
    WeightedRandom,
    WeightedRoundRobin,
)
from resolver.balance.pool import Policy
from resolver.balance.ring import BOUND, ConsistentHash
from resolver.network.base import Clock, Entropy


@dataclass(frozen=True, slots=True)
class Means:
    """What policies are made of."""

    entropy: Entropy
    clock: Clock
    prefixes: Prefixes
    bound: float = BOUND
    """How many times its share a member may have outstanding, before `consistent-hash` passes it over."""


POLICIES: Final[Mapping[str, Callable[[Means], Policy]]] = {
    "round-robin": lambda means: RoundRobin(means.entropy),
    "weighted-round-robin": lambda means: WeightedRoundRobin(means.entropy),
    "weighted-random": lambda means: WeightedRandom(means.entropy),
    "least-outstanding": lambda means: LeastOutstanding(means.entropy),
    "least-response-time": lambda means: LeastResponseTime(means.entropy, means.clock),
    "client-hash": lambda means: ClientHash(means.prefixes),
    "qname-hash": lambda means: NameHash(),
    "consistent-hash": lambda means: ConsistentHash(means.prefixes, means.bound),
    "first-available": lambda means: FirstAvailable(means.entropy),
}
"""The same names as in `config.sections.pools`, which says what each does for people."""
