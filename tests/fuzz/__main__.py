"""Runs the fuzz targets and the properties, each for a time, and says a line of each: `make fuzz`.

    python -m tests.fuzz [--seconds N] [TARGET...]    all of them, or those that are named
    python -m tests.fuzz --run TARGET FILE            one input, to see what it does

The exit code is 1 when anything was found, 2 when atheris is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "tests" / "data" / "fuzz"
FOUND = ROOT / ".fuzz"
"""What fuzzing leaves behind: for each target the inputs that led somewhere new, and its findings."""
PROPERTIES = "properties"
MAX_OCTETS = 2048
INPUT_S = 20
"""Seconds in which one input must be dealt with; the machine may be busy."""


class Outcome(NamedTuple):
    """What a target did: how often it ran, and what broke it."""

    target: str
    runs: int
    findings: list[str]


def main(arguments: list[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--run", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join((*TARGETS, PROPERTIES)))
    chosen = parser.parse_args(arguments)
    if chosen.run:
        target, file = chosen.run
        TARGETS[target](Path(file).read_bytes())
        print(f"{target}: {file} does no harm")
        return 0
    wanted = chosen.targets or [*TARGETS, PROPERTIES]
    if unknown := set(wanted) - {*TARGETS, PROPERTIES}:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if importlib.util.find_spec("atheris") is None and wanted != [PROPERTIES]:
        print("atheris is not installed: python -m pip install atheris", file=sys.stderr)
        return 2
    found = 0
    for target in wanted:
        began = time.monotonic()
        outcome = properties(chosen.seconds) if target == PROPERTIES else fuzz(target, chosen.seconds)
        took = time.monotonic() - began
        print(
            f"{target:12} {outcome.runs:>10,} executions in {took:5.0f} s, {len(outcome.findings)} findings", flush=True
        )
        for finding in outcome.findings:
            print(f"             {finding}", flush=True)
        found += len(outcome.findings)
    return int(bool(found))


def fuzz(target: str, seconds: int) -> Outcome:
    """`target` under atheris, from its seeds and from what earlier runs found worth keeping."""
    kept, broken = FOUND / target / "corpus", FOUND / target / "findings"
    kept.mkdir(parents=True, exist_ok=True)
    broken.mkdir(parents=True, exist_ok=True)
    before = set(broken.iterdir())
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={broken}/", f"-max_len={MAX_OCTETS}"]
    options += [f"-timeout={INPUT_S}", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1"]
    command = [sys.executable, "-m", "tests.fuzz.instrumented", target, *options, str(kept), str(SEEDS / target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    runs = re.findall(r"#(\d+)\s|number_of_executed_units: (\d+)", done.stderr)
    findings = [str(each.relative_to(ROOT)) for each in sorted(set(broken.iterdir()) - before)]
    if findings or done.returncode:
        findings = [f"{', '.join(findings) or f'exit code {done.returncode}'}: {_why(done.stdout + done.stderr)}"]
    return Outcome(target, max((int(count) for pair in runs for count in pair if count), default=0), findings)


def _why(text: str) -> str:
    """What atheris said last, the exception that it saw first of all."""
    _, seen, exception = text.partition("Uncaught Python exception")
    return (exception.partition("==")[2].partition("==")[0] if seen else text[-600:]).strip(" =:\n")


def properties(seconds: int) -> Outcome:
    """The properties with random examples, again and again until the time is up."""
    until = time.monotonic() + seconds
    runs, findings = 0, []
    while time.monotonic() < until and not findings:
        command = [sys.executable, "-m", "pytest", "-q", "tests/properties", "--hypothesis-show-statistics"]
        environ = {**os.environ, "RESOLVER_PROFILE": "fuzz"}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, errors="replace")
        runs += sum(map(int, re.findall(r"(\d+) passing", done.stdout)))
        if done.returncode:
            FOUND.mkdir(exist_ok=True)
            report = FOUND / "properties.txt"
            report.write_text(done.stdout)
            findings += [
                f"{line} ({report.relative_to(ROOT)})" for line in re.findall(r"^FAILED \S+", done.stdout, re.M)
            ]
            findings = findings or [f"pytest ended with {done.returncode} ({report.relative_to(ROOT)})"]
    return Outcome(PROPERTIES, runs, findings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
