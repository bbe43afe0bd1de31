"""Decides where the simulated servers are bound: each at its own address, on one port, or nowhere.

Rules: they have no sockets where a person says so (`world.in_memory`), where a wildcard listener owns their port, and
on systems whose loopback has one address alone; the resolver then asks the same servers in this process.

Limits: on IPv4 addresses alone. Whether there is more than one loopback address is seen by the first server's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from resolver.config import Config
from resolver.errors import ListenError
from resolver.listeners import Bound, bind_all
from resolver.network.base import Endpoint
from resolver.network.listening import has_no_such_address
from resolver.observe.log import Log

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World

_PROBE_BUFFER: Final = 4096


def places(config: Config, world: World | None, port: int, log: Log) -> list[Endpoint]:
    """Where the servers of `world` are to be bound, on `port`; nothing where they are to run in memory.

    Raises `ListenError`.
    """
    if world is None or config.world.in_memory:
        return []
    if Endpoint("0.0.0.0", port) in config.server.listen:  # noqa: S104 — compared, not bound
        reason = f"0.0.0.0:{port} is all addresses; give the simulated servers a port of their own by world.port"
        log.info("world_in_memory", reason=reason)
        return []
    try:
        for probe in bind_all((Endpoint(server.ipv4, 0) for server in world.servers[:1]), _PROBE_BUFFER):
            probe.close()
    except ListenError as error:
        if not has_no_such_address(error):
            raise
        log.warning("world_in_memory", reason=f"this machine has no address {world.servers[0].ipv4}")
        return []
    return [Endpoint(server.ipv4, port) for server in world.servers]


def bind_servers(endpoints: Iterable[Endpoint], buffer: int) -> list[Bound]:
    """The sockets of simulated servers at `endpoints`. Raises `ListenError` with what else can be done."""
    try:
        return bind_all(endpoints, buffer)
    except ListenError as error:
        advice = "the simulated servers can have another port (world.port), or none (--in-memory)"
        raise ListenError(f"a simulated server {error.what}", f"stop it; or {advice}") from error
