"""Servers on loopback, and a `SocketNetwork` to ask them, for tests on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from resolver.network.base import Endpoint, Timer, Trouble
from resolver.network.clock import RealClock
from resolver.network.entropy import SystemEntropy
from resolver.network.sockets import SocketNetwork


class Inbox:
    """Collects what is delivered, and wakes who waits for it."""

    def __init__(self) -> None:
        self.got: list[bytes | Trouble] = []
        self._changed = asyncio.Event()

    def __call__(self, what: bytes | Trouble) -> None:
        self.got.append(what)
        self._changed.set()

    async def wait_for(self, count: int) -> list[bytes | Trouble]:
        """What has come, once there are `count`."""
        while len(self.got) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.got


class HandClock:
    """A `Clock` that a test moves on; what is due at once is the loop's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    boottime = wall = monotonic

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        if seconds <= 0:
            return asyncio.get_running_loop().call_soon(callback)
        self.timers.append((self.now + seconds, callback))
        return _HandTimer(self, self.timers[-1])

    def advance(self, seconds: float) -> None:
        """`seconds` have passed, and what fell due in them has been called."""
        end = self.now + seconds
        while due := sorted((each for each in self.timers if each[0] <= end), key=lambda each: each[0]):
            self.timers.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = end


class _HandTimer:
    def __init__(self, clock: HandClock, entry: tuple[float, Callable[[], None]]) -> None:
        self._clock, self._entry = clock, entry

    def cancel(self) -> None:
        if self._entry in self._clock.timers:
            self._clock.timers.remove(self._entry)


def network(**options: Any) -> SocketNetwork:
    """A `SocketNetwork` on the running loop, which is closed when the running task ends."""
    loop = asyncio.get_running_loop()
    clock = options.pop("clock", None) or RealClock(loop)
    made = SocketNetwork(loop, clock, options.pop("entropy", None) or SystemEntropy(), **options)
    task = asyncio.current_task()
    assert task is not None
    task.add_done_callback(lambda _: made.close())
    return made


@contextmanager
def udp_server(
    answer: Callable[[socket.socket, bytes, Any], object], host: str = "127.0.0.1", port: int = 0
) -> Iterator[Endpoint]:
    """A UDP server on the running loop: `answer(sock, wire, address)` for each datagram."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, port))

        def readable() -> None:
            for _ in range(200):
                try:
                    wire, address = sock.recvfrom(65535)
                except BlockingIOError:
                    return
                answer(sock, wire, address)

        loop.add_reader(sock.fileno(), readable)
        try:
            yield Endpoint(host, sock.getsockname()[1])
        finally:
            loop.remove_reader(sock.fileno())


def echo(sock: socket.socket, wire: bytes, address: Any) -> None:
    """Answers with what was asked."""
    sock.sendto(wire, address)


def silent(*_: object) -> None:
    """Answers nothing."""


def unused_port(host: str = "127.0.0.1", kind: int = socket.SOCK_DGRAM) -> int:
    """A port on which nobody listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
        return port


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def tcp_server(handle: Handle, host: str = "127.0.0.1") -> tuple[asyncio.Server, Endpoint]:
    """A TCP server on the running loop; each connection is closed when `handle` returns or the client is gone."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):  # the client has given up
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, host, 0)
    return server, Endpoint(host, server.sockets[0].getsockname()[1])


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """The next message of a stream."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


async def until(condition: Callable[[], object]) -> None:
    """`condition` holds; the loop has as many turns as that takes."""
    for _ in iter(lambda: bool(condition()), True):
        await asyncio.sleep(0)


def framed(wire: bytes) -> bytes:
    """`wire` as a stream carries it."""
    return len(wire).to_bytes(2, "big") + wire
