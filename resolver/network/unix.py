"""Decides who may reach a Unix socket: its owner alone, and only one daemon listens on one path.

Rules: the socket is made with mode 0600 from its first moment (the umask is narrowed around `bind`), its
directory with 0700 if it is not there. A socket that nobody listens on is what a dead daemon left behind,
and is replaced; one that is listened on is refused, and so is anything that is no socket.

Limits: Linux and other Unix systems; elsewhere `ControlError`. Two daemons that start at the same instant
are kept apart by their listeners' ports, not here.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Final

from resolver.errors import ControlError

BACKLOG: Final = 16
"""Connections that wait to be accepted; people type commands one at a time."""

MAX_PATH: Final = 107
"""Octets of a path that fit into sockaddr_un on Linux, its final NUL aside (unix(7)); others have 103."""


def listen(path: Path) -> socket.socket:
    """A non-blocking listener at `path`, which only its owner can connect to. Raises `ControlError`."""
    _check(path)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _clear(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as wrong:
        raise ControlError(f"cannot make {path}: {wrong.strerror or wrong}") from None
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
    except OSError as wrong:
        listener.close()
        raise ControlError(f"cannot make {path}: {wrong.strerror or wrong}") from None
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


def connect(path: Path, timeout: float) -> socket.socket:
    """A connection to the daemon that listens at `path`, each operation bounded by `timeout` seconds.

    Raises `ControlError`.
    """
    _check(path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        raise ControlError(f"no daemon listens on {path}; start it with `resolver serve`") from None
    except OSError as wrong:
        connection.close()
        raise ControlError(f"cannot connect to {path}: {wrong.strerror or wrong}") from None
    return connection


def _check(path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        raise ControlError("there are no Unix sockets on this system; set control.enabled = false")
    if "\0" in str(path):
        raise ControlError("a path cannot contain a NUL; set control.path to another one")
    if len(os.fsencode(path)) > MAX_PATH:
        raise ControlError(f"{path} is longer than {MAX_PATH} octets; set control.path to a shorter one")


def _clear(path: Path) -> None:
    """Nothing is at `path` any more, unless it is in use or is no socket, which raises `ControlError`."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is no socket; remove it or set control.path to another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody listens
    raise ControlError(f"another daemon listens on {path}; stop it or set control.path to another path")
