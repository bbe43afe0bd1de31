"""Decides what pytest has of the internets of tests: fixtures, a marker, and a section in the report of a failure.

Rules
* `dns` is an internet for one test, `dns_session` one for all tests of a process; what `dns_options` gives is said of
  both, and the marker `dns` goes before it.
* A test fails at its end if code in it has asked for a name that nobody declared, and could not be told.
* A failure has a section "DNS": seed, time, faults, and what was done for each question of the test. With
  `--dns-export` it leaves a scenario as well, which `resolver replay` plays without the test.
* Nothing of the resolver is imported before a test wants a fixture: the plugin is there in every run of pytest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from resolver.testing.internets import Internet

pytest_plugins = ["resolver.testing.replay.collecting"]

MARKER: Final = "dns(**options): options of the fixture dns: ttl, seed, wall, dnssec, mode, undeclared, settings, world"

MAX_FILE_NAME: Final = 150
"""Characters of a test's name in that of its scenario; file systems take 255 octets."""

_INTERNETS: Final = pytest.StashKey[list["Internet"]]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The option is known, and pytest leaves the modules of this program as they are."""
    # pytest rewrites the assertions of all modules of a distribution with a plugin: that is for plugins which assert in
    # the place of tests. Here it would make the first import, or without files of bytecode each one, take seconds.
    marked = getattr(pluginmanager.rewrite_hook, "_must_rewrite", None)
    if isinstance(marked, set):
        marked.discard("resolver")
    group = parser.getgroup("dns", "DNS internets of tests")
    group.addoption(
        "--dns-seed",
        metavar="N",
        default=None,
        help="the seed of the fixtures dns and dns_session; `random` draws one, which a failure shows (default: 1)",
    )
    group.addoption(
        "--dns-export",
        metavar="DIR",
        default=None,
        help="write what happened in each test that fails to DIR as a scenario (.rpl), for `resolver replay`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known. Raises `pytest.UsageError` for a seed that is none."""
    config.addinivalue_line("markers", MARKER)
    seed = config.getoption("dns_seed")
    if seed == "random":
        config.option.dns_seed = str(random.SystemRandom().getrandbits(31))  # each worker of xdist is given this one
    elif seed is not None and not seed.removeprefix("-").isdecimal():
        raise pytest.UsageError(f"--dns-seed: {seed!r} is no seed; write a whole number, or random")


@pytest.fixture(scope="session")
def dns_options() -> Mapping[str, Any]:
    """The options of all internets, for a conftest.py to override."""
    return {}


@pytest.fixture
def dns(request: pytest.FixtureRequest, dns_options: Mapping[str, Any]) -> Iterator[Internet]:
    """A DNS internet with a resolver of its own, for one test."""
    given = dict(dns_options)
    for marker in reversed(list(request.node.iter_markers("dns"))):
        if marker.args:
            raise pytest.UsageError("the marker dns takes its options by name, as in @pytest.mark.dns(ttl=300)")
        given.update(marker.kwargs)
    yield from _internet(request, given)


@pytest.fixture(scope="session")
def dns_session(request: pytest.FixtureRequest, dns_options: Mapping[str, Any]) -> Iterator[Internet]:
    """A DNS internet with a resolver of its own, for all tests of this process."""
    yield from _internet(request, dict(dns_options))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """An internet that outlives tests does not show in the report of one what another has asked."""
    for each in _of(item):
        each.forget_what_happened()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """The test fails for names that nobody declared, if it does not fail otherwise."""
    result = yield
    found = []
    for each in _of(item):
        try:
            each.raise_for_undeclared()
        except AssertionError as mistake:
            found.append(f"{type(mistake).__name__}: {mistake}")
    if found:  # without a traceback: it is no line of the test that asks in vain
        pytest.fail("\n".join(found), pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure has its section."""
    report = yield
    if report.when != "teardown" and report.failed:
        directory = item.config.getoption("dns_export")
        for each in _of(item):
            if text := each.report():
                exported = "" if directory is None else f"\n{_exported(each, Path(directory), item.nodeid)}"
                report.sections.append(("DNS", text + exported))
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """What a number of messages was counted of."""
    for counted, other in ((left, right), (right, left)):
        # By its name: where nothing was counted, the module has not been imported.
        if type(counted).__name__ == "Count" and type(counted).__module__ == "resolver.testing.history":
            lines: list[str] = counted.explained(f"{op} {other}" if op != "==" else other)  # type: ignore[attr-defined]
            return lines
    return None


def _internet(request: pytest.FixtureRequest, given: dict[str, Any]) -> Iterator[Internet]:
    """An internet, known to the tests that it is for, and closed at the end."""
    from resolver.errors import InputError
    from resolver.testing.internets import Internet

    seed = request.config.getoption("dns_seed")
    if seed is not None:
        given["seed"] = int(seed)
    wrong: InputError | None = None
    try:
        made = Internet(**given)
    except InputError as mistake:
        wrong = mistake
    if wrong is not None:  # beside the handler, or the report would show both
        pytest.fail(f"the options of {request.fixturename}: {wrong}", pytrace=False)
    known = request.node.stash.setdefault(_INTERNETS, [])
    known.append(made)
    try:
        yield made
    finally:
        known.remove(made)
        made.close()


def _exported(internet: Internet, directory: Path, test: str) -> str:
    """Which scenario has been made of what happened in `test`, or why none could be: a failure stays what it is."""
    from resolver.errors import ResolverdError

    name = re.sub(r"[^\w.-]+", "-", test)[-MAX_FILE_NAME:].strip("-")
    path = directory / f"{name}.rpl"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        verdict = internet.export_scenario(path, title=test)
    except (ResolverdError, OSError) as wrong:
        return f"no scenario: {wrong}"
    return f"scenario: {path} (`resolver replay` says {verdict.status}{verdict.reason and f': {verdict.reason}'})"


def _of(item: pytest.Item) -> list[Internet]:
    """The internets that `item` may have asked."""
    return [*item.session.stash.get(_INTERNETS, []), *item.stash.get(_INTERNETS, [])]
