"""Decides what is said of a scenario that a daemon plays: which cannot be played in a black box, and how the others go.

Rules: what a script wants of the inside of a resolver, or of time, is a SKIP with the reason: TIMEOUT, and TIME_PASSES
of more than `MAX_WAIT_S`, since that is really waited for. So is a date that a daemon cannot be told, an address that
both the daemon and a server of the script would have, and a client that cannot reach the daemon. Every other scenario
is played as by our own program, each with a daemon and a folder of its own. A daemon that does not start is a FAIL with
the end of its log.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from resolver.errors import ConfigError
from resolver.network.base import Endpoint
from resolver.testing.blackbox import configs, daemon, namespace
from resolver.testing.blackbox.configs import Place
from resolver.testing.blackbox.daemon import Daemon, NotStarted
from resolver.testing.blackbox.servers import addresses
from resolver.testing.blackbox.subject import Outside
from resolver.testing.replay import playing, reading, settings, traffic
from resolver.testing.replay.comparing import Level
from resolver.testing.replay.script import Kind, Scenario
from resolver.testing.replay.verdict import Status, Verdict, verdict_on

MAX_WAIT_S: Final = 2.0
"""Seconds that TIME_PASSES may really take."""

MAX_TRIES: Final = 3
"""Starts of a daemon, each without the words of the configuration that it did not know."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is played against: a daemon at `where`, which the words of `start` start; `kind` is whose configuration
    it takes. Without `start` it runs already, where this process can reach it and bind the script's addresses."""

    where: Endpoint
    start: str | None = None
    kind: str | None = None


def aim(where: Endpoint, start: str | None, kind: str | None) -> Aim:
    """What is played against. Raises `ConfigError`."""
    if start is None:
        if kind is not None:
            raise ConfigError("says whose configuration to write, and nothing is started", where="--daemon")
        return Aim(where)
    words = daemon.words(start, {})
    if kind is None and "{config}" in start:
        kind = configs.named_by(words)
        if kind is None:
            known = " or ".join(configs.WRITERS)
            what = f"whose configuration does {words[0]!r} take?"
            raise ConfigError(what, where="--start", instead=f"write --daemon {known}")
    return Aim(where, start, kind)


def judge(path: Path, level: Level, against: Aim) -> Verdict:
    """What is to be said of the scenario in the file `path`. Raises `ScenarioError`, and `ConfigError` for `against`.

    Where a daemon is started, this process is in a namespace of its own already.
    """
    began = time.perf_counter()
    scenario = reading.read(path)
    reason = impossible(scenario, against)
    if reason is not None:
        return Verdict(path, Status.SKIP, reason)
    verdict = asyncio.run(_judge(scenario, level, against))
    return replace(verdict, seconds=time.perf_counter() - began)


def impossible(scenario: Scenario, against: Aim) -> str | None:
    """Why `scenario` cannot be played against it; None where it can."""
    reached = 0.0
    for step in scenario.steps:
        if step.until is not None:
            step = replace(step, seconds=max(0.0, step.until - reached))
        reached += step.seconds
        if step.kind is Kind.TIMEOUT:
            return f"black box: TIMEOUT in line {step.line} is up to the daemon"
        if step.kind is Kind.TIME_PASSES and step.seconds > MAX_WAIT_S:
            return f"black box: {step.seconds:g} s pass in line {step.line}, and time cannot be moved"
        if step.kind is Kind.QUERY and step.address and (":" in step.address) != (":" in against.where.host):
            return f"black box: the client in line {step.line} cannot reach {against.where.host}"
    if against.where.host in addresses(scenario):
        return f"black box: a server of the script is at {against.where.host}, where the daemon is"
    if against.kind is not None and not configs.WRITERS[against.kind].dated:
        dated = next((word for word in scenario.words if word.key == "val-override-date"), None)
        if dated and _is_signed(scenario) and "{date}" not in (against.start or ""):
            what = f"black box: {against.kind} cannot be told the date in line {dated.line}"
            return f"{what}; start it by a command with {{date}}"
    return None


