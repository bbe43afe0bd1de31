"""Decides how a server is loaded over HTTPS: h2load with a file of URLs, one GET for each name.

dnsperf, which loads all else, reads but one answer of each record of TLS (seen of 2.10), and waits for ever for those
of a server that writes several at once, as ours and dnsdist do.

Limits: h2load sees the status of HTTP and not the code of DNS; that nothing is asked upstream, and what ours says of
its store, prove hits all the same. Each connection asks for the names from the first one on."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import dns.message

from tests.bench.load import CLIENTS, LIMIT_S, OUTSTANDING, Outcome, Target
from tests.bench.machine import Absent, Unusable, find, pinned

PATH: Final = "/dns-query"
"""Where all answer."""


def write_urls(file: Path, names: Iterable[str], target: Target) -> Path:
    """`file` asks `target` for the A records of `names`."""
    file.write_text("".join(f"https://{target.host}:{target.port}{PATH}?dns={_parameter(name)}\n" for name in names))
    return file


def _parameter(name: str) -> str:
    query = dns.message.make_query(f"{name}.", "A", id=0)
    return base64.urlsafe_b64encode(query.to_wire()).rstrip(b"=").decode()


def run(
    names: Sequence[str],
    target: Target,
    core: int,
    work: Path,
    rate: float | None = None,
    each: bool = False,
    outstanding: int = OUTSTANDING,
) -> Outcome:
    """Each of `names` has been asked for, at most `rate` a second. To warm up, when few are `outstanding`, one
    connection asks for all of them. Raises `Unusable`."""
    h2load = find("h2load")
    if h2load is None:
        raise Absent("h2load, which asks over HTTPS, is not installed")
    clients = CLIENTS if outstanding >= OUTSTANDING else 1
    file, log = write_urls(work / "urls", dict.fromkeys(names), target), work / "h2load.log"
    argv = [h2load, "-n", str(len(names)), "-c", str(clients), "-m", str(max(1, outstanding // clients)), "-t", "1"]
    argv += ["-i", str(file), *([f"--rps={max(1, round(rate / clients))}"] if rate is not None else [])]
    argv += [f"--log-file={log}"] if each else []
    log.unlink(missing_ok=True)
    with pinned(core):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise Unusable(f"h2load did not end in {LIMIT_S} s") from None
    try:
        return parse(done.stdout, log.read_text() if each else "")
    except (ValueError, OSError) as wrong:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise Unusable(f"h2load: {wrong}; it said: {said[-1]}") from None


def parse(text: str, log: str = "") -> Outcome:
    """The figures of h2load's report, and the latencies in its `log`. Raises `ValueError` for what is none."""
    counts = re.search(r"^requests: (\d+) total, .* (\d+) succeeded, ", text, re.MULTILINE)
    right = re.search(r"^status codes: (\d+) 2xx", text, re.MULTILINE)
    rate = re.search(r"^finished in \S+, ([\d.]+) req/s", text, re.MULTILINE)
    if counts is None or right is None or rate is None:
        raise ValueError("no requests, status codes and rate in its report")
    total, done = int(counts[1]), int(counts[2])
    latencies = sorted(int(line.split("\t")[2]) / 1e6 for line in log.splitlines())
    codes = {"NOERROR": int(right[1])} | ({"other": done - int(right[1])} if done > int(right[1]) else {})
    return Outcome(done, total - done, codes, float(rate[1]), latencies)
