from __future__ import annotations

from collections import Counter

import pytest

from resolver.balance.policies import RoundRobin
from resolver.balance.pool import FAILURE_S, Key, Member, Pool, State
from resolver.network.entropy import SeededEntropy
from tests.support.clocks import ManualClock

NOBODY = Key()


def a_pool(*names: str, clock: ManualClock | None = None, **settings) -> Pool:
    policy = RoundRobin(SeededEntropy(1))
    return Pool("office", [Member(name) for name in names], policy, clock or ManualClock(), **settings)


def picked(pool: Pool, times: int) -> Counter[str]:
    return Counter(member.name if member else "" for member in (pool.pick(NOBODY) for _ in range(times)))


def of(pool: Pool, name: str) -> Member:
    member = pool.named(name)
    assert member is not None
    return member


def test_a_member_that_is_drained_gets_no_new_questions():
    pool = a_pool("a", "b", "c")
    assert pool.drain("b")
    assert picked(pool, 10) == {"a": 5, "c": 5}
    assert of(pool, "b").state is State.DRAINED
    assert pool.undrain("b")
    assert picked(pool, 9) == {"a": 3, "b": 3, "c": 3}


def test_to_drain_who_is_not_there_does_nothing():
    pool = a_pool("a")
    assert not pool.drain("z")
    assert not pool.undrain("z")


def test_a_drained_member_that_recovers_stays_drained():
    pool = a_pool("a", "b")
    pool.down(of(pool, "b"))
    pool.drain("b")
    pool.up(of(pool, "b"))
    assert picked(pool, 4) == {"a": 4}
    pool.undrain("b")
    assert picked(pool, 4) == {"a": 2, "b": 2}


def test_a_member_that_is_undrained_while_it_is_down_stays_down():
    pool = a_pool("a", "b")
    pool.drain("b")
    pool.down(of(pool, "b"))
    pool.undrain("b")
    assert of(pool, "b").state is State.DOWN
    assert picked(pool, 4) == {"a": 4}


def test_those_who_were_asked_already_are_left_out():
    pool = a_pool("a", "b")
    first = pool.pick(NOBODY)
    assert first is not None
    second = pool.pick(NOBODY, {first})
    assert second is not None
    assert {first.name, second.name} == {"a", "b"}
    assert pool.pick(NOBODY, {first, second}) is None


def test_when_all_are_down_an_open_pool_asks_those_who_are_not_drained():
    pool = a_pool("a", "b", "c")
    pool.drain("c")
    pool.down(of(pool, "a"))
    pool.down(of(pool, "b"))
    assert picked(pool, 4) == {"a": 2, "b": 2}
    pool.up(of(pool, "a"))
    assert picked(pool, 4) == {"a": 4}


def test_when_all_are_down_a_closed_pool_asks_nobody():
    pool = a_pool("a", "b", open_when_all_down=False)
    pool.down(of(pool, "a"))
    pool.down(of(pool, "b"))
    assert pool.pick(NOBODY) is None


def test_when_all_are_drained_nobody_is_asked_by_an_open_pool_either():
    pool = a_pool("a")
    pool.drain("a")
    assert pool.pick(NOBODY) is None


def test_a_member_that_comes_back_begins_with_little_and_has_its_share_at_the_end():
    clock = ManualClock()
    pool = a_pool("a", "b", clock=clock, slow_start_s=10)
    pool.down(of(pool, "b"))
    clock.advance(100)
    pool.up(of(pool, "b"))
    assert of(pool, "b").state is State.STARTING
    shares = []
    for _ in range(5):
        shares.append(picked(pool, 1000)["b"])
        clock.advance(2.5)
    assert shares[0] < 50
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(250, abs=40)
    assert shares[4] == 500
    assert of(pool, "b").state is State.UP


def test_a_member_that_starts_alone_gets_everything():
    pool = a_pool("a", slow_start_s=10)
    pool.down(of(pool, "a"))
    pool.up(of(pool, "a"))
    assert picked(pool, 10) == {"a": 10}


def test_each_change_of_state_is_told_once():
    told = []
    pool = a_pool("a", changed=lambda member, before: told.append((member.name, str(before), str(member.state))))
    member = of(pool, "a")
    for change in (pool.down, pool.down, pool.up, pool.up):
        change(member)
    pool.drain("a")
    pool.drain("a")
    assert told == [("a", "up", "down"), ("a", "down", "up"), ("a", "up", "drained")]


def test_response_times_are_smoothed_and_lose_half_of_themselves_with_time():
    clock = ManualClock()
    pool = a_pool("a", clock=clock)
    member = of(pool, "a")
    for seconds in (0.080, 0.160):
        pool.began(member)
        pool.ended(member, seconds, True)
    assert member.rtt == pytest.approx(0.090)
    clock.advance(10)
    assert member.rtt_now(clock.monotonic()) == pytest.approx(0.045)
    assert (member.outstanding, member.replied) == (0, 2)


def test_who_fails_at_once_is_not_the_fastest():
    pool = a_pool("a")
    member = of(pool, "a")
    for _ in range(2):
        pool.began(member)
        pool.ended(member, 0.001, False)
    assert member.rtt == FAILURE_S
    assert (member.failures, member.failed, member.replied) == (2, 2, 0)
    pool.began(member)
    pool.ended(member, 0.001, True)
    assert member.failures == 0


def test_what_is_dropped_teaches_nothing():
    pool = a_pool("a")
    member = of(pool, "a")
    pool.began(member)
    assert member.outstanding == 1
    pool.dropped(member)
    assert (member.outstanding, member.rtt, member.failed) == (0, 0.0, 0)


def test_members_that_stay_keep_what_is_known_of_them():
    pool = a_pool("a", "b")
    kept = of(pool, "b")
    pool.down(kept)
    kept.outstanding = 3
    pool.become([Member("c"), Member("b", weight=5)])
    assert [each.name for each in pool.members] == ["c", "b"]
    assert pool.members[1] is kept
    assert (kept.weight, kept.order, kept.state, kept.outstanding) == (5, 1, State.DOWN, 3)
    assert picked(pool, 2) == {"c": 2}


def test_another_server_under_an_old_name_begins_anew_but_stays_drained():
    pool = a_pool("a", "b")
    pool.drain("a")
    pool.down(of(pool, "b"))
    pool.become([Member("a", "elsewhere"), Member("b", "elsewhere")])
    assert [each.state for each in pool.members] == [State.DRAINED, State.UP]
    pool.undrain("a")
    assert of(pool, "a").state is State.UP


def test_a_pool_without_members_picks_nobody():
    assert a_pool().pick(NOBODY) is None
