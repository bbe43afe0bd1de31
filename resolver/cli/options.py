"""Which options commands share, and which settings they override."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from resolver.config import Config, Loaded, load
from resolver.control.paths import socket_path
from resolver.errors import ControlError

TOLD: Final = (0, 3, 6)
"""The response codes of answers and of denials: NOERROR, NXDOMAIN, YXDOMAIN. With any other the resolution failed."""


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """`parser` takes --config."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="configuration in TOML (default: ./resolver.toml if there)",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """`parser` takes --config and the options that override settings."""
    add_config_file(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDR:PORT",
        action="append",
        help="answer here over UDP and TCP; may be repeated (server.listen)",
    )
    parser.add_argument("--mode", choices=("iterative", "recursive"), help="who walks the tree (resolver.mode)")
    parser.add_argument("--world", metavar="DIR", help="the simulated internet to serve (world.directory)")
    parser.add_argument(
        "--test-clock", action="store_true", help="its time can be moved, for tests (server.test_clock)"
    )
    parser.add_argument(
        "--in-memory", action="store_true", help="simulated servers bind no addresses (world.in_memory)"
    )


def settings(args: argparse.Namespace) -> Loaded:
    """The settings in force under `args`. Raises `ConfigError`."""
    wanted = {
        "server.listen": getattr(args, "listen", None),
        "resolver.mode": getattr(args, "mode", None),
        "world.directory": getattr(args, "world", None),
        "server.test_clock": getattr(args, "test_clock", False) or None,
        "world.in_memory": getattr(args, "in_memory", False) or None,
        "resolver.roots": getattr(args, "roots", None),
        "resolver.hints_file": getattr(args, "hints", None),
    }
    return load(args.config, overrides={key: value for key, value in wanted.items() if value is not None})


def quiet(config: Config) -> Config:
    """`config` for a command that tells itself what became of a question: the log says no more than errors."""
    log = config.log.model_copy(update={"level": "error", "queries": False, "explanations": False})
    return config.model_copy(update={"log": log})


def add_socket(parser: argparse.ArgumentParser) -> None:
    """`parser` takes what is needed to find the daemon's control socket."""
    add_config_file(parser)
    parser.add_argument("--socket", metavar="PATH", type=Path, help="the control socket (control.path)")


def control_socket(args: argparse.Namespace) -> Path:
    """The control socket that `args` or the settings name. Raises `ControlError` if it is switched off."""
    if args.socket is not None:
        return Path(args.socket)
    config = load(args.config).config
    if not config.control.enabled:
        raise ControlError("the control socket is switched off; set control.enabled = true")
    return socket_path(config, os.environ)
