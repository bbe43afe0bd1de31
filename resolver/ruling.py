"""Decides what the tables `[[rules]]` add to a program: the branches of the pools that they name, and the stage that
chooses among them. Where there are none, nothing of this is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from resolver import proving, rulebook
from resolver.branching import Branch, Branches, Ways, branch, of_pool
from resolver.cache.records import Records
from resolver.cache.table import Table
from resolver.caches import Held as HeldOn
from resolver.caches import of_subnets, routed_pools
from resolver.message import Query
from resolver.observe.notes import Held
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import weigh
from resolver.pipeline.routed import Limiter, Routed
from resolver.proving import Proving
from resolver.routing.table import Table as Rules
from resolver.setting import Setting
from resolver.subnets import MAX_SUBNETS, Subnets

_BITS_OF_SECRET: Final = 64
_DELEGATIONS_BYTES: Final = 4096
"""Of a subnet, which has none unless its pool is only asked first."""


def ways(setting: Setting, tools: Tools, usual: Branch, proven: Proving | None, limiter: Limiter | None = None) -> Ways:
    """What chooses, by rule, among the `usual` branch and those of the pools that rules name. Raises `ConfigError` and
    `ZoneError`."""
    branches = _branches(setting, tools, usual, proven)
    routed = _routed(setting, branches, limiter)

    def age(query: Query) -> Held | None:
        asked, of = routed.branch_of(query)
        return branches.pools.get(of, usual).age(asked)

    branches.rules = routed.table.counts
    kind_of = routed.table.kind if routed.table.tells_clients_apart else None
    return Ways((routed.peek,), routed, branches, age, kind_of)


def _branches(setting: Setting, tools: Tools, usual: Branch, proven: Proving | None) -> Branches:
    config = setting.config
    pools = {name: of_pool(setting, tools, name, proven) for name in routed_pools(config)}
    if not any(rule.action == "add-subnet" for rule in config.rules):
        return Branches(usual, pools)
    return Branches(usual, pools, {name: _subnets(setting, tools, each, proven) for name, each in pools.items()})


def _routed(setting: Setting, made: Branches, limiter: Limiter | None) -> Routed:
    tools = setting.tools
    files = setting.rules or rulebook.read(setting.config)
    rules, authorities, by_name = rulebook.book(files, setting.world, tools.clock.wall)
    return Routed(
        Rules(rules, tools.clock.wall, tools.entropy.bits(_BITS_OF_SECRET), by_name),
        made.usual.stage(),
        {name: each.stage() for name, each in made.pools.items()},
        tools.counters,
        tools.clock.wall,
        authorities=authorities,
        subnets=made.subnets,
        limiter=limiter,
        transcript=tools.transcript,
    )


def _subnets(setting: Setting, tools: Tools, pool: Branch, proven: Proving | None) -> Subnets:
    """The branches of the subnets of a pool, whose own branch is `pool`."""
    apart = proving.apart(setting, proven, gaps=False)
    return Subnets(partial(_of_subnet, setting, tools, pool, apart), None if apart is None else apart.trust)


def _of_subnet(setting: Setting, tools: Tools, pool: Branch, proven: Proving | None, data: bytes) -> Branch:
    """The branch on which the pool is told `data` of who asks."""
    records = Records(of_subnets(setting.config) // MAX_SUBNETS, tools.clock, pool.held.records.ttls, shards=1)
    held = HeldOn(records, Table(_DELEGATIONS_BYTES, tools.clock, weigh))
    telling = replace(tools, subnet=data)
    return branch(setting, telling, pool.known.routes, proven, held, name=pool.name, like=pool)
