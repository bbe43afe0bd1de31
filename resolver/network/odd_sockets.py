"""Decides by which sockets a reply travels that does not come from where was asked, and how a stream is reset.

Rules: a reply from elsewhere leaves by a socket of its own: from another port of the same address, or from the same
port of an address outside the world, 127.55.x.y for 127.53.x.y.

Limits: IPv4 on loopback, where simulated servers are bound.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import Any, Final

from resolver.network.base import Endpoint

_ELSEWHERE: Final = "127.55"


def send_elsewhere(wire: bytes, asked: Endpoint, part: str, to: tuple[str, int]) -> bool:
    """`wire` is on its way to `to`, from another `part` than was `asked`: `address` or `port`. False where it cannot
    be sent."""
    at = (asked.host, 0) if part == "port" else (elsewhere(asked.host), asked.port)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind(at)
            sock.sendto(wire, to)
    except OSError:
        return False
    return True


def elsewhere(host: str) -> str:
    """An address that is not `host`, nor of any server."""
    return ".".join((_ELSEWHERE, *host.split(".")[2:]))


def reset(transport: Any) -> None:
    """When `transport` is aborted, its peer is told by a reset (RFC 9293 section 3.10.7.4), not by an end."""
    sock = transport.get_extra_info("socket")
    # Transports show no more than a part of a socket; a second descriptor leads to the same one.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(sock.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
