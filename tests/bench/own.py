"""Decides in which environment our own daemon runs, and what it is asked on its control socket.

The environment is that of this tree, with no settings by chance.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from resolver.cli.control_client import ask
from resolver.errors import ControlError
from tests.bench.machine import Unusable

ROOT: Final = Path(__file__).resolve().parents[2]


def environ(directory: Path, **settings: str) -> dict[str, str]:
    """The environment of a daemon that keeps its control socket in `directory`, with `settings` on top."""
    inherited = {
        name: value for name, value in os.environ.items() if name == "RESOLVER_PURE" or not name.startswith("RESOLVER_")
    }
    socket = {"RESOLVER_CONTROL__PATH": str(_control(directory))}
    return inherited | {"PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(directory)} | socket | settings


def stored(directory: Path) -> int:
    """How many responses the daemon that runs in `directory` made of what it had: whole from its store, or out of the
    records of its cache. Raises `Unusable`."""
    try:
        said = ask(_control(directory), "GET", "/stats")
    except ControlError as wrong:
        raise Unusable(f"resolverd does not say what it did: {wrong}") from None
    counts = [said.get(name) for name in ("answers.stored", "answers.cached")]
    if not all(isinstance(count, int) for count in counts):
        raise Unusable("resolverd does not count answers.stored and answers.cached")
    return sum(count for count in counts if isinstance(count, int))


def _control(directory: Path) -> Path:
    return directory / "control"
