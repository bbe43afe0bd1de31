"""Decides how text that somebody else chose is shown, alone or in a table: nothing in it acts on a terminal or breaks a
line; and which word was meant by one that nobody knows."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

NEAR: Final = 0.6
"""How alike two words must be for the one to be suggested for the other, 0 to 1: a letter or two differ."""


def quoted(text: str) -> str:
    """`text` as a JSON string in which everything but printable characters is escaped."""
    return '"' + "".join(one if one.isprintable() and one not in '"\\' else _escaped(one) for one in text) + '"'


def printable(text: str) -> str:
    """`text` with everything but printable characters escaped, line ends included."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def closest(word: str, known: Iterable[str], near: float = NEAR) -> str | None:
    """The one of `known` that is most like `word`; None where none is `near` (0 to 1)."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=near)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of `known`, or all of them when none is near."""
    choices = sorted(known)
    if (close := closest(word, choices)) is not None:
        return f"did you mean {close!r}?"
    return f"use one of: {', '.join(choices)}" if choices else ""


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """`rows` as aligned columns under their names; what a row does not have is a dash."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[printable(str(row.get(column, "-"))) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = [[column.upper() for column in columns], *cells]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _escaped(one: str) -> str:
    return json.dumps(one)[1:-1]
