"""Decides which command runs, and how its failures are told: one line each on standard error, never a
traceback.

Rules: a command is a module with `add_arguments(parser)` and `run(args) -> int`; only the one that is asked
for is imported. Exit codes: 0 done, 1 it could not be done (or findings), 2 something that was written is
wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from resolver import compiled
from resolver.errors import ConfigError, InputError, ResolverdError
from resolver.version import VERSION

SEARCHED_AFTER: Final = 100_000
"""New objects after which garbage is searched for. What a command makes at its start is modules and settings, which
stay: at Python's usual 700 they are searched a hundred times, for a sixteenth of the time to the first answer."""


class Parser(argparse.ArgumentParser):
    """Tells a wrong option like everything else that is wrong: in one line."""

    def error(self, message: str) -> NoReturn:
        """Raises `ConfigError` with `message`."""
        raise ConfigError(message, where=self.prog.removeprefix("resolver "), instead=f"see `{self.prog} --help`")


class Command(NamedTuple):
    """One command: the module that does it, and what it does in one line."""

    module: str
    does: str


COMMANDS: Final[dict[str, Command]] = {
    "serve": Command("serve", "run the daemon: the resolver and its simulated internet"),
    "trace": Command("trace", "resolve a name and show the walk: who was asked, what came back"),
    "explain": Command("explain", "say why an answer is what it is, and what to do about it"),
    "which": Command("which", "say which rule and which pool a query would take, and why"),
    "check": Command("check", "check the configuration, or the zones of a world"),
    "zones": Command("zones", "print what a world hands out: its trust anchor"),
    "config": Command("show_config", "print the settings in force and where each comes from"),
    "stats": Command("stats", "print the counters of the running daemon"),
    "cache": Command("cache", "list or flush the cache of the running daemon"),
    "pools": Command("pools", "show the pools of the running daemon, and drain their members"),
    "history": Command("history", "show what the running daemon and its servers were asked and answered"),
    "fault": Command("fault", "make things go wrong in the running daemon, and stop it"),
    "clock": Command("clock", "move or freeze the time of a daemon that was started for tests"),
    "record": Command("record", "write down what servers say about names, as a world that says the same"),
    "replay": Command("replay", "play scenarios (.rpl) against the resolver, in virtual time"),
    "export": Command("export", "make a scenario (.rpl) of what was asked and answered"),
    "healthcheck": Command("healthcheck", "ask the daemon a question; exit 0 if it answers, 1 if not"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The command that `argv` (without the program's name) asks for has run; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(SEARCHED_AFTER, *gc.get_threshold()[1:])
    try:
        code = _run(words)
        sys.stdout.flush()
    except InputError as wrong:
        return _fail(str(wrong), 2)
    except ResolverdError as wrong:
        return _fail(str(wrong), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read our output has gone. Python would complain when it flushes the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as wrong:
        return _fail(str(wrong), 1)
    return code


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview(), end="")
        return 0 if words else 2
    if words[0] in ("-V", "--version", "version"):
        print(f"resolver {VERSION} ({compiled.runs()})")
        return 0
    name = words[0]
    if name not in COMMANDS:
        raise ConfigError(f"there is no command {name!r}", instead=_nearest(name))
    module = importlib.import_module(f"resolver.cli.{COMMANDS[name].module}")
    parser = Parser(
        prog=f"resolver {name}",
        description=f"{COMMANDS[name].does[:1].upper()}{COMMANDS[name].does[1:]}.",
        epilog=getattr(module, "EXAMPLES", None),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    try:
        args = parser.parse_args(words[1:])
    except SystemExit as done:  # --help has been printed
        return int(done.code or 0)
    return int(module.run(args))


def overview() -> str:
    """What `resolver --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [
        "usage: resolver COMMAND [OPTIONS]",
        "",
        "A DNS resolver with a DNS internet of its own: root, TLDs and authorities on localhost.",
        "",
        "commands:",
        *(f"  {name:<{width}}  {command.does}" for name, command in COMMANDS.items()),
        "",
        "  resolver COMMAND --help   the options of a command",
        "  resolver --version        the version",
        "",
        "The first steps:  resolver serve   and then   dig @127.0.0.1 -p 5300 www.example.com",
    ]
    return "\n".join(lines) + "\n"


def _nearest(name: str) -> str:
    import difflib

    nearest = difflib.get_close_matches(name, COMMANDS, 1, 0.5)
    return f"did you mean {nearest[0]!r}?" if nearest else f"the commands are {', '.join(COMMANDS)}"


def _fail(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"resolver: {line}", file=sys.stderr)
    return code
