"""What hostile signed zones cost the daemon by the real clock, and whoever asks for something else meanwhile.

Rules
* The zone's keys are known before anything is measured, as to a daemon that has been asked for it before: so what is
  measured is the price of each further name.
* CPU time is that of the process with its threads, from the kernel's own clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from statistics import median
from typing import Final

from tests.robustness.arena import arena
from tests.robustness.keytrap import KEYTRAP, TRAPS, WALK, Laid
from tests.robustness.load import Stream, at_a_rate, once
from tests.robustness.rates import FLOOD_S, QUIET_S, Figure

RATE: Final = 100.0
"""Questions for names of the hostile zone a second."""
BATCH: Final = 20
BATCHES: Final = 5
MOST_MS: Final = 3.0
"""Milliseconds of CPU time of a hostile answer; the peers take 0.7 to 2.9."""


def _names(laid: Laid) -> Iterator[str]:
    """Names that the zone says the same of as of the one in the table, each another one."""
    above, below = laid.name.rstrip(".").split(".")[1:-1], ["evil"]
    return (".".join((*above, f"w{number:03d}", *below)) for number in itertools.count())


def _cpu_ms(name: str, laid: Laid) -> float:
    """CPU time that a question for a new name takes: the median of some batches."""
    with arena(trap=name) as there:
        names = _names(laid)
        for _ in range(BATCH):
            once(there.at, next(names))
        taken = []
        for _ in range(BATCHES):
            before = there.cpu_seconds()
            for _ in range(BATCH):
                once(there.at, next(names))
            taken.append((there.cpu_seconds() - before) / BATCH)
    return 1000 * median(taken)


def hostile_answers() -> list[Figure]:
    """CPU time of the answers of each zone that is there to be dear."""
    seen = {name: (laid, _cpu_ms(name, laid)) for name, laid in TRAPS.items()}
    walk, walked = seen.pop(WALK)
    dearest, most = max((each for each in seen.values() if not each[0].holds), key=lambda each: each[1])
    _, plain = next(iter(seen.values()))
    honest = [f"{took:.1f} ms ({laid.variant})" for laid, took in seen.values() if laid.holds]
    return [
        Figure(
            f"{len(seen) - len(honest)} hostile signed zones: CPU of an answer of the dearest",
            f"{most:.1f} ms ({dearest.kind}: {dearest.variant}); 100 keys of one tag and 100 signatures {plain:.1f} ms",
            f"{MOST_MS:g} ms",
            most <= MOST_MS,
        ),
        Figure("CPU of an answer with as many signatures as are checked, which all hold", "; ".join(honest), "-", True),
        Figure(
            f"{walk.variant}: CPU for each of its {walk.bound} messages",
            f"{walked / walk.bound:.1f} ms",
            f"{MOST_MS:g} ms",
            walked / walk.bound <= MOST_MS,
        ),
    ]


def keytrap_flood() -> list[Figure]:
    """KeyTrap beside cached names of others."""
    name, laid = next((name, laid) for name, laid in TRAPS.items() if laid.kind == KEYTRAP)
    known = [f"known{number}.good0" for number in range(100)]
    with arena(trap=name) as there:
        for each in known:
            once(there.at, each)
        quiet = Stream(itertools.cycle(known), 200.0)
        at_a_rate(there.at, (quiet,), QUIET_S)
        attack = Stream(_names(laid), RATE)
        cached = Stream(itertools.cycle(known), 200.0)
        at_a_rate(there.at, (attack, cached), FLOOD_S)
    p99 = cached.percentile(0.99)
    about = f"{RATE:.0f} KeyTrap questions a second ({laid.variant}), {FLOOD_S:.0f} s"
    return [
        Figure(
            f"{about}: cached answers, 99 % within",
            f"{1000 * p99:.1f} ms ({1000 * quiet.percentile(0.99):.1f} ms without)",
            "5 ms",
            p99 < 0.005 and not cached.lost,
        ),
        Figure(
            "KeyTrap questions that hear SERVFAIL meanwhile",
            f"{attack.rcodes.get(2, 0)} of {attack.sent}, half of them within {1000 * attack.percentile(0.5):.0f} ms",
            "all",
            attack.rcodes.get(2, 0) == attack.sent,
        ),
    ]


def keytrap() -> list[Figure]:
    """Both."""
    return [*keytrap_flood(), *hostile_answers()]
