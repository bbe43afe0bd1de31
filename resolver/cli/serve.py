"""`resolver serve`: runs the daemon."""

from __future__ import annotations

import argparse
from typing import Final

from resolver.cli import options

EXAMPLES: Final = """examples:
  resolver serve
  resolver serve --config resolver.toml
  resolver serve --listen 127.0.0.1:5301 --listen '[::1]:5301' --in-memory"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the options that override settings."""
    options.add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """The daemon has run until it was told to end."""
    from resolver import daemon
    from resolver.app import build

    return daemon.run(lambda: options.settings(args), build)
