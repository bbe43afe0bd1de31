"""Decides where the shipped world is: inside the installed package, or beside it in a checkout.

Rules: a wheel holds top-level zones/ as resolver/zones; a checkout and an editable install have it beside
resolver/.

Limits: the package must be unpacked on a file system.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from resolver.errors import ZoneError

FILE: Final = "hierarchy.toml"
"""What makes a directory a world."""


def find_zones() -> Path:
    """The directory of the shipped world. Raises `ZoneError` when the installation lacks it."""
    package = Path(__file__).resolve().parent.parent
    for directory in (package / "zones", package.parent / "zones"):
        if (directory / FILE).is_file():
            return directory
    raise ZoneError(
        "the shipped world is not installed",
        where=str(package / "zones"),
        instead="install resolverd again, or name a directory that holds a hierarchy.toml",
    )
