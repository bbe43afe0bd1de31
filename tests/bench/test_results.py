"""Medians, ratios and bounds are what the samples make them."""

from __future__ import annotations

import pytest

from tests.bench.results import Result, Series, absences, figure, voids
from tests.bench.rows import BEST, Row
from tests.bench.sample import Sample, Turn
from tests.bench.servers import OURS, RESOLVERS


def nothing(turn: Turn) -> Sample:
    raise NotImplementedError


def result(
    ours: list[float], bound: float | None = 1.25, against: str | None = "unbound", **others: list[float]
) -> Result:
    row = Row("udp-hit", "stored answer", "µs", nothing, RESOLVERS, bound, against)
    made = Result(row, {OURS: Series([Sample(value, {"qps": 10 * value}) for value in ours])})
    for name, values in others.items():
        made.series[name] = Series([Sample(value, {}) for value in values])
    return made


@pytest.mark.parametrize(
    ("value", "shown"), [(8.214, "8.21"), (10.04, "10.0"), (221.6, "222"), (1003.2, "1003"), (-150.2, "-150")]
)
def test_three_digits_are_shown(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_the_median_stands_between_the_lowest_and_the_highest() -> None:
    assert result([9.0, 8.0, 30.0]).of(OURS).told() == "9.00 (8.00-30.0)"
    assert result([9.0]).of(OURS).told() == "9.00"


def test_the_median_of_a_fact_is_over_the_samples_that_state_it() -> None:
    series = result([9.0, 8.0, 30.0]).of(OURS)
    series.samples.append(Sample(1.0, {"lost": 2.0}))
    assert series.fact("qps") == 90.0
    assert series.fact("rss_mib") is None
    assert series.facts() == {"qps": 90.0, "lost": 2.0}


def test_the_ratio_is_that_of_the_medians() -> None:
    assert result([9.0, 8.0, 30.0], unbound=[4.5, 4.0, 99.0]).ratio == 2.0


def test_there_is_no_ratio_without_both() -> None:
    assert result([9.0]).ratio is None
    assert result([], unbound=[4.0]).ratio is None
    assert result([9.0], nsd=[4.0]).ratio is None


def test_the_best_peer_is_the_cheapest_that_was_measured() -> None:
    made = result([6.0], 0.6, BEST, unbound=[12.0], bind9=[8.0])
    assert made.against == "bind9"
    assert made.ratio == 0.75
    assert made.within is False


def test_the_bound_is_met_or_not_by_the_ratio_of_the_medians() -> None:
    assert result([5.0, 4.0, 99.0], unbound=[4.0]).within is True
    assert result([5.1], unbound=[4.0]).within is False
    assert result([5.0]).within is None
    assert result([5.0], None, None, unbound=[4.0]).within is None


def test_a_bound_in_the_unit_of_the_row_needs_nobody_else() -> None:
    assert result([48.0], 48, None).within is True
    assert result([48.1], 48, None).within is False
    assert result([], 48, None).within is None


def test_what_is_void_and_what_cannot_be_is_told_with_its_reason() -> None:
    made = result([])
    made.of(OURS).voids.append("not hits")
    made.of("dnsmasq").absent = "cannot be loaded by dot"
    assert made.of(OURS).told() == "void"
    assert made.of("dnsmasq").told() == "n/a"
    assert voids([made]) == ["void: udp-hit of resolverd: not hits"]
    assert absences([made]) == ["n/a: udp-hit of dnsmasq: cannot be loaded by dot"]
