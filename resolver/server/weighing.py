"""Decides what of HTTP/2 a client may send beside requests.

Rules: a frame that asks nothing and brings nothing costs one of `ODD`, and an answer gives `PER_ANSWER` of them back.
"""

from __future__ import annotations

from typing import Final

from resolver.server.quick import DATA, END_HEADERS, END_STREAM, HEAD, HEADERS

ODD: Final = 256
"""Frames beside requests that a client may send ahead of answers."""

PER_ANSWER: Final = 4
"""Of those, how many an answer gives back: a client may acknowledge each by updates of both windows and a PING."""

PER_SECOND: Final = 4.0
"""The same of a second: who pings, or gives requests up, now and then, may do so for ever."""

SMALL: Final = 64
"""Octets below which a DATA frame brings next to nothing, unless it is the last."""

CONTINUATION: Final = 9


class Odd:
    """How many frames beside requests a client may still send."""

    __slots__ = ("_counted", "_left")

    def __init__(self, now: float) -> None:
        self._left, self._counted = float(ODD), now

    def pass_time(self, now: float) -> None:
        """It is `now`, in monotonic seconds."""
        self._left = min(float(ODD), self._left + (now - self._counted) * PER_SECOND)
        self._counted = now

    def answered(self) -> None:
        """A request was answered."""
        self._left = min(float(ODD), self._left + PER_ANSWER)

    def spend(self, frames: int = 1) -> bool:
        """So many `frames` have come; whether they may have."""
        self._left -= frames
        return self._left >= 0


def is_odd(kind: int, flags: int, octets: int) -> bool:
    """Whether a frame of that kind, with these `flags`, asks nothing, and brings nothing to speak of."""
    if kind == HEADERS:
        return not flags & END_HEADERS
    return kind != DATA or (octets < HEAD + SMALL and not flags & END_STREAM)
