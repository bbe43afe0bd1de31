"""Runs of pytest within a test."""

from __future__ import annotations

import pytest

import resolver.testing.internets  # noqa: F401 - or each run within a test would import it anew


@pytest.fixture(autouse=True)
def settings(request: pytest.FixtureRequest) -> None:
    """What runs within a test is strict, and runs coroutines as tests where pytest-asyncio is there."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester").makeini(
            "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
            "addopts = --strict-markers\nfilterwarnings =\n    error\n    ignore::pytest.PytestConfigWarning\n"
        )
