"""Decides on which line of a TOML text a table, a key or a string stands, which `tomllib` does not tell.

Rules: `tomllib` has read the text before, so that it is known to be good TOML; here each line that looks
like a header or like `key = value` is taken for one. A place that cannot be found is that of what encloses
it.

Limits: a line inside a multi-line string that looks like a header or a key is mistaken for one, and then a
line number is wrong; nothing else depends on it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

_HEADER: Final = re.compile(r"\s*\[(.*)\]\s*(?:#.*)?")
_KEY: Final = re.compile(r"""[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_.-]+)[ \t]*=""")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_POSITION: Final = re.compile(r"\(at line (\d+), column \d+\)")


class Section:
    """A table of the text: the line of its header, and of each of its keys."""

    def __init__(self, path: tuple[str, ...], line: int, lines: list[str]) -> None:
        self.path, self.line = path, line
        self._lines = lines
        self._keys: dict[str, int] = {}
        self.end = len(lines)

    def has(self, key: str, line: int) -> None:
        """`key` is on `line`."""
        self._keys.setdefault(key, line)

    def key(self, key: str, outer: str = "") -> int:
        """The line of `key`, which may be dotted, else of the key `outer`, else of the header."""
        return self._keys.get(key) or self._keys.get(outer, self.line)

    def string(self, key: str, text: str) -> int:
        """The line of the string `text` in the value of `key`, else of the key."""
        start = self.key(key)
        for number in range(start, self.end + 1):
            # In a basic string quotes and backslashes are escaped.
            if text in (line := self._lines[number - 1]) or text in line.replace("\\\\", "\\").replace('\\"', '"'):
                return number
        return start


class Places:
    """The tables of a TOML text in their order."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        section = Section((), 1, lines)
        self._sections: dict[tuple[str, ...], list[Section]] = {(): [section]}
        for number, line in enumerate(lines, 1):
            if _HEADER.fullmatch(line) and (path := _path(line)):
                section.end = number - 1
                section = Section(path, number, lines)
                self._sections.setdefault(path, []).append(section)
            elif match := _KEY.match(line):
                path = (match[1],) if _BARE.fullmatch(match[1]) else _path(f"{match[1]} = 0")
                section.has(path[0] if path else match[1], number)
                section.has(".".join(path), number)

    def find(self, *path: str, index: int = 0) -> Section:
        """The table at `path`, of several with the same path the one at `index`.

        Where there is none: the first below `path`, else what encloses it.
        """
        found = self._sections.get(path, [])
        if index < len(found):
            return found[index]
        below = (some[0] for where, some in self._sections.items() if where[: len(path)] == path)
        return next(below, None) or self.find(*path[:-1])


def _path(line: str) -> tuple[str, ...]:
    """The dotted key of a header or an assignment; () when it is none."""
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while value:
        if isinstance(value, list):
            value = value[0]
        elif isinstance(value, dict):
            key = next(iter(value))
            path.append(key)
            value = value[key]
        else:
            break
    return tuple(path)


def explain(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str, str]:
    """The line of a TOML error, what is wrong, and what to write instead."""
    what = _POSITION.sub("", str(error)).strip()
    match = _POSITION.search(str(error))
    line = int(match[1]) if match else text.count("\n") + 1
    if what.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate")):
        # tomllib stops behind the header or the value: its line is the one that repeats.
        return line, f"the same key or table stands twice ({what[0].lower()}{what[1:]})", "keep one of them"
    return line, f"not TOML: {what}", "strings are quoted, lists are in [ ], true and false are in lower case"
