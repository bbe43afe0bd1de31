"""Decides how text that somebody else chose is shown: nothing in it acts on a terminal or breaks a line."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """`text` as a JSON string in which everything but printable characters is escaped."""
    return '"' + "".join(one if one.isprintable() and one not in '"\\' else _escaped(one) for one in text) + '"'


def printable(text: str) -> str:
    """`text` with everything but printable characters escaped, line ends included."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return json.dumps(one)[1:-1]
