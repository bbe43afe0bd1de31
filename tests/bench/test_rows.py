"""A figure counts only with its proof, and each row is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.load import Outcome
from tests.bench.machine import PACKAGES, Unusable
from tests.bench.rows import ROWS, Load
from tests.bench.servers import Counts

PAGE = Path(__file__).resolve().parents[2] / "docs/performance.md"
ALL = Outcome(completed=1000, lost=0, noerror=1000, qps=1.0, latency_us=1.0)
NONE = Counts(stored=70, upstream=30)
HITS, MISSES = Load(1000), Load(1000, hits=False)


def test_hits_are_cpu_time_for_each_response() -> None:
    sample = HITS.judge(ALL, 0.008, NONE, Counts(1070, 30))
    assert sample.value == pytest.approx(8.0)
    assert sample.facts["stored"] == 1.0
    assert sample.facts["upstream"] == 0.0


def test_misses_cost_one_upstream_query_each() -> None:
    assert MISSES.judge(ALL, 0.2, NONE, Counts(70, 1030)).value == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("load", "after", "why"),
    [
        (HITS, Counts(570, 30), "not hits"),
        (HITS, Counts(1070, 130), "not hits"),
        (MISSES, Counts(370, 1030), "not misses"),
        (MISSES, Counts(70, 530), "not misses"),
        (MISSES, Counts(70, 2030), "not misses"),
    ],
)
def test_a_sample_without_its_proof_is_void(load: Load, after: Counts, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        load.judge(ALL, 0.1, NONE, after)


def test_responses_that_failed_are_not_answers() -> None:
    with pytest.raises(Unusable, match="100 of 1000 responses were errors"):
        HITS.judge(ALL._replace(noerror=900), 0.1, NONE, Counts(1070, 30))


def test_queries_that_were_dropped_are_not_cheap() -> None:
    with pytest.raises(Unusable, match="500 of 1500 queries got no response"):
        HITS.judge(ALL._replace(lost=500), 0.1, NONE, Counts(1070, 30))


def test_no_response_at_all_is_void_too() -> None:
    with pytest.raises(Unusable, match="1000 of 1000"):
        HITS.judge(Outcome(0, 1000, 0, 0.0, 0.0), 0.1, NONE, NONE)


def test_each_row_is_documented_with_its_bound() -> None:
    documented = dict(re.findall(r"^\| `([\w-]+)` \|.*\| (\d+) \w+ \|$", PAGE.read_text(), re.MULTILINE))
    assert documented == {row.name: f"{row.bound:g}" for row in ROWS}


def test_each_program_that_a_row_needs_has_a_package() -> None:
    for row in ROWS:
        assert set(row.needs) <= PACKAGES.keys(), row.name
