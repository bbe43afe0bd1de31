"""The simulated servers, ready to be asked: each server of a world with its zones, its recursion and its
faults.

The same objects answer on sockets and in memory. What goes wrong is a matter of the table of faults alone, to which the
world's own are declared here.

Limits: `MAX_VERSIONS` versions of a server with other zones or another clock are kept. Those that recurse share what
looks up addresses of name servers, which asks from no server's address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

from resolver import hints
from resolver.answering import Answerer
from resolver.arranged import Lab
from resolver.auth.authority import Authority
from resolver.auth.broken import broken
from resolver.auth.hierarchy import World, WorldServer
from resolver.auth.signed import SignedZone
from resolver.auth.zone import Zone
from resolver.cache.answers import AnswerStore
from resolver.cache.records import Records
from resolver.cache.servers import Servers
from resolver.cache.store import FEW_SHARDS
from resolver.dnssec import sign
from resolver.dnssec.faults import Fault
from resolver.engine.budget import Limits
from resolver.engine.delegation import Delegation, NameServer
from resolver.message import Respond
from resolver.network.base import Clock, Endpoint, Network
from resolver.network.faults import Place, Rule, rule
from resolver.network.faulty import Faulty
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.observe.watching import watched
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known
from resolver.pipeline.recursing import Recursing, ZoneKnowledge
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.routes import Routes
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
MAX_VERSIONS: Final = 32
"""Versions of one server that faults of DNSSEC and of the clock have made: each has its zones once more."""


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
    """The servers of `world`, answering. `port` is the one that their addresses lead to; `network_of` gives what those
    that recurse ask by, each from its own address: else it is that of `tools`."""

    world: World
    port: int
    tools: Tools
    tasks: Tasks
    log: Log
    lab: Lab
    network_of: Callable[[str], Network] | None = None

    def responders(self) -> dict[str, Respond]:
        """Each server under its addresses, IPv4 and IPv6."""
        made: dict[str, Respond] = {}
        servers = self.world.servers
        signed = (names.to_text(apex) for apex, zone in self.world.zones.items() if isinstance(zone, SignedZone))
        self.lab.faults.declare(map(place, servers), declared(self.world), signed)
        tools = replace(self.tools, counters=Counters())  # what they ask each other is not what the resolver asks
        addresses = self._address_lookups(tools) if any(server.recursion for server in servers) else None
        roots = tuple(root.name for root in self.world.root_servers)
        for server in servers:
            make = partial(self._responder, server, tools, addresses)
            versions = Versions(self.world, server, self.tools.clock, make)
            wall = self.tools.clock.wall
            respond = Faulty(
                make(server.zones, wall, stores=True),
                self.lab.faults,
                place(server),
                self.tools.clock,
                root_servers=roots,
                versions=versions,
            )
            for host in hosts(server):
                made[host] = watched(respond, self.lab.history, self.tools.clock, names.to_text(server.name), host)
        return made

    def _responder(
        self,
        server: WorldServer,
        tools: Tools,
        addresses: Resolved | None,
        zones: tuple[Zone, ...],
        wall: Callable[[], float],
        *,
        stores: bool,
    ) -> Responder:
        """The server with `zones`, whose clock says what `wall` does. It `stores` answers unless it recurses."""
        authority = Authority(zones, wall)
        answerer: Answerer = authority
        # What an authority says does not age, but its signatures do. Servers of a reloaded world have nothing stored.
        signed = any(isinstance(zone, SignedZone) for zone in zones)
        ages = Periods(self.tools.clock) if signed else None
        answers = AnswerStore(ANSWERS_BYTES, ages, shards=FEW_SHARDS) if stores and not server.recursion else None
        if addresses is not None and server.recursion:
            servers = Servers(self.tools.clock, self.tools.entropy)
            willing = recursing(self.world.servers, self.port)
            known = ZoneKnowledge(authority, servers, willing, self.port, self.tools.transcript)
            level = min((names.depth(zone.apex) for zone in zones), default=0)
            own = tools if self.network_of is None else replace(tools, network=self.network_of(server.ipv4))
            answerer = Recursing(authority, known, own, addresses, self.tasks, level=level)
        return Responder(
            answerer,
            clock=self.tools.clock,
            counters=Counters(),
            log=self.log.bind(server=names.to_text(server.name)),
            conduct=Conduct(
                max_in_flight=MAX_IN_FLIGHT, max_per_client=MAX_IN_FLIGHT, recursion_available=server.recursion
            ),
            answers=answers,
        )

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


class Versions:
    """What a server would be with other zones or another clock (`network.faulty.Versions`)."""

    def __init__(self, world: World, server: WorldServer, clock: Clock, make: Make) -> None:
        """`make` makes the server out of zones and a clock."""
        self._world, self._server, self._clock, self._make = world, server, clock, make
        self._touched: dict[str, bool] = {}
        self._made: dict[tuple[str, ...], Respond] = {}

    def touches(self, rule: Rule) -> bool:
        """Whether `rule` makes any difference: to signatures, keys or DS that this server tells."""
        key = _key(rule)
        touches = self._touched.get(key)
        if touches is None:
            if rule.kind == "clock_skew":
                touches = any(isinstance(zone, SignedZone) for zone in self._server.zones)
            else:
                touches = self._broken(self._server.zones, rule) is not self._server.zones
            _bound(self._touched)
            self._touched[key] = touches
        return touches

    def respond(self, rules: Sequence[Rule]) -> Respond:
        """The server as `rules` make it."""
        key = tuple(map(_key, rules))
        made = self._made.get(key)
        if made is None:
            zones, ahead = self._server.zones, 0.0
            for rule in rules:
                if rule.kind == "clock_skew":
                    ahead += rule.parameters["seconds"]
                else:
                    zones = self._broken(zones, rule)
            _bound(self._made)
            made = self._made[key] = self._make(zones, partial(_skewed, self._clock, ahead), stores=False)
        return made

    def _broken(self, zones: tuple[Zone, ...], rule: Rule) -> tuple[Zone, ...]:
        apexes = frozenset(map(names.from_text, rule.zone))
        return broken(zones, self._world.zones, Fault(rule.kind), lambda apex: not apexes or apex in apexes)


class Make(Protocol):
    """Makes a server out of zones and a clock."""

    def __call__(self, zones: tuple[Zone, ...], wall: Callable[[], float], *, stores: bool) -> Respond: ...


def _key(rule: Rule) -> str:
    """What makes a difference to zones and to a clock."""
    return f"{rule.kind} {rule.zone} {dict(rule.parameters)}"


def _bound(table: dict[Any, Any]) -> None:
    """There is room for one more."""
    if len(table) >= MAX_VERSIONS:
        del table[next(iter(table))]


def _skewed(clock: Clock, ahead: float) -> float:
    return clock.wall() + ahead


def place(server: WorldServer) -> Place:
    """What rules call `server`."""
    return Place.of(server.name, *hosts(server))


def declared(world: World) -> Iterator[Rule]:
    """The faults that `world` declares: in the tables of its servers, and in tables of their own."""
    for server in world.servers:
        called = place(server).name
        if server.latency_ms:
            yield rule({"kind": "latency", "server": called, "ms": server.latency_ms})
        if server.loss:
            yield rule({"kind": "loss", "server": called, "probability": server.loss})
        if server.fault is not None:
            yield rule({"kind": server.fault, "server": called})
    yield from world.faults


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
