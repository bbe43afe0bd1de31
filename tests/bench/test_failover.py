"""What clients notice of an upstream that breaks counts only where one broke, and what is lost counts as slow."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from tests.bench import failover
from tests.bench.failover import Victim, told
from tests.bench.load import TIMEOUT_S, Outcome
from tests.bench.machine import Unusable


class Process:
    """One that only remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[signal.Signals] = []
        self.is_told = threading.Event()

    def signal(self, which: signal.Signals) -> None:
        self.told.append(which)
        self.is_told.set()


@pytest.fixture
def victim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Victim:
    """One that has been asked ten times more at each look."""
    counts = iter(range(100, 10_000, 10))
    monkeypatch.setattr(failover.hierarchy, "queries", lambda _: next(counts))
    monkeypatch.setattr(failover, "POLL_S", 0.001)
    return Victim(Process(), tmp_path, signal.SIGKILL)  # type: ignore[arg-type]


def test_it_breaks_once_it_has_had_its_part_of_the_load(victim: Victim) -> None:
    with victim.breaking(25):
        assert victim.process.is_told.wait(10)  # type: ignore[attr-defined]
    assert victim.process.told == [signal.SIGKILL]  # type: ignore[attr-defined]
    assert victim.broken_at == 130


def test_a_load_in_which_nothing_broke_is_of_no_use(victim: Victim) -> None:
    with pytest.raises(Unusable, match="over before an upstream had had 5000 queries"), victim.breaking(5000):
        pass
    assert not victim.process.told  # type: ignore[attr-defined]


def test_what_is_lost_or_fails_took_as_long_as_the_client_waits() -> None:
    outcome = Outcome(98, 1, {"NOERROR": 97, "SERVFAIL": 1}, 1000.0, [0.001] * 97)
    facts = told(outcome, 98 + 1)
    assert facts["lost"] == 2
    assert facts["p50_us"] == 1000
    assert facts["p99_us"] == facts["p999_us"] == TIMEOUT_S * 1e6
