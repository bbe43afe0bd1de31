"""Broken networks: zones of which every server is silent, and an internet that loses one exchange in ten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from resolver.message import Message, Transport
from resolver.network.simulated import Link
from resolver.wire import names
from tests.robustness.world import BYSTANDER, ROUND_TRIP_MS, Front, Hostile, Said, asked, in_front_of, referral
from tests.support.messages import reply

SILENT_S: Final = 3.0
"""Seconds in which the client of a zone hears SERVFAIL whose servers are all silent; the peers take 3 to over 20."""

LOST: Final = 0.1
"""The share of exchanges that are lost, half of them on the way there."""

AT_ONCE: Final = 20
"""Clients that ask at a time."""

OPERATORS: Final = 200
"""Pairs of servers that share all zones, where zones have none of their own."""


@dataclass(frozen=True, slots=True)
class Silence:
    """How long the client of a silent zone waits, and what a good name takes that is asked meanwhile."""

    rcode: int
    seconds: float
    beside: float
    messages: int


def silence(hosts: int, *, below: bool = False, glue: bool = True) -> Silence:
    """A zone with so many silent servers: a top-level domain, or `below` one that replies; with or without glue."""

    def prepare(internet: Hostile) -> None:
        servers = [f"10.9.0.{1 + number}" for number in range(hosts)]
        zone = "dead.evil." if below else "dead."
        if below:
            glued = [(f"ns{number}.{zone}", host) for number, host in enumerate(servers)]
            listed = [name for name, _ in glued]
            internet.weapon("evil.", lambda query, _: referral(query, zone, listed, glued))
        elif glue:
            internet.delegate(zone, *servers)
        else:
            internet.zone("hosts.", [f"h{number}.hosts. 300 IN A {host}" for number, host in enumerate(servers)])
            internet.delegate_by(*(f"{zone} 300 IN NS h{number}.hosts." for number in range(hosts)))

    async def main(front: Front) -> Silence:
        async def good() -> float:
            await front.internet.clock.advance(0.5)
            message, seconds = await front.ask("www.good.", host=BYSTANDER)
            assert message.answer
            return seconds

        name = "www.dead.evil." if below else "www.dead."
        (message, seconds), beside = await asyncio.gather(front.ask(name), good())
        await front.internet.clock.advance(60)
        sent = [each for each in front.internet.network.history if b"\x04good" not in each.wire.lower()]
        return Silence(message.rcode, seconds, beside, len(sent))

    heard: Silence = in_front_of(prepare, main)
    return heard


@dataclass(frozen=True, slots=True)
class Weather:
    """How many of the good names resolved, and what the slowest of them took in seconds."""

    names: int
    resolved: int
    slowest: float
    messages: int

    @property
    def share(self) -> float:
        """Of the names that resolved."""
        return self.resolved / self.names


def weather(count: int, *, own_servers: bool, seed: int = 1) -> Weather:
    """`count` names, each in a zone of its own with two servers, while one exchange in ten is lost.

    `own_servers`: no two zones share a server, so that nothing is ever known of one before it is asked.
    """
    link = Link(ROUND_TRIP_MS, loss=1 - (1 - LOST) ** 0.5)

    def hosts(zone: str) -> tuple[str, str]:
        number = int(zone[1:]) % (count if own_servers else OPERATORS)
        return f"10.100.{number >> 8}.{number & 255}", f"10.200.{number >> 8}.{number & 255}"

    def parent(query: Message, _: Transport) -> Said:
        label = asked(query).split(".")[-3]
        zone = f"{label}.many."
        first, second = hosts(label)
        glue = [(f"ns1.{zone}", first), (f"ns2.{zone}", second)]
        return referral(query, zone, [host for host, _ in glue], glue)

    def child(query: Message, _: Transport) -> Said:
        assert query.question is not None
        return reply(query.question, f"{names.to_text(query.question.name)} 300 IN A 192.0.2.1")

    def prepare(internet: Hostile) -> None:
        internet.weapon("many.", parent, link=link)
        for number in range(count if own_servers else min(count, OPERATORS)):
            for host in hosts(f"z{number}"):
                internet.script(host, child)

    async def main(front: Front) -> Weather:
        left = iter(range(count))
        took: list[float] = []

        async def client(host: str) -> None:
            for number in left:
                message, seconds = await front.ask(f"www.z{number}.many.", host=host)
                if message.answer:
                    took.append(seconds)

        await asyncio.gather(*(client(f"192.0.2.{number}") for number in range(AT_ONCE)))
        return Weather(count, len(took), max(took), len(front.internet.network.history))

    seen: Weather = in_front_of(prepare, main, link=link, seed=seed)
    return seen
