"""The whole program on one page: what is made of a configuration, and in which order the stages stand.

    bytes → Responder (stored answers) → at hand: Screened, Reserved, Cached → worked on: Stale → Resolved → the network

`build` gives a `Program`; the daemon, the tests, the benchmarks and embedding programs all use it. Only this
module and `simulation.py` name a concrete world: real sockets, or the simulated servers in this process.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

from resolver import hints
from resolver.answering import Answerer
from resolver.cache.cookies import Cookies
from resolver.certificates import Shown
from resolver.config import HEALTH_NAME, HEALTH_TEXT, Budget, Config
from resolver.dnssec.anchors import of_rrset
from resolver.engine.budget import Limits
from resolver.engine.delegation import Delegation, NameServer, Trim
from resolver.laboratory import Lab, Lines
from resolver.listeners import BindAll, bind_all
from resolver.message import Respond
from resolver.network.base import Clock, Endpoint, Entropy, Network
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.network.faults import NOBODY, RESOLVER_HOST, FaultTable, Hit
from resolver.network.reach import Apart, OnlyDeclared, OnlyPublic
from resolver.network.simulated import SimulatedNetwork
from resolver.network.sockets import SocketNetwork
from resolver.observe.counters import Counters
from resolver.observe.history import History
from resolver.observe.log import Log
from resolver.observe.notes import Stage
from resolver.observe.transcript import Transcript
from resolver.observe.watching import new_history, telling
from resolver.pipeline.cached import Cached
from resolver.pipeline.driving import Tools
from resolver.pipeline.knowledge import Known, Routes
from resolver.pipeline.prefetch import Prefetch
from resolver.pipeline.reserved import Reserved
from resolver.pipeline.resolved import Resolved
from resolver.pipeline.screened import Screened
from resolver.pipeline.staged import Staged
from resolver.pipeline.stale import Stale, Staleness
from resolver.pipeline.transcribed import Transcribed, at_stage
from resolver.pipeline.verifying import Inline, Threaded, Verifier
from resolver.program import Composed, Offload, Program, Setting
from resolver.server.conduct import Explains
from resolver.trusted import Trusted, trusted
from resolver.wire import names
from resolver.wire.parse import Bounds

if TYPE_CHECKING:  # a resolver without a world of its own does not load what serves one
    from resolver.auth.hierarchy import World
    from resolver.dnssec.trust import Trust
    from resolver.rolling import Rolling

Around = Callable[[Network], Network]
"""Makes of a network one that watches what passes."""


def _as_it_is(network: Network) -> Network:
    """`network`, which nobody watches."""
    return network


def build(
    config: Config,
    world: World | None = None,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    log: Log | None = None,
    transcript: Transcript | None = None,
    network: Network | None = None,
    around: Around = _as_it_is,
    root: Delegation | None = None,
    bind: BindAll = bind_all,
    shown: Shown | None = None,
    keeps: bool = True,
    faults: FaultTable | None = None,
    history: History | None = None,
) -> Program:
    """The program that `config` describes, not yet listening. Call it inside the loop that it is to run in.

    `world` takes the place of the one that the configuration names. `network` is all that the resolver reaches, and
    `root` where it begins, in place of what the configuration says; what `around` makes of the network is used in its
    place. `bind` gives the sockets that clients ask. What clients of TLS were `shown` before is shown again, if it was
    made for what `config` says. Where several follow the same keys one of them `keeps` what is known of these. `faults`
    are what goes wrong on purpose, and `history` is where messages are remembered, in place of what the configuration
    says. Raises `ConfigError` and `ZoneError`.
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
    tools = Tools(sockets, clock, entropy, Counters(), transcript, cookies=cookies, verifier=verifier)
    aside = None if virtual else loop
    history = new_history(config.history.messages) if history is None else history
    lab = Lab(FaultTable() if faults is None else faults, history, Lines())
    if history is not None:
        lab.faults.watch(telling(history))
    lab.faults.begin(clock)
    explaining = transcript or Transcript(keeps=False)
    lab.faults.watch(partial(_faulted, explaining))
    composing = partial(
        compose,
        network=network,
        around=around,
        root=root,
        loop=aside,
        keeps=keeps,
        sockets_of=sockets.at,
        explaining=explaining,
    )
    return Program(config, world, tools, log, composing, sockets, offload=offload, bind=bind, shown=shown, lab=lab)


def _faulted(transcript: Transcript, hit: Hit) -> None:
    """What was done to a message stands in the transcript, at the message."""
    if hit.question is not None:
        for host in hit.addresses:
            transcript.faulted(host, hit.question, hit.rule.text, hit.number)


async def _here(work: Callable[[], World | None]) -> World | None:
    """What `work` gives. A clock that was handed in is virtual, and virtual time knows no threads."""
    return work()


