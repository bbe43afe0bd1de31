"""How two processes of one daemon speak."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from resolver.network import channel
from resolver.network.channel import MAX_FRAME, MAX_SOCKETS, Channel, pair

pytestmark = pytest.mark.sockets


class Side:
    """One end, with all that it hears."""

    def __init__(self, end: socket.socket) -> None:
        self.frames: list[bytes] = []
        self.sockets: list[socket.socket] = []
        self.ended = 0
        self.news = asyncio.Event()
        self.channel = Channel(asyncio.get_running_loop(), end, self.hear, self.gone)

    def hear(self, frame: bytes, sockets: list[socket.socket]) -> None:
        self.frames.append(frame)
        self.sockets += sockets
        self.news.set()

    def gone(self) -> None:
        self.ended += 1
        self.news.set()

    async def until(self, done: Callable[[], bool]) -> None:
        while not done():
            await self.news.wait()
            self.news.clear()


def test_frames_arrive_whole_and_in_order_however_large(on_loop: Any) -> None:
    async def main() -> None:
        one, other = (Side(end) for end in pair())
        frames = [b"", b"x", b"y" * 3_000_000, b"z" * 70_000]
        for frame in frames:
            one.channel.send(frame)
        other.channel.send(b"back")
        await other.until(lambda: len(other.frames) == 4)
        await one.until(lambda: bool(one.frames))
        assert other.frames == frames
        assert one.frames == [b"back"]
        one.channel.close()
        other.channel.close()

    on_loop(main())


def test_sockets_arrive_with_their_frame_and_are_their_own(on_loop: Any) -> None:
    async def main() -> None:
        one, other = (Side(end) for end in pair())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            tcp.bind(("127.0.0.1", 0))
            names = [udp.getsockname(), tcp.getsockname()]
            one.channel.send(b"w" * 2_000_000)
            one.channel.send(b"two", [udp, tcp])
            one.channel.send(b"none")
        await other.until(lambda: len(other.frames) == 3)
        assert [each.getsockname() for each in other.sockets] == names
        assert [each.type for each in other.sockets] == [socket.SOCK_DGRAM, socket.SOCK_STREAM]
        assert not any(each.getblocking() for each in other.sockets)
        for each in other.sockets:
            each.close()
        one.channel.close()
        other.channel.close()

    on_loop(main())


def test_the_end_of_one_side_is_told_once_and_after_all_that_it_said(on_loop: Any) -> None:
    async def main() -> None:
        one, other = (Side(end) for end in pair())
        one.channel.send(b"last words")
        one.channel.close()
        one.channel.close()
        await other.until(lambda: other.ended > 0)
        assert other.frames == [b"last words"]
        other.channel.send(b"to nobody")
        other.channel.close()
        assert (one.ended, other.ended) == (0, 1)

    on_loop(main())


def test_who_does_not_hear_any_more_is_found_out_by_reading(on_loop: Any) -> None:
    async def main() -> None:
        left, right = pair()
        one = Side(left)
        right.close()
        one.channel.send(b"x" * 1_000_000)
        await one.until(lambda: one.ended > 0)

    on_loop(main())


@pytest.mark.parametrize("head", [(MAX_FRAME + 1).to_bytes(4, "big") + b"\0", b"\0\0\0\0\3"])
def test_what_breaks_a_bound_ends_the_channel(on_loop: Any, head: bytes) -> None:
    """A frame that is too large, and sockets that are not there."""

    async def main() -> None:
        left, right = pair()
        one = Side(left)
        right.sendall(head)
        await one.until(lambda: one.ended > 0)
        assert one.frames == []
        right.close()

    on_loop(main())


@pytest.mark.parametrize("kind", ["sockets of no frame", "no socket"])
def test_descriptors_that_are_not_due_end_the_channel_and_are_closed(on_loop: Any, kind: str) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> None:
        one, other = pair()
        side = Side(other)
        reading, writing = os.pipe()
        with socket.socket() as spare:
            before = descriptors()
            sent = [spare.fileno()] * 50 if kind == "sockets of no frame" else [reading]
            for _ in range(MAX_SOCKETS // 50 + 1 if len(sent) > 1 else 1):
                socket.send_fds(one, [bytes(5)], sent)  # a frame of no octets, which says that it has no sockets
            await asyncio.wait_for(side.until(lambda: side.ended > 0), 5)
            assert descriptors() == before - 1, "that of the channel itself is closed, too"
        for each in (reading, writing):
            os.close(each)
        one.close()

    on_loop(main())


def test_a_pair_has_no_name() -> None:
    one, other = channel.pair()
    assert not one.getsockname()
    one.close()
    other.close()
