"""Decides what two responses have in common for those who count them, and what is left of one that is cut short.

Rules
* Responses with records are alike when they answer the same question, empty ones when they are of the same name, name
  errors when they are of the same zone, for who floods makes up names; and all errors are alike.
* What is cut short says TC and keeps its question and its OPT (RFC 2181 section 9, RFC 6891 section 7).

Limits: for responses that were rendered here; what is malformed is taken for an error, and is not cut.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final

from resolver.errors import WireError
from resolver.message import Rcode, Type
from resolver.wire.compression import HEADER, read, read_plain

ANSWER: Final = b"a"
NODATA: Final = b"n"
NXDOMAIN: Final = b"x"
ERROR: Final = b"e"
"""What the likeness of a response begins with."""

_NXDOMAIN: Final = int(Rcode.NXDOMAIN)
_SOA: Final = int(Type.SOA)
_OPT: Final = int(Type.OPT)
_COUNTS: Final = Struct("!4H").unpack_from
_FIXED: Final = Struct("!HHIH").unpack_from
_TC: Final = 0x02


def likeness(response: bytes) -> bytes:
    """What `response` has in common with those that it is counted with."""
    rcode = response[3] & 0xF
    if rcode and rcode != _NXDOMAIN:
        return ERROR
    try:
        end = _behind(response, HEADER)
        name = response[HEADER:end].lower()
        if rcode:
            return NXDOMAIN + (_zone(response, end + 4) or name[1 + name[0] :])
    except (IndexError, WireError, error):
        return ERROR
    if response[6] or response[7]:
        return ANSWER + name + response[end : end + 4]
    return NODATA + name


def cut(response: bytes) -> bytes:
    """`response` with TC and without its records. Raises `WireError` for what is malformed."""
    try:
        asked, *counts = _COUNTS(response, 4)
        if asked > 1:
            raise WireError(f"a response to {asked} questions")
        end = pos = (read_plain(response, HEADER)[1] + 4) if asked else HEADER
        opt = b""
        for _ in range(sum(counts)):
            start, pos = pos, _behind(response, pos)
            rtype, _, _, size = _FIXED(response, pos)
            pos += 10 + size
            if rtype == _OPT:
                opt = response[start:pos]
    except (IndexError, error) as wrong:
        raise WireError("a response that ends too early") from wrong
    head = response[:2] + bytes((response[2] | _TC, response[3], 0, asked, 0, 0, 0, 0, 0, bool(opt)))
    return head + response[HEADER:end] + opt


def _zone(response: bytes, pos: int) -> bytes | None:
    """The owner, in lower case, of the SOA among the records at `pos`."""
    _, answers, authority, _ = _COUNTS(response, 4)
    for _ in range(answers + authority):
        start, pos = pos, _behind(response, pos)
        rtype, _, _, size = _FIXED(response, pos)
        if rtype == _SOA:
            return read(response, start, {})[0].lower()
        pos += 10 + size
    return None


def _behind(wire: bytes, pos: int) -> int:
    """The offset behind the name at `pos`, whatever it points to."""
    while length := wire[pos]:
        if length >= 0xC0:
            return pos + 2
        pos += length + 1
    return pos + 1