def compose(
    setting: Setting,
    *,
    network: Network | None = None,
    around: Around = _as_it_is,
    root: Delegation | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
    keeps: bool = True,
    sockets_of: Callable[[str], Network] | None = None,
    explaining: Transcript | None = None,
) -> Composed:
    """The stages in their one order, over the network that the configuration allows, or the one that is given.

    `loop` has threads for what takes long; without one, as in virtual time, it is done right here. `sockets_of` gives
    those that are bound to an address. `explaining` is the transcript for what is to be explained, where none is kept
    anyway.
    """
    if setting.tools.transcript is None and setting.config.log.explanations:
        setting = replace(setting, tools=replace(setting.tools, transcript=explaining))
    config, caches = setting.config, setting.caches
    memory = SimulatedNetwork({}, setting.tools.clock, setting.tools.entropy)

    def network_of(source: str) -> Network:
        return network or _network(setting, memory.at(source), source, sockets_of)

    tools = replace(
        setting.tools,
        network=around(network_of(RESOLVER_HOST)),
        payload=config.server.udp_payload,
        bounds=Bounds(config.budget.message_records, config.budget.edns_options),
        cookies=setting.tools.cookies if config.resolver.cookies else None,
    )
    simulated = _simulated(setting, tools, network_of)
    for host, respond in simulated.items():
        memory.declare(host, respond)

    settings, budget = config.resolver, config.budget
    caches.servers.max_in_flight = settings.max_per_server
    routes = _routes(setting, root or _root(setting))
    believed = _believed(setting)
    trust = None if believed is None else _trust(setting, believed)
    known = _known(setting, routes, trust)
    resolved = Resolved(
        known,
        tools,
        owner=setting.tasks,
        limits=_limits(budget),
        use_0x20=settings.use_0x20,
        failure_ttl_s=config.cache.failure_ttl_s,
        failure_max_ttl_s=config.cache.failure_max_ttl_s,
        work_s=budget.work_ms / 1000,
        max_per_zone=settings.max_per_zone,
    )
    below: Answerer = resolved
    if config.cache.serve_stale:
        below = Stale(known, resolved, tools.clock, tools.counters, _staleness(config), max_aliases=budget.aliases)
    prefetch = Prefetch(known, resolved, tools.clock, tools.counters) if config.cache.prefetch else None
    cached = Cached(known, tools.counters, max_aliases=budget.aliases, prefetch=prefetch, failed=resolved.remembered)
    identity = config.server.identity
    health = (names.from_text(HEALTH_NAME), HEALTH_TEXT)
    reserved = Reserved(
        tools.counters,
        configured=(*routes.stubs, *routes.forwards),
        declared=_declared(setting),
        unreserved=[names.from_text(each) for each in settings.unreserved],
    )
    screened = Screened(version=identity, identity=identity, health=health)
    staged = _staged(screened, reserved, cached, below, known, tools.transcript)
    rolling = _rolling(setting, believed, trust, resolved, loop, keeps=keeps)
    return Composed(staged, known, resolved, simulated, rolling, _explains(setting, staged))


def _staged(
    screened: Screened, reserved: Reserved, cached: Cached, below: Answerer, known: Known, transcript: Transcript | None
) -> Staged | Transcribed:
    """The stages that are at hand, before `below`; where a transcript is kept, with what it takes for that."""
    if transcript is None:
        return Staged((screened.peek, reserved.peek, cached.peek), below)
    at_hand = zip(Stage, (screened.peek, reserved.peek, cached.peek), strict=True)
    staged = Staged([at_stage(stage, look, transcript) for stage, look in at_hand], below)
    return Transcribed(staged, transcript, known.held)


def _explains(setting: Setting, staged: Staged | Transcribed) -> Explains | None:
    """What tells the log why an answer is what it is, if it is to say so."""
    if not (setting.config.log.explanations and isinstance(staged, Transcribed)):
        return None
    from resolver.explain.logged import Logged

    world = setting.world if setting.config.resolver.roots == "simulated" else None
    return Logged(staged, world, setting.log, setting.lab.lines)


def _known(setting: Setting, routes: Routes, trust: Trust | None) -> Known:
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
        trust=trust,
    )


def _believed(setting: Setting) -> Trusted | None:
    """What the configuration believes of signed zones; None where nothing is to be proven, or there is nothing to begin
    from. Raises `ConfigError`."""
    config = setting.config
    if not config.dnssec.validation:
        return None
    signed = None if setting.world is None else setting.world.trust_anchor
    believed = trusted(config, setting.tools.clock.wall(), None if signed is None else of_rrset(signed))
    return believed if believed.anchors or believed.following is not None else None


