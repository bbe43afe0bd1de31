"""The whole program on one page: what is made of a configuration, and in which order the stages stand.

    bytes → Responder (stored answers) → Screened → Routed → a branch: Reserved, Cached → Stale → Resolved → the network

`build` gives a `Program`; the daemon, the tests, the benchmarks and embedding programs all use it. `compose` is the
order of the stages, `branching` that of one branch. What they reach is decided in `reaching`, what proves answers in
`proving`, and what tests put in the place of the world in `arranged`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from resolver import branching, encrypting, proving, reaching, sourcing
from resolver.arranged import Arranged, lab
from resolver.branching import noted
from resolver.cache.cookies import Cookies
from resolver.certificates import Shown
from resolver.config import HEALTH_NAME, HEALTH_TEXT, Config
from resolver.files import Read
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
from resolver.observe.notes import Stage
from resolver.pipeline.driving import Tools
from resolver.pipeline.screened import Screened
from resolver.pipeline.staged import Staged
from resolver.pipeline.transcribed import Ages, Stages, Transcribed
from resolver.pipeline.verifying import Inline, Threaded, Verifier
from resolver.program import Offload, Program
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


async def _here(work: Callable[[], Read]) -> Read:
    """What `work` gives."""
    return work()


def compose(
    setting: Setting, *, arranged: Arranged, loop: asyncio.AbstractEventLoop | None, keeps: bool = True
) -> Composed:
    """The stages in their one order, over the network that the configuration allows, or the one that is arranged.

    `loop` has threads for what takes long; without one, as in virtual time, it is done right here.
    """
    setting = encrypting.speaking(sourcing.leaving(_explaining(setting)))
    config = setting.config
    memory = SimulatedNetwork({}, setting.tools.clock, setting.tools.entropy)
    # Simulated servers and their network hold one another, so that they stay for a while after a reload. Lists of a
    # million names must not stay with them.
    light = replace(setting, filtering=None, rules=None)

    def network_of(source: str) -> Network:
        return arranged.network or reaching.network_of(source, light, memory)

    tools = _tools(setting, arranged.around(network_of(RESOLVER_HOST)))
    simulated = _simulated(setting, tools, network_of)
    for host, respond in simulated.items():
        memory.declare(host, respond)

    setting.caches.servers.max_in_flight = config.resolver.max_per_server
    proven = proving.proving(setting)
    usual = branching.branch(setting, tools, reaching.routes(setting, arranged.root), proven, setting.caches.held)
    identity = config.server.identity
    screened = Screened(version=identity, identity=identity, health=(names.from_text(HEALTH_NAME), HEALTH_TEXT))
    first = noted(setting, Stage.SCREENED, screened.peek)
    ways = branching.ways(setting, tools, usual, proven)
    staged = _transcribed(setting, Staged((first, *ways.at_hand), ways.below), ways.age)
    rolling = proving.rolling(setting, proven, usual.resolved, loop, keeps=keeps, others=ways.branches.trusts())
    return Composed(
        arranged.before(staged),
        usual.known,
        usual.resolved,
        ways.branches,
        simulated,
        tools.network,
        rolling,
        _explains(setting, staged),
        ways.kind_of,
    )


def _transcribed(setting: Setting, stages: Staged, ages: Ages) -> Stages:
    """`stages`, with a transcript where one is kept."""
    transcript = setting.tools.transcript
    return stages if transcript is None else Transcribed(stages, transcript, ages)


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
