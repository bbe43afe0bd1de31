"""Decides who is asked for each forward zone: which pool, how patiently, and what may be asked because of it.

Rules
* A forward zone is asked of its pool; a list of upstreams is a pool without a name (`Config.all_pools`).
* A pool may be silent for nearly as long as its client waits; where the zone is iterated after it, for half of that.

Limits: what is learnt of how soon a second member is worth asking begins anew with each reload.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from resolver.engine.delegation import Delegation
from resolver.engine.knowledge import Route
from resolver.network.base import Endpoint
from resolver.setting import Setting
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.balance.pool import Pool
    from resolver.pipeline.forwarded import Forwarded

OF_ITS_TIME: Final = 0.9
"""Of the time that a client waits, what a silent pool may take, so that the client is told of it and not cut off."""


class Configured:
    """The endpoints that a person has asked, by stub zones and pools; those of pools may change while they live."""

    __slots__ = ("_fixed", "_pools")

    def __init__(self, fixed: frozenset[Endpoint], pools: Collection[Pool]) -> None:
        self._fixed, self._pools = fixed, pools

    def __contains__(self, endpoint: object) -> bool:
        """Whether it is one of them now."""
        if endpoint in self._fixed:
            return True
        return any(member.target.endpoint == endpoint for pool in self._pools for member in pool.members)


def routes(setting: Setting) -> dict[bytes, Route]:
    """Who is asked for the forward zones of the configuration, by folded name."""
    config = setting.config
    made: dict[bytes, Route] = {}
    for text in config.resolver.forward_zones:
        zone = names.fold(names.from_text(text))
        whom = forwarded(setting, config.pool_of(text), first=text in config.resolver.forward_first)
        made[zone] = route(zone, whom)
    return made


def route(zone: bytes, whom: Forwarded) -> Route:
    """The route by which all below `zone`, folded, is asked of `whom`."""
    return Route(Delegation(zone, (), 0, configured=True), recursed=True, upstreams=whom)


def forwarded(setting: Setting, name: str, *, first: bool = False) -> Forwarded:
    """The pool called `name` as the engine asks it; `first`: others are asked after it."""
    from resolver.pipeline.forwarded import Forwarded, Hedging

    settings = setting.config.all_pools[name]
    waits = setting.config.resolver.client_timeout_ms / 1000
    return Forwarded(
        setting.pools[name],
        setting.tools.clock,
        setting.tools.counters,
        Hedging(settings.hedge_percent),
        listed=name not in setting.config.pools,
        retry_s=settings.retry_ms / 1000,
        patience_s=waits / 2 if first else waits * OF_ITS_TIME,
        by_client=settings.sticky is not None or settings.chosen_by == "client-hash",
    )
