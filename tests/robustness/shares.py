"""What a client gets that asks for more than its share, in virtual time, and what others get meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from tests.robustness.world import BYSTANDER, Front, in_front_of

SHARE: Final = 100
"""Queries a second that each client network may send."""

RATE: Final = 2000
"""Queries a second of the hostile client."""

GOOD_RATE: Final = 50
SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """Queries of either client, and those that were answered; messages that the resolver sent for all of it."""

    hostile: int
    answered: int
    good: int
    resolved: int
    messages: int


def shared(*, cached: bool, rate: int = SHARE) -> Shared:
    """The hostile client asks for one name that is held, or for names that are all new; `rate` 0 is no limit."""

    async def main(front: Front) -> Shared:
        clock = front.internet.clock
        await front.try_ask("held.good.", host=BYSTANDER)
        front.internet.network.history.clear()
        answered = resolved = 0

        async def hostile(number: int) -> None:
            nonlocal answered
            await clock.advance(number / RATE)
            response = await front.try_ask("held.good." if cached else f"r{number}.evil.")
            answered += response is not None and not response[0].flags & 0x0200

        async def good(number: int) -> None:
            nonlocal resolved
            await clock.advance(number / GOOD_RATE)
            response = await front.try_ask(f"w{number}.good.", host=BYSTANDER)
            resolved += response is not None and bool(response[0].answer)

        flood, others = SECONDS * RATE, SECONDS * GOOD_RATE
        await asyncio.gather(*map(hostile, range(flood)), *map(good, range(others)))
        await clock.advance(10)
        return Shared(flood, answered, others, resolved, len(front.internet.network.history))

    settings = {"limits": {"queries_per_s": rate, "exempt": []}}
    seen: Shared = in_front_of(lambda internet: internet.delegate("evil.", "10.9.0.1", "10.9.0.2"), main, settings)
    return seen