def _trust(setting: Setting, believed: Trusted) -> Trust:
    """Where what is proven begins, and what is found on the way."""
    from resolver.dnssec.denial import Iterations
    from resolver.dnssec.gaps import Gaps
    from resolver.dnssec.trust import Trust

    settings = setting.config.dnssec
    return Trust(
        believed.anchors,
        setting.tools.clock,
        negatives=believed.negatives,
        iterations=Iterations(settings.nsec3_iterations_insecure, settings.nsec3_iterations_max),
        gaps=Gaps() if settings.aggressive else None,
        noting=None if setting.tools.transcript is None else setting.tools.transcript.proven,
    )


def _rolling(
    setting: Setting,
    believed: Trusted | None,
    trust: Trust | None,
    resolved: Resolved,
    loop: asyncio.AbstractEventLoop | None,
    *,
    keeps: bool,
) -> Rolling | None:
    """What asks for the keys of zones that are followed, if there are any."""
    if believed is None or trust is None or believed.following is None:
        return None
    from resolver.rolling import Rolling

    def believe() -> None:
        trust.believe(believed.anchors)

    clock, log = setting.tools.clock, setting.log
    return Rolling(believed.following, resolved.renew, believe, clock=clock, log=log, loop=loop, keeps=keeps)


def _simulated(setting: Setting, tools: Tools, network_of: Callable[[str], Network]) -> Mapping[str, Respond]:
    """The servers of the world by their address, if there is a world."""
    if setting.world is None:
        return {}
    from resolver.simulation import Simulation

    without = replace(tools, network=network_of(NOBODY), cookies=None)
    world, port, tasks, log = setting.world, setting.port, setting.tasks, setting.log
    return Simulation(world, port, without, tasks, log, setting.lab, network_of).responders()


def _limits(budget: Budget) -> Limits:
    """The limits that the section `[budget]` gives for the engine."""
    return Limits(**{each.name: getattr(budget, each.name) for each in fields(Limits)})


def _declared(setting: Setting) -> tuple[bytes, ...]:
    """The zones of the world that is resolved, if it is a simulated one, and the special names that it has data for."""
    world = setting.world
    if world is None or setting.config.resolver.roots != "simulated":
        return ()
    return (*world.zones, *frozenset().union(*(zone.special for zone in world.zones.values())))


def _staleness(config: Config) -> Staleness:
    cache = config.cache
    return Staleness(cache.stale_max_age_s, cache.stale_ttl_s, cache.stale_client_timeout_ms / 1000)


def _network(setting: Setting, memory: Network, source: str, sockets_of: Callable[[str], Network] | None) -> Network:
    """What the resolver can reach: a declared world or the public Internet, and what a person configured. Servers of
    the world are asked from the address `source`."""
    settings, tools = setting.config.resolver, setting.tools
    configured = frozenset(itertools.chain(*settings.stub_zones.values(), *settings.forward_zones.values()))
    public = OnlyPublic(
        tools.network,
        tools.clock,
        own=setting.own,
        allow_private=settings.allow_private_upstreams,
        allowed=configured,
    )
    if settings.roots != "simulated" or setting.world is None:
        return public
    if not setting.bound:
        return Apart(configured, public, memory)
    from resolver.simulation import hosts

    servers = setting.world.servers
    places = {host: Endpoint(server.ipv4, setting.port) for server in servers for host in hosts(server)}
    inside = tools.network if sockets_of is None else sockets_of(source)
    return Apart(configured, public, OnlyDeclared(inside, tools.clock, places))


def _routes(setting: Setting, root: Delegation) -> Routes:
    """Whom the configuration says to ask."""
    settings = setting.config.resolver
    return Routes(
        root,
        recursed_root=settings.mode == "recursive",
        stubs={zone: _configured(zone, servers) for zone, servers in _by_name(settings.stub_zones)},
        forwards={zone: _configured(zone, servers) for zone, servers in _by_name(settings.forward_zones)},
    )


def _root(setting: Setting) -> Delegation:
    """Where iteration begins; in the recursive mode, the root servers that recurse on our behalf."""
    settings, world, port = setting.config.resolver, setting.world, setting.port
    if settings.roots == "internet":
        return hints.internet()
    if settings.hints_file is not None:
        return hints.from_file(settings.hints_file)
    if world is None:
        return Delegation(names.ROOT, (), 0, configured=True)
    from resolver.simulation import recursing, root_of

    if settings.mode == "recursive":
        willing = recursing(world.root_servers, port)
        return hints.root(NameServer(name, found) for name, found in willing.items())
    return root_of(world, port)


def _by_name(zones: dict[str, tuple[Endpoint, ...]]) -> list[tuple[bytes, tuple[Endpoint, ...]]]:
    return [(names.fold(names.from_text(zone)), servers) for zone, servers in zones.items()]


def _configured(zone: bytes, servers: tuple[Endpoint, ...]) -> Delegation:
    """A stub or forward zone with its servers, whose names nobody knows."""
    return Delegation(zone, tuple(NameServer(b"", (each,)) for each in servers), 0, configured=True)
