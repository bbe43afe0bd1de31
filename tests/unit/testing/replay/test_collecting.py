"""Scenarios as tests of pytest, in sessions of pytest of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resolver.testing.replay.verdict  # noqa: F401 — else each session of pytester would make enums of its own
from tests.support.scripts import PLUGIN, PRIMING, asks, entry, is_told, server, text

pytest_plugins = ["pytester"]

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
GOOD = text(server(PRIMING, entry(QUESTION, *ADDRESS)), asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))
WRONG = GOOD.replace("QR RD RA NOERROR", "QR RD RA REFUSED")
LACKING = GOOD.replace("CONFIG_END", 'auth-zone:\n name: "other."\nCONFIG_END').replace("QR RD RA", "QR RD RA AD")
STRICT = GOOD.replace("MATCH all", "MATCH all ede=3")
MALFORMED = GOOD.replace("MATCH all", "MATCH colour")


@pytest.fixture
def files(pytester: pytest.Pytester) -> Path:
    """A folder with one scenario of each kind."""
    for name, content in (("good", GOOD), ("wrong", WRONG), ("lacking", LACKING), ("malformed", MALFORMED)):
        (pytester.path / f"{name}.rpl").write_text(content)
    return pytester.path


@pytest.mark.usefixtures("files")
def test_scenarios_are_no_tests_until_they_are_wanted(pytester: pytest.Pytester) -> None:
    assert pytester.runpytest(*PLUGIN).ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.usefixtures("files")
def test_every_file_is_a_test_once_the_option_says_so(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest(*PLUGIN, "--rpl", "-v")
    found.assert_outcomes(passed=1, failed=2, skipped=1)
    found.stdout.fnmatch_lines(["good.rpl::scenario PASSED*", "lacking.rpl::scenario SKIPPED (needs-auth-zone)*"])


@pytest.mark.usefixtures("files")
def test_every_file_is_a_test_once_the_configuration_says_so(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nrpl = true\n")
    pytester.runpytest(*PLUGIN).assert_outcomes(passed=1, failed=2, skipped=1)


@pytest.mark.usefixtures("files")
def test_a_file_that_is_named_needs_no_switch(pytester: pytest.Pytester) -> None:
    pytester.runpytest(*PLUGIN, "good.rpl").assert_outcomes(passed=1)


@pytest.mark.usefixtures("files")
def test_a_failure_shows_the_difference_and_the_messages_and_nothing_of_the_player(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest(*PLUGIN, "wrong.rpl")
    found.stdout.fnmatch_lines(
        [
            "*_ wrong.rpl _*",
            "wrong.rpl:*: rcode: NOERROR for REFUSED",
            "-REFUSED, flags QR RD RA",
            "+NOERROR, flags QR RD RA",
            "* www.example. A  *192.0.2.1*",
        ]
    )
    found.stdout.no_fnmatch_line("*Traceback*")
    found.stdout.no_fnmatch_line("*collecting.py*")


@pytest.mark.usefixtures("files")
def test_a_skip_is_told_of_the_file_with_its_reason(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest(*PLUGIN, "lacking.rpl", "-rs")
    found.stdout.fnmatch_lines(["SKIPPED * lacking.rpl:1: needs-auth-zone"])


@pytest.mark.usefixtures("files")
def test_a_malformed_file_fails_with_its_line_and_what_to_write(pytester: pytest.Pytester) -> None:
    found = pytester.runpytest(*PLUGIN, "malformed.rpl")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*malformed.rpl:*: MATCH does not know 'colour'; *"])
    found.stdout.no_fnmatch_line("*Traceback*")


def test_the_level_is_that_of_the_configuration_unless_an_option_or_a_marker_says_another(
    pytester: pytest.Pytester,
) -> None:
    (pytester.path / "some.rpl").write_text(STRICT)
    pytester.runpytest(*PLUGIN, "some.rpl").assert_outcomes(passed=1)
    pytester.runpytest(*PLUGIN, "some.rpl", "--rpl-level=strict").assert_outcomes(failed=1)
    pytester.makeini("[pytest]\nrpl_level = strict\n")
    pytester.runpytest(*PLUGIN, "some.rpl").assert_outcomes(failed=1)
    pytester.runpytest(*PLUGIN, "some.rpl", "--rpl-level=core").assert_outcomes(passed=1)
    pytester.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        item.add_marker(pytest.mark.rpl('core'))\n"
    )
    pytester.runpytest(*PLUGIN, "some.rpl").assert_outcomes(passed=1)


def test_a_level_that_is_none_is_refused_before_anything_runs(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nrpl_level = loose\n")
    found = pytester.runpytest(*PLUGIN, "--rpl")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*rpl_level: 'loose' is no level; write core or strict"])


@pytest.mark.usefixtures("files")
def test_scenarios_can_be_chosen_by_their_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_other(): pass\n")
    pytester.runpytest(*PLUGIN, "--rpl", "-m", "not rpl").assert_outcomes(passed=1, deselected=4)


@pytest.mark.usefixtures("files")
def test_several_processes_agree(pytester: pytest.Pytester, library: Callable[[str], Any]) -> None:
    library("xdist")
    found = pytester.runpytest_subprocess(*PLUGIN, "--rpl", "-n", "2")
    found.assert_outcomes(passed=1, failed=2, skipped=1)
