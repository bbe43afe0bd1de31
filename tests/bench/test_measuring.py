"""Samples are taken in turn, and what cannot be taken is told once."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.bench import measuring
from tests.bench.machine import Absent, Unusable
from tests.bench.measuring import Plan, remarks, sample_all
from tests.bench.rows import ROWS, Row
from tests.bench.sample import Sample, Turn
from tests.bench.servers import OURS, Arena, Running, Server


def never(arena: Arena, secure: str) -> AbstractContextManager[Running]:
    raise NotImplementedError


SERVERS = {OURS: Server(None, never), "unbound": Server(None, never), "absent": Server("no-such-program", never)}
ALL = ["unbound", "absent"]


class Taken:
    """Samples that are numbers in the order in which they were taken; some fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.order: list[tuple[int, bool, bool]] = []
        self.failure = failure

    def __call__(self, turn: Turn) -> Sample:
        self.order.append((turn.number, turn.quick, turn.server is SERVERS[OURS]))
        if self.failure is not None and turn.server is SERVERS["unbound"]:
            raise self.failure
        return Sample(float(len(self.order)), {})


def arena(tmp_path: Path) -> Arena:
    return Arena(tmp_path, 0, 0)


def row(take: Taken, once: bool = False) -> Row:
    return Row("udp-hit", "hit", "µs", take, SERVERS, once=once)


def test_servers_take_turns_and_those_not_installed_none(tmp_path: Path) -> None:
    take = Taken()
    (result,) = sample_all(Plan([row(take)], 2, ALL), arena(tmp_path))
    assert take.order == [(0, False, True), (0, False, False), (1, False, True), (1, False, False)]
    assert [sample.value for sample in result.of("unbound").samples] == [2.0, 4.0]
    assert "absent" not in result.series


def test_a_row_that_needs_one_sample_gets_one(tmp_path: Path) -> None:
    take = Taken()
    sample_all(Plan([row(take, once=True)], 3, [], quick=True), arena(tmp_path))
    assert take.order == [(0, True, True)]


def test_a_sample_that_is_void_is_tried_again_and_told_each_time(tmp_path: Path) -> None:
    (result,) = sample_all(Plan([row(Taken(Unusable("not hits")))], 2, ALL), arena(tmp_path))
    assert result.of("unbound").voids == ["not hits", "not hits"]
    assert result.of("unbound").absent is None


def test_what_is_not_there_is_not_tried_again_and_is_not_void(tmp_path: Path) -> None:
    take = Taken(Absent("there is no such setting"))
    (result,) = sample_all(Plan([row(take)], 2, ALL), arena(tmp_path))
    assert len(take.order) == 3
    assert result.of("unbound").voids == []
    assert result.of("unbound").absent == "there is no such setting"


def test_when_the_time_is_over_no_sample_is_begun(tmp_path: Path) -> None:
    take = Taken()
    (result,) = sample_all(Plan([row(take)], 1, ALL, limit_s=-1), arena(tmp_path))
    assert take.order == []
    assert result.of(OURS).voids == ["sample 1 was not begun in -1 s"]


def test_a_program_that_is_missing_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "find", lambda program: None if program == "named" else program)
    plan = Plan(ROWS, 1, ["bind9", "unbound"])
    assert [line for line in remarks(plan) if "bind" in line] == [
        "bind9 is not installed (Debian package bind9): it is not measured"
    ]
    assert not any("unbound" in line for line in remarks(plan))


def test_there_are_no_more_zones_than_the_rows_need() -> None:
    assert Plan([each for each in ROWS if each.name == "miss"], 1).zones == 0
    assert Plan(ROWS, 1).zones == 40_000
    assert (Plan([each for each in ROWS if each.name == "miss"], 1).signed, Plan(ROWS, 1).signed) == (0, 24_000)
    assert Plan(ROWS, 1, quick=True).zones == 4_000
