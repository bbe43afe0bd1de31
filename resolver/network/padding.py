"""Decides how long an encrypted query is made (RFC 7830, RFC 8467), so that its length does not tell its name.

Rules: a query whose last record is an OPT gets an option for padding at its end, which makes its length a multiple of
`BLOCK` octets (RFC 8467 section 4.1). One without EDNS cannot be padded, one that is signed must not be changed (RFC
8945 section 5.3): neither is touched, nor is what is no query.

Limits: only what the program itself renders is looked for: one question, and the OPT alone behind it.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final

from resolver.errors import WireError
from resolver.message import QR, Type
from resolver.wire.compression import HEADER, read_plain

BLOCK: Final = 128
"""Octets of which the length of a padded query is a multiple (RFC 8467 section 4.1)."""

PADDING: Final = 12
"""The EDNS option (RFC 7830 section 3)."""

_COUNTS: Final = Struct("!6H").unpack_from
_OPT: Final = Struct("!BHHIH").unpack_from
_OPT_OCTETS: Final = 11
_OPTION: Final = Struct("!HH").pack


def padded(wire: bytes) -> bytes:
    """`wire` with padding, if it is a query with EDNS that has none yet; else as it was."""
    try:
        _, flags, *counts = _COUNTS(wire)
        if flags & QR or counts != [1, 0, 0, 1]:
            return wire
        start = read_plain(wire, HEADER)[1] + 4
        owner, rtype, _, _, length = _OPT(wire, start)
    except (IndexError, WireError, error):
        return wire
    end = start + _OPT_OCTETS + length
    if owner or rtype != Type.OPT or end != len(wire) or _has_padding(wire, end - length):
        return wire
    size = -(end + 4) % BLOCK
    data = length + 4 + size
    return b"".join(
        (wire[: end - length - 2], data.to_bytes(2, "big"), wire[end - length :], _OPTION(PADDING, size), bytes(size))
    )


def _has_padding(wire: bytes, pos: int) -> bool:
    """Whether there is padding among the options from `pos` on."""
    while pos + 4 <= len(wire):
        if int.from_bytes(wire[pos : pos + 2], "big") == PADDING:
            return True
        pos += 4 + int.from_bytes(wire[pos + 2 : pos + 4], "big")
    return False
