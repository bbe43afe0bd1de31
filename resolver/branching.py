"""Decides what stands between a question and the servers that are asked for it: the stages of one *branch*, in their
order.

    filtered → synthesised → reserved → cached → stale → resolved

There is one branch of all that no rule sends elsewhere, and one for each pool that a rule names. What is held on one is
told on no other: views of the same name differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from resolver import filtering, hints, proving, reaching, serving
from resolver.answering import Answerer, Stage
from resolver.caches import Held
from resolver.config import Budget, Config
from resolver.engine.budget import Limits
from resolver.engine.delegation import Trim
from resolver.message import Query
from resolver.observe import notes
from resolver.pipeline.cached import Cached
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known
from resolver.pipeline.overheard import Overheard
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.reserved import Reserved
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.routes import Routes
from resolver.pipeline.snooped import Snooped
from resolver.pipeline.staged import AtHand, Staged
from resolver.pipeline.stale import Stale, Staleness
from resolver.pipeline.transcribed import Ages, at_stage
from resolver.proving import Proving
from resolver.server.access import Networks
from resolver.server.conduct import KindOf
from resolver.setting import Setting
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.dnssec.trust import Trust
    from resolver.subnets import Subnets


@dataclass(frozen=True, slots=True)
class Branch:
    """What is `held` and known on it, what asks servers, what is `at_hand` and what works `below` that. `name` is that
    of its pool; the usual one has none."""

    name: str
    held: Held
    known: Known
    resolved: Resolved
    at_hand: Sequence[AtHand]
    below: Answerer
    filtered: Callable[[Stage], Stage] | None = None
    """Puts filters around a stage, where there are some."""

    def age(self, query: Query) -> notes.Held | None:
        """Since when something is held of what is asked."""
        return self.known.held(query.question, not query.cd)

    def stage(self) -> Stage:
        """The whole branch as one stage, for what wraps it or chooses it."""
        stage = Staged(self.at_hand, self.below)
        return stage if self.filtered is None else self.filtered(stage)

    def parts(self) -> tuple[Sequence[AtHand], Answerer]:
        """The whole branch as what is at hand and what works."""
        if self.filtered is None:
            return self.at_hand, self.below
        stage = self.stage()
        return (stage.peek,), stage


def branch(
    setting: Setting,
    tools: Tools,
    routes: Routes,
    proven: Proving | None,
    held: Held,
    *,
    name: str = "",
    like: Branch | None = None,
) -> Branch:
    """The branch on which `routes` say whom to ask, with what is `held` on it.

    What is not of its own is `like` that on another branch of the same pool: special names, and look-ups on the way.
    """
    config, clock, counters = setting.config, tools.clock, tools.counters
    aliases = config.budget.aliases
    known = _known(setting, routes, proven, held, hears=like is None)
    resolved = _resolved(setting, known, tools, None if like is None else like.resolved)
    below: Answerer = resolved
    if config.cache.serve_stale:
        below = Stale(known, resolved, clock, counters, _staleness(config), max_aliases=aliases)
    prefetch = Prefetch(known, resolved, clock, counters) if config.cache.prefetch else None
    snooped = _snooped(config, known)
    cached = Cached(known, counters, max_aliases=aliases, prefetch=prefetch, failed=resolved.remembered, snoops=snooped)
    reserved = _reserved(setting, routes, name) if like is None else like.at_hand[0]
    looks = (reserved, noted(setting, notes.Stage.CACHED, cached.peek))
    return Branch(name, held, known, resolved, looks, below, filtering.around(setting, known, name))


def noted(setting: Setting, stage: notes.Stage, look: AtHand) -> AtHand:
    """`look`, which notes that it was `stage` that had the reply, where a transcript is kept."""
    transcript = setting.tools.transcript
    return look if transcript is None else at_stage(stage, look, transcript)


class Branches:
    """All branches of a program: the usual one, and those of pools by name."""

    def __init__(
        self, usual: Branch, pools: Mapping[str, Branch] | None = None, subnets: Mapping[str, Subnets] | None = None
    ) -> None:
        self.usual, self.pools, self.subnets = usual, pools or {}, subnets or {}
        self.rules: Callable[[], Mapping[str, int]] = dict
        """Gives how many queries fitted each rule, where there are rules."""

    def all(self) -> Iterator[Branch]:
        """Each branch, those of subnets included."""
        yield self.usual
        yield from self.pools.values()
        for each in self.subnets.values():
            yield from each.branches()

    def held(self) -> Mapping[str, Held]:
        """What is held of each pool."""
        return {name: each.held for name, each in self.pools.items()}

    def flush(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is known of `name` on any branch, nor below it when `subtree`, and what failed is asked again. The
        number of records and delegations that went."""
        gone = 0
        for each in self.all():
            each.resolved.forget_failures()
            gone += each.known.flush(name, subtree=subtree)
        return gone

    def counts(self) -> dict[str, int]:
        """Gauges under the names of `resolver stats`, of all branches together."""
        counted = Counter[str]()
        for each in self.all():
            counted.update(each.known.counts())
            counted["cache.failures"] += each.resolved.failures
            counted["questions.in_flight"] += each.resolved.flights
        if self.subnets:
            counted["cache.subnets"] = sum(len(each) for each in self.subnets.values())
        return {**counted, **self.rules()}

    def trusts(self) -> list[Trust]:
        """Those that prove answers on other branches than the usual one."""
        proven = [each.known.trust for each in self.pools.values()] + [each.trust for each in self.subnets.values()]
        return [each for each in proven if each is not None]


