"""Decides in which environment our own daemon runs: that of this tree, with no settings by chance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def environ(directory: Path, **settings: str) -> dict[str, str]:
    """The environment of a daemon that keeps its control socket in `directory`, with `settings` on top."""
    inherited = {
        name: value for name, value in os.environ.items() if name == "RESOLVER_PURE" or not name.startswith("RESOLVER_")
    }
    return inherited | {"PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(directory)} | settings
