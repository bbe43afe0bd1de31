"""Decides how the servers of a script stand on real sockets.

Rules: each address that the script has a server at, or tells anybody of, is bound at port 53 for UDP and TCP, and what
arrives is handed to the `ScriptedNetwork`, as if it had been sent to it. A server that has nothing to say is silent,
as there. An address that cannot be a server's (multicast, `0.0.0.0`) is passed over.

Limits: a TCP connection stays open until the daemon closes it; what comes over it is answered in the order in which the
script answers. Octets that are no DNS message are dropped.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from resolver.errors import WireError
from resolver.hints import PORT
from resolver.message import Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.testing.replay.network import ScriptedNetwork
from resolver.testing.replay.script import Scenario
from resolver.wire.parse import parse

MAX_ADDRESSES: Final = 1_000
"""Of a script that are bound: two descriptors each."""

_FREEBIND_4: Final = (socket.IPPROTO_IP, 15)
_FREEBIND_6: Final = (socket.IPPROTO_IPV6, 78)
"""IP_FREEBIND and IPV6_FREEBIND, without which IPv6 binds none but the addresses of an interface."""


def addresses(scenario: Scenario) -> list[str]:
    """The addresses at which a server of `scenario` may be asked."""
    found: dict[str, None] = {}
    for one in scenario.ranges:
        found.update(dict.fromkeys(sorted(one.addresses)))
    for word in scenario.words:
        if word.key in ("stub-addr", "forward-addr"):
            found[word.value.partition("@")[0]] = None
    for step in scenario.steps:
        if step.address is not None and step.kind != "QUERY":
            found[step.address] = None
    for entry in scenario.entries():
        for rrset in (*entry.answer, *entry.authority, *entry.additional):
            if rrset.type in (Type.A, Type.AAAA):
                found.update((text, None) for rdata in rrset.rdatas if (text := _text(rdata)))
    return [address for address in found if _can_serve(address)]


def _text(rdata: bytes) -> str:
    return str(ipaddress.ip_address(rdata)) if len(rdata) in (4, 16) else ""


def _can_serve(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (ip.is_unspecified or ip.is_multicast or address == "255.255.255.255")


def bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """A socket at `address`, whether an interface has it or not. Raises OSError."""
    six = ":" in address
    made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
    try:
        made.setblocking(False)
        made.setsockopt(*(_FREEBIND_6 if six else _FREEBIND_4), 1)
        if kind is socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


class Servers:
    """The servers of a script, bound; `happened` is called for each message that arrives."""

    def __init__(self, network: ScriptedNetwork, happened: Callable[[], None]) -> None:
        self._network, self._happened = network, happened
        self._loop = asyncio.get_running_loop()
        self._datagrams: list[socket.socket] = []
        self._streams: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self.trouble = ""
        """What went wrong with a message, if anything did."""

    async def bind(self, hosts: list[str], port: int = PORT) -> None:
        """There is a server at each of `hosts`. Raises OSError."""
        for host in hosts[:MAX_ADDRESSES]:
            udp = bound(socket.SOCK_DGRAM, host, port)
            self._datagrams.append(udp)
            self._loop.add_reader(udp, self._read, udp, host)
            tcp = bound(socket.SOCK_STREAM, host, port)
            self._streams.append(await asyncio.start_server(self._connection(host), sock=tcp))

    def close(self) -> None:
        """Nothing is bound any more."""
        for udp in self._datagrams:
            self._loop.remove_reader(udp)
            udp.close()
        for writer in self._writers:
            writer.close()
        for server in self._streams:
            server.close()

    def _read(self, udp: socket.socket, host: str) -> None:
        while True:
            try:
                wire, source = udp.recvfrom(65_535)
            except (BlockingIOError, ConnectionError):
                return

            def deliver(answer: bytes | Trouble, source: tuple[str, int] = source) -> None:
                if isinstance(answer, bytes) and udp.fileno() >= 0:
                    _send(udp, answer, source)

            self._take(host, wire, Transport.UDP, deliver)

    def _connection(self, host: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            def deliver(answer: bytes | Trouble) -> None:
                if isinstance(answer, bytes) and not writer.is_closing():
                    writer.write(len(answer).to_bytes(2, "big") + answer)

            self._writers.add(writer)
            try:
                async for wire in frames(reader):
                    self._take(host, wire, Transport.TCP, deliver)
            except asyncio.CancelledError:
                return  # the scenario is over; passed on, Python 3.11 prints it as an error of the connection
            finally:
                self._writers.discard(writer)
                writer.close()

        return serve

    def _take(self, host: str, wire: bytes, transport: Transport, deliver: Callable[[bytes | Trouble], None]) -> None:
        self._happened()
        try:
            parse(wire)
        except WireError:
            return
        try:
            self._network.send(Endpoint(host, PORT), wire, transport, deliver)
        except AssertionError as wrong:
            self.trouble = str(wrong)


def _send(udp: socket.socket, wire: bytes, to: tuple[str, int]) -> None:
    """The datagram is sent; who has gone meanwhile, or is too slow, misses it, as on any network."""
    try:
        udp.sendto(wire, to)
    except OSError:
        return


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The messages of a connection (RFC 1035 section 4.2.2), until it ends."""
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            yield await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
