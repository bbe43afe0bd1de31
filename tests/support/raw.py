"""Octets to a daemon and back, for what no client program would send."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import dns.message

from tests.support.daemons import PATIENCE


def query(name: str, rtype: str = "A", *, edns: bool = True) -> bytes:
    """A query as a client makes it."""
    return dns.message.make_query(name, rtype, use_edns=0 if edns else False).to_wire()


def response(wire: bytes) -> dns.message.Message:
    """The message in `wire`; fails if it is none."""
    return dns.message.from_wire(wire)


@contextlib.contextmanager
def datagrams(to: tuple[str, int]) -> Iterator[socket.socket]:
    """A connected UDP socket, so that a reply from elsewhere is never seen."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(to)
        yield sock


def connect(to: tuple[str, int]) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection(to, PATIENCE)


def framed(wire: bytes) -> bytes:
    """`wire` as it stands in a stream."""
    return len(wire).to_bytes(2, "big") + wire


def receive(stream: socket.socket) -> bytes:
    """The next message of a stream; empty when it has ended."""
    length = _exactly(stream, 2)
    return _exactly(stream, int.from_bytes(length, "big")) if length else b""


def _exactly(stream: socket.socket, octets: int) -> bytes:
    got = b""
    while len(got) < octets:
        more = stream.recv(octets - len(got))
        if not more:
            assert not got, "the stream ended within a message"
            return b""
        got += more
    return got
