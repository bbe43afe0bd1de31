"""Decides how pytest collects and shows scenarios: each `*.rpl` file is one test.

Rules: off unless it is switched on, because a folder may hold such files for other players: by `--rpl`, by `rpl = true`
in the configuration of pytest, or for one file by naming it on the command line. What counts of an answer says
`--rpl-level`, else `rpl_level` in that configuration, else `core`; a marker `rpl("strict")` on an item goes before
both. A SKIP is a skipped test with its reason; a FAIL shows the difference and the messages that were sent, and no
traceback; a malformed file is a test that fails with the line and what to write there.

An item reads and plays its file when it runs, never before, and shares nothing with the others: any number of
processes of pytest-xdist may run them in any order.

This module is a plugin of pytest, and imports nothing of the resolver before an item runs:
`pytest_plugins = ["resolver.testing.replay.collecting"]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from resolver.testing.replay.verdict import Verdict

LEVELS: Final = ("core", "strict")
SUFFIX: Final = ".rpl"


class ScenarioFailed(Exception):
    """The scenario went otherwise, or cannot be read; the text is all that is shown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and settings of this module are known."""
    group = parser.getgroup("rpl", "DNS scenarios (*.rpl)")
    group.addoption("--rpl", action="store_true", default=False, help="collect *.rpl files as tests")
    group.addoption("--rpl-level", choices=LEVELS, default=None, help="how much of an answer counts in *.rpl files")
    parser.addini("rpl", "collect *.rpl files as tests", type="bool", default=False)
    parser.addini("rpl_level", f"how much of an answer counts in *.rpl files: {' or '.join(LEVELS)}", default="core")


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known. Raises `pytest.UsageError` for a level that is none."""
    config.addinivalue_line("markers", "rpl(level): a scenario in a *.rpl file, played at the level core or strict")
    _checked(config.getini("rpl_level"), "rpl_level")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """The collector of `file_path`, where it is a scenario and scenarios are wanted."""
    if file_path.suffix != SUFFIX:
        return None
    config = parent.config
    if not (config.getoption("rpl") or config.getini("rpl") or parent.session.isinitpath(file_path)):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A file with one scenario."""

    def collect(self) -> Iterator[ScenarioItem]:
        """The scenario as the only item."""
        item: ScenarioItem = ScenarioItem.from_parent(self, name="scenario")
        item.add_marker("rpl")
        yield item


class ScenarioItem(pytest.Item):
    """A scenario as a test."""

    def runtest(self) -> None:
        """It has been played, as wanted. Raises `ScenarioFailed`."""
        verdict = self._verdict()
        if verdict.status == "SKIP":
            # As `pytest.skip`, but told of the file and not of this line.
            raise pytest.skip.Exception(verdict.reason, _use_item_location=True)
        if verdict.status == "FAIL":
            raise ScenarioFailed("\n".join(line.removeprefix("  ") for line in verdict.details()))

    def _verdict(self) -> Verdict:
        from resolver.errors import ScenarioError
        from resolver.testing.replay.comparing import Level
        from resolver.testing.replay.verdict import judge

        try:
            return judge(self.path, Level(self._level()))
        except ScenarioError as error:
            raise ScenarioFailed(str(error)) from None

    def _level(self) -> str:
        for marker in self.iter_markers("rpl"):
            if level := (marker.kwargs.get("level") or next(iter(marker.args), None)):
                return _checked(level, f"the marker rpl of {self.nodeid}")
        return self.config.getoption("rpl_level") or _checked(self.config.getini("rpl_level"), "rpl_level")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is shown: of a scenario that went otherwise its own words alone."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands, and what it is called in the head of a failure."""
        return self.path, 0, self.path.name


def _checked(level: Any, where: str) -> str:
    if level not in LEVELS:
        raise pytest.UsageError(f"{where}: {level!r} is no level; write {' or '.join(LEVELS)}")
    return str(level)
