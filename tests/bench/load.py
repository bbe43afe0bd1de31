"""Decides how a server is loaded: dnsperf with a file of names, a number of times through it.

The amount of work is fixed, not the time, so that each server does the same.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.machine import HOST, Unusable, find, pinned

LIMIT_S: Final = 30
"""Time after which a load is broken off."""

CLIENTS: Final = 16
"""Sockets or connections that queries come from."""

OUTSTANDING: Final = 200
"""Queries that wait for their response at a time, of all clients together."""


class Outcome(NamedTuple):
    """What dnsperf says of a load."""

    completed: int
    lost: int
    noerror: int
    qps: float
    latency_us: float


def write_names(file: Path, names: Iterable[str]) -> Path:
    """`file` asks for the A records of `names`."""
    file.write_text("".join(f"{name} A\n" for name in names))
    return file


def run(file: Path, times: int, port: int, mode: str, core: int) -> Outcome:
    """Each query of `file` has been asked `times` times by `mode` (a mode of dnsperf). Raises `Unusable`."""
    argv = [find("dnsperf") or "dnsperf", "-s", HOST, "-p", str(port), "-m", mode, "-d", str(file), "-n", str(times)]
    argv += ["-l", str(LIMIT_S), "-c", str(CLIENTS), "-q", str(OUTSTANDING), "-T", "1", "-O", "suppress=timeout"]
    with pinned(core):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S + 15, check=False)
        except subprocess.TimeoutExpired:
            raise Unusable(f"dnsperf did not end in {LIMIT_S + 15} s") from None
    try:
        return parse(done.stdout)
    except ValueError as wrong:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise Unusable(f"dnsperf: {wrong}; it said: {said[-1]}") from None


def parse(text: str) -> Outcome:
    """The figures of dnsperf's report. Raises `ValueError` for what is none."""
    return Outcome(
        completed=int(_figure(text, r"Queries completed:\s+(\d+)")),
        lost=int(_figure(text, r"Queries lost:\s+(\d+)")),
        noerror=int(_figure(text, r"Response codes:.*?\bNOERROR (\d+)", absent="0")),
        qps=float(_figure(text, r"Queries per second:\s+([\d.]+)")),
        latency_us=1e6 * float(_figure(text, r"Average Latency \(s\):\s+([\d.]+)", absent="0")),
    )


def _figure(text: str, pattern: str, absent: str | None = None) -> str:
    found = re.search(pattern, text)
    if found is not None:
        return found[1]
    if absent is None:
        raise ValueError(f"no line {pattern.partition(':')[0]!r} in its report")
    return absent
