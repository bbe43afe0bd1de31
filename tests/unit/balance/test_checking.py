"""When members are checked, in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from resolver.balance.checking import LEAST_S, NO_REPLY, NOT_MADE, Checked, Checker, Done, Timing
from resolver.balance.health import Health, Rules, Verdict
from resolver.network.entropy import SeededEntropy
from resolver.testing.virtual_time import MONOTONIC_START, VirtualClock, run

EVEN = Timing(interval_s=5.0, jitter=0.0, timeout_s=1.0)
SAID_NO = "said no"


class Scripted:
    """A probe that answers as it is told: `answers` by turns, None for silence; then the last for ever."""

    def __init__(self, clock: VirtualClock, *answers: str | None, takes_s: float = 0.1) -> None:
        self.clock, self.answers, self.takes_s = clock, list(answers), takes_s
        self.begun: list[float] = []
        self.closed = 0

    def begin(self, done: Done) -> Scripted:
        """It will have answered."""
        self.begun.append(round(self.clock.monotonic() - MONOTONIC_START, 3))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            self.clock.after(self.takes_s, lambda: done(answer))
        return self

    def close(self) -> None:
        """It has not."""
        self.closed += 1


class Scene:
    """One member, and what is told of it."""

    def __init__(
        self, *answers: str | None, rules: Rules | None = None, timing: Timing = EVEN, takes_s: float = 0.1
    ) -> None:
        self.clock = VirtualClock()
        self.probe = Scripted(self.clock, *answers, takes_s=takes_s) if answers else None
        self.health = Health(rules or Rules(rise=2, fall=3, checked=bool(answers)))
        self.told: list[tuple[float, Verdict, str]] = []
        self.checker = Checker(self.health, self.probe, timing, self.clock, SeededEntropy(1), self._changed)

    def _changed(self, verdict: Verdict, why: str) -> None:
        self.told.append((round(self.clock.monotonic() - MONOTONIC_START, 3), verdict, why))


def played(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(scene())


def test_checks_are_an_interval_apart_and_the_first_is_made_at_once() -> None:
    async def main() -> None:
        scene = Scene("")
        scene.checker.begin()
        await scene.clock.advance(16)
        assert scene.probe is not None
        assert scene.probe.begun == [0, 5, 10, 15]
        assert scene.checker.last.made == 4
        assert scene.checker.last.seconds == pytest.approx(0.1)
        assert scene.told == []
        scene.checker.end()

    played(main)


def test_the_interval_is_longer_or_shorter_by_no_more_than_its_share() -> None:
    async def main() -> None:
        scene = Scene("", timing=Timing(interval_s=5.0, jitter=0.2, timeout_s=1.0))
        scene.checker.begin()
        await scene.clock.advance(1000)
        assert scene.probe is not None
        begun = scene.probe.begun
        gaps = [later - earlier for earlier, later in itertools.pairwise(begun)]
        assert 4.0 <= min(gaps) < 4.2
        assert 5.8 < max(gaps) <= 6.0
        scene.checker.end()

    played(main)


def test_with_another_probe_the_next_check_is_made_when_it_was_due() -> None:
    async def main() -> None:
        scene = Scene("")
        scene.checker.begin()
        for _ in range(40):
            await scene.clock.advance(0.3)
            other = Scripted(scene.clock, "")
            other.begun = scene.probe.begun if scene.probe else []
            scene.checker.adjust(other, EVEN)
        assert other.begun == [0, 5, 10], "however often it is adjusted"
        scene.checker.end()

    played(main)


def test_with_other_times_the_next_check_is_made_within_the_new_interval() -> None:
    async def main() -> None:
        scene = Scene("", timing=EVEN._replace(interval_s=3600))
        scene.checker.begin()
        await scene.clock.advance(1)
        scene.checker.adjust(scene.probe, EVEN)
        await scene.clock.advance(5)
        assert scene.probe is not None
        assert len(scene.probe.begun) == 2
        scene.checker.end()

    played(main)


def test_a_check_under_way_ends_as_it_began() -> None:
    async def main() -> None:
        scene = Scene(SAID_NO, takes_s=0.5)
        scene.checker.begin()
        await scene.clock.advance(0.1)
        scene.checker.adjust(Scripted(scene.clock, ""), EVEN._replace(interval_s=100))
        await scene.clock.advance(1)
        assert scene.told == [(0.5, Verdict.DOWN, SAID_NO)]
        scene.checker.end()

    played(main)


def test_checks_may_be_switched_off_and_on() -> None:
    async def main() -> None:
        scene = Scene(SAID_NO)
        scene.checker.begin()
        await scene.clock.advance(1)
        scene.health.rules = scene.health.rules._replace(checked=False)
        scene.checker.adjust(None, EVEN)
        await scene.clock.advance(60)
        assert scene.probe is not None
        assert scene.probe.begun == [0]
        assert [verdict for _, verdict, _ in scene.told] == [Verdict.DOWN, Verdict.UP]
        scene.health.rules = scene.health.rules._replace(checked=True)
        scene.checker.adjust(scene.probe, EVEN)
        await scene.clock.advance(16)
        assert scene.probe.begun == [0, 61, 66, 71, 76]
        assert scene.told[-1] == (71.1, Verdict.DOWN, SAID_NO)
        scene.checker.end()

    played(main)


def test_a_check_without_a_reply_fails_after_its_timeout() -> None:
    async def main() -> None:
        scene = Scene(None)
        scene.checker.begin()
        await scene.clock.advance(2)
        assert scene.probe is not None
        assert scene.told == [(1.0, Verdict.DOWN, NO_REPLY)]
        assert scene.probe.closed == 1
        assert scene.checker.last.failed == 1
        scene.checker.end()

    played(main)


def test_a_member_that_fails_goes_down_after_its_third_check_and_comes_back_after_two() -> None:
    async def main() -> None:
        scene = Scene("", SAID_NO, SAID_NO, SAID_NO, "", "")
        scene.checker.begin()
        await scene.clock.advance(26)
        assert scene.told == [(15.1, Verdict.DOWN, SAID_NO), (25.1, Verdict.UP, "")]
        scene.checker.end()

    played(main)


def test_a_check_that_could_not_be_made_says_nothing_of_the_member() -> None:
    async def main() -> None:
        scene = Scene(None)
        assert scene.probe is not None
        scene.probe.begin = lambda done: (scene.clock.after(0.1, lambda: done(None)), scene.probe)[1]  # type: ignore
        scene.checker.begin()
        await scene.clock.advance(60)
        assert scene.told == []
        assert scene.checker.last == Checked(said=NOT_MADE)
        scene.checker.end()

    played(main)


def test_a_suspect_is_checked_at_once_and_that_check_decides() -> None:
    async def main() -> None:
        scene = Scene("", SAID_NO)
        scene.checker.begin()
        await scene.clock.advance(2)
        for _ in range(5):
            scene.checker.served(False)
        await scene.clock.advance(0.2)
        assert scene.told == [(2.1, Verdict.DOWN, SAID_NO)]
        scene.checker.end()

    played(main)


def test_a_flood_of_failures_is_no_flood_of_checks() -> None:
    async def main() -> None:
        scene = Scene("", takes_s=0.01)
        scene.checker.begin()
        for _ in range(400):
            scene.checker.served(False)
            await scene.clock.advance(0.01)
        assert scene.probe is not None
        begun = scene.probe.begun
        assert len(begun) <= 4 / LEAST_S + 2
        assert min(later - earlier for earlier, later in itertools.pairwise(begun)) >= LEAST_S - 0.001
        assert scene.told == [], "it answers its checks"
        scene.checker.end()

    played(main)


def test_a_suspect_whose_check_is_under_way_is_not_checked_twice() -> None:
    async def main() -> None:
        scene = Scene(None)
        scene.checker.begin()
        await scene.clock.advance(0.7)
        for _ in range(5):
            scene.checker.served(False)
        await scene.clock.advance(0.2)
        assert scene.probe is not None
        assert scene.probe.begun == [0]
        scene.checker.end()

    played(main)


def test_without_checks_who_failed_is_back_on_trial_when_its_time_has_come() -> None:
    async def main() -> None:
        scene = Scene()
        scene.checker.begin()
        for _ in range(5):
            scene.checker.served(False)
        await scene.clock.advance(10)
        scene.checker.served(False)
        await scene.clock.advance(20)
        assert scene.told == [
            (0, Verdict.DOWN, "its traffic fails"),
            (10, Verdict.UP, ""),
            (10, Verdict.DOWN, "its traffic fails"),
            (30, Verdict.UP, ""),
        ]
        scene.checker.end()

    played(main)


def test_a_member_that_is_down_when_its_checks_are_switched_off_comes_back_in_time() -> None:
    async def main() -> None:
        scene = Scene()
        scene.health.checked(False, scene.clock.monotonic())
        assert not scene.health.up
        scene.checker.begin()
        await scene.clock.advance(0)
        assert scene.told == [(0, Verdict.UP, "")]
        scene.checker.end()

    played(main)


def test_nothing_happens_after_the_end() -> None:
    async def main() -> None:
        scene = Scene(None)
        scene.checker.begin()
        await scene.clock.advance(0.5)
        scene.checker.end()
        scene.checker.end()
        await scene.clock.advance(100)
        assert scene.told == []
        assert scene.probe is not None
        assert scene.probe.begun == [0]
        assert scene.probe.closed == 1

    played(main)


class _Slow:
    """A clock whose timers fire `by` seconds late, as where the process was busy."""

    def __init__(self, clock: VirtualClock, by: float) -> None:
        self._clock, self.by = clock, by
        self.monotonic, self.boottime, self.wall = clock.monotonic, clock.boottime, clock.wall

    def after(self, seconds: float, callback: Callable[[], None]) -> Any:
        return self._clock.after(seconds + (self.by if seconds > 0 else 0), callback)


def test_time_in_which_this_process_stood_still_is_not_counted() -> None:
    async def main() -> None:
        scene = Scene("", takes_s=1.6)
        scene.checker._clock = _Slow(scene.clock, 0.9)  # type: ignore[assignment]
        scene.checker.begin()
        await scene.clock.advance(3)
        assert scene.told == []
        assert scene.checker.last.failed == 0
        scene.checker.end()

    played(main)


def test_it_is_given_to_a_check_no_more_than_once() -> None:
    async def main() -> None:
        scene = Scene(None)
        scene.checker._clock = _Slow(scene.clock, 0.9)  # type: ignore[assignment]
        scene.checker.begin()
        await scene.clock.advance(4)
        assert scene.told == [(3.7, Verdict.DOWN, NO_REPLY)]
        scene.checker.end()

    played(main)


def test_a_good_reply_between_failures_is_heard() -> None:
    async def main() -> None:
        scene = Scene("", SAID_NO)
        scene.checker.begin()
        await scene.clock.advance(1)
        for good in (*[False] * 4, True, *[False] * 4):
            scene.checker.served(good)
        await scene.clock.advance(1)
        assert scene.probe is not None
        assert scene.probe.begun == [0]
        scene.checker.end()

    played(main)
