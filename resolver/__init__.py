"""A DNS resolver with a DNS internet of its own; the names below are all that an embedding program needs.

    import asyncio, resolver

    async def main():
        program = resolver.build(resolver.Config(), resolver.load_world())
        await program.start()                       # or not: `ask` works without listening
        reply = await program.ask("www.example.com", "A")
        await program.stop()

    asyncio.run(main())

They are imported when they are first used, so that a command which needs none of them starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from resolver import compiled, version

__version__ = version.VERSION

compiled.install()

if TYPE_CHECKING:
    from resolver.app import build
    from resolver.auth.hierarchy import World
    from resolver.auth.shipped import load_world
    from resolver.config import Config
    from resolver.errors import ConfigError, ListenError, ResolutionFailed, ResolverdError, ZoneError
    from resolver.program import Program

__all__ = [
    "Config",
    "ConfigError",
    "ListenError",
    "Program",
    "ResolutionFailed",
    "ResolverdError",
    "World",
    "ZoneError",
    "__version__",
    "build",
    "load_world",
]

_HOMES: Final = {
    "Config": ("resolver.config", "Config"),
    "ConfigError": ("resolver.errors", "ConfigError"),
    "ListenError": ("resolver.errors", "ListenError"),
    "Program": ("resolver.program", "Program"),
    "ResolutionFailed": ("resolver.errors", "ResolutionFailed"),
    "ResolverdError": ("resolver.errors", "ResolverdError"),
    "World": ("resolver.auth.hierarchy", "World"),
    "ZoneError": ("resolver.errors", "ZoneError"),
    "build": ("resolver.app", "build"),
    "load_world": ("resolver.auth.shipped", "load_world"),
}


def __getattr__(name: str) -> object:
    """The public name `name`, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'resolver' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
