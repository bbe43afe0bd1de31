"""When a worker that has died is started again."""

from __future__ import annotations

from resolver.workers.restarts import FIRST_S, MOST, STEADY_S, Restarts


def test_the_first_time_it_is_at_once_and_then_after_a_time_that_doubles() -> None:
    restarts = Restarts()
    waits = [restarts.died(0.1) for _ in range(MOST)]
    assert waits == [0.0, FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S, None]


def test_one_that_has_lived_for_long_begins_anew() -> None:
    restarts = Restarts()
    for _ in range(20):
        assert restarts.died(STEADY_S) == 0.0
    assert restarts.died(STEADY_S - 0.1) == FIRST_S
    assert restarts.died(STEADY_S + 1) == 0.0
