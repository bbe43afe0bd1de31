"""Decides how the clients of a script ask a daemon over real sockets.

Rules: each query has a socket of its own, at the address that the script gives its client, and an id of its own, over
UDP or TCP as the script says. The first message that answers with that id is the answer; others are not for it. Nothing
is asked twice, and a truncated answer is an answer: what a stub resolver does next is not what is tested.

Limits: of octets that are no query, which may never be answered, the last `MAX_ODD` are listened for.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from resolver.message import Transport
from resolver.network.base import Endpoint
from resolver.testing.blackbox.servers import bound, frames

Heard = Callable[[bytes], None]

MAX_ODD: Final = 128
"""Sockets that listen for answers to octets that are no query."""

_QR: Final = 0x80


class Clients:
    """All clients of a script; they ask the daemon at `daemon`."""

    def __init__(self, daemon: Endpoint) -> None:
        self._daemon = daemon
        self._loop = asyncio.get_running_loop()
        self._sockets: set[socket.socket] = set()
        self._odd: deque[socket.socket] = deque()
        self._connections: set[asyncio.Task[None]] = set()

    def ask(self, wire: bytes, source: str | None, transport: Transport, heard: Heard, *, odd: bool = False) -> None:
        """`wire` is sent from the address `source`; `heard` is called at most once. It is `odd` if it is no query.

        Raises OSError.
        """
        if transport is Transport.TCP:
            task = self._loop.create_task(self._over_tcp(wire, source, heard))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
            return
        udp = self._socket(socket.SOCK_DGRAM, source)
        self._sockets.add(udp)
        if odd:
            self._odd.append(udp)
            if len(self._odd) > MAX_ODD:
                self._leave(self._odd.popleft())
        udp.connect(self._daemon)
        self._loop.add_reader(udp, self._read, udp, wire, heard)
        udp.send(wire)

    def close(self) -> None:
        """Nobody waits for anything any more."""
        for udp in list(self._sockets):
            self._leave(udp)
        for task in self._connections:
            task.cancel()

    def _socket(self, kind: socket.SocketKind, source: str | None) -> socket.socket:
        return bound(kind, source or ("::1" if ":" in self._daemon.host else "127.0.0.1"), 0)

    def _read(self, udp: socket.socket, wire: bytes, heard: Heard) -> None:
        try:
            answer = udp.recv(65_535)
        except BlockingIOError:
            return
        except OSError:  # nobody listens there: the player's patience says so
            self._leave(udp)
            return
        if _answers(answer, wire):
            self._leave(udp)
            heard(answer)

    def _leave(self, udp: socket.socket) -> None:
        if udp in self._sockets:
            self._sockets.discard(udp)
            self._loop.remove_reader(udp)
            udp.close()

    async def _over_tcp(self, wire: bytes, source: str | None, heard: Heard) -> None:
        made = self._socket(socket.SOCK_STREAM, source)
        try:
            await self._loop.sock_connect(made, self._daemon)
            reader, writer = await asyncio.open_connection(sock=made)
        except OSError:
            made.close()
            return
        try:
            writer.write(len(wire).to_bytes(2, "big") + wire)
            async for answer in frames(reader):
                if _answers(answer, wire):
                    heard(answer)
                    return
        finally:
            writer.close()


def _answers(answer: bytes, wire: bytes) -> bool:
    return len(answer) > 2 and answer[:2] == wire[:2] and bool(answer[2] & _QR)
