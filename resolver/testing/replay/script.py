"""What a scenario is: who answers what in which steps, what is asked, and what must come of it.

A *moment* is the number of the step that is to be done next; a `Range` answers in the moments from its first to its
last. Entries are messages with rules: as those of a server they say which queries they fit, as those of a check what
of an answer counts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from resolver.message import Edns, Question, RRset, Transport


class Kind(enum.StrEnum):
    """What a step does."""

    QUERY = "QUERY"
    CHECK_ANSWER = "CHECK_ANSWER"
    CHECK_OUT_QUERY = "CHECK_OUT_QUERY"
    REPLY = "REPLY"
    TIMEOUT = "TIMEOUT"
    NOTHING = "NOTHING"
    TIME_PASSES = "TIME_PASSES"
    TRAFFIC = "TRAFFIC"


class Word(NamedTuple):
    """One word of the configuration with its value, in the clause (`server`, `stub-zone`, ...) where it stands."""

    line: int
    clause: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a script. Each record is a set of its own, in the order of the file; `flags` has no rcode.

    `raw` are octets that stand for the whole message. `extended` is the info-code that MATCH ede= names, -1 for any.
    """

    line: int
    match: frozenset[str] = frozenset()
    adjust: frozenset[str] = frozenset()
    flags: int = 0
    rcode: int = 0
    question: Question | None = None
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    edns: Edns | None = None
    raw: bytes | None = None
    extended: int | None = None
    delay_s: float = 0.0
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """The server at `addresses` (at every address when there are none) answers with `entries` in these moments."""

    line: int
    first: int
    last: int
    addresses: frozenset[str]
    entries: tuple[Entry, ...]


class Tally(NamedTuple):
    """A line of TRAFFIC: from `least` to `most` queries (None: any number) as the rest says, where None is any.

    With `below`, names below `name` are meant and not `name` itself.
    """

    line: int
    text: str
    least: int
    most: int | None
    address: str | None
    name: bytes | None
    below: bool
    type: int | None
    transport: Transport | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Which queries must have been sent; with `only`, no others."""

    tallies: tuple[Tally, ...]
    only: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `address` is that of a client or a server where it is given, `seconds` those of TIME_PASSES.

    With `until` as many seconds pass as it takes to be so many from the beginning.
    What is checked must have come not before `after` seconds and `within` so many, counted from the client's query.
    """

    line: int
    number: int
    kind: Kind
    entry: Entry | None = None
    address: str | None = None
    seconds: float = 0.0
    until: float | None = None
    after: float | None = None
    within: float | None = None
    traffic: Traffic | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. `files` are those that its configuration has within it, by their names."""

    path: Path
    title: str
    words: tuple[Word, ...]
    ranges: tuple[Range, ...]
    steps: tuple[Step, ...] = field(default=())
    files: tuple[tuple[str, str], ...] = ()

    def beside(self, name: str) -> Path | None:
        """The file `name`, in the folder of the scenario or below it; None for one elsewhere: whoever plays what a
        stranger wrote shows nobody what else is on this machine."""
        folder = self.path.parent.resolve()
        try:
            file = (folder / name).resolve()
        except (OSError, RuntimeError, ValueError):
            return None
        return file if file.is_relative_to(folder) else None

    def entries(self) -> list[Entry]:
        """All that servers say: those of ranges and those of REPLY steps."""
        replies = [step.entry for step in self.steps if step.kind is Kind.REPLY and step.entry is not None]
        return [entry for one in self.ranges for entry in one.entries] + replies
