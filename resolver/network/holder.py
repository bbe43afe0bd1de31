"""Decides who holds a port that is taken, from what /proc lets this process see.

Rules: the socket is found in /proc/net by local address and port (a wildcard conflicts with every address),
its owner by the socket's inode among the open files of processes. A neighbour's files are readable by root
alone; for others the user is named instead. Nothing here raises: who cannot be found is "".

Limits: Linux; at most `MAX_FILES` files of other processes are looked at, about 50 ms.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from resolver.message import Transport
from resolver.network.base import Endpoint

MAX_FILES: Final = 20_000
"""Open files looked at before the search is given up."""

_TCP_LISTEN: Final = "0A"
"""The state of a listening socket in /proc/net/tcp."""

_ADDRESS, _STATE, _USER, _INODE = 1, 3, 7, 9
"""Columns of /proc/net/{udp,tcp}."""


class _Held(NamedTuple):
    inode: str
    uid: int


def holder_of(endpoint: Endpoint, transport: Transport, proc: Path = Path("/proc")) -> str:
    """`named (pid 812)`, or `a process of user bind`, or "" when that cannot be known."""
    try:
        held = next(_sockets(endpoint, transport, proc), None)
        if held is None:
            return ""
        pid = _process(held.inode, proc)
        if pid is not None:
            name = (proc / pid / "comm").read_text(errors="replace").strip()
            return f"{name} (pid {pid})"
        return f"a process of user {_user(held.uid)}"
    except (OSError, ValueError, IndexError):
        return ""


def _sockets(endpoint: Endpoint, transport: Transport, proc: Path) -> Iterator[_Held]:
    """The sockets that keep `endpoint` from being bound."""
    for table, v6 in ((transport.value, False), (f"{transport.value}6", True)):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, lines):
            address, port = columns[_ADDRESS].split(":")
            if int(port, 16) != endpoint.port:
                continue
            if transport is Transport.TCP and columns[_STATE] != _TCP_LISTEN:
                continue
            if _conflict(_octets(address), v6, endpoint.host):
                yield _Held(columns[_INODE], int(columns[_USER]))


def _octets(address: str) -> bytes:
    """An address as /proc writes it: 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(address)
    if sys.byteorder == "big":
        return raw
    return b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))


def _conflict(held: bytes, held_v6: bool, wanted: str) -> bool:
    address = ipaddress.ip_address(wanted)
    if held_v6 != (address.version == 6):
        # An IPv6 wildcard that is not V6ONLY holds the IPv4 port as well.
        return held_v6 and not any(held)
    return not any(held) or address.is_unspecified or held == address.packed


def _process(inode: str, proc: Path) -> str | None:
    """The pid of a process that has the socket `inode` open."""
    wanted, left = f"socket:[{inode}]", MAX_FILES
    with os.scandir(proc) as processes:
        for process in processes:
            if not process.name.isdigit():
                continue
            try:
                with os.scandir(f"{process.path}/fd") as files:
                    for file in files:
                        left -= 1
                        if left < 0:
                            return None
                        if os.readlink(file.path) == wanted:
                            return process.name
            except OSError:  # not ours to see, or gone
                continue
    return None


def _user(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
