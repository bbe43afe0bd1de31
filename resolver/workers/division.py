"""Decides what each worker may have of a limit that the settings set for the whole daemon.

Rules: the parts add up to the limit, so that it holds for the daemon whichever worker the kernel sends clients to; what
does not divide goes to the first workers. What is bounded for one client stays as it is in each: its datagrams from one
port all reach one worker. All workers have the same key of cookies, for a client may reach another one from its next
port. The simulated servers have their addresses in the first worker alone; the others have them in memory, where they
are the same servers.

Limits: a cache in each worker holds what its own clients asked for, so a name that all ask for is held by each.
"""

from __future__ import annotations

from typing import Any

from resolver.config import Config
from resolver.config.contradictions import divided as bounds
from resolver.server.flights import affordable


def part(total: int, count: int, index: int) -> int:
    """What the worker `index` of `count` gets of `total`: the parts add up to it."""
    return total // count + (index < total % count)


def divided(config: Config, count: int, index: int, secret: bytes, descriptors: int) -> Config:
    """What `config` is for the worker `index` of `count`, each of which may have so many `descriptors`.

    `secret` is the key of cookies where none is configured.
    """
    server = config.server
    connections = part(server.tcp_max_connections, count, index)
    changed: dict[str, dict[str, Any]] = {
        "server": {
            "workers": 1,
            "refusals_per_s": part(server.refusals_per_s, count, index),
            "cookie_secret": server.cookie_secret or secret.hex(),
        }
    }
    for section, key, bound in bounds(config):
        changed.setdefault(section, {})[key] = part(bound, count, index)
    if server.max_in_flight is None and count > 1:
        # What one process could afford is the bound of the daemon; each has descriptors of its own for its part.
        whole = affordable(descriptors, server.tcp_max_connections)
        changed["server"]["max_in_flight"] = min(part(whole, count, index), affordable(descriptors, connections))
    if index and config.world_served:
        changed["world"] = {"in_memory": True}
    sections = {name: getattr(config, name).model_copy(update=values) for name, values in changed.items()}
    return config.model_copy(update=sections)
