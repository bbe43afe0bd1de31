"""Each cause is found where it is the cause, and docs/explain.md shows what is said then."""

from __future__ import annotations

import pytest

from resolver.explain.table import CAUSES
from tests.unit.explain.samples import SAMPLES


@pytest.mark.parametrize("cause", [cause.name for cause in CAUSES])
def test_each_cause_is_found_where_it_is_the_cause(cause: str) -> None:
    explanation = SAMPLES[cause]()
    assert explanation.cause == cause, explanation
