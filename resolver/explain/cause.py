"""What an explanation is, and what gives one."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """Why an answer is what it is: the `cause`, one of `table.CAUSES`; one or two sentences; and what to do, which
    is "" where nothing is to be done."""

    cause: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".rstrip()


class Said(NamedTuple):
    """What a cause says where it applies."""

    text: str
    advice: str = ""
