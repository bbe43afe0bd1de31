"""`resolver replay`: plays scenarios in the `.rpl` format of Unbound and Deckard against the resolver, in virtual time.

Rules: one line a file, in the order of their names: `PASS path`, `SKIP path: needs-what`, `FAIL path` with what went
otherwise below it: both messages as a diff and the messages that were sent. Exit 0 if none failed, 1 if one did, 2 if a
file is malformed; the others are played all the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.errors import ConfigError, ScenarioError
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.testing.replay.verdict import Verdict

MAX_JOBS: Final = 64

EXAMPLES: Final = """examples:
  resolver replay tests/data/scenarios/unbound
  resolver replay -j 2 tests/data/scenarios
  resolver replay --level strict --verbose my.rpl

exit codes: 0 none failed, 1 a scenario failed, 2 a file is malformed"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes files and folders, how many are played at once, and how exactly answers are compared."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="a scenario, or a folder of them")
    parser.add_argument("-j", "--jobs", metavar="N", type=_jobs, default=1, help="processes that play (default: 1)")
    parser.add_argument(
        "--level",
        choices=("core", "strict"),
        default="core",
        help="core: rcode, flags, answer, the SOA of denials; strict: all sections, OPT and EDE too (default: core)",
    )
    parser.add_argument("--verbose", action="store_true", help="say more of passed and skipped ones, too")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1 and {MAX_JOBS}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Every scenario has been played and its verdict printed. Raises `ConfigError` for a path that is not there."""
    files = _files(args.paths)
    counts: Counter[str] = Counter()
    wrong: list[ScenarioError] = []
    for verdict in _verdicts(files, args.level, args.jobs):
        if isinstance(verdict, ScenarioError):
            wrong.append(verdict)
            continue
        counts[verdict.status] += 1
        print(printable(str(verdict)))
        if args.verbose or verdict.status == "FAIL":
            sys.stdout.writelines(f"{printable(line)}\n" for line in verdict.details())
    print(", ".join(f"{counts[status]} {status}" for status in ("PASS", "FAIL", "SKIP")))
    for error in wrong:
        print(f"resolver: {printable(str(error))}", file=sys.stderr)
    return 2 if wrong else int(bool(counts["FAIL"]))


def _files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.rglob("*.rpl")) if path.is_dir() else [path]
        if not found or not path.exists():
            what = "holds no scenario" if path.is_dir() else "is not there"
            raise ConfigError(what, where=str(path), instead="name .rpl files, or a folder with some")
        files.update(dict.fromkeys(found))
    return list(files)


def _verdicts(files: list[Path], level: str, jobs: int) -> Iterator[Verdict | ScenarioError]:
    judge = partial(_judge, level=level)
    if jobs == 1 or len(files) == 1:
        yield from map(judge, files)
        return
    # Spawned, not forked: a fork of a process with threads may hang.
    with ProcessPoolExecutor(min(jobs, len(files)), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(judge, files, chunksize=4)


def _judge(path: Path, level: str) -> Verdict | ScenarioError:
    from resolver.testing.replay.comparing import Level
    from resolver.testing.replay.verdict import judge

    try:
        return judge(path, Level(level))
    except ScenarioError as error:
        return error
