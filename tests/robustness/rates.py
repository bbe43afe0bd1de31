"""Rates and latencies on loopback, by the real clock: never a test's verdict, because they belong to the machine too.

Each measure is bounded in count and in time, and says what it wants; what is missed is shown as missed.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.bench.probe import question
from tests.robustness.arena import GOOD_ZONES, SILENT_ZONES, Arena, arena
from tests.robustness.authority import FORGED
from tests.robustness.load import Stream, as_fast_as_answered, at_a_rate, once
from tests.support.raw import framed, receive

FLOOD_RATE: Final = 1000.0
FLOOD_S: Final = 10.0
QUIET_S: Final = 3.0
"""How long the same is measured without the flood, so that what else the machine does can be told from it."""

SHARE: Final = 200
SHARE_S: Final = 5.0

IDLE: Final = 500
NAMES: Final = 200_000
NAMES_LIMIT_S: Final = 300.0
LARGE_MB: Final = 1024
SMALL_MB: Final = 16


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured, what came of it, what was wanted."""

    what: str
    figure: str
    wanted: str
    kept: bool


def _names(prefix: str, zones: tuple[str, ...]) -> Iterator[str]:
    return (f"{prefix}{number}.{zones[number % len(zones)]}" for number in itertools.count())


def flood() -> list[Figure]:
    """Random subdomains of silent zones beside cached names and new names of good zones."""
    known = [f"known{number}.good0" for number in range(100)]
    with arena() as there:
        for name in known:
            once(there.at, name)
        quiet = Stream(itertools.cycle(known), 200.0)
        at_a_rate(there.at, (quiet,), QUIET_S)
        attack = Stream(_names("random", SILENT_ZONES[:1]), FLOOD_RATE)
        cached = Stream(itertools.cycle(known), 200.0)
        fresh = Stream(_names("new", GOOD_ZONES), 50.0)
        at_a_rate(there.at, (attack, cached, fresh), FLOOD_S)
    p99 = cached.percentile(0.99)
    about = f"{FLOOD_RATE:,.0f} random subdomains a second of a silent zone, {FLOOD_S:.0f} s"
    return [
        Figure(
            f"{about}: cached answers, 99 % within",
            f"{1000 * p99:.1f} ms ({1000 * quiet.percentile(0.99):.1f} ms without)",
            "5 ms",
            p99 < 0.005,
        ),
        Figure("cached answers lost meanwhile", f"{cached.lost} of {cached.sent}", "0", cached.lost == 0),
        Figure(
            "new names of good zones that resolve meanwhile",
            f"{fresh.good} of {fresh.sent}, 99 % within {1000 * fresh.percentile(0.99):.0f} ms",
            "all",
            fresh.good == fresh.sent,
        ),
    ]


def share() -> list[Figure]:
    """A client that asks for what is held as fast as it can send, beside one that asks for what it needs."""
    known = [f"known{number}.good0" for number in range(100)]
    with arena(more=f"[limits]\nqueries_per_s = {SHARE}\nslip = 0\nexempt = []\n") as there:
        for name in known:
            once(there.at, name)
        hostile = Stream(itertools.cycle(known), 10.0 * SHARE, "127.0.0.10")
        modest = Stream(itertools.cycle(known), SHARE / 4, "127.0.0.11")
        at_a_rate(there.at, (hostile, modest), SHARE_S)
    most = SHARE * (SHARE_S + 1)
    about = f"a client that sends {10 * SHARE:,} queries a second where {SHARE} are allowed, {SHARE_S:.0f} s"
    return [
        Figure(f"{about}: its answers", f"{hostile.good:,}", f"at most {most:,.0f}", hostile.good <= most),
        Figure("queries of a modest client lost meanwhile", f"{modest.lost} of {modest.sent}", "0", modest.lost == 0),
    ]


def idle_connections() -> list[Figure]:
    """Connections that say nothing, and a newcomer."""
    with arena() as there, contextlib.ExitStack() as stack:
        once(there.at, "known.good0")
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(there.at, 5))
        began = time.monotonic()
        answered = 0
        for _ in range(10):
            with contextlib.suppress(OSError), socket.create_connection(there.at, 5) as newcomer:
                newcomer.settimeout(5)
                newcomer.sendall(framed(question("known.good0")))
                answered += bool(receive(newcomer))
        seconds = (time.monotonic() - began) / 10
    return [
        Figure(
            f"{IDLE} idle TCP connections: newcomers that are answered",
            f"{answered} of 10, {1000 * seconds:.0f} ms each",
            "all",
            answered == 10,
        )
    ]


def _memory(there: Arena, count: int) -> tuple[int, Stream]:
    """Octets by which the daemon has grown after so many unique names, beyond a first thousand."""
    as_fast_as_answered(there.at, _names("warm", GOOD_ZONES), 1000, 30.0)
    before = there.resident()
    load = as_fast_as_answered(there.at, _names("unique", GOOD_ZONES), count, NAMES_LIMIT_S)
    return there.resident() - before, load


def memory() -> list[Figure]:
    """What unique names cost, and whether a small cache stays as small as it was told to be."""
    with arena(cache_mb=LARGE_MB) as there:
        grown, load = _memory(there, NAMES)
    each = grown / max(1, load.good)
    with arena(cache_mb=SMALL_MB) as there:
        small, second = _memory(there, NAMES)
    share = small / (SMALL_MB << 20)
    return [
        Figure(f"{load.good:,} unique names: memory of each", f"{each:.0f} octets", "600 octets", each <= 600),
        Figure(
            f"a cache of {SMALL_MB} MiB after {second.good:,} unique names",
            f"{small / (1 << 20):.1f} MiB",
            f"{1.2 * SMALL_MB:.1f} MiB",
            share <= 1.2,
        ),
    ]


def silent_zones() -> list[Figure]:
    """How long the first client of a silent zone waits."""
    with arena() as there:
        heard = [once(there.at, f"www.{zone}") for zone in SILENT_ZONES]
    slowest = max(seconds for _, _, seconds in heard)
    failed = all(rcode == 2 for rcode, _, _ in heard)
    return [Figure("SERVFAIL of a zone with 2 silent servers", f"{slowest:.2f} s", "3 s", failed and slowest <= 3.0)]


def forged_replies() -> list[Figure]:
    """Replies with wrong ids from the right address, before each true one."""
    with arena() as there:
        heard = [once(there.at, f"n{number}.forged.good{number % 4}") for number in range(20)]
    answered = sum(answers > 0 for _, answers, _ in heard)
    slowest = max(seconds for _, _, seconds in heard)
    return [
        Figure(
            f"{FORGED} forged replies from the right address before each true one: names that resolve",
            f"{answered} of {len(heard)}, the slowest in {1000 * slowest:.0f} ms",
            "all",
            answered == len(heard),
        )
    ]


MEASURES: Final[dict[str, Callable[[], list[Figure]]]] = {
    "flood": flood,
    "share": share,
    "idle": idle_connections,
    "silent": silent_zones,
    "forged": forged_replies,
    "memory": memory,
}
