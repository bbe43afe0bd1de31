"""Decides what of a program outlives a reload, and how much of `cache.size_mb` each part of it may take.

Rules: half of it is for answers stored as octets, three eighths for records, the rest for delegations. A reload keeps
what is held as far as the new limits allow; stored answers are made again.

Limits: those of the parts. What is known of servers is bounded by their number (`cache.servers.MAX_SERVERS`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from resolver.cache.answers import AnswerStore
from resolver.cache.records import NAME_ERROR, Records, TtlLimits
from resolver.cache.servers import Servers
from resolver.cache.table import Table
from resolver.config import Config
from resolver.engine.delegation import Delegation
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import weigh
from resolver.wire import names, types


class _Shares(NamedTuple):
    """What each part of the cache may take, in bytes."""

    answers: int
    records: int
    delegations: int


class Held(NamedTuple):
    """What is held on one branch."""

    records: Records
    delegations: Table[bytes, Delegation]


@dataclass(frozen=True, slots=True)
class Caches:
    """What outlives a reload."""

    answers: AnswerStore
    records: Records
    servers: Servers
    delegations: Table[bytes, Delegation]

    @property
    def held(self) -> Held:
        """What is held on the usual branch."""
        return Held(self.records, self.delegations)

    def adjust(self, config: Config) -> None:
        """The records stay, within the limits of `config`; stored answers are made again from them."""
        shares = _shares(config)
        self.answers.clear()
        self.answers.resize(shares.answers)
        self.answers.large = config.cache.entry_max_kb * 1024
        if shares.records != self.records.store.limit:
            self.records.store.resize(shares.records)
            self.delegations.resize(shares.delegations)
        self.records.ttls = _ttls(config)

    def counts(self) -> dict[str, int]:
        """Counters and gauges under the names of `resolver stats`."""
        answers, records = self.answers, self.records
        return {
            "answers.stored": answers.hits,
            "cache.answers": len(answers),
            "cache.answers_bytes": answers.bytes_held(),
            "cache.records": len(records),
            "cache.records_bytes": records.store.bytes_held(),
            "cache.evicted": records.store.evicted,
            "cache.delegations": len(self.delegations),
            "cache.servers": len(self.servers),
        }


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
    total = config.cache.size_mb * 1024 * 1024
    return _Shares(total // 2, total * 3 // 8, total // 8)


def _ttls(config: Config) -> TtlLimits:
    cache = config.cache
    return TtlLimits(
        cache.min_ttl_s,
        cache.max_ttl_s,
        cache.negative_max_ttl_s,
        cache.rrset_max_records,
        cache.entry_max_kb * 1024,
    )


def entries(records: Records, limit: int) -> Sequence[Mapping[str, object]]:
    """At most `limit` of the `records` and denials that are held, with the seconds that are left."""
    return [
        {"name": names.to_text(each.name), "type": _type_of(each.type), "ttl": each.left, "records": each.records}
        for each in itertools.islice(records.listed(), limit)
    ]


def _type_of(rtype: int) -> str:
    return "NXDOMAIN" if rtype == NAME_ERROR else types.to_text(rtype)
