"""`resolver record`: walks to names, and writes what servers said on the way as a world that says the same.

Rules: a name is `NAME`, `NAME/TYPE` or `NAME/TYPE,TYPE`; without types those of `--types` are asked for. `@FILE` is a
file with a name a line. What finds no answer is told in a line, and recorded like the rest, so that it fails again.
Exit 0 if all was answered and is played back alike; 1 if not, or where nothing could be written; 2 for what is no name,
no type or no setting.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.cli import options
from resolver.config import Config
from resolver.errors import ConfigError
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.message import Question
    from resolver.recording.recorder import Recording

MAX_QUESTIONS: Final = 5_000
"""Of one recording: its world has about as many zones, of which a world may have 10,000."""
MAX_FILE: Final = 1 << 20
"""Octets of a file with names."""

DEFAULT_TYPES: Final = "A,AAAA"

EXAMPLES: Final = """examples:
  resolver record www.example.com example.com/MX,TXT -o recorded
  resolver record --roots internet @names.txt -o recorded
  resolver trace --world recorded www.example.com"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the names, where they are looked up, and where to write."""
    parser.add_argument("names", metavar="NAME", nargs="+", help="NAME, NAME/TYPE,TYPE or @FILE with such a line each")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the directory to write")
    parser.add_argument("--force", action="store_true", help="replace what is recorded there")
    parser.add_argument(
        "--types", metavar="TYPES", default=DEFAULT_TYPES, help=f"asked of names without (default: {DEFAULT_TYPES})"
    )
    parser.add_argument("--latency", action="store_true", help="the recorded servers are as slow as the real ones")
    options.add_config_file(parser)
    parser.add_argument("--world", metavar="DIR", help="record from this simulated internet (world.directory)")
    parser.add_argument("--roots", choices=("simulated", "internet", "file"), help="whom to ask (resolver.roots)")
    parser.add_argument("--hints", metavar="FILE", help="root servers, for --roots file (resolver.hints_file)")


def run(args: argparse.Namespace) -> int:
    """The recording is written. Raises `ConfigError` and `ZoneError`."""
    from resolver.recording import writing

    questions = list(dict.fromkeys(_questions(args.names, args.types)))
    if len(questions) > MAX_QUESTIONS:
        raise ConfigError(f"{len(questions)} questions; {MAX_QUESTIONS} are the most", instead="record fewer names")
    config = options.settings(args).config
    writing.check(args.output, force=args.force)
    recording = asyncio.run(_record(config, questions, latency=args.latency))
    otherwise = recording.write(args.output, force=args.force)
    failed = [writing.told(each) for each in recording.asked if each.reply is None]
    for line in (*failed, *otherwise):
        print(f"resolver: {printable(line)}", file=sys.stderr)
    drawn = recording.drawn
    counts = f"{_counted(len(drawn.zones), 'zone')} and {_counted(len(drawn.servers), 'server')}"
    print(f"{_counted(len(questions), 'question')}, {counts}: {printable(str(args.output))}")
    return 1 if failed or otherwise else 0


async def _record(config: Config, questions: Sequence[Question], *, latency: bool) -> Recording:
    from resolver.network.clock import RealClock
    from resolver.recording.recorder import record

    return await record(config, questions, clock=RealClock(asyncio.get_running_loop()), latency=latency)


def _questions(words: Iterable[str], default: str) -> Iterator[Question]:
    """What `words` ask for. Raises `ConfigError`."""
    for word in words:
        if word.startswith("@"):
            for number, line in enumerate(_lines(Path(word[1:])), 1):
                yield from _asked(line, default, f"{word[1:]}:{number}") if line else ()
        else:
            yield from _asked(word, default, "")


def _lines(path: Path) -> list[str]:
    """The lines of the file without comments. Raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=str(path), instead="write a name a line") from None
    if len(text) > MAX_FILE:
        raise ConfigError(f"longer than {MAX_FILE} octets", where=str(path), instead="record fewer names")
    return [line.partition("#")[0].strip() for line in text.splitlines()]


def _asked(text: str, default: str, where: str) -> Iterator[Question]:
    """The questions in `NAME[/TYPES]`. A `/` before a dot is one of the name (RFC 2317)."""
    from resolver.message import Question
    from resolver.wire import names, types

    name, slash, kinds = text.rpartition("/")
    if not slash or "." in kinds:
        name, kinds = text, default
    if "." not in name and not slash and _is_type(name):
        what, instead = f"{name} is a type of records", f"write NAME/{name}, as in www.example.com/{name}"
        raise ConfigError(what, where=where, instead=instead)
    for kind in kinds.split(","):
        try:
            yield Question(names.from_text(name), types.from_text(kind.strip()))
        except ValueError as wrong:
            instead = "write it like www.example.com or example.com/MX,TXT"
            raise ConfigError(str(wrong), where=where, instead=instead) from None


def _is_type(word: str) -> bool:
    """Whether it is the mnemonic of a type in capitals, as a name hardly ever is."""
    from resolver.wire import types

    try:
        return word.isupper() and bool(types.from_text(word))
    except ValueError:
        return False


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
