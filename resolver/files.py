"""Decides what is read from files beside the settings, where nobody waits for it: the world, what filters hold, what
rules name.

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
    from resolver.rulebook import Files


class Read(NamedTuple):
    """What was read."""

    world: World | None
    filtering: filtering.Filtering | None
    rules: Files | None = None


def read(config: Config, given: World | None = None, lab: Lab | None = None) -> Read:
    """What `config` says to read; a `given` world takes the place of one in a directory, and what `lab` has that of
    files of policy zones. Raises `InputError`."""
    world = None
    if config.world_served:
        world = load_world(config.world.directory) if given is None else given
    return Read(world, filtering.read(config, None if lab is None else lab.texts), _rules(config))


def _rules(config: Config) -> Files | None:
    if not config.rules:
        return None
    from resolver import rulebook

    return rulebook.read(config)
