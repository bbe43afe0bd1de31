from __future__ import annotations

import io
import sys

import pytest

from resolver import balancing
from resolver.balance.choosing import POLICIES
from resolver.balance.hashing import ClientHash
from resolver.balance.policies import LeastResponseTime, RoundRobin
from resolver.balance.pool import Key, Member, Pool
from resolver.balance.sticky import Sticky
from resolver.config import Config
from resolver.config.sections.pools import Pool as Settings
from resolver.errors import ConfigError
from resolver.network.entropy import SeededEntropy
from resolver.observe.log import Log
from resolver.testing.virtual_time import VirtualClock
from tests.support.clocks import ManualClock

ALICE = Key(bytes((192, 0, 2, 1)))


def settings(**given) -> Settings:
    return Settings(members=["192.0.2.53", "192.0.2.54"], **given)


def made(given: Settings) -> Pool:
    clock = ManualClock()
    policy = balancing.policy("office", given, clock, SeededEntropy(1), Log(io.StringIO(), lambda: 0.0))
    return Pool("office", [Member("a"), Member("b")], policy, clock)


def adjusted(pool: Pool, before: Settings, after: Settings) -> None:
    clock = ManualClock()
    balancing.adjust(pool, before, after, clock, SeededEntropy(1), Log(io.StringIO(), lambda: 0.0))
    pool.become(pool.members)


def test_a_policy_that_is_not_named_depends_on_the_mode():
    assert isinstance(made(settings()).policy, LeastResponseTime)
    assert isinstance(made(settings(mode="relay")).policy, ClientHash)
    assert isinstance(made(settings(mode="relay", policy="round-robin")).policy, RoundRobin)


def test_who_keeps_members_is_remembered_over_a_reload_that_changes_something_else():
    before = settings(sticky="memory", policy="round-robin")
    pool = made(before)
    kept = pool.pick(ALICE)
    pool.pick(Key(b"\xc0\x00\x02\x02"))
    adjusted(pool, before, settings(sticky="memory", policy="round-robin", slow_start_s=33, check="none"))
    assert pool.slow_start_s == 33
    assert isinstance(pool.policy, Sticky)
    assert len(pool.policy) == 2
    assert pool.pick(ALICE) is kept


def test_another_policy_is_in_force_after_a_reload():
    before = settings(sticky="memory")
    pool = made(before)
    adjusted(pool, before, settings(policy="round-robin", when_all_down="closed"))
    assert isinstance(pool.policy, RoundRobin)
    assert not pool.open_when_all_down


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("sticky", ["memory", None])
def test_a_new_policy_knows_the_members_that_are_there(policy: str, sticky: str | None):
    before = settings(policy="round-robin")
    pool = made(before)
    clock, log = ManualClock(), Log(io.StringIO(), lambda: 0.0)
    balancing.adjust(pool, before, settings(policy=policy, sticky=sticky), clock, SeededEntropy(1), log)
    kept = pool.pick(ALICE)
    assert kept in pool.members
    assert sticky is None or pool.pick(ALICE) is kept


def test_a_store_that_needs_a_library_that_is_missing_is_told_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
):
    config = Config(pools={"office": settings(sticky="valkey://127.0.0.1")})
    balancing.check(config)
    monkeypatch.setitem(sys.modules, "valkey", None)
    with pytest.raises(ConfigError, match=r"pools\.office\.sticky is in a store, .* pip install 'resolverd\[valkey\]'"):
        balancing.check(config)
    balancing.check(Config(pools={"office": settings(sticky="memory")}))


def test_a_policy_over_a_store_that_is_never_connected_to_ends_like_others(run):
    async def main() -> None:
        clock = VirtualClock()
        given = settings(sticky="valkey://127.0.0.1")
        policy = balancing.policy("office", given, clock, SeededEntropy(1), Log(io.StringIO(), lambda: 0.0))
        assert isinstance(policy, Sticky)
        policy.changed([Member("a")])
        balancing.end(policy)
        balancing.end(LeastResponseTime(SeededEntropy(1), clock))

    run(main())
