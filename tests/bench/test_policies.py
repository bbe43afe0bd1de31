"""What the figures of the policies must show; tests/test_docs.py has seen that they are fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resolver.balance.choosing import POLICIES
from tests.bench.policies import outcome

PAGE = Path(__file__).resolve().parents[2] / "docs/balancing.md"
ROW = re.compile(r"^\| `([\w-]+)` \| (\d+)% \| (\d+)% \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)


def told() -> dict[str, tuple[float, ...]]:
    """Of each policy: the share of the slow member, the largest share, p50 and p99."""
    return {name: tuple(map(float, figures)) for name, *figures in ROW.findall(PAGE.read_text())}


def test_every_policy_was_measured():
    assert told().keys() == POLICIES.keys()


def test_static_policies_give_a_slow_member_its_share_and_dynamic_ones_less():
    figures = told()
    assert figures["round-robin"][0] == 25
    for dynamic in ("least-outstanding", "least-response-time"):
        assert figures[dynamic][0] < 20
        for static in ("round-robin", "client-hash", "consistent-hash"):
            assert figures[dynamic][3] < figures[static][3] / 2


def test_no_share_is_far_from_even_but_where_it_is_meant_to_be():
    for name, (_, most, p50, _) in told().items():
        assert most == 100 if name == "first-available" else most < 40
        assert 5 < p50 < 6


@pytest.mark.parametrize("name", ["least-response-time"])
def test_the_same_seed_gives_the_same_figures(name: str):
    assert outcome(name) == outcome(name)
