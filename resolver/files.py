"""Decides what is read from files beside the settings, where nobody waits for it: the world, and what filters hold.

Rules: all of it is read before any of it is put in force; an error leaves what was there as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resolver import filtering
from resolver.auth.shipped import load_world
from resolver.config import Config

if TYPE_CHECKING:
    from resolver.arranged import Lab
    from resolver.auth.hierarchy import World


class Read(NamedTuple):
    """What was read."""

    world: World | None
    filtering: filtering.Filtering | None


def read(config: Config, given: World | None = None, lab: Lab | None = None) -> Read:
    """What `config` says to read; a `given` world takes the place of one in a directory, and what `lab` has that of
    files of policy zones. Raises `InputError`."""
    world = None
    if config.world_served:
        world = load_world(config.world.directory) if given is None else given
    return Read(world, filtering.read(config, None if lab is None else lab.texts))
