"""Decides what of a program outlives a reload, and how much of `cache.size_mb` each part of it may take.

Rules: half of it is for answers stored as octets, three eighths for records, the rest for delegations. Where rules
send queries to pools, records and delegations are shared out evenly among the branches: the usual one, one for each
pool, and one for all clients' subnets together. A reload keeps what is held as far as the new limits allow, of a pool
as long as it is the same one; stored answers are made again.

Limits: those of the parts. What is known of servers is bounded by their number (`cache.servers.MAX_SERVERS`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.cache.answers import AnswerStore
from resolver.cache.records import NAME_ERROR, Records, TtlLimits
from resolver.cache.servers import Servers
from resolver.cache.table import Table
from resolver.config import Config
from resolver.engine.delegation import Delegation
from resolver.network.base import Clock
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import weigh
from resolver.wire import names, types


class _Shares(NamedTuple):
    """What each part of the cache may take, in bytes; of records and delegations on each branch."""

    answers: int
    records: int
    delegations: int


class Held(NamedTuple):
    """What is held on one branch, and by which settings of its pool; the usual one has none."""

    records: Records
    delegations: Table[bytes, Delegation]
    settings: object = None


@dataclass(frozen=True, slots=True)
class Caches:
    """What outlives a reload."""

    answers: AnswerStore
    records: Records
    servers: Servers
    delegations: Table[bytes, Delegation]
    branches: dict[str, Held] = field(default_factory=dict)
    """What is held of each pool that a rule names."""

    @property
    def held(self) -> Held:
        """What is held on the usual branch."""
        return Held(self.records, self.delegations)

    def of_pool(self, name: str, config: Config, clock: Clock) -> Held:
        """What is held of the pool `name` of `config`: what there was, if it is the same pool, else nothing yet."""
        held = self.branches.get(name)
        if held is not None and held.settings == config.pools[name]:
            return held
        shares = _shares(config)
        records = Records(shares.records, clock, _ttls(config))
        return Held(records, Table(shares.delegations, clock, weigh), config.pools[name])

    def adjust(self, config: Config, branches: Mapping[str, Held] | None = None) -> None:
        """The records stay, within the limits of `config`; stored answers are made again from them. `branches` are
        those in force."""
        shares, kept = _shares(config), dict(branches or {})
        self.branches.clear()
        self.branches.update(kept)
        self.answers.clear()
        self.answers.resize(shares.answers)
        self.answers.large = config.cache.entry_max_kb * 1024
        for records, delegations, _ in (self.held, *kept.values()):
            if shares.records != records.store.limit:
                records.store.resize(shares.records)
                delegations.resize(shares.delegations)
            records.ttls = _ttls(config)

    def counts(self) -> dict[str, int]:
        """Counters and gauges under the names of `resolver stats`."""
        answers, held = self.answers, (self.held, *self.branches.values())
        return {
            "answers.stored": answers.hits,
            "cache.answers": len(answers),
            "cache.answers_bytes": answers.bytes_held(),
            "cache.records": sum(len(each.records) for each in held),
            "cache.records_bytes": sum(each.records.store.bytes_held() for each in held),
            "cache.evicted": sum(each.records.store.evicted for each in held),
            "cache.delegations": sum(len(each.delegations) for each in held),
            "cache.servers": len(self.servers),
        }

    def entries(self, limit: int) -> Sequence[Mapping[str, object]]:
        """At most `limit` of the records and denials that are held, with the seconds that are left and, where it is not
        the usual one, the pool that they came from."""
        made: list[Mapping[str, object]] = []
        for pool, held in (("", self.held), *self.branches.items()):
            of_pool = {"pool": pool} if pool else {}
            made += [entry | of_pool for entry in _entries(held.records, limit - len(made))]
        return made


def new_caches(config: Config, tools: Tools) -> Caches:
    """Caches in which nothing is known, with the limits of `config`."""
    clock, shares = tools.clock, _shares(config)
    return Caches(
        AnswerStore(shares.answers, clock, config.cache.entry_max_kb * 1024),
        Records(shares.records, clock, _ttls(config)),
        Servers(clock, tools.entropy),
        Table(shares.delegations, clock, weigh),
    )


def _shares(config: Config) -> _Shares:
    total, parts = config.cache.size_mb * 1024 * 1024, _branches(config)
    return _Shares(total // 2, total * 3 // 8 // parts, total // 8 // parts)


def of_subnets(config: Config) -> int:
    """The bytes that the records of all clients' subnets together may take."""
    return _shares(config).records


def routed_pools(config: Config) -> Sequence[str]:
    """The pools that rules send queries to, by name, each once."""
    return list(dict.fromkeys(rule.pool for rule in config.rules if rule.action == "pool" and rule.pool is not None))


def _branches(config: Config) -> int:
    """Among how many what is held is shared out."""
    return 1 + len(routed_pools(config)) + any(rule.action == "add-subnet" for rule in config.rules)


def _ttls(config: Config) -> TtlLimits:
    cache = config.cache
    return TtlLimits(
        cache.min_ttl_s,
        cache.max_ttl_s,
        cache.negative_max_ttl_s,
        cache.rrset_max_records,
        cache.entry_max_kb * 1024,
    )


def _entries(records: Records, limit: int) -> Sequence[dict[str, object]]:
    """At most `limit` of the `records` and denials that are held, with the seconds that are left."""
    return [
        {"name": names.to_text(each.name), "type": _type_of(each.type), "ttl": each.left, "records": each.records}
        for each in itertools.islice(records.listed(), limit)
    ]


def _type_of(rtype: int) -> str:
    return "NXDOMAIN" if rtype == NAME_ERROR else types.to_text(rtype)
