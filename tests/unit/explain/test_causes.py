"""Each cause is found where it is the cause, and docs/explain.md shows what is said then."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from resolver.cli import main
from resolver.explain import Explanation
from resolver.explain.table import CAUSES
from tests.unit.explain.samples import SAMPLES

PAGE = Path(__file__).resolve().parents[3] / "docs/explain.md"
SECTION = re.compile(r"^### (\S+)\n\n((?:>.*\n)+)", re.MULTILINE)
NAMES = [cause.name for cause in CAUSES]


@cache
def told(cause: str) -> Explanation:
    """What is said of the question that the cause has."""
    return SAMPLES[cause]()


def written(explanation: Explanation) -> str:
    """`explanation` as the page shows it."""
    advice = f">\n> *{explanation.advice}*\n" if explanation.advice else ""
    return f"> {explanation.text}\n{advice}"


@pytest.mark.parametrize("cause", NAMES)
def test_each_cause_is_found_where_it_is_the_cause(cause: str) -> None:
    assert told(cause).cause == cause, told(cause)


@pytest.mark.parametrize("cause", NAMES)
def test_the_page_shows_what_is_really_said(cause: str) -> None:
    shown = dict(SECTION.findall(PAGE.read_text()))
    assert shown[cause] == written(told(cause)), f"docs/explain.md shows something else of {cause}"


def test_the_page_lists_exactly_the_causes_in_the_order_in_which_they_are_looked_for() -> None:
    assert [name for name, _ in SECTION.findall(PAGE.read_text())] == NAMES
    assert list(dict.fromkeys(NAMES)) == NAMES


@pytest.mark.parametrize("cause", NAMES)
def test_an_explanation_is_one_or_two_sentences_that_end(cause: str) -> None:
    explanation = told(cause)
    assert explanation.text.endswith(".")
    assert not explanation.text.endswith("..")
    assert not explanation.advice or explanation.advice.endswith((".", "?"))
    assert len(explanation.text) < 600
    sentences = re.findall(r"[.] [A-Z][a-z]+ ", explanation.text)
    assert len(sentences) <= 1, explanation.text
    assert str(explanation) == f"{explanation.text} {explanation.advice}".rstrip()


def test_the_first_example_of_the_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    command, *lines = re.findall(r"^    (.+)$", PAGE.read_text(), re.MULTILINE)
    assert main(command.removeprefix("$ resolver ").split()) == 0
    printed = capsys.readouterr().out.splitlines()
    addresses = re.compile(r"\(\S+, for")  # any of the server's
    assert [addresses.sub("", each) for each in printed] == [addresses.sub("", each) for each in lines]


def test_a_cause_that_is_looked_for_and_never_found_would_be_missed() -> None:
    assert set(SAMPLES) == set(NAMES)
    assert len(NAMES) >= 40
