"""`resolver export --scenario`: a scenario (.rpl) of what was asked and answered, which `resolver replay` plays.

Rules: the messages are those of a file that `resolver history --json` wrote (`-`: standard input), else those of the
running daemon. The scenario is played at once, and what became of it is printed as `resolver replay` does. Where not
all that is needed was seen, the servers of the world are asked (`--world`, else that of the configuration), but not
with `--as-seen`. Exit 0 if it passes, 1 if it does not: then the file is written all the same.

Limits: `history.MAX_LIMIT` messages of a daemon. Several workers have several caches, so what they were asked is no
scenario.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resolver.cli import history, options
from resolver.errors import ConfigError, InputError
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World
    from resolver.config import Config

MAX_OCTETS: Final = 256 << 20
"""Octets of a file of messages."""

EXAMPLES: Final = """examples:
  resolver export --scenario failed.rpl
  resolver history --limit 1000 --json > seen.json; resolver export --scenario failed.rpl --history seen.json"""

_SHOWN: Final = 40
"""Lines of what went otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes where to write, and where the messages are."""
    parser.add_argument("--scenario", metavar="FILE", type=Path, required=True, help="the scenario that is written")
    parser.add_argument(
        "--history",
        metavar="FILE",
        help="what `resolver history --json` printed; - reads it here (default: the daemon)",
    )
    parser.add_argument("--title", metavar="TEXT", help="the title of the scenario")
    parser.add_argument("--as-seen", action="store_true", help="say nothing of servers that they were not seen to say")
    parser.add_argument("--world", metavar="DIR", help="the simulated internet that was asked (world.directory)")
    options.add_socket(parser)


def run(args: argparse.Namespace) -> int:
    """The scenario is written and played. Raises `ControlError`, and `InputError` for messages that are no scenario."""
    from resolver.observe.history import seen
    from resolver.testing.replay.export import TITLE, Setting
    from resolver.testing.replay.exporting import export
    from resolver.testing.replay.verdict import Status

    messages = _messages(args)
    workers = {each.get("worker", 0) for each in messages}
    if len(workers) > 1:
        what = f"{len(workers)} workers were asked, each with a cache of its own"
        raise InputError(what, instead="set server.workers = 1, and ask again")
    config, world = _world(args)
    setting = Setting.of(config, world)
    told = None if args.as_seen else world
    verdict = export(map(seen, messages), setting, args.scenario, world=told, title=args.title or TITLE)
    print(printable(str(verdict)))
    if verdict.status is Status.PASS:
        return 0
    sys.stdout.writelines(f"{printable(line)}\n" for line in list(verdict.details())[:_SHOWN])
    instead = "what the cache held before the history began, and what it was made to forget since, is not in it: "
    instead += "flush the cache, clear the history, and ask again"
    print(f"resolver: it does not pass; {instead}", file=sys.stderr)
    return 1


def _messages(args: argparse.Namespace) -> Sequence[Mapping[str, Any]]:
    """The messages, oldest first. Raises `InputError`."""
    if args.history is None:
        args.limit = history.MAX_LIMIT
        return history.messages(args, {})["messages"]
    try:
        with sys.stdin.buffer if args.history == "-" else Path(args.history).open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
        found = json.loads(octets[:MAX_OCTETS])
        return [dict(each) for each in found["messages"]]
    except OSError as wrong:
        raise ConfigError(f"cannot be read: {wrong.strerror}", where=args.history) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        instead = "give what `resolver history --json` printed"
        raise InputError("no messages", where=args.history, instead=instead) from None


def _world(args: argparse.Namespace) -> tuple[Config, World | None]:
    """The settings in force, and the world that they name. Raises `ConfigError` and `ZoneError`."""
    from resolver.auth.shipped import load_world

    config = options.settings(args).config
    return config, load_world(config.world.directory) if config.world_served else None
