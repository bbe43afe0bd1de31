"""Decides on which network a run takes place: one of its own, in which there is nothing but loopback.

In a network namespace port 53 is free on every address, addresses can be given to loopback that no resolver takes for
loopback, and no packet can leave, whatever a server is set up to do. Whoever may make a user namespace needs no
privilege for one.

Limits: Linux, with `unshare` of util-linux.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from tests.bench.machine import Unusable

PREFIX: Final = "10.53.0"
"""Its 256 addresses are those of the loopback interface: private ones, which may be asked when a setting says so."""

_INSIDE: Final = "BENCH_NAMESPACE"
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914
_UP_RUNNING: Final = 0x41


def enter(arguments: Sequence[str]) -> None:
    """This program runs in a namespace of its own, begun anew with `arguments`. Raises `Unusable`."""
    if os.environ.get(_INSIDE):
        _bring_up()
        return
    if shutil.which("unshare") is None:
        raise Unusable("unshare is not installed (Debian package util-linux)")
    why = ""
    for privilege in ((), ("--map-root-user",)):
        command = ["unshare", *privilege, "--net"]
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            sys.stdout.flush()
            os.environ[_INSIDE] = "1"
            os.execvp(command[0], [*command, sys.executable, "-m", "tests.bench", *arguments])
        why = tried.stderr.strip()
    raise Unusable(f"a network namespace cannot be made (root can, or whoever may make user namespaces): {why}")


def _bring_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP_RUNNING))
        for request, address in ((_SIOCSIFADDR, f"{PREFIX}.1"), (_SIOCSIFNETMASK, "255.255.255.0")):
            fcntl.ioctl(any_socket, request, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, _packed(address)))


def _packed(address: str) -> bytes:
    return socket.inet_aton(address)
