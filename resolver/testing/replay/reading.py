"""Decides what the text of a scenario says: configuration, ranges of servers, steps.

The grammar, one thing a line, `;` and outside of records `#` begin a comment:

    configuration words in the manner of unbound.conf (with a file written in place: TEMPFILE_NAME, TEMPFILE_CONTENTS)
    CONFIG_END
    SCENARIO_BEGIN title
    RANGE_BEGIN first last / ADDRESS ip ... / entries / RANGE_END
    STEP number KIND [ADDRESS ip | ELAPSE seconds], and for most kinds an entry
    SCENARIO_END

    ENTRY_BEGIN / MATCH words / ADJUST words / REPLY flags and rcode / SECTION name and its records / ENTRY_END

A word that is not known is an error with its line: a scenario that is half understood would prove nothing.

Limits: of the words of MATCH and ADJUST those that have a meaning for a resolver are known; client subnets have none.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from resolver.errors import ScenarioError
from resolver.testing.replay.entries import EntryReader, Unreadable
from resolver.testing.replay.script import Entry, Kind, Range, Scenario, Step, Word

MAX_OCTETS: Final = 16 << 20
"""Octets of a file; the longest known scenario has 3 MB."""

MAX_ELAPSE_S: Final = 1e9
"""30 years: behind them the clock of a scenario cannot tell a millisecond from none, and the times of a cache end."""

MAX_DIGITS: Final = 12
"""Of the number of a step, or of an end of a range."""

_BARE: Final = frozenset((Kind.TIMEOUT, Kind.NOTHING, Kind.TIME_PASSES, Kind.TRAFFIC))
"""The kinds of steps that have no entry."""

_KEY: Final = re.compile(r"[a-z][a-z0-9-]*:")


class _Line(NamedTuple):
    number: int
    text: str


def read(path: Path) -> Scenario:
    """The scenario in the file `path`. Raises `ScenarioError` for what is malformed, OSError."""
    octets = path.read_bytes()
    if len(octets) > MAX_OCTETS:
        raise ScenarioError(f"{len(octets)} octets; {MAX_OCTETS} are read", where=str(path), instead="split it")
    return parse(octets.decode("utf-8", "replace"), path)


def parse(text: str, path: Path) -> Scenario:
    """The scenario that `text`, from `path`, is. Raises `ScenarioError`."""
    return _Reader(text, path).scenario()


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        self._lines = [_Line(number, line) for number, line in enumerate(text.splitlines(), 1)]
        self._at = 0

    def scenario(self) -> Scenario:
        words = tuple(self._configuration())
        title = self._title()
        ranges: list[Range] = []
        steps: list[Step] = []
        while True:
            line = self._next("SCENARIO_END")
            match line.text.split():
                case ["SCENARIO_END"]:
                    break
                case ["RANGE_BEGIN", first, last] if _is_number(first) and _is_number(last):
                    ranges.append(self._range(line.number, int(first), int(last)))
                case ["STEP", number, kind, *more] if _is_number(number):
                    steps.append(self._step(line.number, int(number), kind, more))
                case _:
                    self._fail(
                        line, f"{line.text[:60]!r} has no meaning here", "write RANGE_BEGIN, STEP or SCENARIO_END"
                    )
        if not steps:
            self._fail(self._lines[-1], "a scenario without a STEP", "ask something by STEP n QUERY")
        steps.sort(key=lambda step: step.number)
        return Scenario(self._path, title, words, tuple(ranges), tuple(steps))

    # -- configuration

    def _configuration(self) -> Iterator[Word]:
        clause = 0
        while True:
            if self._at >= len(self._lines):
                self._fail(_Line(1, ""), "there is no CONFIG_END", "end the configuration with one")
            line = self._lines[self._at]
            self._at += 1
            text = _without_comment(line.text, ";#")
            if text == "CONFIG_END":
                return
            if text.startswith("TEMPFILE_NAME"):
                continue
            if text.startswith("TEMPFILE_CONTENTS"):
                self._skip_file(line)
                continue
            words = _split(text)
            while words:
                key = words.pop(0)
                if not _KEY.fullmatch(key):
                    self._fail(line, f"{key!r} is no word of a configuration", "write `word: value`")
                value = []
                while words and not _KEY.fullmatch(words[0]):
                    value.append(words.pop(0))
                if not value and key != "zonefile:":
                    clause += 1
                yield Word(line.number, clause, key[:-1], " ".join(value))

    def _skip_file(self, begin: _Line) -> None:
        """The contents of a file stand in the configuration. What uses such files is not built, so they are left."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.text.strip() == "TEMPFILE_END":
                return
        self._fail(begin, "the file that begins here has no end", "end it with TEMPFILE_END")

    # -- scenario

    def _title(self) -> str:
        line = self._next("SCENARIO_BEGIN")
        word, _, title = line.text.partition(" ")
        if word != "SCENARIO_BEGIN":
            self._fail(line, f"{line.text[:60]!r} stands before SCENARIO_BEGIN", "begin with it behind CONFIG_END")
        return title.strip()

    def _range(self, number: int, first: int, last: int) -> Range:
        addresses: set[str] = set()
        entries: list[Entry] = []
        while True:
            line = self._next("RANGE_END")
            match line.text.split():
                case ["RANGE_END"]:
                    return Range(number, first, last, frozenset(addresses), tuple(entries))
                case ["ADDRESS", text]:
                    addresses.add(self._address(line, text))
                case ["ENTRY_BEGIN"]:
                    entries.append(self._entry(line.number))
                case _:
                    self._fail(
                        line, f"{line.text[:60]!r} has no meaning here", "write ADDRESS, ENTRY_BEGIN or RANGE_END"
                    )

    def _step(self, line_number: int, number: int, kind_text: str, more: list[str]) -> Step:
        line = _Line(line_number, "")
        if kind_text not in Kind.__members__:
            self._fail(line, f"there is no step {kind_text!r}", f"the steps are {', '.join(Kind.__members__)}")
        kind = Kind[kind_text]
        address, seconds = None, 0.0
        match more:
            case []:
                pass
            case ["ADDRESS", text] if kind is not Kind.TIME_PASSES:
                address = self._address(line, text)
            case ["ELAPSE", text] if kind is Kind.TIME_PASSES and re.fullmatch(r"\d+(\.\d+)?", text):
                seconds = float(text)
                if seconds > MAX_ELAPSE_S:
                    self._fail(line, f"ELAPSE {text[:60]} is too long", f"let at most {MAX_ELAPSE_S:.0f} seconds pass")
            case _:
                self._fail(line, f"{' '.join(more)[:60]!r} has no meaning here", "write ADDRESS ip, or ELAPSE seconds")
        if kind is Kind.TIME_PASSES and not more:
            self._fail(line, "TIME_PASSES does not say how much", "write TIME_PASSES ELAPSE seconds")
        entry = None
        if kind not in _BARE:
            begin = self._next("ENTRY_BEGIN")
            if begin.text.startswith("ADDRESS "):
                address = self._address(begin, begin.text.split()[1])
                begin = self._next("ENTRY_BEGIN")
            if begin.text != "ENTRY_BEGIN":
                self._fail(begin, f"{begin.text[:60]!r} where the entry of {kind} begins", "write ENTRY_BEGIN")
            entry = self._entry(begin.number)
        return Step(line_number, number, kind, entry, address, seconds)

    def _entry(self, number: int) -> Entry:
        reader = EntryReader(number)
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            try:
                if reader.take(line.text):
                    return reader.entry()
            except Unreadable as wrong:
                self._fail(line, wrong.what, wrong.instead)
            except ValueError as wrong:
                self._fail(line, str(wrong), "write it as in a master file")
        return self._fail(_Line(number, ""), "the entry that begins here has no end", "end it with ENTRY_END")

    # -- lines

    def _next(self, wanted: str) -> _Line:
        """The next line that says something."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            text = _without_comment(line.text, ";#")
            if text:
                return _Line(line.number, text)
        last = self._lines[-1] if self._lines else _Line(1, "")
        return self._fail(last, "the file ends too early", f"write {wanted}")

    def _address(self, line: _Line, text: str) -> str:
        try:
            return str(ipaddress.ip_address(text.partition("@")[0]))
        except ValueError:
            self._fail(line, f"{text!r} is no IP address", "write one like 192.0.2.1 or 2001:db8::1")

    def _fail(self, line: _Line, what: str, instead: str) -> NoReturn:
        raise ScenarioError(what, where=f"{self._path}:{line.number}", instead=instead)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS


def _without_comment(text: str, marks: str) -> str:
    """`text` without what follows one of `marks`, quoted ones excepted, and without the space around it."""
    quoted = False
    for position, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char in marks and not quoted:
            text = text[:position]
            break
    return text.strip()


def _split(text: str) -> list[str]:
    """The words of a line of configuration; what is quoted is one word without its quotes."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', text) if quoted or plain]
