"""Floods in virtual time: one client's many questions a second that cannot be answered, another's for good names.

Virtual time costs nothing, so what is shown is not speed but that no place is taken which others need.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from resolver.message import Message, Transport
from tests.robustness.world import BYSTANDER, Front, Hostile, Said, asked, in_front_of, referral

RATE: Final = 1000
"""Questions of the flood a second."""

SECONDS: Final = 6
GOOD_RATE: Final = 20


@dataclass(frozen=True, slots=True)
class Flooded:
    """Good names that were asked and that resolved, the slowest of them in seconds, and messages sent for the flood."""

    good: int
    resolved: int
    slowest: float
    messages: int


def _one_zone(internet: Hostile) -> None:
    internet.delegate("evil.", "10.9.0.1", "10.9.0.2")


def _many_zones(internet: Hostile) -> None:
    """Each name is a zone of its own, all on two silent servers."""

    def script(query: Message, _: Transport) -> Said:
        zone = ".".join(asked(query).split(".")[-3:])
        glue = [(f"ns1.{zone}", "10.9.0.1"), (f"ns2.{zone}", "10.9.0.2")]
        return referral(query, zone, [name for name, _ in glue], glue)

    internet.weapon("evil.", script)


def _many_servers(internet: Hostile) -> None:
    """Each name is a zone of its own, on four of 240 silent servers."""

    def script(query: Message, _: Transport) -> Said:
        zone = ".".join(asked(query).split(".")[-3:])
        number = int(zone[1:].partition(".")[0])
        glue = [(f"ns{side}.{zone}", f"10.9.{side}.{1 + number % 60}") for side in range(4)]
        return referral(query, zone, [name for name, _ in glue], glue)

    internet.weapon("evil.", script)


FLOODS: Final[dict[str, Callable[[Hostile], None]]] = {
    "a silent zone": _one_zone,
    "silent zones without end, on the same servers": _many_zones,
    "silent zones without end, on 240 servers": _many_servers,
}


def flood(prepare: Callable[[Hostile], None]) -> Flooded:
    """`RATE` questions a second for names that differ, `SECONDS` long, and `GOOD_RATE` for good names."""

    async def main(front: Front) -> Flooded:
        clock = front.internet.clock
        took: list[float] = []

        async def hostile(number: int) -> None:
            await clock.advance(number / RATE)
            front.send(f"x.r{number}.evil.")

        async def good(number: int) -> None:
            await clock.advance(number / GOOD_RATE)
            response = await front.try_ask(f"w{number}.good.", host=BYSTANDER)
            if response is not None and response[0].answer:
                took.append(response[1])

        total = SECONDS * GOOD_RATE
        await asyncio.gather(*map(hostile, range(SECONDS * RATE)), *map(good, range(total)))
        await clock.advance(30)
        sent = sum(b"\x04good" not in each.wire.lower() for each in front.internet.network.history)
        return Flooded(total, len(took), max(took, default=0.0), sent)

    seen: Flooded = in_front_of(prepare, main)
    return seen
