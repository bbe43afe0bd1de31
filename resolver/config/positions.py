"""On which line of a TOML text each key stands: `tomllib` says what a text means, but not where.

Rules: the text is scanned once, statement by statement, with strings and comments skipped whole; keys of
tables, dotted keys and keys of inline tables are all found. The text must be one that `tomllib` has accepted.

A table of an array of tables stands under its number, from 1.

Limits: elements of other arrays have no position of their own; they are reported on the line of their key.
"""

from __future__ import annotations

import re
from typing import Final

TOKEN: Final = re.compile(
    r'(?P<long>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5})'
    r'|(?P<quoted>"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<mark>[\[\]{}=,.])"
    r"|(?P<bare>[A-Za-z0-9_+:-]+)",
    re.DOTALL,
)

Path = tuple[str, ...]


class _Scan:
    """Where the scan is: the table that is open, the key that is being read, and the brackets around it."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.table: Path = ()
        self.key: list[str] = []
        self.brackets: list[str] = []
        self.inline: list[Path] = []  # the path of each inline table that is open
        self.in_header = False
        self.in_array = False
        self.counts: dict[Path, int] = {}  # of the tables in each array of tables
        self.in_value = False
        self.value_of: Path = ()

    def newline(self) -> None:
        if not self.brackets:
            self.key, self.in_value, self.in_header = [], False, False

    def word(self, word: str) -> None:
        if not self.in_value:
            self.key.append(word)

    def mark(self, mark: str, line: int) -> None:
        if not self.in_value and not self.brackets and mark in "[]":
            self._header(mark, line)
        elif mark == "=":
            self._begin_value(line)
        elif mark in "[{":
            self.brackets.append(mark)
            if mark == "{":
                self.inline.append(self.value_of)
                self.key, self.in_value = [], False
        elif mark in "]}":
            self._close()
        elif mark == "," and self.brackets[-1:] == ["{"]:
            self.key, self.in_value = [], False

    def _header(self, mark: str, line: int) -> None:
        if mark == "[":
            self.key, self.in_array, self.in_header = [], self.in_header, True
        elif self.in_header:
            self.table, self.in_header = tuple(self.key), False
            self.lines.setdefault(self.table, line)
            if self.in_array:
                count = self.counts[self.table] = self.counts.get(self.table, 0) + 1
                self.table = (*self.table, str(count))
                self.lines[self.table] = line

    def _begin_value(self, line: int) -> None:
        inside = self.inline[-1] if self.inline else self.table
        self.value_of = (*inside, *self.key)
        for length in range(len(inside) + 1, len(self.value_of) + 1):
            self.lines.setdefault(self.value_of[:length], line)
        self.in_value = True

    def _close(self) -> None:
        if self.brackets.pop() == "{":
            self.value_of = self.inline.pop()


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of each key and table of `text` under its full path."""
    scan = _Scan()
    line = 1
    for token in TOKEN.finditer(text.replace("\r\n", "\n")):
        kind, found = token.lastgroup, token.group()
        if kind == "newline":
            line += 1
            scan.newline()
        elif kind == "long":
            line += found.count("\n")
        elif kind == "quoted":
            scan.word(_unquoted(found))
        elif kind == "bare":
            scan.word(found)
        elif kind == "mark":
            scan.mark(found, line)
    return scan.lines


def _unquoted(text: str) -> str:
    """A quoted key as `tomllib` reads it."""
    import tomllib

    return next(iter(tomllib.loads(f"{text} = 0")))