class Ways(NamedTuple):
    """What stands behind the first stage: what is `at_hand`, what works `below` that, over which branches."""

    at_hand: Sequence[AtHand]
    below: Answerer
    branches: Branches
    age: Ages
    """Since when something is held of what is asked."""
    kind_of: KindOf | None = None
    """Tells apart the clients that rules tell apart."""


def ways(setting: Setting, tools: Tools, usual: Branch, proven: Proving | None) -> Ways:
    """The `usual` branch alone, or where there are rules what chooses among branches."""
    if not setting.config.rules:
        return Ways(*usual.parts(), Branches(usual), usual.age)
    from resolver import ruling

    return ruling.ways(setting, tools, usual, proven, serving.limiter(setting.config, tools.clock))


def of_pool(setting: Setting, tools: Tools, name: str, proven: Proving | None) -> Branch:
    """The branch of all that is asked of the pool `name`."""
    routes = reaching.to_pool(setting, name)
    held = setting.caches.of_pool(name, setting.config, tools.clock)
    return branch(setting, tools, routes, proving.apart(setting, proven), held, name=name)


# -- the parts, by what the configuration says of each


def _known(setting: Setting, routes: Routes, proven: Proving | None, held: Held, *, hears: bool) -> Known:
    """What is known on a branch, over the caches that outlive a reload. It `hears` what upstreams tell of name servers,
    where somebody may look into the cache."""
    config, caches, tools = setting.config, setting.caches, setting.tools
    settings, budget = config.resolver, config.budget
    trim = Trim(budget.ns_names, budget.addresses_per_ns, tools.entropy.shuffle)
    heard: Overheard | None = None
    if hears and config.server.snoop and routes.forwards:
        borders = frozenset((*routes.stubs, *routes.forwards))
        heard = Overheard(tools.clock, borders, trim, config.cache.max_ttl_s)
    return Known(
        held.records,
        caches.servers,
        routes,
        tools.clock,
        port=setting.port if settings.roots == "simulated" else hints.PORT,
        minimises=settings.qname_minimisation,
        transcript=tools.transcript,
        delegations=held.delegations,
        trim=trim,
        failure_ttl_s=config.cache.failure_ttl_s,
        failure_max_ttl_s=config.cache.failure_max_ttl_s,
        trust=None if proven is None else proven.trust,
        heard=heard,
    )


def _snooped(config: Config, known: Known) -> Snooped | None:
    """Who may look into the cache, where the configuration says so."""
    networks = config.server.snoop
    return None if networks is None else Snooped(known, Networks(networks).has, config.budget.aliases)


def _reserved(setting: Setting, routes: Routes, name: str) -> AtHand:
    """What answers for special names, but for those that are asked of others on the branch `name`."""
    settings = setting.config.resolver
    reserved = Reserved(
        setting.tools.counters,
        configured=(*routes.stubs, *routes.forwards),
        declared=() if name else reaching.at_home(setting),
        unreserved=[names.from_text(each) for each in (*settings.unreserved, *filtering.unreserved(setting.config))],
    )
    return noted(setting, notes.Stage.RESERVED, reserved.peek)


def _resolved(setting: Setting, known: Known, tools: Tools, addresses: Resolved | None) -> Resolved:
    """What iterates."""
    config = setting.config
    return Resolved(
        known,
        tools,
        owner=setting.tasks,
        limits=_limits(config.budget),
        use_0x20=config.resolver.use_0x20,
        failure_ttl_s=config.cache.failure_ttl_s,
        failure_max_ttl_s=config.cache.failure_max_ttl_s,
        work_s=config.budget.work_ms / 1000,
        max_per_zone=config.resolver.max_per_zone,
        addresses=addresses,
    )


def _limits(budget: Budget) -> Limits:
    """The limits that the section `[budget]` gives for the engine."""
    return Limits(**{each.name: getattr(budget, each.name) for each in fields(Limits)})


def _staleness(config: Config) -> Staleness:
    cache = config.cache
    return Staleness(cache.stale_max_age_s, cache.stale_ttl_s, cache.stale_client_timeout_ms / 1000)
