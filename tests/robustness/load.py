"""How the daemon is asked in volume, from one thread: at a rate, or as fast as it answers, until a count is reached."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.probe import question

WAIT_S: Final = 5.0
"""How long the last responses are waited for: as long as a stub resolver waits."""

WINDOW: Final = 100
"""Queries that wait for their response at a time, where as many are asked as are answered."""

BUFFER: Final = 1 << 22


@dataclass(slots=True)
class Stream:
    """Queries of one kind, `rate` a second, from a socket of their own; what came back, and how fast.

    `names` must not end before the load does.
    """

    names: Iterator[str]
    rate: float
    host: str = ""
    """The address that they come from, if it is to be a certain one."""
    sent: int = 0
    good: int = 0
    """Responses of NOERROR with an answer."""
    rcodes: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    """Of each response, in the order in which they came."""

    @property
    def lost(self) -> int:
        """Queries without a response."""
        return self.sent - len(self.seconds)

    def percentile(self, share: float) -> float:
        """The seconds in which that share of the responses came; infinite when none came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")


def _connected(at: tuple[str, int], host: str = "") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if host:
        sock.bind((host, 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.connect(at)
    sock.setblocking(False)
    return sock


def _receive(sock: socket.socket, stream: Stream, open_: dict[int, float]) -> None:
    while True:
        try:
            response = sock.recv(4096)
        except BlockingIOError:
            return
        began = open_.pop(int.from_bytes(response[:2], "big"), None)
        if began is None:
            continue
        stream.seconds.append(time.monotonic() - began)
        rcode = response[3] & 0xF
        stream.rcodes[rcode] = stream.rcodes.get(rcode, 0) + 1
        stream.good += rcode == 0 and response[6:8] != b"\0\0"


def at_a_rate(at: tuple[str, int], streams: Sequence[Stream], seconds: float) -> None:
    """All streams were asked side by side for so long, and what was going to come has come."""
    sockets = [_connected(at, stream.host) for stream in streams]
    by_socket = dict(zip(sockets, streams, strict=True))
    waiting: list[dict[int, float]] = [{} for _ in streams]
    totals = [int(stream.rate * seconds) for stream in streams]
    began = time.monotonic()
    try:
        while (now := time.monotonic()) < began + seconds + WAIT_S:
            for sock, stream, open_, total in zip(sockets, streams, waiting, totals, strict=True):
                while stream.sent < total and now - began >= stream.sent / stream.rate:
                    number = stream.sent & 0xFFFF
                    open_[number] = time.monotonic()
                    sock.send(number.to_bytes(2, "big") + question(next(stream.names))[2:])
                    stream.sent += 1
            if not any(waiting) and all(map(int.__eq__, totals, (stream.sent for stream in streams))):
                break
            for sock in select.select(sockets, (), (), 0.0005)[0]:
                _receive(sock, by_socket[sock], waiting[sockets.index(sock)])
    finally:
        for sock in sockets:
            sock.close()


def as_fast_as_answered(at: tuple[str, int], names: Iterator[str], count: int, limit_s: float) -> Stream:
    """`count` names were asked once each, `WINDOW` at a time, or as many as `limit_s` allowed."""
    stream, open_ = Stream(names, 0.0), dict[int, float]()
    ends = time.monotonic() + limit_s
    with _connected(at) as sock:
        while (stream.sent < count or open_) and time.monotonic() < ends:
            while stream.sent < count and len(open_) < WINDOW:
                number = stream.sent & 0xFFFF
                open_[number] = time.monotonic()
                sock.send(number.to_bytes(2, "big") + question(next(names))[2:])
                stream.sent += 1
            if not select.select((sock,), (), (), WAIT_S)[0]:
                break
            _receive(sock, stream, open_)
    return stream


def once(at: tuple[str, int], name: str) -> tuple[int, int, float]:
    """Rcode, count of answers, and seconds of one question. Raises TimeoutError after `WAIT_S`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect(at)
        began = time.monotonic()
        sock.send(question(name))
        response = sock.recv(4096)
        return response[3] & 0xF, int.from_bytes(response[6:8], "big"), time.monotonic() - began
