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

from collections.abc import Callable

from resolver import forwarding, hints
from resolver.engine.delegation import Delegation, NameServer
from resolver.forwarding import Configured
from resolver.message import Transport
from resolver.network.base import Endpoint, Network, Upstream
from resolver.network.reach import Apart, OnlyDeclared, OnlyPublic
from resolver.network.simulated import SimulatedNetwork
from resolver.pipeline.routes import Routes
from resolver.setting import Setting
from resolver.wire import names

NetworkOf = Callable[[str], Network]
"""What the one at an address of ours can reach."""


def network_of(source: str, setting: Setting, memory: SimulatedNetwork) -> Network:
    """What the one at the address `source` can reach; the world is in `memory`, where it has no sockets."""
    settings, tools = setting.config.resolver, setting.tools
    stubs = frozenset(each.endpoint for servers in settings.stub_zones.values() for each in servers)
    configured = Configured(stubs, setting.pools.values())
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
        stubs=_stubs(settings.stub_zones),
        forwards=forwarding.routes(setting) if settings.forward_zones else {},
        first=frozenset(names.fold(names.from_text(each)) for each in settings.forward_first),
    )


def to_pool(setting: Setting, name: str) -> Routes:
    """All is asked of the pool `name`."""
    whom = forwarding.forwarded(setting, name)
    return Routes(_root(setting), forwards={names.ROOT: forwarding.route(names.ROOT, whom)})


def at_home(setting: Setting) -> tuple[bytes, ...]:
    """The zones of the world that is resolved, if it is a simulated one, and the special names that it has data for."""
    world = setting.world
    if world is None or setting.config.resolver.roots != "simulated":
        return ()
    return (*world.zones, *frozenset().union(*(zone.special for zone in world.zones.values())))


def configured(zone: bytes, servers: tuple[Upstream, ...]) -> Delegation:
    """A stub zone with its servers, whose names nobody knows."""
    placed = tuple(NameServer(b"", (each.endpoint,)) for each in servers)
    streams = frozenset(each.endpoint for each in servers if each.transport is Transport.TCP)
    return Delegation(zone, placed, 0, configured=True, streams=streams)


def _stubs(zones: dict[str, tuple[Upstream, ...]]) -> dict[bytes, Delegation]:
    found = ((names.fold(names.from_text(text)), servers) for text, servers in zones.items())
    return {zone: configured(zone, servers) for zone, servers in found}


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
