"""The simulated servers, ready to be asked: each server of a world with its zones, its recursion and its
faults.

The same objects answer on sockets and in memory. Chance is drawn from a seed per server, so that a lossy
server loses the same messages in each run.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from resolver import hints
from resolver.answering import Answerer
from resolver.auth.authority import Authority
from resolver.auth.hierarchy import World, WorldServer
from resolver.auth.signed import SignedZone
from resolver.cache.answers import AnswerStore
from resolver.cache.records import Records
from resolver.cache.servers import Servers
from resolver.dnssec import sign
from resolver.engine.budget import Limits
from resolver.engine.delegation import Delegation, NameServer
from resolver.laboratory import Lab
from resolver.message import Respond
from resolver.network.base import Clock, Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.faulty import Faults, Faulty
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.observe.watching import watched
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known, Routes
from resolver.pipeline.recursing import Recursing, ZoneKnowledge
from resolver.pipeline.resolved import Resolved
from resolver.server.conduct import Conduct
from resolver.server.respond import Responder
from resolver.tasks import Tasks
from resolver.wire import names

MAX_IN_FLIGHT: Final = 1024
"""Queries that one simulated server works on at a time."""
ANSWERS_BYTES: Final = 1 << 21
"""What one simulated server may keep of its answers as octets, so that a question that is repeated costs little."""
ADDRESSES_BYTES: Final = 1 << 20
"""What the servers that recurse may remember of addresses."""


class Periods:
    """A clock whose seconds are signing periods: what is stored for one of them ends with its signatures' period."""

    def __init__(self, clock: Clock) -> None:
        """`clock` says which period it is."""
        self._clock = clock

    def boottime(self) -> float:
        """The number of the period."""
        return sign.period(self._clock.wall())


@dataclass(frozen=True, slots=True)
class Simulation:
    """The servers of `world`, answering. `port` is the one that their addresses lead to."""

    world: World
    port: int
    tools: Tools
    tasks: Tasks
    log: Log
    lab: Lab

    def responders(self) -> dict[str, Respond]:
        """Each server under its addresses, IPv4 and IPv6."""
        made: dict[str, Respond] = {}
        tools = replace(self.tools, counters=Counters())  # what they ask each other is not what the resolver asks
        addresses = self._address_lookups(tools)
        for server in self.world.servers:
            respond = self._responder(server, tools, addresses)
            for host in hosts(server):
                made[host] = watched(respond, self.lab.history, self.tools.clock, names.to_text(server.name), host)
        return made

    def _responder(self, server: WorldServer, tools: Tools, addresses: Resolved) -> Respond:
        authority = Authority(server.zones, self.tools.clock.wall)
        answerer: Answerer = authority
        # What an authority says does not age, but its signatures do. Servers of a reloaded world have nothing stored.
        signed = any(isinstance(zone, SignedZone) for zone in server.zones)
        ages = Periods(self.tools.clock) if signed else None
        answers = None if server.recursion else AnswerStore(ANSWERS_BYTES, ages)
        if server.recursion:
            servers = Servers(self.tools.clock, self.tools.entropy)
            willing = recursing(self.world.servers, self.port)
            known = ZoneKnowledge(authority, servers, willing, self.port, self.tools.transcript)
            level = min((names.depth(zone.apex) for zone in server.zones), default=0)
            answerer = Recursing(authority, known, tools, addresses, self.tasks, level=level)
        responder = Responder(
            answerer,
            clock=self.tools.clock,
            counters=Counters(),
            log=self.log.bind(server=names.to_text(server.name)),
            conduct=Conduct(
                max_in_flight=MAX_IN_FLIGHT, max_per_client=MAX_IN_FLIGHT, recursion_available=server.recursion
            ),
            answers=answers,
        )
        roots = tuple(root.name for root in self.world.root_servers)
        faults = Faults(server.latency_ms, server.loss, server.fault, root_servers=roots)
        if not faults:
            return responder
        entropy = SeededEntropy(zlib.crc32(server.name))
        return Faulty(responder, self.tools.clock, entropy, faults)

    def _address_lookups(self, tools: Tools) -> Resolved:
        """What the servers that recurse have in common: a resolver from the root, for addresses of name servers."""
        clock, entropy = tools.clock, tools.entropy
        known = Known(
            Records(ADDRESSES_BYTES, clock),
            Servers(clock, entropy),
            Routes(root_of(self.world, self.port)),
            clock,
            port=self.port,
            minimises=False,
            transcript=self.tools.transcript,
        )
        return Resolved(known, tools, owner=self.tasks, limits=Limits(), use_0x20=False)


def root_of(world: World, port: int) -> Delegation:
    """The root hints of `world`."""
    return hints.root(
        NameServer(names.fold(root.name), tuple(Endpoint(host, port) for host in hosts(root)))
        for root in world.root_servers
    )


def recursing(servers: Iterable[WorldServer], port: int) -> dict[bytes, tuple[Endpoint, ...]]:
    """Those of `servers` that offer recursion, by folded name, each at one address."""
    return {names.fold(server.name): (Endpoint(server.ipv4, port),) for server in servers if server.recursion}


def hosts(server: WorldServer) -> tuple[str, ...]:
    """The addresses that lead to `server`; it binds the first."""
    return (server.ipv4,) if server.ipv6 is None else (server.ipv4, server.ipv6)
