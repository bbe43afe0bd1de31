from __future__ import annotations

import pytest

from resolver.cache import failures as module
from resolver.cache.failures import AGAIN_S, LONGEST_S, Failures
from resolver.errors import ResolutionFailed
from tests.support.clocks import ManualClock

FAILURE = ResolutionFailed("MUTE", 22, "silence", label="silent")


def made(first_s: float = 1.0) -> tuple[Failures[str], ManualClock]:
    clock = ManualClock()
    return Failures(clock, first_s), clock


def lasts(failures: Failures[str], clock: ManualClock, key: str = "a") -> float:
    """Seconds until `key` may be tried again; the clock stands there then."""
    seconds = 0.0
    while failures.get(key) is not None:
        clock.advance(0.5)
        seconds += 0.5
    return seconds


@pytest.mark.rfc(9520, "3.2")
def test_a_failure_that_comes_again_is_remembered_for_twice_as_long_up_to_five_minutes():
    failures, clock = made()
    times = []
    for _ in range(11):
        failures.put("a", FAILURE, grows=True)
        times.append(lasts(failures, clock))
    assert times == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_S, LONGEST_S]


def test_a_failure_after_a_long_time_begins_anew():
    failures, clock = made(2.0)
    failures.put("a", FAILURE, grows=True)
    clock.advance(2 + AGAIN_S - 0.1)
    for seconds in (4, 8, 16):
        failures.put("a", FAILURE, grows=True)
        assert lasts(failures, clock) == seconds
    clock.advance(16)
    failures.put("a", FAILURE, grows=True)
    assert lasts(failures, clock) == 2


def test_failures_of_what_was_tried_at_the_same_time_are_one():
    failures, clock = made()
    for _ in range(20):
        failures.put("a", FAILURE, grows=True)
    assert lasts(failures, clock) == 1
    for _ in range(20):
        failures.put("a", FAILURE, grows=True)
        failures.put("a", FAILURE, grows=False)
    assert lasts(failures, clock) == 2


def test_a_failure_grows_no_longer_than_is_set():
    clock = ManualClock()
    failures: Failures[str] = Failures(clock, 2.0, 3.0)
    for seconds in (2, 3, 3):
        failures.put("a", FAILURE, grows=True)
        assert lasts(failures, clock) == seconds


def test_a_failure_does_not_grow_where_the_network_may_be_to_blame():
    failures, clock = made()
    for _ in range(5):
        failures.put("a", FAILURE, grows=False)
        assert lasts(failures, clock) == 1


def test_what_succeeded_begins_anew():
    failures, clock = made()
    failures.put("a", FAILURE, grows=True)
    failures.forget("a")
    assert failures.get("a") is None
    failures.put("a", FAILURE, grows=True)
    assert lasts(failures, clock) == 1


def test_keys_are_apart_and_all_can_be_forgotten():
    failures, _ = made()
    failures.put("a", FAILURE, grows=True)
    assert failures.get("b") is None
    failures.clear()
    assert failures.get("a") is None


def test_suspend_counts_as_time():
    failures, clock = made()
    failures.put("a", FAILURE, grows=True)
    clock.suspend(2)
    assert failures.get("a") is None


def test_the_number_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_FAILURES", 10)
    failures, _ = made()
    for number in range(100):
        failures.put(str(number), FAILURE, grows=True)
    assert len(failures) == 10


def test_what_is_remembered_was_never_raised():
    failures, _ = made()
    try:
        raise FAILURE
    except ResolutionFailed as raised:
        failures.put("a", raised, grows=True)
    again = failures.get("a")
    assert again is not None
    assert again.__traceback__ is None
    assert again is not failures.get("a")
