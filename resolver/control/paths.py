"""Decides where the control socket of a daemon lies, for the daemon and for the commands that ask it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from resolver.config import Config


def socket_path(config: Config, environ: Mapping[str, str], port: int | None = None) -> Path:
    """Where the control socket is; `port` is the first listener's where the configuration says 0."""
    if config.control.path is not None:
        return config.control.path
    directory = environ.get("XDG_RUNTIME_DIR") or "/run/resolverd"
    return Path(directory) / f"control-{port or config.server.listen[0].port}.sock"
