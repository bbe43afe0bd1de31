"""A hostile client gets no more than its share."""

from __future__ import annotations

import pytest

from tests.robustness.shares import SECONDS, SHARE, shared


@pytest.mark.parametrize("cached", [True, False], ids=["one name that is held", "names that are new"])
def test_a_client_that_floods_gets_its_share_and_others_all_that_they_ask(cached: bool) -> None:
    seen = shared(cached=cached)
    assert seen.answered <= SHARE * (SECONDS + 1)
    assert seen.resolved == seen.good
    if cached:
        assert seen.answered >= SHARE * SECONDS
    else:
        assert seen.messages <= 3 * SHARE * (SECONDS + 1) + 3 * seen.good, "and makes us ask no more for it"


def test_without_a_limit_it_gets_all() -> None:
    seen = shared(cached=True, rate=0)
    assert seen.answered == seen.hostile
