"""The scenarios of others, every one of them: what becomes of each is written down, and stays true."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.message import RRset, Type
from resolver.testing.replay import reading
from resolver.testing.replay.script import Entry, Kind, Scenario
from resolver.testing.replay.verdict import Status, Verdict, judge, judge_scenario

SCENARIOS = Path(__file__).resolve().parent.parent / "data" / "scenarios"
FILES = {path.relative_to(SCENARIOS).as_posix(): path for path in sorted(SCENARIOS.rglob("*.rpl"))}
EXPECTED: dict[str, str] = tomllib.loads((SCENARIOS / "expected.toml").read_text())
README = Path(__file__).resolve().parent / "README.md"

CHANGED = 20
"""In so many of the scenarios that pass, a changed answer is seen to fail."""


def told(verdict: Verdict) -> str:
    """`verdict` as it stands in expected.toml, a FAIL without the reason that a person found."""
    match verdict.status:
        case Status.PASS:
            return "PASS"
        case Status.SKIP:
            return f"SKIP {verdict.reason}"
        case Status.FAIL:
            place = re.search(r"\.rpl:(\d+): ", verdict.reason)
            return f"FAIL {place[1] if place else verdict.reason}"


def test_the_list_has_every_file_and_a_reason_for_each_that_fails() -> None:
    assert EXPECTED.keys() == FILES.keys()
    assert len(FILES) == 152
    for name, text in EXPECTED.items():
        assert re.fullmatch(r"PASS|SKIP needs-[a-z0-9-]+|FAIL \d+: \w.{30,}", text), name


@pytest.mark.parametrize("name", FILES)
def test_a_scenario_ends_as_the_list_says(name: str) -> None:
    """One that behaves better than listed fails, too: then the list is to be mended."""
    verdict = judge(FILES[name])
    assert told(verdict) == EXPECTED[name].partition(":")[0], "\n".join((str(verdict), *verdict.details()))


def test_each_licence_stands_beside_its_files() -> None:
    for source, owner in (("unbound", "NLnet Labs"), ("deckard", "CZ.NIC")):
        assert owner in (SCENARIOS / source / "LICENSE").read_text()


def test_the_totals_in_the_readme_are_those_of_the_list() -> None:
    totals = Counter(text.partition(":")[0] if text[0] != "F" else "FAIL" for text in EXPECTED.values())
    rows = re.findall(r"^\| (PASS|FAIL|SKIP [a-z0-9-]+) \| (\d+) \|", README.read_text(), re.MULTILINE)
    assert {status: int(count) for status, count in rows} == dict(totals)


def passing() -> Iterator[str]:
    """Scenarios that pass and whose first answer with an address is compared."""
    for name, text in EXPECTED.items():
        if text == "PASS" and place(reading.read(FILES[name])) is not None:
            yield name


def place(scenario: Scenario) -> int | None:
    """The first step that checks an answer with an address in it."""
    for number, step in enumerate(scenario.steps):
        entry = step.entry
        if step.kind is not Kind.CHECK_ANSWER or entry is None or not entry.match & {"all", "answer"}:
            continue
        if any(each.type in (Type.A, Type.AAAA) for each in entry.answer):
            return number
    return None


def other(rrset: RRset) -> RRset:
    """An address record with another address."""
    if rrset.type not in (Type.A, Type.AAAA):
        return rrset
    return rrset._replace(rdatas=tuple(rdata[:-1] + bytes((rdata[-1] ^ 1,)) for rdata in rrset.rdatas))


@pytest.mark.parametrize("name", [name for name, _ in zip(passing(), range(CHANGED), strict=False)])
def test_a_scenario_that_passes_fails_when_another_answer_is_wanted(name: str) -> None:
    scenario = reading.read(FILES[name])
    number = place(scenario)
    assert number is not None
    step = scenario.steps[number]
    assert step.entry is not None
    entry: Entry = replace(step.entry, answer=tuple(map(other, step.entry.answer)))
    steps = (*scenario.steps[:number], replace(step, entry=entry), *scenario.steps[number + 1 :])
    verdict = judge_scenario(replace(scenario, steps=steps))
    assert (verdict.status, f":{step.line}: answer: " in verdict.reason) == (Status.FAIL, True), verdict


def test_there_are_enough_scenarios_that_pass_to_change() -> None:
    assert sum(1 for _ in passing()) >= CHANGED
