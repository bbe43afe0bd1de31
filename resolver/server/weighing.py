"""Decides what of HTTP/2 a client may send beside requests, and what of it is worth being read.

Rules:
* A frame that asks nothing and brings nothing costs one of `ODD`, and an answer gives `PER_ANSWER` of them back.
* Of SETTINGS only those are read that HTTP/2 knows, since `h2` would hold each of the 65,536 that there can be for as
  long as the connection lives; others are ignored anyway (RFC 9113 section 6.5.2). Who sends more than `SETTINGS_MOST`
  of them in a frame is not negotiating.
* However large a table of HPACK a client has room for, ours has `TABLE` octets (RFC 7541 section 4.2): `h2` would put
  each new field of an answer there, and look through all of them for the next.
"""

from __future__ import annotations

from typing import Final

from h2.settings import SettingCodes

from resolver.server.quick import DATA, END_HEADERS, END_STREAM, HEAD, HEADERS

ODD: Final = 256
"""Frames beside requests that a client may send ahead of answers."""

PER_ANSWER: Final = 4
"""Of those, how many an answer gives back: a client may acknowledge each by updates of both windows and a PING."""

PER_SECOND: Final = 4.0
"""The same of a second: who pings, or gives requests up, now and then, may do so for ever."""

SMALL: Final = 64
"""Octets below which a DATA frame brings next to nothing, unless it is the last."""

SETTINGS_MOST: Final = 64
"""Settings in one frame: ten times those that there are, as clients send some that nobody knows (RFC 8701)."""

SETTINGS: Final = 4
CONTINUATION: Final = 9

TABLE: Final = 4_096
"""Octets of the table of HPACK by which answers are written, which is what all begin with (RFC 9113 section 6.5.2)."""

_SETTING: Final = 6
"""Octets of a setting (RFC 9113 section 6.5.1)."""
_TABLE_SIZE: Final = SettingCodes.HEADER_TABLE_SIZE.to_bytes(2, "big")
_KNOWN: Final = frozenset(int(code).to_bytes(2, "big") for code in SettingCodes)


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


def negotiated(frame: bytes) -> bytes | None:
    """What is worth reading of `frame`, one of SETTINGS; None where there are too many of them."""
    octets = len(frame) - HEAD
    if octets > SETTINGS_MOST * _SETTING:
        return None
    if octets % _SETTING:
        return frame  # which is told to be none
    each = (frame[at : at + _SETTING] for at in range(HEAD, len(frame), _SETTING))
    payload = b"".join(_bounded(setting) for setting in each if setting[:2] in _KNOWN)
    return len(payload).to_bytes(3, "big") + frame[3:HEAD] + payload


def _bounded(setting: bytes) -> bytes:
    """`setting`, or the most of it that is heeded."""
    if setting[:2] == _TABLE_SIZE and int.from_bytes(setting[2:], "big") > TABLE:
        return _TABLE_SIZE + TABLE.to_bytes(4, "big")
    return setting
