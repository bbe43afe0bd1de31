"""Decides where the shipped world is: inside the installed package, or beside it in a checkout.

Rules: a wheel holds top-level zones/ as resolver/zones; a checkout and an editable install have it beside
resolver/.

Limits: the package must be unpacked on a file system.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.errors import ZoneError

if TYPE_CHECKING:
    from resolver.auth.hierarchy import World

FILE: Final = "hierarchy.toml"
"""What makes a directory a world."""


def load_world(directory: str | Path | None = None) -> World:
    """The world declared in `directory`, or the shipped one. Raises `ZoneError` with the first mistake."""
    from resolver.auth import hierarchy

    return hierarchy.load(find_zones() if directory is None else Path(directory))


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
