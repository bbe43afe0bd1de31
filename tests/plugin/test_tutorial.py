"""docs/testing.md: each of its examples runs, as does the test of the README; and docs/testing-reference.md: all that
there is stands in it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from resolver.network.faults.words import WORDS
from resolver.testing import Answer, Internet, Nameserver, ServerHandle
from resolver.testing.clock import TestClock
from resolver.testing.options import Options
from resolver.testing.servers import VERBS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs/testing.md").read_text()
REFERENCE = (ROOT / "docs/testing-reference.md").read_text()
HEADINGS = re.compile(r"^## (.+)$", re.MULTILINE)

EXAMPLES = {
    f"{heading}, {number}": code
    for page in (PAGE, REFERENCE)
    for heading, text in zip(HEADINGS.findall(page), HEADINGS.split(page)[2::2], strict=True)
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL), 1)
}

NEEDED = ("requests", "pytest_asyncio")


@pytest.mark.parametrize("code", EXAMPLES.values(), ids=EXAMPLES)
def test_each_example_runs(pytester, program, code, library):
    for module in NEEDED:
        if module.removeprefix("pytest_") in code:
            library(module)
    if '"dig"' in code:
        program("dig")
    pytester.makepyfile(code)
    result = pytester.runpytest_inprocess("-q")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() <= {"passed"}, result.stdout.str()
    assert outcomes["passed"] >= len(re.findall(r"^\s*(?:async )?def test_", code, re.MULTILINE))


def test_the_test_of_the_readme_passes(pytester):
    pytester.makepyfile(re.findall(r"```python\n(def test_.*?)```", README, re.DOTALL)[0])
    assert pytester.runpytest_inprocess("-q").parseoutcomes() == {"passed": 1}


def test_the_readme_counts_the_words_for_faults():
    assert f"[{len(WORDS)} ways](docs/faults.md)" in README


def test_there_are_examples_for_all_that_the_tutorial_teaches():
    assert len(EXAMPLES) >= 20


@pytest.mark.parametrize("owner", [Internet, Answer, ServerHandle, Nameserver, TestClock])
def test_every_public_name_stands_in_the_tables(owner):
    table = REFERENCE.partition("## Methods and attributes")[2]
    own = {name for name in vars(owner) if not name.startswith("_")} | set(getattr(owner, "__annotations__", ()))
    inner = {"close", "forget_what_happened", "described_server", "explain"}
    if owner is ServerHandle:
        inner |= {word.replace("-", "_") for word in WORDS} | set(VERBS)
    missing = [name for name in own - inner if not re.search(rf"\b{name}\b", table)]
    assert not missing


def test_every_option_and_verb_is_told():
    for option in fields(Options):
        assert f"| `{option.name}` |" in REFERENCE
        assert f"`{option.name}`" in PAGE.partition("## Options")[2]
    for verb in VERBS:
        assert verb in ("duplicate", "reorder") or f"`{verb}(" in PAGE
