"""What the engine may ask of the world, and what it may hear: the whole vocabulary of its generators.

A step of resolution is a generator that yields an `Action` and is sent the `Event` that came of it. Nothing
else crosses the border, so the algorithm needs no loop, socket or clock, and the sequence of (action, event)
is its transcript. The typed helpers `race` and `verify` keep the type of each answer: use them with `yield from`.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Message, Question, Transport
from resolver.network.base import Endpoint, Trouble

T = TypeVar("T")


class Exchange(NamedTuple):
    """Ask `server` and wait at most `timeout` seconds. Earlier tries of the same `question` for `zone` stay open.

    `again`: the question has been met with silence. `upstream` says which member of which pool it is, if it is one:
    then it stays open when its time is over, whatever carries it, and trouble with it is told while another is waited
    for.
    """

    server: Endpoint
    question: Question
    zone: bytes
    transport: Transport
    timeout: float
    rd: bool = False
    edns: bool = True
    server_name: bytes = b""
    again: bool = False
    upstream: str = ""


class Listen(NamedTuple):
    """Wait at most `seconds` for a reply to one of the messages with this `question` for `zone` that are still open."""

    question: Question
    zone: bytes
    seconds: float


class Lookup(NamedTuple):
    """A question of its own: the address of a name server, or what the chain of trust needs.

    `checked`: its answer must be proven.
    """

    question: Question
    checked: bool = False


class Race(NamedTuple):
    """Begin those of `lookups` that are not under way, and wait for the first that ends, at most `seconds`.

    The others go on, also when nobody asks for them again: what they find is known later.
    """

    lookups: tuple[Lookup, ...]
    seconds: float


class Check(NamedTuple):
    """A `signature` over `data`. `key` is the public key field of a DNSKEY of `algorithm` (RFC 4034 section 2)."""

    algorithm: int
    key: bytes
    signature: bytes
    data: bytes


class Verify(NamedTuple):
    """Find out which of `checks` hold. It is paid for before (`Budget.spend_signature_check`)."""

    checks: tuple[Check, ...]


class Replied(NamedTuple):
    """A reply that fits: from `server`, which is that of an earlier try when it came late; `rtt` in seconds.

    `edns`: whether the message that it replies to had an OPT.
    """

    server: Endpoint
    transport: Transport
    message: Message
    rtt: float
    edns: bool = True


class Suspicion(enum.StrEnum):
    """Why a server is to be asked over TCP, where nothing can be forged."""

    CASE = "a reply in other letter case"
    """It fits in all else: this server is to be asked over TCP from now on."""
    FORGERY = "replies that do not fit"
    """Somebody guesses, or the server is broken: this question is to be asked over TCP, nothing is remembered."""


class Unanswered(NamedTuple):
    """No reply that fits. `suspicion`: what came in its place, from the address of `server`.

    `server` None stands for the server that was asked last.
    """

    trouble: Trouble
    waited: float
    suspicion: Suspicion | None = None
    server: Endpoint | None = None


class Malformed(NamedTuple):
    """A reply of `server` to our question that is no DNS message; `reason` says which bound it breaks.

    `oversized`: it has more records than are read, so other servers of the zone would say no less.
    """

    server: Endpoint
    reason: str
    oversized: bool = False


class Found(NamedTuple):
    """The answer to a `Lookup`."""

    answer: Answer


class NotFound(NamedTuple):
    """A `Lookup` that failed."""

    failure: ResolutionFailed


class Ended(NamedTuple):
    """The first `lookup` of a `Race` that ended, and what came of it."""

    lookup: Lookup
    result: Found | NotFound


class Undecided(NamedTuple):
    """No lookup of a `Race` has ended in its time."""


class Verified(NamedTuple):
    """Which checks of a `Verify` hold, in their order."""

    good: tuple[bool, ...]


Action: TypeAlias = Exchange | Listen | Race | Verify
Event: TypeAlias = Replied | Unanswered | Malformed | Ended | Undecided | Verified
Steps: TypeAlias = Generator[Action, Event, T]


def race(lookups: Sequence[Lookup], seconds: float) -> Steps[Ended | Undecided]:
    """The first of `lookups` that has ended within `seconds`."""
    event = yield Race(tuple(lookups), seconds)
    assert isinstance(event, Ended | Undecided)
    return event


def verify(checks: Sequence[Check]) -> Steps[tuple[bool, ...]]:
    """Which of `checks` hold, in their order."""
    event = yield Verify(tuple(checks))
    assert isinstance(event, Verified)
    return event.good
