"""Decides which filters a configuration comes to: what is read from files for them, and where they stand on a branch.

    synthesised (DNS64) ← filtered: local data, policy zones, block lists, private addresses ← the client

Rules
* What is read is read where it keeps nobody waiting, before it is put in force: a file that is missing, or is no list,
  is an error, and then what was in force stays.
* Policies are asked in this order: local data, policy zones, block lists, private addresses. Where nothing is
  configured there is no stage, and nothing of it is loaded.

Limits: lists are read whole at each reload, by each worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from resolver.config import Config
from resolver.message import Query
from resolver.network.clock import breathe
from resolver.observe import notes
from resolver.observe.log import Log
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.answering import Stage
    from resolver.filters.blocking import Blocking, Telling
    from resolver.filters.lists import Lists, Report
    from resolver.filters.local import Local
    from resolver.filters.policy import Cause, Policy, Verdict
    from resolver.pipeline.knowledge import Known
    from resolver.policy_zones import PolicyZoneFiles
    from resolver.setting import Setting

BLOCK: Final = "filters.block"
"""What names are called that are blocked in the configuration itself."""

_OF_NAMES: Final = (
    *("filters.names", "filters.names_allowed", "filters.names_local", "filters.lines_bad", "filters.lines_skipped"),
)
COUNTED: Final = (*_OF_NAMES, "rpz.zones", "rpz.rules", "rpz.skipped")
"""What is counted where names are held, and nowhere else."""


@dataclass(frozen=True, slots=True)
class Filtering:
    """What was read for the filters of a configuration. `names` are blocked, `allowed` are not."""

    local: Local | None
    blocking: Blocking | None
    reports: Sequence[Report] = ()
    names: int = 0
    allowed: int = 0
    policy_zones: PolicyZoneFiles | None = None

    def counts(self) -> Mapping[str, int]:
        """Gauges under the names of `resolver stats`."""
        local = 0 if self.local is None else len(self.local)
        bad, skipped = sum(each.bad for each in self.reports), sum(each.skipped for each in self.reports)
        counted = dict(zip(_OF_NAMES, (self.names, self.allowed, local, bad, skipped), strict=True))
        return counted if self.policy_zones is None else counted | self.policy_zones.counts()

    def tell(self, log: Log) -> None:
        """The log says what was read, and of each file the first lines that could not be."""
        for report in self.reports:
            say = log.warning if report.is_empty else log.info
            say(
                "names_read",
                file=str(report.path),
                form=report.form,
                names=report.names,
                repeated=report.repeated,
                skipped=report.skipped,
                bad=report.bad,
            )
            if report.bad:
                lines = "; ".join(map(str, report.told))
                log.warning("names_skipped", file=str(report.path), bad=report.bad, first=lines)
        if self.policy_zones is not None:
            self.policy_zones.tell(log)


def read(config: Config, texts: Mapping[str, str] | None = None) -> Filtering | None:
    """What the files of `config` hold for its filters; None where it has none that need any.

    `texts` stand for files of policy zones, by their paths. Raises `ConfigError` and `ZoneError`.
    """
    found = _read_names(config)
    if not config.rpz:
        return found
    from resolver import policy_zones

    zones = policy_zones.load(config, texts or {})
    return replace(found or Filtering(None, None), policy_zones=zones)


def _read_names(config: Config) -> Filtering | None:
    ours = config.filters
    reports: list[Report] = []
    local = _local(config, reports) if ours.local_zones or ours.local_data or ours.hosts_files else None
    if not (ours.block_lists or ours.block):
        return None if local is None else Filtering(local, None, reports)
    from resolver.filters.blocking import Blocking

    lists, sources = _lists(config)
    blocking = Blocking(lists.blocked, lists.allowed, sources, _telling(config))
    return Filtering(local, blocking, [*reports, *lists.reports], len(lists.blocked), len(lists.allowed))


def _local(config: Config, reports: list[Report]) -> Local:
    from resolver.filters import hosts, records
    from resolver.filters.kinds import LocalKind
    from resolver.filters.local import Local

    ours = config.filters
    written = [records.read(text) for text in ours.local_data]
    # What is written into the configuration comes first; of a name that stands there, hosts files say nothing.
    named = {record.name.lower() for record in written}
    for path in ours.hosts_files:
        found, report = hosts.read(path, ours.max_names, len(written), breathe)
        reports.append(report)
        written += [record for record in found if record.name.lower() not in named]
    zones = {names.from_text(zone): LocalKind(kind) for zone, kind in ours.local_zones.items()}
    return Local(zones, written, ttl_s=ours.local_ttl_s)


def _lists(config: Config) -> tuple[Lists, Sequence[str]]:
    """The names of all lists, and what those that block are called, by their numbers."""
    from resolver.filters.lists import Lists
    from resolver.filters.names import text_of

    ours = config.filters
    lists = Lists(ours.max_names, breathe)
    for path in ours.block_lists:
        lists.read(path)
    for path in ours.allow_lists:
        lists.read(path, allows=True)
    own = len(ours.block_lists)  # the next number: lists that allow have higher ones, but block nothing
    for texts, into in ((ours.block, lists.blocked), (ours.allow, lists.allowed)):
        for text in texts:
            into.add(text_of(names.from_text(text.removeprefix("*."))), own, below_only=text.startswith("*."))
    return lists, [*(path.name for path in ours.block_lists), BLOCK]


def _telling(config: Config) -> Telling:
    import ipaddress

    from resolver.filters.blocking import Telling
    from resolver.filters.kinds import BlockAnswer
    from resolver.message import Type

    answer, ttl_s = config.filters.block_answer, config.filters.block_ttl_s
    if isinstance(answer, str):
        return Telling(BlockAnswer(answer), None, ttl_s)
    given = [ipaddress.ip_address(each).packed for each in answer]
    by_type = {Type.A: 4, Type.AAAA: 16}
    found = {int(rtype): tuple(each for each in given if len(each) == size) for rtype, size in by_type.items()}
    return Telling(BlockAnswer.NODATA, {rtype: rdatas for rtype, rdatas in found.items() if rdatas}, ttl_s)


# -- where they stand


def around(setting: Setting, known: Known, pool: str = "") -> Callable[[Stage], Stage] | None:
    """What puts the filters of `setting` around a stage: that of a `pool`, or the usual one, on which so much is
    `known`. None where there are none."""
    policies, makes = _policies(setting, known, pool), bool(setting.config.filters.dns64)
    if not policies and not makes:
        return None

    def filtered(stage: Stage) -> Stage:
        inner = _synthesised(setting, stage) if makes else stage
        if not policies:
            return inner
        from resolver.pipeline.filtered import Filtered

        return Filtered(inner, policies, _verdicts(setting))

    return filtered


def unreserved(config: Config) -> tuple[str, ...]:
    """The special-use names that are looked up because a local zone says so."""
    if not config.filters.local_zones:
        return ()
    from resolver.filters.kinds import LETS_THROUGH

    return tuple(zone for zone, kind in config.filters.local_zones.items() if kind in LETS_THROUGH)


def _policies(setting: Setting, known: Known, pool: str) -> list[Policy]:
    """The policies in their order."""
    found: list[Policy] = []
    filters = setting.filtering
    if filters is not None:
        zones = None
        if filters.policy_zones is not None:
            from resolver import policy_zones

            zones = policy_zones.policy(filters.policy_zones, known, setting)
        found += [each for each in (filters.local, zones, filters.blocking) if each is not None]
    ours = setting.config.filters
    if ours.rebinding and pool not in ours.rebinding_pools:
        from resolver.filters.prefixes import Prefix
        from resolver.filters.rebinding import Rebinding

        translated = [Prefix(each) for each in ours.dns64]
        found.append(Rebinding(_exceptions(setting.config), ours.rebinding_networks, translated))
    return found


def _exceptions(config: Config) -> list[bytes]:
    """The names that may have private addresses."""
    settings, ours = config.resolver, config.filters
    found = [names.from_text(each) for each in ours.rebinding_names]
    for zones in (settings.stub_zones, settings.forward_zones):
        for zone, servers in zones.items():
            if zone != "." or _is_of_pool(servers, ours.rebinding_pools):
                found.append(names.from_text(zone))
    return found


def _is_of_pool(servers: object, pools: Sequence[str]) -> bool:
    """Whether `servers` are a pool by its name, one of `pools`."""
    return isinstance(servers, str) and servers in pools


def _synthesised(setting: Setting, stage: Stage) -> Stage:
    from resolver.filters.prefixes import Prefix
    from resolver.pipeline.synthesised import Synthesised

    ours, noted = setting.config.filters, _causes(setting)
    return Synthesised(
        stage,
        [Prefix(each) for each in ours.dns64],
        lambda query, cause: noted(query, cause, "synthesised"),
        clients=ours.dns64_clients,
        excluded=ours.dns64_exclude_aaaa,
        unmapped=ours.dns64_exclude_a,
    )


def _verdicts(setting: Setting) -> Callable[[Query, Verdict], None]:
    """What is told of each verdict."""
    noted = _causes(setting)
    return lambda query, verdict: noted(query, verdict.cause, type(verdict).__name__.lower())


def _causes(setting: Setting) -> Callable[[Query, Cause, str], None]:
    """Counts what was decided, notes it in the transcript where one is kept, and logs it if that is wanted."""
    counters, transcript = setting.tools.counters, setting.tools.transcript
    logs = _logs(setting)

    def told(query: Query, cause: Cause, what: str) -> None:
        counter = f"filters_{cause.kind}"
        setattr(counters, counter, getattr(counters, counter) + 1)
        if transcript is not None:
            transcript.noted(notes.Decided(cause.kind, cause.trigger, cause.source))
        if logs(cause):
            log(setting.log, query, cause, what)

    return told


def _logs(setting: Setting) -> Callable[[Cause], bool]:
    """Whether something is logged that was decided for that cause."""
    zones = None if setting.filtering is None else setting.filtering.policy_zones
    if zones is None:
        always = setting.config.filters.log
        return lambda _: always
    from resolver import policy_zones

    return policy_zones.logs(zones, setting)


def log(to: Log, query: Query, cause: Cause, what: str) -> None:
    """`what` became of `query` for that `cause` is a line of the log."""
    to.info(
        "filtered",
        query=query.id,
        client=query.client.host,
        name=names.to_text(query.question.name),
        type=types.to_text(query.question.type),
        what=what,
        kind=cause.kind,
        trigger=cause.trigger,
        source=cause.source,
    )
