"""Decides what a line of a scenario is, and how a mistake in one is told.

Rules: comments begin with `;` or `#` outside of records, and with `;` alone within an entry; lines that say nothing are
passed over. A mistake names the file, the line and what to write instead; what has no end names the line where it
begins.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from resolver.errors import ScenarioError
from resolver.testing.replay.entries import EntryReader, Unreadable
from resolver.testing.replay.script import Entry

SHOWN: Final = 60
"""Characters of a line that are shown when it is not understood."""


class Line(NamedTuple):
    """A line with its number, from 1."""

    number: int
    text: str


class Lines:
    """The lines of the text of `path`, each taken once."""

    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        self._lines = [Line(number, line) for number, line in enumerate(text.splitlines(), 1)]
        self._at = 0

    def raw(self) -> Line | None:
        """The next line as it stands; None at the end."""
        if self._at >= len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at - 1]

    def back(self) -> None:
        """The line that was taken last is the next one again."""
        self._at -= 1

    def next(self, wanted: str, begin: Line | None = None) -> Line:
        """The next line that says something, without its comment. `wanted` is what must come, of what `begin` begins.

        Raises `ScenarioError` where the file ends.
        """
        while (line := self.raw()) is not None:
            text = without_comment(line.text, ";#")
            if text:
                return Line(line.number, text)
        if begin is not None:
            what = " ".join(begin.text.split()[:3])
            self.fail(begin, f"{what[:SHOWN]} has no end", f"write {wanted}")
        return self.fail(self.last, "the file ends too early", f"write {wanted}")

    @property
    def last(self) -> Line:
        """The last line of all."""
        return self._lines[-1] if self._lines else Line(1, "")

    def entry(self, begin: Line) -> Entry:
        """The entry of which `begin` is the ENTRY_BEGIN. Raises `ScenarioError`."""
        reader = EntryReader(begin.number)
        while (line := self.raw()) is not None:
            try:
                if reader.take(line.text):
                    return reader.entry()
            except Unreadable as wrong:
                self.fail(line, wrong.what, wrong.instead)
            except ValueError as wrong:
                self.fail(line, str(wrong), "write it as in a master file")
        return self.fail(begin, "the entry that begins here has no end", "end it with ENTRY_END")

    def address(self, line: Line, text: str) -> str:
        """The IP address `text`, in canonical form. Raises `ScenarioError`."""
        try:
            return str(ipaddress.ip_address(text.partition("@")[0]))
        except ValueError:
            self.fail(line, f"{text[:SHOWN]!r} is no IP address", "write one like 192.0.2.1 or 2001:db8::1")

    def fail(self, line: Line, what: str, instead: str) -> NoReturn:
        """Raises the `ScenarioError` that says `what` is wrong in `line`."""
        raise ScenarioError(what, where=f"{self._path}:{line.number}", instead=instead)


def without_comment(text: str, marks: str) -> str:
    """`text` without what follows one of `marks`, quoted ones excepted, and without the space around it."""
    quoted = False
    for position, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char in marks and not quoted:
            text = text[:position]
            break
    return text.strip()
