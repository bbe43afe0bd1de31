"""What cannot be answered takes no place from what can."""

from __future__ import annotations

import pytest

from tests.robustness.floods import FLOODS, flood
from tests.robustness.world import ROUND_TRIP_MS


@pytest.mark.parametrize("kind", FLOODS)
def test_new_names_of_good_zones_resolve_at_once_beside_a_flood(kind: str) -> None:
    seen = flood(FLOODS[kind])
    assert seen.resolved == seen.good
    assert seen.slowest <= 2 * ROUND_TRIP_MS / 1000 + 0.001
