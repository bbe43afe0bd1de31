"""What is told of a question beside the messages: where its answer came from when nobody was asked, whom it joined,
what was done on purpose to a message.

Rules: a note stands at the node that was under way (`observe.transcript`). It holds values, and is put into words by
who tells it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from resolver.observe.transcript import Node


class Stage(enum.StrEnum):
    """Where an answer was at hand."""

    SCREENED = "answered by the server itself"
    RESERVED = "a special-use name"
    CACHED = "from the cache"


class At(NamedTuple):
    """The answer was at hand at `stage`."""

    stage: Stage


class Held(NamedTuple):
    """The answer was learnt `age` seconds ago and ends in `left`, below 0 if it has ended; the TTL it was learnt with
    is the sum."""

    age: int
    left: int


class Inferred(NamedTuple):
    """What is proven of other names answers for `name`, folded, of which nobody was asked: one above it does not exist
    (RFC 8020), or it lies in a gap (RFC 8198) of `zone`."""

    name: bytes
    zone: bytes | None


class Joined(NamedTuple):
    """The same was being asked already: what is below `node` was done for this, too."""

    node: Node


class Faulted(NamedTuple):
    """A simulated server did `fault` on purpose, as the rule of that number says: its word, and what else it says."""

    fault: str
    rule: int
    declared: bool = False
    """Whether hierarchy.toml says so; else it was added at run time."""


class Ruled(NamedTuple):
    """A rule of the configuration fitted, and `action` was done."""

    rule: str
    action: str
    answers: bool = False
    """Whether that was the answer, and nobody else was asked."""


class Decided(NamedTuple):
    """What a client is told was decided here: the `kind` of policy, the name or network that it has a word on, and the
    list, the zone or the setting where that stands."""

    kind: str
    trigger: str
    source: str


Note: TypeAlias = At | Held | Inferred | Joined | Faulted | Ruled | Decided


def in_words(note: Note) -> str:
    """`note` in a few words."""
    match note:
        case At(stage):
            return str(stage)
        case Held(age, left) if left < 0:
            return f"learnt {age} s ago, expired for {-left} s"
        case Held(age, left):
            return f"learnt {age} s ago, good for {left} s more"
        case Inferred():
            return "follows from what is proven of other names"
        case Joined():
            return "joined the same question, which was being asked already"
        case Faulted(fault, rule, _):
            return f"fault: {fault} (rule {rule})"
        case Decided(kind, trigger, source):
            return f"decided here ({kind}): {trigger}, by {source}"
        case Ruled(ruled, action, _):
            return f"{ruled}: {action}"
