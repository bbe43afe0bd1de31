"""`resolver serve`: runs the daemon."""

from __future__ import annotations

import argparse
from typing import Final

from resolver.cli import options
from resolver.config import Loaded

EXAMPLES: Final = """examples:
  resolver serve
  resolver serve --config resolver.toml
  resolver serve --listen 127.0.0.1:5301 --listen '[::1]:5301' --in-memory"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the options that override settings."""
    options.add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """The daemon has run until it was told to end."""
    from resolver.app import build
    from resolver.workers.count import wanted

    def settings() -> Loaded:
        return options.settings(args)

    loaded = settings()
    if wanted(loaded.config) > 1:
        from resolver.workers.supervisor import supervise

        return supervise(settings, loaded, build)
    from resolver import daemon

    return daemon.run(settings, build, loaded=loaded)
