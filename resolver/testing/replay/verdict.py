"""Decides what is said of a scenario: PASS, FAIL with what went otherwise, or SKIP with the feature that it needs.

Rules: every scenario is played. One that goes wrong is a SKIP only where its configuration asks for a feature that we
do not have, and what went wrong is what the lack of that feature does (`LACKS`); everything else is a FAIL.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from resolver.observe.drawing import branches
from resolver.testing import virtual_time
from resolver.testing.replay import playing, reading, settings
from resolver.testing.replay.comparing import Difference, Level
from resolver.testing.replay.script import Scenario


class Status(enum.StrEnum):
    """What became of a scenario."""

    PASS = "PASS"  # noqa: S105 — no password
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says why it is no PASS; `lines` show it: both messages as a diff and what was sent.

    `notes` say where the player filled in what the script forgot; `seconds` is how long it took, in the real world.
    """

    path: Path
    status: Status
    reason: str = ""
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

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
    """What is to be said of the scenario in the file `path`. Raises `ScenarioError`."""
    began = time.perf_counter()
    verdict = judge_scenario(reading.read(path), level)
    return replace(verdict, seconds=time.perf_counter() - began)


def judge_scenario(scenario: Scenario, level: Level = Level.CORE) -> Verdict:
    """What is to be said of `scenario`. Raises `ScenarioError` for words that are not known."""
    arrangement = settings.arrange(scenario)
    path = scenario.path
    try:
        course = virtual_time.run(playing.play(scenario, arrangement, level))
    except virtual_time.Deadlock as stuck:
        return Verdict(path, Status.FAIL, f"{path.name}: {stuck}")
    return verdict_on(path, course, arrangement.needs)


def verdict_on(path: Path, course: playing.Course, needs: Iterable[str] = ()) -> Verdict:
    """What is to be said of how it went. `needs` are features without which a FAIL may be a SKIP."""
    notes = tuple(course.notes)
    failure = course.failure
    if failure is None:
        return Verdict(path, Status.PASS, notes=notes)
    lines = [*failure.lines, *branches(course.nodes)]
    reason = f"{path.name}:{failure.line}: {failure.text}"
    missing = _lack(needs, failure.found)
    if missing is not None:
        return Verdict(path, Status.SKIP, f"needs-{missing}", (reason, *lines), notes)
    return Verdict(path, Status.FAIL, reason, tuple(lines), notes)


def _by_anything(found: list[Difference]) -> bool:
    return bool(found)


LACKS: Final[dict[str, Callable[[list[Difference]], bool]]] = {
    "rpz-transfer": _by_anything,
    "auth-zone": _by_anything,
    "rfc5011": _by_anything,
    "views": _by_anything,
}
"""The features of `settings.FEATURES` that we do not have, and whether the lack of one explains what went wrong; the
first that does is named."""


def _lack(needs: Iterable[str], found: list[Difference]) -> str | None:
    """The feature without which it went wrong; None when nothing that is missing explains it."""
    if not found:
        return None
    return next((name for name, explains in LACKS.items() if name in needs and explains(found)), None)
