"""Decides what the tables `[[rpz]]` come to: the policy zones that are in force, read from their files.

Rules
* A file that cannot be read as a master file, or has no SOA, is an error: at the start nothing starts, and at a reload
  what was in force stays.
* A record that is no rule is left out; the log has the first `MAX_TOLD` of each file with their lines, and the rest are
  counted.

Limits: a file as large as `policy_files` reads. There are no transfers: who has a zone elsewhere writes it into the
file, and has the daemon reload.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from resolver import filtering, policy_files
from resolver.cache.buckets import Buckets
from resolver.config import Config
from resolver.config.sections.rpz import Rpz
from resolver.engine.delegation import Delegation
from resolver.engine.outcome import Answered
from resolver.errors import ConfigError
from resolver.filters.policy import Cause
from resolver.filters.prefixes import Prefix
from resolver.filters.rpz.actions import SIMPLE, Action, Kind
from resolver.filters.rpz.policy import KIND, Conduct, PolicyZones, Server, Used
from resolver.filters.rpz.zone import Skipped, Zone
from resolver.message import Query, Type
from resolver.network.base import Endpoint
from resolver.network.clock import breathe
from resolver.observe.log import Log
from resolver.pipeline.knowledge import Known
from resolver.setting import Setting
from resolver.wire import names

MAX_TOLD: Final = 3
"""Bad records of a file that the log shows."""

LOGGED_PER_S: Final = 10
"""Events a second of rules that were heeded: whoever asks for blocked names must not fill the log."""

TARGET_TTL_S: Final = 60
"""TTL of the alias to `target`."""

_ADDRESSES: Final = (int(Type.A), int(Type.AAAA))
_CODES: Final = {"forged": 4, "blocked": 15, "censored": 16, "filtered": 17, "prohibited": 18, "none": None}
"""The extended errors by the words for them (RFC 8914 sections 4.5 and 4.16 to 4.19)."""


@dataclass(frozen=True, slots=True)
class Read:
    """A zone as its file has it, and how many of its records are no rules, the first of them with why."""

    zone: Zone
    file: Path
    skipped: int = 0
    told: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyZoneFiles:
    """The zones of a configuration, read: they can be used by several stages at once, and are never changed."""

    used: tuple[Used, ...] = ()
    read: tuple[Read, ...] = ()
    logged: Buckets[str] = field(default_factory=lambda: Buckets(LOGGED_PER_S, LOGGED_PER_S, 2))
    """Events of the log that there is room for, from all stages together."""

    def counts(self) -> dict[str, int]:
        """Gauges by public name."""
        return {
            "rpz.zones": len(self.read),
            "rpz.rules": sum(len(each.zone) for each in self.read),
            "rpz.skipped": sum(each.skipped for each in self.read),
        }

    def lines(self) -> Iterator[str]:
        """What of the files is not heeded, a line each."""
        for each in self.read:
            for record in each.told:
                yield f"{each.file}:{record.line}: {record.what}; {record.instead}"
            if each.skipped > len(each.told):
                yield f"{each.file}: {each.skipped} records are no rules, and are skipped"

    def tell(self, log: Log) -> None:
        """The log has what was read, and what of it is not heeded."""
        for each in self.read:
            zone = names.to_text(each.zone.name)
            log.info("rpz_read", zone=zone, file=str(each.file), rules=len(each.zone), skipped=each.skipped)
        for line in self.lines():
            log.error("rpz_skipped", reason=line)


def load(config: Config, texts: Mapping[str, str]) -> PolicyZoneFiles:
    """The zones of `config`. It takes seconds where files have a million records, and touches nothing but them, so a
    thread may do it. `texts` stand for files, by their paths. Raises `ZoneError` and `ConfigError`.
    """
    read = tuple(_read(table, texts.get(str(table.file))) for table in config.rpz)
    used = tuple(Used(each.zone, _conduct(table)) for each, table in zip(read, config.rpz, strict=True))
    return PolicyZoneFiles(used, read)


def policy(files: PolicyZoneFiles, known: Known, setting: Setting) -> PolicyZones:
    """The policy of these zones on a branch on which so much is `known`."""
    counters, log, logged = setting.tools.counters, setting.log, logs(files, setting)

    def would(query: Query, cause: Cause) -> None:
        counters.filters_rpz_disabled += 1
        if logged(cause):
            filtering.log(log, query, cause, "disabled")

    translated = [Prefix(each) for each in setting.config.filters.dns64]
    return PolicyZones(files.used, KnownServers(known), would, translated)


def logs(files: PolicyZoneFiles, setting: Setting) -> Callable[[Cause], bool]:
    """Whether what is decided for a cause is to be logged; of policy zones, no more than `LOGGED_PER_S` are."""
    all_else = setting.config.filters.log
    wanted = {table.zone for table in setting.config.rpz if table.log}
    room, monotonic = files.logged, setting.tools.clock.monotonic

    def logged(cause: Cause) -> bool:
        if cause.kind != KIND:
            return all_else
        return cause.source in wanted and room.take(KIND, monotonic())

    return logged


def _read(table: Rpz, text: str | None) -> Read:
    name = names.from_text(table.zone)
    zone = Zone(name)
    skipped = 0
    told: list[Skipped] = []
    for record in policy_files.records(table.file, text, name, TARGET_TTL_S, breathe):
        wrong = zone.add(*record)
        if wrong is not None:
            skipped += 1
            if len(told) < MAX_TOLD:
                told.append(wrong)
    if zone.soa is None:
        what = f"there is no SOA of {table.zone} in it"
        raise ConfigError(what, where=str(table.file), instead="write one, or the right name as `zone`")
    return Read(zone, table.file, skipped, tuple(told))


def _conduct(table: Rpz) -> Conduct:
    override: Action | None = None
    if table.action == "cname" and table.target is not None:
        override = Action(Kind.CNAME, (), names.from_text(table.target), TARGET_TTL_S)
    elif table.action not in ("given", "disabled"):
        override = SIMPLE[Kind(table.action)]
    disabled = table.action == "disabled"
    return Conduct(override, disabled, table.break_dnssec, _CODES[table.ede])


class KnownServers:
    """The servers that a branch of the resolver has learnt (`filters.rpz.policy.Servers`)."""

    __slots__ = ("_known",)

    def __init__(self, known: Known) -> None:
        self._known = known

    def of(self, name: bytes) -> Iterator[Server]:
        """The servers of the zones that the folded `name` is in, nearest first, those of the root and of top-level
        domains left out."""
        known = self._known
        for zone in names.ancestors(name):
            if names.depth(zone) < 2:
                return
            found = known.routes.stubs.get(zone) or known.delegations.get(zone)
            if found is not None:
                yield from self._servers(found)

    def _servers(self, delegation: Delegation) -> Iterator[Server]:
        for server in delegation.servers:
            addresses = [_packed(each) for each in server.endpoints] or list(self._addresses(server.name))
            yield Server(server.name, tuple(addresses))

    def _addresses(self, name: bytes) -> Iterator[bytes]:
        for rtype in _ADDRESSES:
            found = self._known.recall(name, rtype, checked=False)
            if isinstance(found, Answered):
                yield from (rdata for each in found.rrsets if each.type == rtype for rdata in each.rdatas)


def _packed(endpoint: Endpoint) -> bytes:
    return ipaddress.ip_address(endpoint.host).packed
