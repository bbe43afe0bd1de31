"""Decides how two processes of one daemon speak: frames over a pair of Unix sockets, with open sockets beside them.

Rules: nobody else can join or listen, for the pair has no name. A frame is whole or it is not heard; sockets that were
sent with it are there when it is heard. The end of the other process ends the channel at once, however it came to its
end, which is how either learns of it.

Limits: `MAX_FRAME` octets and `MAX_SOCKETS` sockets of a frame; more, a frame cut short, sockets of no frame, or a
descriptor that is no socket, ends the channel and closes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

MAX_FRAME: Final = 64 * 1024 * 1024
MAX_SOCKETS: Final = 192
"""Linux takes 253 (SCM_MAX_FD); 64 listeners of three sockets each are the most that are configured."""

_CHUNK: Final = 64 * 1024
_LENGTH: Final = 4
_HEAD: Final = _LENGTH + 1
"""Octets before a frame: its length, and how many sockets come with it."""


Socket = socket.socket
"""For the signatures of those who hand sockets on and do nothing with them."""


def pair() -> tuple[Socket, Socket]:
    """Two ends, non-blocking, that a process which is forked inherits."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    one.setblocking(False)
    other.setblocking(False)
    return one, other


class Channel:
    """One end. `hear` is called with each frame and the sockets beside it, `gone` once when the other end is closed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: Socket,
        hear: Callable[[bytes, list[Socket]], None],
        gone: Callable[[], None],
    ) -> None:
        self._loop, self._end, self._hear, self._gone = loop, end, hear, gone
        self._received = bytearray()
        self._sockets: deque[Socket] = deque()
        self._to_send: deque[tuple[memoryview, list[Socket]]] = deque()
        loop.add_reader(end.fileno(), self._readable)

    def send(self, frame: bytes, sockets: Sequence[Socket] = ()) -> None:
        """`frame` is on its way; copies of `sockets` go with it. It is lost if the other end goes away."""
        assert len(frame) <= MAX_FRAME
        assert len(sockets) <= MAX_SOCKETS
        if self._end.fileno() < 0:
            return
        # The copies keep the sockets open until they have been sent, whatever becomes of the caller's own.
        copies = [one.dup() for one in sockets]
        head = len(frame).to_bytes(_LENGTH, "big") + bytes((len(sockets),))
        self._to_send.append((memoryview(head + frame), copies))
        if len(self._to_send) == 1:
            self._writable()

    def close(self) -> None:
        """Nothing is heard or sent any more, `gone` not called. Calling it again does nothing."""
        descriptor = self._end.fileno()
        if descriptor < 0:
            return
        self._loop.remove_reader(descriptor)
        self._loop.remove_writer(descriptor)
        self._end.close()
        for each in (*self._sockets, *(one for _, copies in self._to_send for one in copies)):
            each.close()
        self._sockets.clear()
        self._to_send.clear()

    def _end_it(self) -> None:
        if self._end.fileno() >= 0:
            self.close()
            self._gone()

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._end, _CHUNK, MAX_SOCKETS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        if not self._keep(descriptors) or not data:
            self._end_it()
            return
        self._received += data
        while self._end.fileno() >= 0 and self._take():
            pass
        if len(self._sockets) > MAX_SOCKETS:
            self._end_it()  # no frame can be waited for that they belong to

    def _keep(self, descriptors: Sequence[int]) -> bool:
        """Whether `descriptors` are sockets, which are kept for their frame; what is none is closed."""
        good = True
        for each in descriptors:
            try:
                received = socket.socket(fileno=each)
            except OSError:
                os.close(each)
                good = False
            else:
                received.setblocking(False)
                self._sockets.append(received)
        return good

    def _take(self) -> bool:
        """Whether a whole frame was there; it has been heard."""
        if len(self._received) < _HEAD:
            return False
        size, count = int.from_bytes(self._received[:_LENGTH], "big"), self._received[_LENGTH]
        if size > MAX_FRAME:
            self._end_it()
            return False
        if len(self._received) < _HEAD + size:
            return False
        if count > len(self._sockets):
            self._end_it()  # the kernel had no descriptors left for them
            return False
        frame = bytes(self._received[_HEAD : _HEAD + size])
        del self._received[: _HEAD + size]
        self._hear(frame, [self._sockets.popleft() for _ in range(count)])
        return True

    def _writable(self) -> None:
        while self._to_send:
            view, copies = self._to_send[0]
            try:
                sent = socket.send_fds(self._end, [view], [one.fileno() for one in copies])
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._end.fileno(), self._writable)
                return
            except OSError:
                # What it said before it went is still to be heard; reading finds the end.
                with contextlib.suppress(OSError):
                    self._loop.remove_writer(self._end.fileno())
                for one in copies:
                    one.close()
                self._to_send.clear()
                return
            for one in copies:
                one.close()
            if sent == len(view):
                self._to_send.popleft()
            else:
                self._to_send[0] = (view[sent:], [])
        self._loop.remove_writer(self._end.fileno())