def _is_signed(scenario: Scenario) -> bool:
    return any(word.key in ("trust-anchor", "trust-anchor-file") for word in scenario.words)


async def _judge(scenario: Scenario, level: Level, against: Aim) -> Verdict:
    """What is to be said of `scenario`, played."""
    with tempfile.TemporaryDirectory(prefix="resolver-replay-") as folder:
        place = Place(Path(folder), against.where)
        needs = settings.arrange(scenario).needs if against.kind == "resolver" else {}
        if against.start is not None:
            namespace.reach(_versions(scenario))
        left_out: list[str] = []
        running: Daemon | None = None
        outside = Outside(scenario, against.where)
        try:
            await outside.bind()
        except OSError as wrong:
            await outside.stop()
            what = f"{scenario.path.name}: the script's addresses cannot be bound here: {wrong.strerror}"
            return Verdict(scenario.path, Status.FAIL, what)
        if against.start is not None:
            try:
                running = outside.daemon = await _started(scenario, against, place, left_out)
            except NotStarted as wrong:
                await outside.stop()
                reason, *log = wrong.args
                return Verdict(scenario.path, Status.FAIL, f"{scenario.path.name}: {reason}", tuple(log))
        course = await playing.play_with(scenario, level, outside)
        if course.failure is not None:
            sent = playing.queries(outside.network.sent)
            course.failure.lines += ["sent by the daemon", *(traffic.table(sent) if sent else (" nothing",))]
            if running is not None and (log := running.log()):
                course.failure.lines += ["logged by the daemon", *(f" {line}" for line in log)]
        course.notes += left_out
        return verdict_on(scenario.path, course, needs)


def _versions(scenario: Scenario) -> set[int]:
    """The IP versions that the configuration lets the daemon use."""
    off = {word.key for word in scenario.words if word.key in ("do-ip4", "do-ip6") and word.value in ("no", "off")}
    return {version for version in (4, 6) if f"do-ip{version}" not in off}


async def _started(scenario: Scenario, against: Aim, place: Place, left_out: list[str]) -> Daemon:
    """The daemon answers. What of its configuration it does not know is `left_out`. Raises `NotStarted`."""
    assert against.start is not None
    config = None if against.kind is None else configs.WRITERS[against.kind].write(scenario, place)
    values = {
        "config": config,
        "address": place.where.host,
        "port": place.where.port,
        "directory": place.directory,
        "date": int(_date(scenario)),
    }
    command = daemon.words(against.start, values)
    for remaining in reversed(range(MAX_TRIES)):
        running = Daemon(command, place.where, place.directory)
        try:
            await running.answers()
        except NotStarted as wrong:
            running.stop()
            unknown = [] if config is None else _unknown_lines(config, running.log())
            if config is None or not unknown or not remaining:
                raise NotStarted(wrong.args[0], *running.log()) from None
            lines = config.read_text().splitlines()
            left_out += [f"the daemon does not know {lines[at].strip()!r}, which is left out" for at in unknown]
            config.write_text("\n".join(line for at, line in enumerate(lines) if at not in unknown) + "\n")
        except BaseException:  # who plays is interrupted
            running.stop()
            raise
        else:
            return running
    raise AssertionError("the last try returns or raises")


def _unknown_lines(config: Path, log: list[str]) -> list[int]:
    """The lines of `config`, from 0, with a word that the daemon said it does not know."""
    found = re.findall(rf"{re.escape(str(config))}:(\d+): error: unknown keyword", "\n".join(log))
    return sorted({int(number) - 1 for number in found})


def _date(scenario: Scenario) -> float:
    """Seconds since 1970: what the script says, or now."""
    if not any(word.key == "val-override-date" for word in scenario.words):
        return time.time()
    return settings.arrange(scenario).wall
