"""Decides how a mistake in a zone file or in the hierarchy is told to a person.

A mistake is a `Finding`: one line that says where, what, and what to write instead. `fatal` ones make the
world unusable, so that `hierarchy.load` raises the first of them; the others are only reported by the lint.

Limits: one finding is one line of text; there is no severity beyond fatal or not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from resolver.errors import ZoneError


class Where(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int


class Finding(NamedTuple):
    """A mistake: the place, what is wrong, and what to write instead."""

    file: str
    line: int
    text: str
    instead: str
    fatal: bool = False

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.text}"
        return f"{text}; {self.instead}" if self.instead else text

    def error(self) -> ZoneError:
        """The exception that says the same."""
        return ZoneError(self.text, where=f"{self.file}:{self.line}", instead=self.instead)


Report = Callable[[Finding], None]
"""Takes a finding: a list's `append`, or `refuse` for those who want an exception at the first."""


def refuse(finding: Finding) -> None:
    """Raise the finding as a `ZoneError`."""
    raise finding.error()
