"""Runs of pytest within a test."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

import pytest

import resolver.auth
import resolver.dnssec
import resolver.explain
import resolver.pipeline
import resolver.testing.internets  # or each run within a test would import it anew

# A run within a test forgets what it has imported: of a library that was half imported before, two halves would differ.
for module in ("requests", "httpx", "aiohttp", "dns.resolver", "http.server"):
    with contextlib.suppress(ImportError):
        importlib.import_module(module)

# The program itself imports what it needs when it needs it.
for package in (resolver.auth, resolver.dnssec, resolver.explain, resolver.pipeline):
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
importlib.import_module("resolver.simulation")

INI = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
addopts = --strict-markers -p no:hypothesispytest -p no:anyio -p no:cacheprovider
filterwarnings =
    error
    ignore::pytest.PytestConfigWarning
"""
"""Coroutines are tests where pytest-asyncio is there; plugins that take long to import and have no part are not."""


@pytest.fixture(autouse=True)
def settings(request: pytest.FixtureRequest) -> None:
    """What runs within a test is strict."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester").makeini(INI)
