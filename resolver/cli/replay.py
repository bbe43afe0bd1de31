"""`resolver replay`: plays scenarios in the `.rpl` format of Unbound and Deckard against the resolver, in virtual time;
or against any other, as a black box.

Rules: one line a file, in the order of their names: `PASS path`, `SKIP path: needs-what`, `FAIL path` with what went
otherwise below it: both messages as a diff and the messages that were sent. What failed is told once more, a line
each, before the totals. Exit 0 if none failed, 1 if one did, 2 if a file is malformed or an option cannot be used; the
other files are played all the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
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
    from resolver.network.base import Endpoint
    from resolver.testing.blackbox.judging import Aim
    from resolver.testing.replay.junit import Outcome

MAX_JOBS: Final = 64

EXAMPLES: Final = """examples:
  resolver replay tests/data/scenarios/unbound
  resolver replay -j 2 --junit report.xml tests/data/scenarios
  resolver replay --level strict --verbose my.rpl
  resolver replay --list -k nsec3 tests/data/scenarios
  resolver replay --against 127.0.0.1 --start "unbound -d -c {config}" my.rpl

exit codes: 0 none failed, 1 a scenario failed, 2 a file is malformed or an option cannot be used"""


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
    parser.add_argument("-k", metavar="TEXT", dest="chosen", help="only files with TEXT in their path or title")
    parser.add_argument("--list", action="store_true", help="print what would be played, and play nothing")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the verdicts to FILE as JUnit XML, too")
    parser.add_argument("--verbose", action="store_true", help="say more of passed and skipped ones, too")
    box = parser.add_argument_group("black box: another resolver, as a process of its own and in real time")
    box.add_argument("--against", metavar="ADDR[:PORT]", type=_address, help="where it answers (port 53)")
    box.add_argument(
        "--start",
        metavar="COMMAND",
        help="starts it for each scenario in a network of its own; {config}, {address}, {port}, {date}, {directory} "
        "stand for values",
    )
    box.add_argument("--daemon", choices=("unbound", "resolver"), help="whose configuration {config} is")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1 and {MAX_JOBS}")
    return int(text)


def _address(text: str) -> Endpoint:
    from resolver.config.values import upstream_endpoint

    try:
        return upstream_endpoint(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def run(args: argparse.Namespace) -> int:
    """Every scenario has been played and its verdict printed.

    Raises `ConfigError` for a path that is not there, a choice of nothing, and a report that cannot be written.
    """
    files = _files(args.paths)
    if args.chosen is not None:
        files = _chosen(files, args.chosen)
    if args.list:
        return _list(files)
    if args.junit is not None:
        _check_writable(args.junit)
    outcomes: list[tuple[Path, Outcome]] = []
    for path, outcome in zip(files, _outcomes(files, args), strict=True):
        outcomes.append((path, outcome))
        _print(outcome, args.verbose)
    if args.junit is not None:
        from resolver.testing.replay import junit

        junit.write(args.junit, outcomes)
    return _sum_up(outcomes)


def _print(outcome: Outcome, verbose: bool) -> None:
    if isinstance(outcome, ScenarioError):
        return
    print(printable(str(outcome)))
    if verbose or outcome.status == "FAIL":
        sys.stdout.writelines(f"{printable(line)}\n" for line in outcome.details())
    sys.stdout.flush()


def _sum_up(outcomes: Sequence[tuple[Path, Outcome]]) -> int:
    """The end of the output has been printed; returns the exit code."""
    counts: Counter[str] = Counter()
    wrong: list[ScenarioError] = []
    failed: list[str] = []
    for path, outcome in outcomes:
        if isinstance(outcome, ScenarioError):
            wrong.append(outcome)
            continue
        counts[outcome.status] += 1
        if outcome.status == "FAIL":
            failed.append(f"  {path}{outcome.reason.removeprefix(path.name)}")
    if failed and len(outcomes) > 1:
        print("failed:")
        sys.stdout.writelines(f"{printable(line)}\n" for line in failed)
    malformed = f", {len(wrong)} malformed" if wrong else ""
    print(", ".join(f"{counts[status]} {status}" for status in ("PASS", "FAIL", "SKIP")) + malformed)
    _complain(wrong)
    return 2 if wrong else int(bool(counts["FAIL"]))


def _complain(wrong: Sequence[ScenarioError]) -> None:
    for error in wrong:
        print(f"resolver: {printable(str(error))}", file=sys.stderr)


def _list(files: Sequence[Path]) -> int:
    """Each file has been printed with its title; returns the exit code."""
    from resolver.testing.replay import reading

    wrong: list[ScenarioError] = []
    for path in files:
        try:
            print(printable(f"{path}: {reading.read(path).title}"))
        except ScenarioError as error:
            wrong.append(error)
    _complain(wrong)
    return 2 if wrong else 0


def _chosen(files: Sequence[Path], text: str) -> list[Path]:
    """Those of `files` that have `text` in their path or, whatever else is wrong with them, in their title."""
    found = [path for path in files if text in str(path) or text in _title(path)]
    if not found:
        raise ConfigError(f"{text!r} is in no path and no title of {len(files)} files", where="-k")
    return found


def _title(path: Path) -> str:
    from resolver.testing.replay import reading

    try:
        return reading.read(path).title
    except ScenarioError:
        return ""


def _check_writable(path: Path) -> None:
    """Raises `ConfigError` before anything is played whose verdict could not be written."""
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "stands in a folder that is not there"
        raise ConfigError(what, where=f"--junit {path}", instead="name a file in a folder that is there")


def _files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.rglob("*.rpl")) if path.is_dir() else [path]
        if not found or not path.exists():
            what = "holds no scenario" if path.is_dir() else "is not there"
            raise ConfigError(what, where=str(path), instead="name .rpl files, or a folder with some")
        files.update(dict.fromkeys(found))
    return list(files)


def _outcomes(files: list[Path], args: argparse.Namespace) -> Iterator[Outcome]:
    """What comes of each of `files`, in their order."""
    if args.against is not None or args.start is not None or args.daemon is not None:
        yield from _outside(files, args)
        return
    judge = partial(_judge, level=args.level)
    if args.jobs == 1 or len(files) == 1:
        yield from map(judge, files)
        return
    # Spawned, not forked: a fork of a process with threads may hang.
    with _pool(args.jobs, files) as pool:
        yield from pool.map(judge, files, chunksize=4)


def _pool(jobs: int, files: Sequence[Path]) -> ProcessPoolExecutor:
    """Processes that play `files`, and end with this one."""
    return ProcessPoolExecutor(
        min(jobs, len(files)), multiprocessing.get_context("spawn"), initializer=_ends_with_the_command
    )


def _ends_with_the_command(by: signal.Signals = signal.SIGKILL) -> None:
    """This process ends by the signal `by` when the command is killed: nobody would tell it otherwise."""
    from resolver.testing.blackbox.daemon import dies_with_parent

    dies_with_parent(by)


def _judge(path: Path, level: str) -> Outcome:
    from resolver.testing.replay.comparing import Level
    from resolver.testing.replay.verdict import judge

    try:
        return judge(path, Level(level))
    except ScenarioError as error:
        return error


def _outside(files: list[Path], args: argparse.Namespace) -> Iterator[Outcome]:
    """The same of a black box. Each process that plays has a network of its own, if it starts what it plays against."""
    from resolver.testing.blackbox import judging

    if args.against is None:
        raise ConfigError("it is not known where the daemon answers", where="--start", instead="write --against ADDR")
    aim = judging.aim(args.against, args.start, args.daemon)
    judge = partial(_judge_outside, level=args.level, aim=aim)
    if aim.start is None:
        yield from map(judge, files)
        return
    with _pool(args.jobs, files) as pool:
        yield from pool.map(judge, files)


def _judge_outside(path: Path, level: str, aim: Aim) -> Outcome:
    from resolver.testing.blackbox import judging, namespace
    from resolver.testing.replay.comparing import Level

    if aim.start is not None:
        namespace.enter()
        # What has been started ends, too, and its folder is gone. A new user namespace has forgotten the signal.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _ends_with_the_command(signal.SIGTERM)
    try:
        return judging.judge(path, Level(level), aim)
    except ScenarioError as error:
        return error
    except KeyboardInterrupt:
        command = multiprocessing.parent_process()
        if command is not None and not command.is_alive():
            os._exit(1)  # the pool would wait for work that nobody has any more
        raise
