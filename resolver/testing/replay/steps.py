"""Decides what a STEP of a scenario says.

    STEP number QUERY [ADDRESS ip]                                     and the entry that is asked
    STEP number CHECK_ANSWER [AFTER seconds] [WITHIN seconds]          and the entry that must be answered
    STEP number CHECK_OUT_QUERY [ADDRESS ip] [AFTER seconds] [WITHIN seconds]   and the entry that must be sent
    STEP number REPLY [ADDRESS ip]                                     and the entry that is replied
    STEP number TIME_PASSES ELAPSE seconds, or UNTIL seconds from the beginning have passed
    STEP number TRAFFIC [ONLY] [TRAFFIC_BEGIN / lines of a table (`traffic.py`) / TRAFFIC_END]
    STEP number TIMEOUT or NOTHING

AFTER, WITHIN, UNTIL, ONLY and the table of TRAFFIC are words of our own; other players do not know them.
"""

from __future__ import annotations

import re
from typing import Any, Final

from resolver.testing.replay.entries import Unreadable
from resolver.testing.replay.lines import SHOWN, Line, Lines
from resolver.testing.replay.script import Kind, Step, Tally, Traffic
from resolver.testing.replay.traffic import tally
from resolver.text import nearest

MAX_ELAPSE_S: Final = 1e9
"""30 years: behind them the clock of a scenario cannot tell a millisecond from none, and the times of a cache end."""

MAX_TALLIES: Final = 10_000
"""Lines of a table of TRAFFIC."""

_BARE: Final = frozenset((Kind.TIMEOUT, Kind.NOTHING, Kind.TIME_PASSES, Kind.TRAFFIC))
"""The kinds of steps that have no entry."""

_SECONDS: Final = re.compile(r"\d{1,12}(\.\d{1,9})?")

_TIMED: Final = frozenset((Kind.CHECK_ANSWER, Kind.CHECK_OUT_QUERY))
_WORDS: Final = {
    "ADDRESS": frozenset(Kind) - {Kind.TIME_PASSES},
    "ELAPSE": frozenset((Kind.TIME_PASSES,)),
    "UNTIL": frozenset((Kind.TIME_PASSES,)),
    "AFTER": _TIMED,
    "WITHIN": _TIMED,
}
"""The words behind a kind that take a value, and the kinds that know them."""


def read_step(lines: Lines, line: Line, number: int, word: str, more: list[str]) -> Step:
    """The step that begins in `line`, of the kind `word`. Raises `ScenarioError`."""
    if word not in Kind.__members__:
        lines.fail(line, f"there is no step {word[:SHOWN]!r}", nearest(word, Kind.__members__))
    kind = Kind[word]
    said: dict[str, Any] = {"only": False}
    while more:
        _take(lines, line, kind, more, said)
    if kind is Kind.TIME_PASSES and ("seconds" in said) == ("until" in said):
        lines.fail(line, "TIME_PASSES does not say how much", "write TIME_PASSES ELAPSE seconds, or UNTIL seconds")
    if said.get("after", 0) > said.get("within", MAX_ELAPSE_S):
        lines.fail(line, "nothing comes after AFTER and within WITHIN", "let AFTER be less than WITHIN")
    only = said.pop("only")
    if kind is Kind.TRAFFIC:
        said["traffic"] = _traffic(lines, line, only)
    elif kind not in _BARE:
        said["entry"] = _entry(lines, line, kind, said)
    return Step(line.number, number, kind, **said)


def _take(lines: Lines, line: Line, kind: Kind, more: list[str], said: dict[str, Any]) -> None:
    """The next word of `more`, with its value if it has one, is `said`."""
    word = more.pop(0)
    if word == "ONLY" and kind is Kind.TRAFFIC:
        said["only"] = True
        return
    known = [each for each, kinds in _WORDS.items() if kind in kinds]
    if word not in known or not more:
        text = " ".join((word, *more))
        instead = f"write {' or '.join(f'{each} {_value(each)}' for each in known)}" if known else "leave it out"
        lines.fail(line, f"{text[:SHOWN]!r} has no meaning here", instead)
    value = more.pop(0)
    if word == "ADDRESS":
        said["address"] = lines.address(line, value)
        return
    if not _SECONDS.fullmatch(value):
        lines.fail(line, f"'{word} {value[:SHOWN]}' has no meaning here", f"write {word} seconds, such as {word} 1.5")
    if float(value) > MAX_ELAPSE_S:
        lines.fail(line, f"{word} {value} is too long", f"let at most {MAX_ELAPSE_S:.0f} seconds pass")
    said["seconds" if word == "ELAPSE" else word.lower()] = float(value)


def _value(word: str) -> str:
    return "ip" if word == "ADDRESS" else "seconds"


def _entry(lines: Lines, line: Line, kind: Kind, said: dict[str, Any]) -> Any:
    begin = lines.next("ENTRY_BEGIN", Line(line.number, f"STEP {kind}"))
    if begin.text.startswith("ADDRESS "):
        said["address"] = lines.address(begin, begin.text.split()[1])
        begin = lines.next("ENTRY_BEGIN")
    if begin.text != "ENTRY_BEGIN":
        lines.fail(begin, f"{begin.text[:SHOWN]!r} where the entry of {kind} begins", "write ENTRY_BEGIN")
    return lines.entry(begin)


def _traffic(lines: Lines, line: Line, only: bool) -> Traffic | None:
    """The table of a TRAFFIC; None where it has none and is a pause."""
    begin = lines.next("SCENARIO_END")
    if begin.text != "TRAFFIC_BEGIN":
        if only:
            lines.fail(begin, f"{begin.text[:SHOWN]!r} where the table of TRAFFIC ONLY begins", "write TRAFFIC_BEGIN")
        lines.back()
        return None
    found: list[Tally] = []
    while (row := lines.next("TRAFFIC_END", begin)).text != "TRAFFIC_END":
        if len(found) >= MAX_TALLIES:
            lines.fail(row, f"more than {MAX_TALLIES} lines of TRAFFIC", "count more than one query in a line")
        try:
            found.append(tally(row.text, row.number))
        except Unreadable as wrong:
            lines.fail(row, wrong.what, wrong.instead)
    if not found and not only:
        lines.fail(begin, "this table is empty", "write a line, or TRAFFIC ONLY where nothing may be sent")
    return Traffic(tuple(found), only)
