"""Decides what is remembered of messages: each query that a simulated server saw, and each answer that a client got.

Limits: the last messages, as many as are asked for; how many older ones were forgotten is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolver.message import Transport


@dataclass(slots=True)
class Seen:
    """One query and what became of it. `time` is wall time in seconds since 1970."""

    number: int
    time: float
    side: str
    """`server` for a query to a simulated server, `client` for one to the resolver."""
    server: str
    """The name of the simulated server; "" where the resolver was asked."""
    address: str
    """The address that was asked; "" where nobody listens."""
    client: str
    """The address that asked."""
    transport: Transport
    query: bytes
    response: bytes | None = None
    """What was replied; None for nothing, or nothing yet."""
    ms: float | None = None
    """Milliseconds until the reply left."""
    faults: tuple[str, ...] = ()
    """What was done to it, by the words of `network.faults`."""

    def as_data(self) -> dict[str, Any]:
        """The same as JSON can carry it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are meant; None takes all. Names are as text, `zone` takes those at and below it."""

    side: str | None = None
    server: str | None = None
    name: str | None = None
    zone: str | None = None
    type: str | None = None
    rcode: str | None = None
    transport: str | None = None
    client: str | None = None
    fault: str | None = None


class History:
    """The messages of a program, oldest first."""

    def __init__(self, limit: int) -> None:
        """The last `limit` are kept."""
        self.forgotten = 0

    def select(self, wanted: Wanted) -> Sequence[Seen]:
        """Those that are `wanted`."""
        raise NotImplementedError

    def clear(self) -> int:
        """None is remembered any more: how many were."""
        raise NotImplementedError
