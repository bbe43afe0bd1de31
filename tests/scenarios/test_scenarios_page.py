"""docs/scenarios.md: every example on it runs, and every word that is known stands on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import resolver.testing.replay.verdict  # noqa: F401 — else each session of pytester would make enums of its own
from resolver.cli import main
from resolver.testing.blackbox import judging, subject
from resolver.testing.blackbox.daemon import PLACEHOLDERS
from resolver.testing.replay import settings
from resolver.testing.replay.entries import ADJUSTS, MATCHES
from resolver.testing.replay.script import Kind
from resolver.testing.replay.steps import _WORDS
from tests.support.scripts import PLUGIN

pytest_plugins = ["pytester"]

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs/scenarios.md").read_text()


class Block(NamedTuple):
    """An example: what stands behind its fence, and its text."""

    kind: str
    text: str


BLOCKS: Final = [Block(*found) for found in re.findall(r"^```(.+)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)]
FIRST: Final = BLOCKS[0].text
STEPS: Final = [block for block in BLOCKS if block.kind.startswith("steps")]


def blocks(kind: str) -> list[str]:
    """The texts of all examples of a kind."""
    return [block.text for block in BLOCKS if block.kind == kind]


def whole(steps: str) -> str:
    """A scenario in the world of the first, with other steps."""
    return f"{FIRST[: FIRST.index('STEP 10')]}{steps}SCENARIO_END\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the first scenario, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.rpl").write_text(FIRST)
    return tmp_path


def test_the_first_scenario_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert BLOCKS[0].kind == "rpl"
    assert main(["replay", "first.rpl"]) == 0
    assert capsys.readouterr().out.startswith("PASS first.rpl\n")


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_steps_end_as_the_page_says(folder: Path, capsys: pytest.CaptureFixture[str], number: int) -> None:
    fails = STEPS[number].kind == "steps fails"
    (folder / "first.rpl").write_text(whole(STEPS[number].text))
    assert main(["replay", "first.rpl"]) == int(fails), capsys.readouterr().out
    if fails:
        assert capsys.readouterr().out.startswith("FAIL first.rpl\n" + blocks("output")[0])


def test_each_kind_of_example_is_there() -> None:
    kinds = {block.kind for block in BLOCKS}
    assert kinds == {"rpl", "steps", "steps fails", "output", "ini", "python"}
    assert len(STEPS) >= 4


def test_scenarios_are_collected_and_levels_set_as_the_page_says(pytester: pytest.Pytester) -> None:
    pytester.makeini(blocks("ini")[0])
    pytester.makeconftest(blocks("python")[0])
    strict = pytester.mkdir("strict")
    for path in (pytester.path / "first.rpl", strict / "second.rpl"):
        path.write_text(FIRST.replace("MATCH all ttl", "MATCH all ttl ede=3"))
    found = pytester.runpytest(*PLUGIN, "-v")
    found.stdout.fnmatch_lines(["first.rpl::scenario PASSED*", "strict/second.rpl::scenario FAILED*"])
    pytester.runpytest(*PLUGIN, "-m", "not rpl").assert_outcomes(deselected=2)
    pytester.runpytest(*PLUGIN, "--rpl-level=strict", "first.rpl").assert_outcomes(failed=1)


def test_a_report_is_written_as_the_page_says(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    (folder / "first.rpl").rename(folder / "scenarios/first.rpl")
    (command,) = re.findall(r"^    resolver (replay .*--junit.*)$", PAGE, re.MULTILINE)
    assert main(command.split()) == 0
    assert '<testcase classname="scenarios" name="first.rpl"' in (folder / "report.xml").read_text()


def test_every_word_that_is_known_stands_on_the_page() -> None:
    text = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"[A-Za-z_][A-Za-z_0-9-]*", " ".join(re.findall(r"`[^`\n]+`", text))))
    words = {
        *MATCHES,
        *ADJUSTS,
        *Kind,
        *_WORDS,
        *settings.FEATURES,
        *settings._WORDS,
        *settings._CLAUSES,
        *PLACEHOLDERS,
    }
    assert words - {"server"} <= told, words - told


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    for told in (
        f"`TIME_PASSES` of more than {judging.MAX_WAIT_S:g} s",
        f"waits {subject.PATIENCE_S:g} s at most",
        f"for {subject.QUIET_S:g} s, and",
        f"met within {subject.TOLERANCE_S:g} s",
    ):
        assert told in PAGE.replace("\n", " "), told
