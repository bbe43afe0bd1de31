"""Pools for tests."""

from __future__ import annotations

from resolver.balance.choosing import POLICIES, Means
from resolver.balance.hashing import Prefixes
from resolver.balance.pool import Key, Member, Policy, Pool
from resolver.network.base import Clock
from resolver.network.entropy import SeededEntropy
from tests.support.clocks import ManualClock


def policy(name: str, *, clock: Clock | None = None, seed: int = 1, prefixes: Prefixes | None = None) -> Policy:
    """The policy of that name."""
    return POLICIES[name](Means(SeededEntropy(seed), clock or ManualClock(), prefixes or Prefixes()))


def pool(name: str, weights: dict[str, int] | str, *, clock: Clock | None = None, **settings) -> Pool:
    """A pool under the policy `name`, whose members are named in `weights`: each letter is one of weight 1."""
    of = weights if isinstance(weights, dict) else dict.fromkeys(weights, 1)
    clock = clock or ManualClock()
    members = [Member(each, weight=weight) for each, weight in of.items()]
    return Pool("office", members, policy(name, clock=clock), clock, **settings)


def picks(pool: Pool, times: int, key: Key | None = None) -> str:
    """The names of those who are picked one after the other, in a row."""
    return "".join(member.name if (member := pool.pick(key or Key())) else "-" for _ in range(times))


def member(pool: Pool, name: str) -> Member:
    """The member of that name."""
    found = pool.named(name)
    assert found is not None
    return found
