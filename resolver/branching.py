"""Decides what stands between a question and the servers that are asked for it: the stages of one *branch*, in their
order.

    filtered → synthesised → reserved → cached → stale → resolved

There is one branch of all that no rule sends elsewhere, and one for each pool that a rule names. What is held on one is
told on no other: views of the same name differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from resolver import filtering, hints, reaching
from resolver.answering import Answerer, Stage
from resolver.caches import Held
from resolver.config import Budget, Config
from resolver.engine.budget import Limits
from resolver.engine.delegation import Trim
from resolver.message import Query
from resolver.observe import notes
from resolver.pipeline.cached import Cached
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known, Routes
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.reserved import Reserved
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.staged import AtHand, Staged
from resolver.pipeline.stale import Stale, Staleness
from resolver.pipeline.transcribed import at_stage
from resolver.proving import Proving
from resolver.setting import Setting
from resolver.wire import names


@dataclass(frozen=True, slots=True)
class Branch:
    """What is known on it, what asks servers, what is `at_hand` and what works `below` that. `name` is that of its
    pool; the usual one has none."""

    name: str
    known: Known
    resolved: Resolved
    at_hand: Sequence[AtHand]
    below: Answerer

    def held(self, query: Query) -> notes.Held | None:
        """Since when something is held of what is asked."""
        return self.known.held(query.question, not query.cd)

    def stage(self) -> Stage:
        """The whole branch as one stage, for what wraps it or chooses it."""
        return Staged(self.at_hand, self.below)


def branch(
    setting: Setting, tools: Tools, routes: Routes, proven: Proving | None, held: Held, *, name: str = ""
) -> Branch:
    """The branch on which `routes` say whom to ask, with what is `held` on it."""
    config, clock, counters = setting.config, tools.clock, tools.counters
    aliases = config.budget.aliases
    known = _known(setting, routes, proven, held)
    resolved = _resolved(setting, known, tools)
    below: Answerer = resolved
    if config.cache.serve_stale:
        below = Stale(known, resolved, clock, counters, _staleness(config), max_aliases=aliases)
    prefetch = Prefetch(known, resolved, clock, counters) if config.cache.prefetch else None
    cached = Cached(known, counters, max_aliases=aliases, prefetch=prefetch, failed=resolved.remembered)
    reserved = Reserved(
        counters,
        configured=(*routes.stubs, *routes.forwards),
        declared=() if name else reaching.at_home(setting),
        unreserved=[names.from_text(each) for each in (*config.resolver.unreserved, *filtering.unreserved(config))],
    )
    looks = (noted(setting, notes.Stage.RESERVED, reserved.peek), noted(setting, notes.Stage.CACHED, cached.peek))
    if not filtering.is_needed(config):
        return Branch(name, known, resolved, looks, below)
    stage = filtering.around(setting, Staged(looks, below), known, name)
    return Branch(name, known, resolved, (stage.peek,), stage)


def noted(setting: Setting, stage: notes.Stage, look: AtHand) -> AtHand:
    """`look`, which notes that it was `stage` that had the reply, where a transcript is kept."""
    transcript = setting.tools.transcript
    return look if transcript is None else at_stage(stage, look, transcript)


# -- the parts, by what the configuration says of each


def _known(setting: Setting, routes: Routes, proven: Proving | None, held: Held) -> Known:
    """What is known on a branch, over the caches that outlive a reload."""
    config, caches, tools = setting.config, setting.caches, setting.tools
    settings, budget = config.resolver, config.budget
    return Known(
        held.records,
        caches.servers,
        routes,
        tools.clock,
        port=setting.port if settings.roots == "simulated" else hints.PORT,
        minimises=settings.qname_minimisation,
        transcript=tools.transcript,
        delegations=held.delegations,
        trim=Trim(budget.ns_names, budget.addresses_per_ns, tools.entropy.shuffle),
        failure_ttl_s=config.cache.failure_ttl_s,
        failure_max_ttl_s=config.cache.failure_max_ttl_s,
        trust=None if proven is None else proven.trust,
    )


def _resolved(setting: Setting, known: Known, tools: Tools) -> Resolved:
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
    )


def _limits(budget: Budget) -> Limits:
    """The limits that the section `[budget]` gives for the engine."""
    return Limits(**{each.name: getattr(budget, each.name) for each in fields(Limits)})


def _staleness(config: Config) -> Staleness:
    cache = config.cache
    return Staleness(cache.stale_max_age_s, cache.stale_ttl_s, cache.stale_client_timeout_ms / 1000)
