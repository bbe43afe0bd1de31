"""Decides where one frame of HTTP/2 ends and the next begins, so that a server which leaves can still be heard.

Rules: a server that is about to end a connection says so (GOAWAY, RFC 9113 section 6.8) and goes on to answer what it
has accepted. The library that reads frames reads none after that one, so it is taken out of what that is given. Of
settings passes what is heeded (`h2_settings`), all else as it came, whole.

Limits: a frame is at most `MAX_FRAME` octets, since no other size is offered. `AT_FIRST` frames may come, and as many
more as are allowed for what is asked, but never more than `MAX_FRAMES` beyond that: each costs work.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from resolver.network.h2_settings import SETTINGS, negotiated

MAX_FRAME: Final = 16_384
"""Octets of the longest frame without its head (RFC 9113 section 4.2)."""

AT_FIRST: Final = 256
"""Frames that a server may send before anything is asked of it."""

MAX_FRAMES: Final = 1024
"""Frames that a server may have in hand: those for 100 requests, and as many again."""

_HEAD: Final = 9
_GOAWAY: Final = 7
_GOAWAY_OCTETS: Final = 8


class GoAway(NamedTuple):
    """A server takes no more requests; `last` is the highest stream that it may have read, `code` says why."""

    last: int
    code: int


class Sieve:
    """Takes out of a stream of octets the frames of GOAWAY, and what of settings is not heeded (`h2_settings`)."""

    def __init__(self) -> None:
        self._received = bytearray()
        self.left: GoAway | None = None
        """The last that was taken out."""
        self._allowed = AT_FIRST

    def allow(self, count: int) -> None:
        """So many frames more may come."""
        self._allowed = min(MAX_FRAMES, self._allowed + count)

    def passed(self, octets: bytes) -> bytes:
        """All other frames that are complete with `octets`. Raises ValueError where a frame is too long, or too short
        for what it is, and where too many have come, frames or settings."""
        received = self._received
        received += octets
        parts, begin = [], 0
        while len(received) >= begin + _HEAD:
            size = int.from_bytes(received[begin : begin + 3], "big")
            if size > MAX_FRAME:
                raise ValueError(f"a frame of {size} octets")
            end = begin + _HEAD + size
            if len(received) < end:
                break
            self._allowed -= 1
            if self._allowed < 0:
                raise ValueError("too many frames that bring nothing")
            frame = bytes(received[begin:end])
            if frame[3] == _GOAWAY:
                self.left = _goaway(frame[_HEAD:])
            elif frame[3] == SETTINGS:
                parts.append(_negotiated(frame))
            else:
                parts.append(frame)
            begin = end
        del received[:begin]
        return b"".join(parts)


def _negotiated(frame: bytes) -> bytes:
    read = negotiated(frame)
    if read is None:
        raise ValueError("too many settings")
    return read


def _goaway(payload: bytes) -> GoAway:
    if len(payload) < _GOAWAY_OCTETS:
        raise ValueError("a GOAWAY that is too short")
    last = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
    return GoAway(last, int.from_bytes(payload[4:8], "big"))
