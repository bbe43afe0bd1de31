"""Decides what the resolver can reach, and whom it asks: by the settings of `[resolver]`, and by whether there is a
world.

Rules
* In a simulated world its declared servers exist, on sockets or in memory, and nothing else; else it is the public
  Internet. What a person configured is reached in both.
* Servers of the world are asked from an address that says who asks, so that faults can tell the two apart.
* Iteration begins at the root of the world, at that of the Internet, or where a file says; in the recursive mode, at
  the root servers that recurse on our behalf.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from resolver import hints
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.knowledge import Route
from resolver.network.base import Endpoint, Network
from resolver.network.reach import Apart, OnlyDeclared, OnlyPublic
from resolver.network.simulated import SimulatedNetwork
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Routes
from resolver.setting import Setting
from resolver.wire import names

NetworkOf = Callable[[str], Network]
"""What the one at an address of ours can reach."""


def network_of(source: str, setting: Setting, memory: SimulatedNetwork) -> Network:
    """What the one at the address `source` can reach; the world is in `memory`, where it has no sockets."""
    settings, tools = setting.config.resolver, setting.tools
    configured = frozenset(itertools.chain(*settings.stub_zones.values(), *settings.forward_zones.values()))
    public = OnlyPublic(
        tools.network,
        tools.clock,
        own=setting.own,
        allow_private=settings.allow_private_upstreams,
        allowed=configured,
    )
    if settings.roots != "simulated" or setting.world is None:
        return public
    if not setting.bound:
        return Apart(configured, public, memory.at(source))
    from resolver.simulation import hosts

    servers = setting.world.servers
    places = {host: Endpoint(server.ipv4, setting.port) for server in servers for host in hosts(server)}
    return Apart(configured, public, OnlyDeclared(setting.sockets.at(source), tools.clock, places))


def routes(setting: Setting, root: Delegation | None = None) -> Routes:
    """Whom the configuration says to ask; iteration begins at `root`, if that is given."""
    settings = setting.config.resolver
    return Routes(
        root or _root(setting),
        recursed_root=settings.mode == "recursive",
        stubs=dict(_configured(settings.stub_zones)),
        forwards={zone: Route(each, recursed=True) for zone, each in _configured(settings.forward_zones)},
    )


def to_pool(setting: Setting, tools: Tools, name: str) -> Routes:
    """All is asked of the pool `name`."""
    from resolver.pipeline.forwarded import Forwarded, Hedging

    pool, everything = setting.pools[name], Delegation(names.ROOT, (), 0, configured=True)
    asks = Forwarded(
        pool,
        tools.clock,
        tools.counters,
        Hedging(0),
        name=name,
        retry_s=1.0,
        patience_s=3.0,
        by_client=True,
    )
    return Routes(_root(setting), forwards={names.ROOT: Route(everything, recursed=True, upstreams=asks)})


def at_home(setting: Setting) -> tuple[bytes, ...]:
    """The zones of the world that is resolved, if it is a simulated one, and the special names that it has data for."""
    world = setting.world
    if world is None or setting.config.resolver.roots != "simulated":
        return ()
    return (*world.zones, *frozenset().union(*(zone.special for zone in world.zones.values())))


def configured(zone: bytes, servers: tuple[Endpoint, ...]) -> Delegation:
    """A stub or forward zone with its servers, whose names nobody knows."""
    return Delegation(zone, tuple(NameServer(b"", (each,)) for each in servers), 0, configured=True)


def _configured(zones: dict[str, tuple[Endpoint, ...]]) -> Iterable[tuple[bytes, Delegation]]:
    for text, servers in zones.items():
        zone = names.fold(names.from_text(text))
        yield zone, configured(zone, servers)


def _root(setting: Setting) -> Delegation:
    settings, world, port = setting.config.resolver, setting.world, setting.port
    if settings.roots == "internet":
        return hints.internet()
    if settings.hints_file is not None:
        return hints.from_file(settings.hints_file)
    if world is None:
        return Delegation(names.ROOT, (), 0, configured=True)
    from resolver.simulation import recursing, root_of

    if settings.mode == "recursive":
        willing = recursing(world.root_servers, port)
        return hints.root(NameServer(name, found) for name, found in willing.items())
    return root_of(world, port)
