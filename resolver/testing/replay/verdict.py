"""Decides what is said of a scenario: PASS, FAIL with what went otherwise, or SKIP with the feature that it needs.

Rules: every scenario is played. One that goes wrong is a SKIP only where its configuration asks for a feature that we
do not have, and what went wrong is what the lack of that feature does (`_EXPLAINS`); everything else is a FAIL.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resolver.observe.drawing import branches
from resolver.testing import virtual_time
from resolver.testing.replay import playing, reading, settings
from resolver.testing.replay.comparing import Difference, Level
from resolver.testing.replay.script import Scenario

_SIGNED: Final = frozenset((43, 46, 47, 48, 50, 51))
"""DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM: records that only somebody who validates asks for and keeps."""


class Status(enum.StrEnum):
    """What became of a scenario."""

    PASS = "PASS"  # noqa: S105 — no password
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says why it is no PASS; `lines` show it: both messages as a diff and what was sent.

    `notes` say where the player filled in what the script forgot.
    """

    path: Path
    status: Status
    reason: str = ""
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.status is Status.SKIP:
            return f"SKIP {self.path}: {self.reason}"
        return f"{self.status} {self.path}"

    def details(self) -> Iterator[str]:
        """What stands below the line of a FAIL."""
        if self.reason and self.status is Status.FAIL:
            yield f"  {self.reason}"
        yield from (f"  {line}" for line in self.lines)
        yield from (f"  note: {note}" for note in self.notes)


def judge(path: Path, level: Level = Level.CORE) -> Verdict:
    """What is to be said of the scenario in the file `path`. Raises `ScenarioError` and OSError."""
    return judge_scenario(reading.read(path), level)


def judge_scenario(scenario: Scenario, level: Level = Level.CORE) -> Verdict:
    """What is to be said of `scenario`. Raises `ScenarioError` for words that are not known."""
    arrangement = settings.arrange(scenario)
    path = scenario.path
    try:
        course = virtual_time.run(playing.play(scenario, arrangement, level))
    except virtual_time.Deadlock as stuck:
        return Verdict(path, Status.FAIL, str(stuck))
    notes = tuple(course.notes)
    failure = course.failure
    if failure is None:
        return Verdict(path, Status.PASS, notes=notes)
    lines = [*failure.lines, *branches(course.nodes)]
    reason = f"{path.name}:{failure.line}: {failure.text}"
    missing = next((name for name in arrangement.needs if _explains(name, failure.found)), None)
    if missing is not None:
        return Verdict(path, Status.SKIP, f"needs-{missing}", (reason, *lines), notes)
    return Verdict(path, Status.FAIL, reason, tuple(lines), notes)


def _by_validation(found: list[Difference]) -> bool:
    """Whether it is what somebody does who does not validate: no AD, answers to what is bogus, no proofs."""
    first = found[0]
    return first.part == "AD" or first.text.endswith("for SERVFAIL") or any(each.missing & _SIGNED for each in found)


def _always(found: list[Difference]) -> bool:
    return True


def _by_falling_back(found: list[Difference]) -> bool:
    return found[0].text.startswith("SERVFAIL for ")


_EXPLAINS: Final[dict[str, Callable[[list[Difference]], bool]]] = {
    "dnssec": _by_validation,
    "forward-first": _by_falling_back,
}
"""What the lack of a feature does to an answer; of one that is not here, anything."""


def _explains(feature: str, found: list[Difference]) -> bool:
    return bool(found) and _EXPLAINS.get(feature, _always)(found)
