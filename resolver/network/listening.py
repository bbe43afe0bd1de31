"""Decides how the sockets of listeners are bound, and what a person is told when that fails.

Rules:
* An IPv6 socket serves IPv6 alone (RFC 3493 section 5.3): each address is asked for, and reported, by
  itself.
* A UDP socket bound to a wildcard reports with each datagram the address that was asked (`IP_PKTINFO`, RFC
  3542 section 6.1), so that the answer can come from there, as RFC 2181 section 4 demands.
* No `SO_REUSEADDR` on UDP: another process could take the port over. On TCP it only lets a restart pass
  connections of the past.
* Where several workers answer, the first of their sockets is bound alone, so that a port which anybody else holds is
  told; only then is it opened to the others by `SO_REUSEPORT`, and the kernel spreads clients over them.
* Outgoing datagrams ignore path MTU messages, which anybody can forge to have answers fragmented (RFC
  9715).

Limits: the kernel caps `SO_RCVBUF` at net.core.rmem_max without a word. The holder of a port is known where
/proc lets us see it. With `SO_REUSEPORT` another process of the same user may join a port if it asks for that too; of
another user, none may (socket(7)).
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Final

from resolver.errors import ListenError
from resolver.message import Transport
from resolver.network.base import Endpoint
from resolver.network.holder import holder_of

RECEIVE_BUFFER: Final = 1024 * 1024
"""Octets of `SO_RCVBUF`: some 2,000 queries wait while the loop is busy; the kernel's default is 208 KiB."""

BACKLOG: Final = 256
"""Connections that wait to be accepted, as many as are served (`TcpLimits.connections`)."""

PRIVILEGED: Final = 1024
"""Ports below this need a privilege, unless net.ipv4.ip_unprivileged_port_start says otherwise."""

# Linux has these; the socket module of Python 3.11 does not name them.
_IP_PKTINFO: Final[int] = getattr(socket, "IP_PKTINFO", 8)
_IP_MTU_DISCOVER: Final[int] = getattr(socket, "IP_MTU_DISCOVER", 10)
_IPV6_MTU_DISCOVER: Final = 23
_PMTUDISC_OMIT: Final = 5

WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - names them, binds nothing


def has_no_such_address(error: ListenError) -> bool:
    """Whether `error` says that this machine lacks the address, or its whole family."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def bind_udp(endpoint: Endpoint, receive_buffer: int = RECEIVE_BUFFER, *, joins: bool = False) -> socket.socket:
    """A bound, non-blocking UDP socket, which `joins` others that are shared. Raises ListenError with what to do."""
    sock = _socket(endpoint, Transport.UDP)
    try:
        if joins:
            share(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        v6 = sock.family == socket.AF_INET6
        if endpoint.host in WILDCARDS:
            if v6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        if sys.platform == "linux":
            _omit_path_mtu(sock, v6)
        sock.bind((endpoint.host, endpoint.port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise _listen_error(endpoint, Transport.UDP, error) from error
    return sock


def bind_tcp(endpoint: Endpoint, backlog: int = BACKLOG, *, joins: bool = False) -> socket.socket:
    """A bound, listening, non-blocking TCP socket, which `joins` others that are shared. Raises ListenError."""
    sock = _socket(endpoint, Transport.TCP)
    try:
        if joins:
            share(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((endpoint.host, endpoint.port))
        # With SO_REUSEADDR two sockets can be bound to one address; only listening tells that it is taken.
        sock.listen(backlog)
    except (OSError, OverflowError) as error:
        sock.close()
        raise _listen_error(endpoint, Transport.TCP, error) from error
    return sock


def share(sock: socket.socket) -> None:
    """Sockets that join may be bound to the address of `sock`. Linux takes it of one that is bound, too."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def bound_to(sock: socket.socket) -> Endpoint:
    """Where `sock` listens: tells the port that the kernel chose where 0 was asked for."""
    host, port = sock.getsockname()[:2]
    return Endpoint(host, port)


def _socket(endpoint: Endpoint, transport: Transport) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    kind = socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM
    try:
        socket.inet_pton(family, endpoint.host.partition("%")[0])
    except OSError as error:
        raise ListenError(
            f"cannot listen on {endpoint}: {endpoint.host!r} is no IP address", "write 127.0.0.1:5300 or [::1]:5300"
        ) from error
    try:
        sock = socket.socket(family, kind)
    except OSError as error:
        raise _listen_error(endpoint, transport, error) from error
    sock.setblocking(False)
    if family is socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _omit_path_mtu(sock: socket.socket, v6: bool) -> None:
    """Best effort: kernels before 3.15 do not know it."""
    level, option = (socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER) if v6 else (socket.IPPROTO_IP, _IP_MTU_DISCOVER)
    try:
        sock.setsockopt(level, option, _PMTUDISC_OMIT)
    except OSError:
        return


def _listen_error(endpoint: Endpoint, transport: Transport, error: Exception) -> ListenError:
    code = error.errno if isinstance(error, OSError) else None
    text = f"cannot listen on {endpoint} ({transport.upper()}): "
    other = Endpoint(endpoint.host, endpoint.port + 1 if PRIVILEGED <= endpoint.port < 65535 else 5300)
    if code == errno.EADDRINUSE:
        holder = holder_of(endpoint, transport)
        by = f" by {holder}" if holder else ""
        return ListenError(
            f"{text}port {endpoint.port} is taken{by}", f"stop it, or use --listen {other} (server.listen)"
        )
    if code in (errno.EACCES, errno.EPERM) and endpoint.port < PRIVILEGED:
        return ListenError(
            f"{text}ports below {PRIVILEGED} need a privilege",
            f"use --listen {other}, or grant it: "
            f"CAP_NET_BIND_SERVICE (AmbientCapabilities of a service unit, --cap-add NET_BIND_SERVICE of a "
            f"container) or sysctl net.ipv4.ip_unprivileged_port_start={endpoint.port}",
        )
    if code in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        family = "IPv6" if ":" in endpoint.host else "IPv4"
        return ListenError(
            f"{text}this machine has no such address (or no {family})", "`ip address` lists those it has"
        )
    if isinstance(error, OverflowError):
        return ListenError(f"{text}a port is a number from 0 to 65535")
    return ListenError(f"{text}{(isinstance(error, OSError) and error.strerror) or error}")
