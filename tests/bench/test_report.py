"""The table and the JSON say what the samples say."""

from __future__ import annotations

import json

import pytest

from tests.bench.report import BESIDE, OURS, Result, Series, figure, table, to_data, voids
from tests.bench.rows import Row, Sample, Turn


def nothing(turn: Turn) -> Sample:
    raise NotImplementedError


def result(ours: list[float], theirs: list[float] | None = None) -> Result:
    row = Row("udp-hit", "stored answer", "µs", 10, nothing, beside=True)
    facts = {"stored": 1.0, "upstream": 0.0}
    made = Result(row, {OURS: Series([Sample(value, facts) for value in ours])})
    if theirs is not None:
        made.series[BESIDE] = Series([Sample(value, {}) for value in theirs])
    return made


@pytest.mark.parametrize(("value", "shown"), [(8.214, "8.21"), (10.04, "10.0"), (221.6, "222"), (1003.2, "1003")])
def test_three_digits_are_shown(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_the_median_stands_between_the_lowest_and_the_highest() -> None:
    assert result([9.0, 8.0, 30.0]).of(OURS).told() == "9.00 (8.00-30.0)"


def test_the_ratio_is_that_of_the_medians() -> None:
    assert result([9.0, 8.0, 30.0], [4.5, 4.0, 99.0]).ratio == 2.0


def test_there_is_no_ratio_without_both() -> None:
    assert result([9.0]).ratio is None
    assert result([], [4.0]).ratio is None


def test_the_bound_is_kept_or_not_by_the_median() -> None:
    assert result([10.0, 9.0, 99.0]).within is True
    assert result([10.1]).within is False
    assert result([]).within is None


def test_the_table_has_a_line_for_each_row() -> None:
    head, rule, line = table([result([8.0], [4.0])]).splitlines()
    assert set(rule) == set("| -")
    assert len(head) == len(rule) == len(line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == [
        "udp-hit",
        "stored answer",
        "µs",
        "8.00 (8.00-8.00)",
        "10",
        "yes",
        "4.00 (4.00-4.00)",
        "2.00",
        "1.000 stored, 0.000 upstream",
    ]


def test_a_void_row_is_told_with_its_reason_and_without_a_figure() -> None:
    made = result([])
    made.of(OURS).voids.append("not hits")
    assert "| void " in table([made])
    assert voids([made]) == ["void: udp-hit of resolverd: not hits"]


def test_the_json_has_every_sample_and_what_it_was_taken_on() -> None:
    data = json.loads(json.dumps(to_data([result([8.0, 9.0], [4.0])], {"quick": True})))
    assert data["quick"] is True
    (row,) = data["rows"]
    assert row["ratio"] == 8.5 / 4
    assert row["servers"][OURS]["samples"][1] == {"value": 9.0, "stored": 1.0, "upstream": 0.0}
