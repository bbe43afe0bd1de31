"""Decides from which address of this machine the members of pools are asked, by `source` of their pools.

Rules: the address is that of the member's family. Where this machine does not have it (yet), nothing leaves: what
should is told that there is no way, and the next message tries again. One place is asked from one address, in whichever
pool it stands.

Limits: who is iterated to is asked from whichever address the kernel takes, and so is whom a relay passes on to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from resolver.encrypting import upstreams
from resolver.errors import ConfigError
from resolver.message import Transport
from resolver.setting import Setting

if TYPE_CHECKING:
    from resolver.config import Config
    from resolver.network.base import Endpoint


def leaving(setting: Setting) -> Setting:
    """`setting` with a network by which members in plain are asked from the address that their pools say, if any do.
    Raises `ConfigError`."""
    found = sources(setting.config)
    if not any(found.values()):
        return setting
    from resolver.network.sourced import Sourced

    table = {to: setting.sockets.leaving_from(source) for to, source in found.items() if source}
    return replace(setting, tools=replace(setting.tools, network=Sourced(setting.tools.network, table)))


def sources(config: Config) -> dict[Endpoint, str]:
    """From which address members in plain are asked, "" for any; those of all pools if one says so. Raises
    `ConfigError` for one place that two pools ask from two addresses."""
    if not any(pool.source for pool in config.pools.values()):
        return {}
    found: dict[Endpoint, tuple[str, str]] = {}
    pools = config.all_pools
    for upstream, name in upstreams(config):
        if upstream.transport not in (Transport.UDP, Transport.TCP):
            continue
        source = pools[name].source_of(upstream.endpoint.host)
        before, other = found.setdefault(upstream.endpoint, (source, name))
        if before != source:
            what = f"{upstream.endpoint} is asked from another address in the pool {other}"
            where = f"pools.{name}.source" if name in config.pools else "resolver.forward_zones"
            raise ConfigError(what, where=where, instead="write the same `source` in both, or another of its addresses")
    return {to: source for to, (source, _) in found.items()}
