"""Decides how a server is loaded: dnsperf with a file of names, as fast as the server goes or at a rate.

The amount of work is fixed, not the time, so that each server does the same.

Limits: one thread of dnsperf on the core of the load; where the server is as fast as that, queries per second are
dnsperf's.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.machine import Unusable, find, pinned

LIMIT_S: Final = 900
"""Time after which a load is broken off."""

CLIENTS: Final = 16
"""Sockets or connections that queries come from."""

OUTSTANDING: Final = 200
"""Queries that wait for their response at a time, of all clients together."""

TIMEOUT_S: Final = 3
"""Time after which a query is lost."""


class Target(NamedTuple):
    """Where queries go: `mode` is one of dnsperf's."""

    host: str
    port: int
    mode: str = "udp"


class Outcome(NamedTuple):
    """What dnsperf says of a load; `latencies` in seconds, sorted, where they were asked for."""

    completed: int
    lost: int
    codes: dict[str, int]
    qps: float
    latencies: Sequence[float] = ()


def write_names(file: Path, names: Iterable[str]) -> Path:
    """`file` asks for the A records of `names`."""
    file.write_text("".join(f"{name} A\n" for name in names))
    return file


def run(
    file: Path,
    target: Target,
    core: int,
    rate: float | None = None,
    each: bool = False,
    outstanding: int = OUTSTANDING,
) -> Outcome:
    """Each query of `file` has been asked, at most `rate` a second. With `each`, the latency of every one is in the
    outcome. Raises `Unusable`."""
    argv = [find("dnsperf") or "dnsperf", "-s", target.host, "-p", str(target.port), "-m", target.mode, "-d", str(file)]
    argv += ["-n", "1", "-l", str(LIMIT_S), "-t", str(TIMEOUT_S), "-c", str(CLIENTS), "-q", str(outstanding)]
    argv += ["-T", "1", "-O", "suppress=timeout", *(["-v"] if each else [])]
    if rate is not None:
        argv += ["-Q", f"{rate:.0f}"]
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
    codes = re.search(r"^ *Response codes:(.*)$", text, re.MULTILINE)
    return Outcome(
        completed=int(_figure(text, r"Queries completed:\s+(\d+)")),
        lost=int(_figure(text, r"Queries lost:\s+(\d+)")),
        codes={code: int(count) for code, count in re.findall(r"(\w+) (\d+) \(", codes[1] if codes else "")},
        qps=float(_figure(text, r"Queries per second:\s+([\d.]+)")),
        latencies=sorted(float(each) for each in re.findall(r"^> \w+ \S+ \w+ ([\d.]+)$", text, re.MULTILINE)),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the `ordered` ones do not exceed. Raises `ValueError` without any."""
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def _figure(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"no line {pattern.partition(':')[0]!r} in its report")
    return found[1]
