"""Decides which of the settings that a peer over HTTP/2 tells are heeded, by our server and by our client.

Rules
* Only those are read that HTTP/2 knows, since `h2` would hold each of the 65,536 that there can be for as long as the
  connection lives; others are ignored anyway (RFC 9113 section 6.5.2). Who sends more than `MOST` of them in a frame is
  not negotiating.
* However large a table of HPACK a peer has room for, ours has `TABLE` octets (RFC 7541 section 4.2): `h2` would put
  each new field of a message there, and look through all of them for the next.
"""

from __future__ import annotations

from typing import Final

from h2.settings import SettingCodes

SETTINGS: Final = 4
"""The type of their frame (RFC 9113 section 6.5)."""

MOST: Final = 64
"""Settings in one frame: ten times those that there are, as peers send some that nobody knows (RFC 8701)."""

TABLE: Final = 4_096
"""Octets of the table of HPACK by which messages are written, which is what all begin with (RFC 9113 section 6.5.2)."""

_HEAD: Final = 9
_SETTING: Final = 6
"""Octets of a setting (RFC 9113 section 6.5.1)."""
_TABLE_SIZE: Final = SettingCodes.HEADER_TABLE_SIZE.to_bytes(2, "big")
_KNOWN: Final = frozenset(int(code).to_bytes(2, "big") for code in SettingCodes)


def negotiated(frame: bytes) -> bytes | None:
    """What is worth reading of `frame`, one of SETTINGS; None where there are too many of them."""
    octets = len(frame) - _HEAD
    if octets > MOST * _SETTING:
        return None
    if octets % _SETTING:
        return frame  # which is told to be none
    each = (frame[at : at + _SETTING] for at in range(_HEAD, len(frame), _SETTING))
    payload = b"".join(_bounded(setting) for setting in each if setting[:2] in _KNOWN)
    return len(payload).to_bytes(3, "big") + frame[3:_HEAD] + payload


def _bounded(setting: bytes) -> bytes:
    """`setting`, or the most of it that is heeded."""
    if setting[:2] == _TABLE_SIZE and int.from_bytes(setting[2:], "big") > TABLE:
        return _TABLE_SIZE + TABLE.to_bytes(4, "big")
    return setting
