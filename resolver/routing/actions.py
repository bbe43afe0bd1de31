"""What is done with a query that fits a rule.

Rules: some actions *decide*: the rules behind are not tried. The others change the query or what it is told, and the
rules behind see it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from resolver.message import Ede, Rcode
from resolver.routing.matchers import Zones
from resolver.wire import names, types

PROHIBITED: Final = 18
"""The extended error of what is refused where nothing else is said (RFC 8914 section 4.19)."""


@dataclass(frozen=True, slots=True)
class ToPool:
    """It is asked of a pool."""

    pool: str

    def __str__(self) -> str:
        return f"pool {self.pool}"


@dataclass(frozen=True, slots=True)
class Resolve:
    """It goes the usual way."""

    def __str__(self) -> str:
        return "resolve, the usual way"


@dataclass(frozen=True, slots=True)
class FromZones:
    """It is answered from zones: those of these files, or without any those of the simulated world."""

    files: tuple[str, ...] = ()
    zones: Zones | None = None
    """Their names, once they are read."""

    def __str__(self) -> str:
        return f"authority of {', '.join(self.files)}" if self.files else "authority of the simulated world"


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is told a code, and no data."""

    rcode: int = Rcode.REFUSED
    ede: Ede | None = None

    def __str__(self) -> str:
        return f"refuse with {types.rcode_to_text(self.rcode)}"


@dataclass(frozen=True, slots=True)
class Drop:
    """It gets no response."""

    def __str__(self) -> str:
        return "drop"


@dataclass(frozen=True, slots=True)
class Truncate:
    """It is told to come back over TCP."""

    def __str__(self) -> str:
        return "truncate"


@dataclass(frozen=True, slots=True)
class Answer:
    """It is told these records: type, TTL in seconds, data."""

    records: tuple[tuple[int, int, bytes], ...]

    def __str__(self) -> str:
        kinds = dict.fromkeys(types.to_text(rtype) for rtype, _, _ in self.records)
        return f"answer with {', '.join(kinds)}"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Another question is asked in its place. `name` takes the place of the whole name, or of the nearest of `old` that
    it is in."""

    name: bytes | None = None
    old: frozenset[bytes] = frozenset()
    type: int | None = None

    def __str__(self) -> str:
        into = [] if self.name is None else [names.to_text(self.name)]
        into += [] if self.type is None else [types.to_text(self.type)]
        return f"rewrite to {' '.join(into)}"


@dataclass(frozen=True, slots=True)
class Tag:
    """Later rules see these tags."""

    tags: frozenset[str]

    def __str__(self) -> str:
        return f"tag {', '.join(sorted(self.tags))}"


@dataclass(frozen=True, slots=True)
class SetTtl:
    """Answers are told with TTLs within these bounds, in seconds."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"TTL of {self.least} s" if self.least == self.most else f"TTL of {self.least} to {self.most} s"


@dataclass(frozen=True, slots=True)
class AddSubnet:
    """A pool is told the client's subnet, so many bits of its address (RFC 7871)."""

    ipv4: int
    ipv6: int

    def __str__(self) -> str:
        return f"add the client's subnet, /{self.ipv4} or /{self.ipv6}"


@dataclass(frozen=True, slots=True)
class StripSubnet:
    """Nobody is told the client's subnet."""

    def __str__(self) -> str:
        return "strip the client's subnet"


@dataclass(frozen=True, slots=True)
class Limit:
    """It counts against a class of the limits."""

    name: str

    def __str__(self) -> str:
        return f"limit class {self.name}"


Deciding: TypeAlias = ToPool | Resolve | FromZones | Refuse | Drop | Truncate | Answer
Changing: TypeAlias = Rewrite | Tag | SetTtl | AddSubnet | StripSubnet | Limit
Action: TypeAlias = Deciding | Changing

CHANGING: Final = (Rewrite, Tag, SetTtl, AddSubnet, StripSubnet, Limit)


def decides(action: Action) -> bool:
    """Whether no rule behind one with `action` is tried."""
    return not isinstance(action, CHANGING)
