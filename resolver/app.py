"""The whole program on one page: what is made of a configuration, and in which order the stages stand.

    bytes → Responder (stored answers) → at hand: Screened, Reserved, Cached → worked on: Stale → Resolved → the network

`build` gives a `Program`; the daemon, the tests, the benchmarks and embedding programs all use it. `compose` is the
order of the stages. What they reach is decided in `reaching`, what proves answers in `proving`, and what tests put in
the place of the world in `arranged`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from resolver import encrypting, hints, proving, reaching
from resolver.answering import Answerer
from resolver.arranged import Arranged, lab
from resolver.cache.cookies import Cookies
from resolver.certificates import Shown
from resolver.config import HEALTH_NAME, HEALTH_TEXT, Budget, Config
from resolver.engine.budget import Limits
from resolver.engine.delegation import Trim
from resolver.listeners import BindAll, bind_all
from resolver.message import Respond
from resolver.network.base import Clock, Entropy, Network
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.network.faults import NOBODY, RESOLVER_HOST
from resolver.network.simulated import SimulatedNetwork
from resolver.network.sockets import SocketNetwork
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.pipeline.cached import Cached
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.reserved import Reserved
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.routes import Routes
from resolver.pipeline.screened import Screened
from resolver.pipeline.staged import AtHand, Staged
from resolver.pipeline.stale import Stale, Staleness
from resolver.pipeline.transcribed import Stages, Transcribed
from resolver.pipeline.verifying import Inline, Threaded, Verifier
from resolver.program import Offload, Program
from resolver.proving import Proving
from resolver.reaching import NetworkOf
from resolver.server.conduct import Explains
from resolver.setting import Composed, Setting
from resolver.wire import names
from resolver.wire.parse import Bounds

if TYPE_CHECKING:  # a resolver without a world of its own does not load what serves one
    from resolver.auth.hierarchy import World

_NOTHING: Final = Arranged()


def build(
    config: Config,
    world: World | None = None,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    log: Log | None = None,
    bind: BindAll = bind_all,
    shown: Shown | None = None,
    keeps: bool = True,
    arranged: Arranged = _NOTHING,
) -> Program:
    """The program that `config` describes, not yet listening. Call it inside the loop that it is to run in.

    `world` takes the place of the one that the configuration names. `bind` gives the sockets that clients ask. What
    clients of TLS were `shown` before is shown again, if it was made for what `config` says. Where several follow the
    same keys one of them `keeps` what is known of these. A `clock` that is handed in is virtual, and virtual time knows
    no threads. Raises `ConfigError` and `ZoneError`.
    """
    loop = asyncio.get_running_loop()
    virtual = clock is not None
    offload: Offload = _here if virtual else asyncio.to_thread
    clock = clock or RealClock(loop)
    entropy = entropy or SystemEntropy()
    log = log or Log(sys.stderr, clock.wall, config.log.level, config.log.format)
    cookies = Cookies(clock, entropy)
    sockets = SocketNetwork(loop, clock, entropy)
    verifier: Verifier = Inline() if virtual else Threaded(loop)
    tools = Tools(sockets, clock, entropy, Counters(), arranged.transcript, cookies=cookies, verifier=verifier)
    composing = partial(compose, arranged=arranged, loop=None if virtual else loop, keeps=keeps)
    kept = lab(arranged, config, clock)
    return Program(config, world, tools, log, composing, sockets, offload=offload, bind=bind, shown=shown, lab=kept)


async def _here(work: Callable[[], World | None]) -> World | None:
    """What `work` gives."""
    return work()


def compose(
    setting: Setting, *, arranged: Arranged, loop: asyncio.AbstractEventLoop | None, keeps: bool = True
) -> Composed:
    """The stages in their one order, over the network that the configuration allows, or the one that is arranged.

    `loop` has threads for what takes long; without one, as in virtual time, it is done right here.
    """
    setting = encrypting.speaking(_explaining(setting))
    config = setting.config
    memory = SimulatedNetwork({}, setting.tools.clock, setting.tools.entropy)

    def network_of(source: str) -> Network:
        return arranged.network or reaching.network_of(source, setting, memory)

    tools = _tools(setting, arranged.around(network_of(RESOLVER_HOST)))
    simulated = _simulated(setting, tools, network_of)
    for host, respond in simulated.items():
        memory.declare(host, respond)

    setting.caches.servers.max_in_flight = config.resolver.max_per_server
    routes = reaching.routes(setting, arranged.root)
    proven = proving.proving(setting)
    known = _known(setting, routes, proven)
    resolved = _resolved(setting, known, tools)
    below: Answerer = resolved
    aliases, clock, counters = config.budget.aliases, tools.clock, tools.counters
    if config.cache.serve_stale:
        below = Stale(known, resolved, clock, counters, _staleness(config), max_aliases=aliases)
    prefetch = Prefetch(known, resolved, clock, counters) if config.cache.prefetch else None
    cached = Cached(known, counters, max_aliases=aliases, prefetch=prefetch, failed=resolved.remembered)
    reserved = Reserved(
        counters,
        configured=(*routes.stubs, *routes.forwards),
        declared=reaching.at_home(setting),
        unreserved=[names.from_text(each) for each in config.resolver.unreserved],
    )
    identity = config.server.identity
    screened = Screened(version=identity, identity=identity, health=(names.from_text(HEALTH_NAME), HEALTH_TEXT))
    staged = _staged(setting, (screened.peek, reserved.peek, cached.peek), below, known)
    rolling = proving.rolling(setting, proven, resolved, loop, keeps=keeps)
    explains = _explains(setting, staged)
    return Composed(arranged.before(staged), known, resolved, simulated, tools.network, rolling, explains)


def _staged(setting: Setting, at_hand: Sequence[AtHand], below: Answerer, known: Known) -> Stages:
    """The stages that are at hand, in their order, before `below`."""
    transcript = setting.tools.transcript
    return Staged(at_hand, below) if transcript is None else Transcribed(at_hand, below, transcript, known.held)


# -- the parts, by what the configuration says of each


def _tools(setting: Setting, network: Network) -> Tools:
    """The tools of the resolver itself, which sends by `network`."""
    config, tools = setting.config, setting.tools
    return replace(
        tools,
        network=network,
        payload=config.server.udp_payload,
        bounds=Bounds(config.budget.message_records, config.budget.edns_options),
        cookies=tools.cookies if config.resolver.cookies else None,
    )


def _simulated(setting: Setting, tools: Tools, network_of: NetworkOf) -> Mapping[str, Respond]:
    """The servers of the world by their address, if there is a world."""
    if setting.world is None:
        return {}
    from resolver.simulation import Simulation

    without = replace(tools, network=network_of(NOBODY), cookies=None)
    world, port, tasks, log = setting.world, setting.port, setting.tasks, setting.log
    return Simulation(world, port, without, tasks, log, setting.lab, network_of).responders()


def _known(setting: Setting, routes: Routes, proven: Proving | None) -> Known:
    """What the resolver knows, over the caches that outlive a reload."""
    config, caches, tools = setting.config, setting.caches, setting.tools
    settings, budget = config.resolver, config.budget
    return Known(
        caches.records,
        caches.servers,
        routes,
        tools.clock,
        port=setting.port if settings.roots == "simulated" else hints.PORT,
        minimises=settings.qname_minimisation,
        transcript=tools.transcript,
        delegations=caches.delegations,
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


def _explaining(setting: Setting) -> Setting:
    """`setting` with a transcript, where the log is to explain answers."""
    if setting.tools.transcript is not None or not setting.config.log.explanations:
        return setting
    return replace(setting, tools=replace(setting.tools, transcript=setting.lab.explaining))


def _explains(setting: Setting, staged: Stages) -> Explains | None:
    """What tells the log why an answer is what it is, if it is to say so."""
    if not (setting.config.log.explanations and isinstance(staged, Transcribed)):
        return None
    from resolver.explain.logged import Logged

    world = setting.world if setting.config.resolver.roots == "simulated" else None
    return Logged(staged, world, setting.log, setting.lab.lines)
