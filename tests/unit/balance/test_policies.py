from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.balance.policies import UNKNOWN_S
from resolver.balance.pool import Key
from tests.support.clocks import ManualClock
from tests.support.pools import member, picks, pool

WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(
    lambda weights: {chr(ord("a") + at): weight for at, weight in enumerate(weights)}
)


def test_round_robin_takes_each_in_its_turn():
    assert picks(pool("round-robin", "abc"), 7) == "abcabca"


def test_round_robin_goes_on_among_those_who_are_left():
    shared = pool("round-robin", "abc")
    assert picks(shared, 1) == "a"
    shared.down(member(shared, "b"))
    assert sorted(picks(shared, 4)) == ["a", "a", "c", "c"]


def test_weights_are_spread_as_nginx_spreads_them():
    assert picks(pool("weighted-round-robin", {"a": 5, "b": 1, "c": 1}), 14) == "aabacaa" * 2


@given(WEIGHTS)
def test_weighted_turns_are_exact_after_each_round_and_never_far_from_it(weights: dict[str, int]):
    total = sum(weights.values())
    row = picks(pool("weighted-round-robin", weights), 3 * total)
    assert Counter(row[:total]) == weights
    assert row == row[:total] * 3
    for end in range(1, total):
        for name, weight in weights.items():
            assert abs(row[:end].count(name) - end * weight / total) < len(weights)


def test_a_member_that_comes_back_has_no_turns_to_make_up_for():
    shared = pool("weighted-round-robin", {"a": 2, "b": 1})
    shared.down(member(shared, "b"))
    assert picks(shared, 30) == "a" * 30
    shared.up(member(shared, "b"))
    assert picks(shared, 30).count("b") == pytest.approx(10, abs=1)


def test_members_that_left_have_no_turns_any_more():
    shared = pool("weighted-round-robin", "ab")
    picks(shared, 1)
    shared.become([member(shared, "b")])
    assert picks(shared, 2) == "bb"


def test_weighted_random_gives_each_its_weight():
    row = Counter(picks(pool("weighted-random", {"a": 6, "b": 3, "c": 1}), 10_000))
    assert row["a"] == pytest.approx(6000, abs=200)
    assert row["b"] == pytest.approx(3000, abs=200)


def test_the_first_that_may_be_is_taken_and_the_next_one_stands_by():
    shared = pool("first-available", "abc")
    assert picks(shared, 3) == "aaa"
    shared.down(member(shared, "a"))
    assert picks(shared, 3) == "bbb"
    shared.up(member(shared, "a"))
    assert picks(shared, 1) == "a"


def test_who_has_least_to_do_is_taken_and_equals_in_turn():
    shared = pool("least-outstanding", "abc")
    assert picks(shared, 3) == "abc"
    shared.began(member(shared, "a"))
    shared.began(member(shared, "c"))
    assert picks(shared, 3) == "bbb"


def test_twice_the_weight_may_have_twice_as_much_to_do():
    shared = pool("least-outstanding", {"a": 2, "b": 1})
    for _ in range(30):
        picked = shared.pick(Key())
        assert picked is not None
        shared.began(picked)
    assert (member(shared, "a").outstanding, member(shared, "b").outstanding) == (20, 10)


def answered(shared, name: str, seconds: float) -> None:
    shared.began(member(shared, name))
    shared.ended(member(shared, name), seconds, True)


def test_the_faster_of_two_is_taken():
    shared = pool("least-response-time", "ab")
    answered(shared, "a", 0.010)
    answered(shared, "b", 0.100)
    assert picks(shared, 20) == "a" * 20


def test_the_slowest_of_three_is_never_the_better_of_two():
    shared = pool("least-response-time", "abc")
    for name, seconds in (("a", 0.010), ("b", 0.011), ("c", 0.100)):
        answered(shared, name, seconds)
    row = Counter(picks(shared, 3000))
    assert set(row) == {"a", "b"}
    assert row["b"] == pytest.approx(1000, abs=120)  # where a was not drawn


def test_the_fastest_is_passed_over_once_it_has_too_much_to_do():
    shared = pool("least-response-time", "ab")
    answered(shared, "a", 0.010)
    answered(shared, "b", 0.025)
    for _ in range(2):
        shared.began(member(shared, "a"))
    assert picks(shared, 5) == "bbbbb"


def test_one_of_whom_nothing_is_known_is_tried_once_and_not_flooded():
    shared = pool("least-response-time", "ab")
    answered(shared, "a", UNKNOWN_S / 4)
    assert picks(shared, 3) == "bbb"
    shared.began(member(shared, "b"))
    assert picks(shared, 3) == "aaa"


def test_one_that_was_slow_is_tried_again_after_a_while():
    clock = ManualClock()
    shared = pool("least-response-time", "ab", clock=clock)
    answered(shared, "b", 0.080)
    for _ in range(20):
        answered(shared, "a", 0.010)
        assert picks(shared, 1) == "a"
        clock.advance(1)
    clock.advance(11)
    answered(shared, "a", 0.010)
    assert picks(shared, 1) == "b"


@pytest.mark.parametrize("name", ["round-robin", "weighted-round-robin", "weighted-random", "least-outstanding"])
def test_none_of_two_is_forgotten(name: str):
    assert set(picks(pool(name, "ab"), 50)) == {"a", "b"}
