"""A figure counts only with its proof."""

from __future__ import annotations

import pytest

from tests.bench.load import Outcome
from tests.bench.machine import Unusable
from tests.bench.names import Part
from tests.bench.proof import Counts, judge

ALL = Outcome(completed=1000, lost=0, codes={"NOERROR": 1000}, qps=1.0)
NONE = Counts(upstream=30, stored=70)
HITS, MISSES, NEW = Part([], 0, 0), Part([], 1000, 1000), Part([], 1000, 2000)


def test_hits_come_from_the_store() -> None:
    assert judge(HITS, ALL, NONE, Counts(30, 1070)) == {"upstream": 0.0, "stored": 1.0}


def test_misses_cost_one_upstream_query_each_and_new_zones_two() -> None:
    assert judge(MISSES, ALL, NONE, Counts(1030, 70)) == {"upstream": 1.0, "stored": 0.0}
    assert judge(NEW, ALL, NONE, Counts(2030, 70))["upstream"] == 2.0


def test_a_server_that_does_not_count_is_judged_by_the_authorities() -> None:
    assert judge(HITS, ALL, Counts(30, None), Counts(30, None)) == {"upstream": 0.0}
    with pytest.raises(Unusable, match="500 queries went upstream for 1000, and 0 should have"):
        judge(HITS, ALL, Counts(30, None), Counts(530, None))


@pytest.mark.parametrize(
    ("part", "after", "why"),
    [
        (HITS, Counts(30, 570), "500 of 1000 responses came from the store, and 1000 should have"),
        (HITS, Counts(130, 1070), "100 queries went upstream for 1000, and 0 should have"),
        (MISSES, Counts(1030, 370), "300 of 1000 responses came from the store, and 0 should have"),
        (MISSES, Counts(530, 70), "500 queries went upstream for 1000, and 1000 should have"),
        (MISSES, Counts(2030, 70), "2000 queries went upstream for 1000, and 1000 should have"),
        (NEW, Counts(1030, 70), "1000 queries went upstream for 1000, and 2000 should have"),
    ],
)
def test_a_sample_without_its_proof_is_void(part: Part, after: Counts, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        judge(part, ALL, NONE, after)


def test_responses_of_another_code_are_not_answers() -> None:
    failed = ALL._replace(codes={"NOERROR": 900, "SERVFAIL": 100})
    with pytest.raises(Unusable, match="100 of 1000 responses were not NOERROR"):
        judge(HITS, failed, NONE, Counts(30, 1070))


def test_a_row_may_want_another_code() -> None:
    denied = ALL._replace(codes={"NXDOMAIN": 1000})
    assert judge(MISSES, denied, NONE, Counts(1030, 70), "NXDOMAIN")["upstream"] == 1.0
    with pytest.raises(Unusable, match="not NXDOMAIN"):
        judge(MISSES, ALL, NONE, Counts(1030, 70), "NXDOMAIN")


def test_queries_that_were_dropped_are_not_cheap() -> None:
    with pytest.raises(Unusable, match="500 of 1500 queries got no response"):
        judge(HITS, ALL._replace(lost=500), NONE, Counts(30, 1070))


def test_no_response_at_all_is_void_too() -> None:
    with pytest.raises(Unusable, match="1000 of 1000"):
        judge(HITS, Outcome(0, 1000, {}, 0.0), NONE, NONE)
