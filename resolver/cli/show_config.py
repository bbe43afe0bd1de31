"""`resolver config`: prints the settings in force as TOML, each with where it comes from."""

from __future__ import annotations

import argparse
from typing import Final

from resolver.cli import options
from resolver.config.effective import to_toml

EXAMPLES: Final = """examples:
  resolver config
  RESOLVER_CACHE__SIZE_MB=16 resolver config --config resolver.toml"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`parser` takes the options that override settings."""
    options.add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """The settings are printed."""
    print(to_toml(options.settings(args)), end="")
    return 0
