"""Decides what a block list of a million names costs our daemon: CPU time until it answers, and memory.

Names are all different, of the lengths that those of published lists have, and written as adblock rules, which take
longest to read.

Limits: ours alone. Others hold such names as zones or records of their own, which do more.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from tests.bench.sample import Sample, Turn
from tests.bench.servers import Arena, Running, own

NAMES: Final = 1_000_000


def list_start(turn: Turn) -> Sample:
    """Milliseconds of CPU time to the first answer, the list being read before it. Raises `Unusable`."""
    with _listing(turn) as running:
        return Sample(running.process.cpu_seconds() * 1000, {"wall_ms": running.started_s * 1000})


def list_memory(turn: Turn) -> Sample:
    """MiB that the daemon takes beyond what it takes without the list. Raises `Unusable`."""
    with turn.server.start(turn.arena, "") as running:
        without = running.process.resident_mib()
    with _listing(turn) as running:
        resident = running.process.resident_mib()
        return Sample(resident - without, {"rss_mib": resident})


def written(arena: Arena, count: int) -> Path:
    """A list of so many names."""
    path = arena.work / f"names-{count}.txt"
    if not path.exists():
        with path.open("w") as opened:
            opened.writelines(f"||tracker{number}.host{number % 200_000}.example.com^\n" for number in range(count))
    return path


def _listing(turn: Turn) -> AbstractContextManager[Running]:
    """Our daemon with the list."""
    path = written(turn.arena, NAMES // turn.scale)
    return own("resolverd.toml", RESOLVER_FILTERS__BLOCK_LISTS=json.dumps([str(path)]))(turn.arena, "")
