"""Decides when a scenario that was made of a history is done: when it has been played, and passes.

Rules
* Where that does not pass, what the resolver asks in the scenario and did not ask when it was seen is told by the
  servers of the world, if one is given: another server was drawn by lot, or something had been held already.
* A TTL that cannot be the same again, because a silent server was waited for at another time, does not count; all
  others do.

Limits: `MAX_ROUNDS` times it is played. The servers of the world say what they say now.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from resolver.arranged import Lab
from resolver.auth.hierarchy import World
from resolver.message import Client
from resolver.network.entropy import SeededEntropy
from resolver.network.faults import FaultTable
from resolver.network.simulated import SimulatedNetwork
from resolver.observe.counters import Counters
from resolver.observe.history import SERVER, Seen
from resolver.observe.log import Log
from resolver.pipeline.driving import Tools
from resolver.program import IN_MEMORY_PORT
from resolver.simulation import Simulation, hosts
from resolver.tasks import Tasks
from resolver.testing import virtual_time
from resolver.testing.replay import playing, reading
from resolver.testing.replay.comparing import Level
from resolver.testing.replay.export import TITLE, Setting, scenario
from resolver.testing.replay.network import Sent
from resolver.testing.replay.playing import Course
from resolver.testing.replay.script import Scenario
from resolver.testing.replay.settings import Arrangement, arrange
from resolver.testing.replay.subject import Failed, Inside
from resolver.testing.replay.verdict import Status, Verdict, verdict_on
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names
from resolver.wire.render import render

MAX_ROUNDS: Final = 100
"""How often a scenario is played until it passes; each time something is mended."""

PATIENCE_S: Final = 10.0
"""Virtual seconds that a server of the world has for its reply."""

_ASKER: Final = "127.0.0.1"


def export(
    seen: Iterable[Seen], setting: Setting, path: Path, *, world: World | None = None, title: str = TITLE
) -> Verdict:
    """`path` holds the scenario of what was `seen`; how the resolver does in it. With a `world`, its servers are asked
    for what was not seen. Raises `InputError` for a history that cannot be exported, and OSError."""
    with ThreadPoolExecutor(1) as apart:  # virtual time has a loop of its own, and here may be another one
        text, verdict = apart.submit(_made, list(seen), setting, path, world, title).result()
    path.write_text(text, encoding="utf-8")
    return verdict


def _made(seen: Sequence[Seen], setting: Setting, path: Path, world: World | None, title: str) -> tuple[str, Verdict]:
    """The text, and what is said of it: of what was seen alone if that passes, else with what `world` says besides."""
    ways = [(None, False), (None, True)] + ([] if world is None else [(world, False), (world, True)])
    for asked, lasting in ways:
        text, verdict = _mended(seen, setting, path, asked, title, lasting=lasting)
        if verdict.status is Status.PASS:
            break
    return text, verdict


def _mended(
    seen: Sequence[Seen], setting: Setting, path: Path, world: World | None, title: str, *, lasting: bool
) -> tuple[str, Verdict]:
    """The same, mended until it passes or nothing more can be."""
    added: list[Seen] = []
    loose: set[int] = set()
    for _ in range(MAX_ROUNDS):
        text = scenario([*seen, *added], setting, title, loose=loose, lasting=lasting)
        made = reading.parse(text, path)
        arrangement = arrange(made)
        try:
            course, unanswered = virtual_time.run(_played(made, arrangement))
        except virtual_time.Deadlock as stuck:
            return text, Verdict(path, Status.FAIL, f"{path.name}: {stuck}")
        told = [] if world is None else virtual_time.run(_told(world, arrangement.wall, unanswered))
        step = _of_ttl(made, course.failure)
        if told:
            added += told
        elif step is not None:
            loose.add(step)
        else:
            break
    return text, verdict_on(path, course, arrangement.needs)


async def _played(made: Scenario, arrangement: Arrangement) -> tuple[Course, list[Sent]]:
    """How it went, and what was asked of which the scenario says nothing."""
    inside = Inside(made, arrangement)
    course = await playing.play_with(made, Level.CORE, inside)
    return course, [sent for sent in inside.network.sent if not sent.replied]


def _of_ttl(made: Scenario, failure: Failed | None) -> int | None:
    """The number of the step that failed for nothing but a TTL."""
    if failure is None or not failure.found or not all(each.part.endswith(" ttl") for each in failure.found):
        return None
    return next((step.number for step in made.steps if step.line == failure.line), None)


async def _told(world: World, wall: float, unanswered: Iterable[Sent]) -> list[Seen]:
    """What the servers of `world` say to what is `unanswered`."""
    clock, entropy, tasks, lab = VirtualClock(wall=wall), SeededEntropy(1), Tasks(), Lab(FaultTable())
    lab.faults.begin(clock)
    network = SimulatedNetwork({}, clock, entropy)
    tools = Tools(network, clock, entropy, Counters())
    log = Log(io.StringIO(), clock.wall)
    responders = Simulation(world, IN_MEMORY_PORT, tools, tasks, log, lab).responders()
    called = {host: names.to_text(server.name) for server in world.servers for host in hosts(server)}
    for host, respond in responders.items():
        network.declare(host, respond)
    found: list[Seen] = []
    for sent in unanswered:
        host = sent.to.host
        if host not in responders:
            continue
        query = render(sent.query)
        one = Seen(0, wall, SERVER, called[host], host, _ASKER, sent.transport, query, ms=0.0)
        found.append(one)

        def replied(response: bytes | None, one: Seen = one) -> None:
            one.response = None if response is None else bytes(response)

        responders[host](query, Client(_ASKER, 1024, sent.transport), replied)
    await clock.advance(PATIENCE_S)
    tasks.cancel()
    return found
