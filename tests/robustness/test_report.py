"""docs/robustness.md says what the scenarios say, and every setting that it names exists."""

from __future__ import annotations

import re

import pytest

from resolver.config.sections import SECTIONS
from tests.robustness import report
from tests.robustness.attacks import ATTACKS
from tests.robustness.rates import Figure
from tests.robustness.world import cost

STALE = "is stale: run `python -m tests.robustness --attacks`"


def test_the_table_of_attacks_is_fresh() -> None:
    table = report.attacks_table((attack, cost(attack)) for attack in ATTACKS)
    assert report.between(report.PAGE.read_text(), "attacks").splitlines() == table.splitlines(), f"the page {STALE}"


def test_every_setting_that_the_page_names_is_one() -> None:
    named = re.findall(r"`(\w+)\.(\w+)`", report.PAGE.read_text())
    assert len(named) > 15
    for section, key in named:
        assert key in SECTIONS.get(section, ()), f"{section}.{key}"


def test_a_table_is_written_between_its_comments_and_read_back() -> None:
    page = report.PAGE.read_text()
    table = report.rates_table([Figure("what", "1", "2", True), Figure("else", "3", "2", False)])
    changed = report.written(page, "rates", table)
    assert report.between(changed, "rates") == table
    assert "| else | 3 | 2 | **no** |" in table
    assert report.between(changed, "attacks") == report.between(page, "attacks")
    with pytest.raises(ValueError, match="attacks"):
        report.written("no place", "attacks", table)
