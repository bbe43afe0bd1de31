"""Decides how a stream to a server begins, what a look at it brings, and where one message on it ends.

Rules: a message stands behind the two octets of its length (RFC 1035 section 4.2.2), over TCP and over TLS alike (RFC
7858 section 3.3). What has come of one that is not whole is kept until the rest is there.

Limits: less than one message of at most 65,535 octets is kept, beside what one look brought.
"""

from __future__ import annotations

import contextlib
import socket

from resolver.network.base import Endpoint, Trouble
from resolver.network.poller import READ, WRITE, Poller, Watched
from resolver.network.ports import family_of, stream_socket
from resolver.network.troubles import trouble_of


def connecting(poller: Poller, owner: Watched, to: Endpoint, source: str = "") -> socket.SocketType:
    """A socket that is on its way to `to`, from the address `source` if that is given; `owner` is told when it is
    there, and may be written to. Raises OSError and OverflowError when it fails at once."""
    sock = stream_socket(family_of(to.host), source)
    try:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            sock.connect(to)
        poller.add(sock.fileno(), owner, READ | WRITE)
    except BaseException:
        sock.close()
        raise
    return sock


def came(sock: socket.SocketType, size: int) -> bytes | Trouble:
    """At most `size` octets that have come in, b"" where nothing has, or why nothing more will."""
    try:
        return sock.recv(size) or Trouble.RESET
    except (BlockingIOError, InterruptedError):
        return b""
    except OSError as error:
        return trouble_of(error)


def messages(kept: bytearray, octets: bytes) -> list[bytes]:
    """The messages that are whole with `octets`, without their lengths. The rest is in `kept`, where it is to be left
    for the next call."""
    if not kept and len(octets) > 1 and len(octets) == 2 + (octets[0] << 8 | octets[1]):
        return [octets[2:]]  # as nearly always
    kept += octets
    found, begin = [], 0
    while len(kept) >= begin + 2:
        end = begin + 2 + (kept[begin] << 8 | kept[begin + 1])
        if len(kept) < end:
            break
        found.append(bytes(kept[begin + 2 : end]))
        begin = end
    del kept[:begin]
    return found
