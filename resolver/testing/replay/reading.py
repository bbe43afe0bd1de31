"""Decides what the text of a scenario says: configuration, ranges of servers, steps.

The grammar, one thing a line, `;` and outside of records `#` begin a comment:

    configuration words in the manner of unbound.conf (with a file written in place: TEMPFILE_NAME, TEMPFILE_CONTENTS)
    CONFIG_END
    SCENARIO_BEGIN title
    RANGE_BEGIN first last / ADDRESS ip ... / entries / RANGE_END
    STEP number KIND and more (`steps.py`), for most kinds with an entry
    SCENARIO_END

    ENTRY_BEGIN / MATCH words / ADJUST words / REPLY flags and rcode / SECTION name and its records / ENTRY_END

A word that is not known is an error with its line: a scenario that is half understood would prove nothing. For the same
reason each step has a number of its own, and a range does not end before it begins.

Limits: of the words of MATCH and ADJUST those that have a meaning for a resolver are known; client subnets have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.errors import ScenarioError
from resolver.testing.replay.lines import SHOWN, Line, Lines, without_comment
from resolver.testing.replay.script import Entry, Range, Scenario, Step, Word
from resolver.testing.replay.steps import read_step
from resolver.text import nearest

MAX_OCTETS: Final = 16 << 20
"""Octets of a file; the longest known scenario has 3 MB."""

MAX_DIGITS: Final = 12
"""Of the number of a step, or of an end of a range."""

_KEY: Final = re.compile(r"[a-z][a-z0-9-]*:")
_NOWHERE: Final = frozenset(("RANGE_BEGIN", "STEP", "SCENARIO_END", "RANGE_END", "ADDRESS", "ENTRY_BEGIN", "ENTRY_END"))
"""The words with which lines between ranges and steps begin, and those that a person may have forgotten to open."""


def read(path: Path) -> Scenario:
    """The scenario in the file `path`. Raises `ScenarioError` for what is malformed or cannot be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as wrong:
        raise ScenarioError(f"cannot be read: {wrong.strerror}", where=str(path)) from None
    if len(octets) > MAX_OCTETS:
        raise ScenarioError(f"more than {MAX_OCTETS} octets", where=str(path), instead="split it")
    if b"\0" in octets:
        raise ScenarioError("no text: there are zero octets in it", where=str(path), instead="write it in UTF-8")
    return parse(octets.decode("utf-8", "replace"), path)


def parse(text: str, path: Path) -> Scenario:
    """The scenario that `text`, from `path`, is. Raises `ScenarioError`."""
    return _Reader(Lines(text.removeprefix("\ufeff"), path), path).scenario()


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Lines, path: Path) -> None:
        self._path, self._lines = path, lines
        self._files: list[tuple[str, str]] = []

    def scenario(self) -> Scenario:
        words = tuple(self._configuration())
        title = self._title()
        ranges: list[Range] = []
        steps: dict[int, Step] = {}
        while True:
            line = self._lines.next("SCENARIO_END")
            match line.text.split():
                case ["SCENARIO_END"]:
                    break
                case ["RANGE_BEGIN", first, last] if _is_number(first) and _is_number(last):
                    ranges.append(self._range(line, int(first), int(last)))
                case ["STEP", number, kind, *more] if _is_number(number):
                    if other := steps.get(int(number)):
                        self._lines.fail(
                            line, f"STEP {number} stands in line {other.line}, too", "give each step its own number"
                        )
                    steps[int(number)] = read_step(self._lines, line, int(number), kind, more)
                case [word, *_]:
                    self._misplaced(line, word)
        if not steps:
            self._lines.fail(self._lines.last, "a scenario without a STEP", "ask something by STEP n QUERY")
        ordered = tuple(steps[number] for number in sorted(steps))
        return Scenario(self._path, title, words, tuple(ranges), ordered, tuple(self._files))

    def _misplaced(self, line: Line, word: str) -> None:
        instead = "write RANGE_BEGIN, STEP or SCENARIO_END"
        if word == "RANGE_BEGIN":
            instead = "write RANGE_BEGIN first last, the numbers of two steps"
        elif word == "STEP":
            instead = "write STEP number KIND"
        elif word not in _NOWHERE and (hint := nearest(word, _NOWHERE)).startswith("did"):
            instead = hint
        self._lines.fail(line, f"{line.text[:SHOWN]!r} has no meaning here", instead)

    # -- configuration

    def _configuration(self) -> Iterator[Word]:
        clause = 0
        while (line := self._lines.raw()) is not None:
            text = without_comment(line.text, ";#")
            if text == "CONFIG_END":
                return
            if text.startswith("TEMPFILE_NAME"):
                continue
            if text.startswith("TEMPFILE_CONTENTS"):
                self._file(line, text.partition(" ")[2].strip())
                continue
            words = _split(text)
            while words:
                key = words.pop(0)
                if not _KEY.fullmatch(key):
                    self._lines.fail(line, f"{key[:SHOWN]!r} is no word of a configuration", "write `word: value`")
                value = []
                while words and not _KEY.fullmatch(words[0]):
                    value.append(words.pop(0))
                if not value and key == "zonefile:":
                    value = self._named_file()
                elif not value:
                    clause += 1
                yield Word(line.number, clause, key[:-1], " ".join(value))
        self._lines.fail(Line(1, ""), "there is no CONFIG_END", "end the configuration with one")

    def _named_file(self) -> list[str]:
        """The name of a file that stands in the configuration, if the next line is one."""
        line = self._lines.raw()
        match without_comment(line.text, ";#").split() if line is not None else []:
            case ["TEMPFILE_NAME", name]:
                return [name]
        if line is not None:
            self._lines.back()
        return []

    def _file(self, begin: Line, name: str) -> None:
        """The contents of a file stand in the configuration."""
        if Path(name).name in ("", ".."):
            self._lines.fail(begin, f"{name[:SHOWN]!r} is no name of a file", "write TEMPFILE_CONTENTS name")
        found: list[str] = []
        while (line := self._lines.raw()) is not None:
            if line.text.strip() == "TEMPFILE_END":
                self._files.append((name, "".join(f"{each}\n" for each in found)))
                return
            found.append(line.text)
        self._lines.fail(begin, "the file that begins here has no end", "end it with TEMPFILE_END")

    # -- scenario

    def _title(self) -> str:
        line = self._lines.next("SCENARIO_BEGIN")
        word, _, title = line.text.partition(" ")
        if word != "SCENARIO_BEGIN":
            what = f"{line.text[:SHOWN]!r} stands before SCENARIO_BEGIN"
            self._lines.fail(line, what, "begin with it behind CONFIG_END")
        return title.strip()

    def _range(self, begin: Line, first: int, last: int) -> Range:
        if last < first:
            self._lines.fail(begin, f"the range ends at {last}, before it begins", f"write RANGE_BEGIN {last} {first}")
        addresses: set[str] = set()
        entries: list[Entry] = []
        while True:
            line = self._lines.next("RANGE_END", begin)
            match line.text.split():
                case ["RANGE_END"]:
                    return Range(begin.number, first, last, frozenset(addresses), tuple(entries))
                case ["ADDRESS", text]:
                    addresses.add(self._lines.address(line, text))
                case ["ENTRY_BEGIN"]:
                    entries.append(self._lines.entry(line))
                case _:
                    what = f"{line.text[:SHOWN]!r} has no meaning here"
                    self._lines.fail(line, what, "write ADDRESS, ENTRY_BEGIN or RANGE_END")


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS


def _split(text: str) -> list[str]:
    """The words of a line of configuration; what is quoted is one word without its quotes."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', text) if quoted or plain]
