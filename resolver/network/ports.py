"""Decides from which port a datagram to another server leaves.

Rules: the port is drawn from the whole unprivileged range (RFC 5452 sections 4.5 and 9.2, RFC 6056 section 3.3.1) for
each socket, by the `Entropy`, never by the kernel's own choice of ephemeral ports. One that is taken is passed over;
after `PORT_TRIES` of them the kernel chooses.

Limits: sockets are of the C base type, which is made in half the time of `socket.socket` and has no more than the calls
of the kernel. At most `MAX_HOSTS` families are remembered.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

from resolver.network.base import Entropy

PORT_TRIES: Final = 8
"""Random ports tried before the kernel is asked for one."""

FIRST_PORT: Final = 1024
"""The lowest port that needs no privilege (RFC 6056 section 3.2)."""

MAX_HOSTS: Final = 4096
"""Addresses whose family is remembered; the oldest makes room."""

_FLAGS: Final[int] = getattr(socket, "SOCK_NONBLOCK", 0)
_DATAGRAM: Final[int] = int(socket.SOCK_DGRAM) | _FLAGS
_STREAM: Final[int] = int(socket.SOCK_STREAM) | _FLAGS
_BLOCKS: Final = not hasattr(socket, "SOCK_NONBLOCK")
_V4: Final[int] = int(socket.AF_INET)
_V6: Final[int] = int(socket.AF_INET6)

_families: dict[str, int] = {}


def family_of(host: str) -> int:
    """The family of an address. OSError for what is none: `connect` would look it up as a name, and block."""
    family = _families.get(host)
    if family is None:
        family = _V6 if ":" in host else _V4
        socket.inet_pton(family, host.partition("%")[0])
        if len(_families) >= MAX_HOSTS:
            del _families[next(iter(_families))]
        _families[host] = family
    return family


def udp_socket(family: int, entropy: Entropy, source: str = "") -> socket.SocketType:
    """A non-blocking UDP socket on a random port of the IPv4 address `source`, or of every local address. Raises
    OSError."""
    sock = socket.SocketType(family, _DATAGRAM)
    try:
        if _BLOCKS:
            sock.setblocking(False)
        host = source or ("0.0.0.0" if family == _V4 else "::")  # noqa: S104 - a source, not a service
        for _ in range(PORT_TRIES):
            port = entropy.bits(16)
            if port >= FIRST_PORT:
                try:
                    sock.bind((host, port))
                    return sock
                except OSError as error:
                    if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                        raise
        sock.bind((host, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def stream_socket(family: int, source: str = "") -> socket.SocketType:
    """A non-blocking TCP socket that sends what it is given at once, from `source` if that is given. Raises OSError."""
    sock = socket.SocketType(family, _STREAM)
    try:
        if _BLOCKS:
            sock.setblocking(False)
        # Without it a second query would wait for the acknowledgement of the first.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            sock.bind((source, 0))
    except BaseException:
        sock.close()
        raise
    return sock
