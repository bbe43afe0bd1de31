"""Decides how one sample is taken of a start and of memory, and what a sample is.

A sample begins with a server that has just started, so that samples are alike and their order does not matter.

Limits: resident memory is what the kernel says of the process: code that it shares with others is counted too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.bench.names import Hits
from tests.bench.proof import ask, fill, judge, witness
from tests.bench.servers import Arena, Server

QUICK: Final = 10
"""What the work of a quick run is divided by."""


class Sample(NamedTuple):
    """One measurement: the figure of its row, and what proves or explains it."""

    value: float
    facts: dict[str, float]


class Turn(NamedTuple):
    """What a sample is taken with: the server that is to be started, and the sample's number in its series."""

    arena: Arena
    server: Server
    number: int = 0
    quick: bool = False

    @property
    def scale(self) -> int:
        """What the work is divided by."""
        return QUICK if self.quick else 1


def first_answer(turn: Turn) -> Sample:
    """Milliseconds from exec to the first answer. Raises `Unusable`."""
    with turn.server.start(turn.arena, "") as running:
        return Sample(running.started_s * 1000, {"cpu_ms": running.process.cpu_seconds() * 1000})


def idle_memory(turn: Turn) -> Sample:
    """MiB of resident memory after the first answer. Raises `Unusable`."""
    with turn.server.start(turn.arena, "") as running:
        return Sample(running.process.resident_mib(), {})


@dataclass(frozen=True, slots=True)
class Memory:
    """Octets of resident memory for each of `names` that are kept, beyond those of its response on the wire."""

    names: int

    def __call__(self, turn: Turn) -> Sample:
        """The sample of `turn`. Raises `Unusable`: also when not all names are kept, as then they take no memory."""
        arena, count = turn.arena, self.names // turn.scale
        stock = Hits(count)
        with turn.server.start(arena, "") as running:
            before = running.process.resident_mib()
            fill(arena, running, stock)
            after = running.process.resident_mib()
            again, seen = stock.take(min(count, 20_000)), witness(arena, running)
            judge(again, ask(arena, running, again.names), seen, witness(arena, running))
            wire = sum(map(response_octets, again.names)) / len(again.names)
            return Sample((after - before) * 2**20 / count - wire, {"rss_mib": after})


def response_octets(name: str) -> int:
    """The length of a response with one A record for `name`: header, question, and a record whose owner is a pointer
    (RFC 1035 section 4.1.4)."""
    return 12 + (len(name) + 2 + 4) + (2 + 10 + 4)
