"""Decides how this process gets a network of its own, in which every address there is belongs to this machine.

Rules: a network namespace is made and entered for good, where root is needed within a user namespace. In it loopback is
up, and a route of the kind `local` covers a whole family: any address can be bound then and is reached, without being
configured. Of a family without such a route nothing can be sent to, but for loopback.

Limits: Linux alone; the process must have one thread where it is not root. Nothing leaves the namespace, so what is
played in it cannot reach a real server, whatever a script says.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from resolver.errors import ConfigError

_NEW_NETWORK: Final = 0x40000000
_NEW_USER: Final = 0x10000000
"""CLONE_NEWNET and CLONE_NEWUSER of <linux/sched.h>."""

_SET_FLAGS: Final = 0x8914
_UP_AND_RUNNING: Final = 0x41
"""SIOCSIFFLAGS; IFF_UP and IFF_RUNNING."""

_NEW_ROUTE, _DELETE_ROUTE = 24, 25
_REQUEST, _ACKNOWLEDGE, _CREATE = 0x1, 0x4, 0x400
_TABLE_LOCAL, _STATIC, _SCOPE_HOST, _SCOPE_ANY, _LOCAL = 255, 4, 254, 0, 2
_OUT, _PREFERRED_SOURCE = 4, 7
_LOOPBACK: Final = 1
"""Of <linux/rtnetlink.h>, and the index of loopback, which is the first interface of any namespace."""

_FAMILIES: Final = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}
"""The family of addresses of an IP version, and from where those are asked that are not loopback."""

_ALREADY, _NOT_THERE = 17, 3
"""EEXIST and ESRCH."""


_entered: set[int] = set()
"""This process, once it is in a namespace of its own."""


def enter() -> None:
    """This process is in a network namespace of its own; calling it again does nothing.

    Raises `ConfigError` where that cannot be.
    """
    if os.getpid() in _entered:
        return
    if sys.platform != "linux":
        raise _impossible(f"{sys.platform} has none")
    try:
        _unshare()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            import fcntl

            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP_AND_RUNNING))
        reach((4, 6))
    except OSError as wrong:
        raise _impossible(wrong.strerror or str(wrong)) from None
    _entered.add(os.getpid())


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        _call_unshare(_NEW_NETWORK)
    except PermissionError:
        _call_unshare(_NEW_USER | _NEW_NETWORK)
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"0 {user} 1")
        (own / "gid_map").write_text(f"0 {group} 1")


def _call_unshare(flags: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _impossible(why: str) -> ConfigError:
    return ConfigError(
        f"no network namespace can be made here: {why}",
        where="--start",
        instead="run it as root on Linux, or allow unprivileged user namespaces (sysctl user.max_user_namespaces)",
    )


def reach(versions: Collection[int]) -> None:
    """Every address of these IP `versions` is this machine; of the other nothing but loopback is. Raises OSError."""
    for version in _FAMILIES:
        if version == 6 and not Path("/proc/sys/net/ipv6").exists():
            continue
        _route(version, wanted=version in versions)


def _route(version: int, *, wanted: bool) -> None:
    family, source = _FAMILIES[version]
    scope = _SCOPE_HOST if version == 4 else _SCOPE_ANY
    body = struct.pack("=8BI", family, 0, 0, 0, _TABLE_LOCAL, _STATIC, scope, _LOCAL, 0)
    body += struct.pack("=HHI", 8, _OUT, _LOOPBACK)
    address = socket.inet_pton(family, source)
    body += struct.pack("=HH", 4 + len(address), _PREFERRED_SOURCE) + address
    kind, flags = (_NEW_ROUTE, _CREATE) if wanted else (_DELETE_ROUTE, 0)
    head = struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACKNOWLEDGE | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(head + body)
        answer = link.recv(4096)
    number = -struct.unpack_from("=i", answer, 16)[0]
    if number and number != (_ALREADY if wanted else _NOT_THERE):
        raise OSError(number, os.strerror(number))
