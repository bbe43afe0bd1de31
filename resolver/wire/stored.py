"""Decides which queries can be answered from stored octets, under which key, and patches them for each asker.

A plain query is one question and at most an OPT that says nothing but sizes and DO. Its key is the question
in lower case and one octet of what else changes the answer: RD, AD, CD, DO, whether it has an OPT, whether it
came over TCP. The stored response is served again with the id and the spelling of the new query, and with
TTLs reduced by the time it was kept.

Rules: a query whose OPT offers less than the 1232 octets that we send is not plain, because the answer may
not fit (RFC 6891 section 6.2.3). Nothing that a client could have set in a way not covered by the key is let
through: other flags, an rcode, EDNS options or flags, more records.

Limits: `key` does not walk the labels of the name, which would double its cost. It need not: what is *stored*
under a key was made from a query that `parse` accepted, and a malformed name never equals a well-formed one
(length octets are no letters, and a question cannot hold a pointer, as nothing before it may be pointed to).
So only responses to parsed queries may be stored. A key says nothing about who asks: answers that differ by
client must not be stored.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final, NamedTuple

from resolver.errors import WireError
from resolver.message import AD, EDNS_PAYLOAD, QR, RD, TC, Type
from resolver.message import CD as CHECKING_DISABLED
from resolver.wire.compression import HEADER, read_plain

_HEAD: Final = Struct("!HQ").unpack_from
_COUNTS: Final = Struct("!6H").unpack_from
_OPT_RECORD: Final = Struct("!BHHIH").unpack_from
_FIXED: Final = Struct("!HHIH").unpack_from
_TTL: Final = Struct("!I").unpack_from
_SET_TTL: Final = Struct("!I").pack_into

_PLAIN_FLAGS: Final = RD | AD | CHECKING_DISABLED
_OTHER_FLAGS: Final = 0xFFFF & ~_PLAIN_FLAGS

_ONE_QUESTION: Final = 1 << 48
"""The four counts of a header, as one number: a question and nothing else."""

_WITH_OPT: Final = _ONE_QUESTION | 1
"""The four counts of a header, as one number: a question and one additional record."""

_BARE_OPT: Final = 11
"""Octets of an OPT without options."""

_OPT: Final = int(Type.OPT)
_SIGNING: Final = frozenset((24, int(Type.TSIG)))
"""SIG and TSIG: records that sign the whole message, and so its id (RFC 2931, RFC 8945)."""

# The bits of the last octet of a key. RD, AD and CD are 1, 32 and 16, as in their octet of the flags.
_HAS_DO: Final = 2
_HAS_EDNS: Final = 4
_BY_TCP: Final = 8
_OCTET: Final = tuple(bytes((value,)) for value in range(256))


class Stored(NamedTuple):
    """A response as octets: where its TTLs are, the octets of its question, its lowest TTL in seconds."""

    wire: bytes
    ttls: tuple[int, ...]
    question: int
    lowest: int


def key(wire: bytes, tcp: bool) -> bytes | None:
    """The key of a plain query, under which its answer may be stored; None for any other message."""
    size = len(wire)
    if size < HEADER + 5:
        return None
    flags, counts = _HEAD(wire, 2)
    if flags & _OTHER_FLAGS:
        return None
    bits = flags >> 8 | flags & 0x30
    if counts == _WITH_OPT:
        size -= _BARE_OPT
        if size < HEADER + 5:
            return None
        owner, rtype, payload, extended, length = _OPT_RECORD(wire, size)
        if owner or rtype != _OPT or payload < EDNS_PAYLOAD or extended & 0xFFFF7FFF or length:
            return None
        bits |= _HAS_EDNS | _HAS_DO if extended else _HAS_EDNS
    elif counts != _ONE_QUESTION:
        return None
    if tcp:
        bits |= _BY_TCP
    asked: bytes = wire[12 : size - 4].lower() + wire[size - 4 : size] + _OCTET[bits]
    return asked


def make(wire: bytes) -> Stored | None:
    """`wire`, a rendered response, ready to be served again; None if it must not be.

    It must not when it is truncated, signed, without a question, malformed, without a TTL or with one of 0.
    """
    try:
        return _scan(wire)
    except (IndexError, WireError, error):
        return None


def _scan(wire: bytes) -> Stored | None:
    _, flags, asked, *counts = _COUNTS(wire)
    if asked != 1 or not flags & QR or flags & TC:
        return None
    question = read_plain(wire, HEADER)[1] + 4
    pos = question
    ttls = []
    lowest = 1 << 32
    for _ in range(sum(counts)):
        pos = _behind_name(wire, pos)
        rtype, _, ttl, size = _FIXED(wire, pos)
        if rtype in _SIGNING:
            return None
        if rtype != _OPT:
            ttls.append(pos + 4)
            lowest = min(lowest, ttl)
        pos += 10 + size
    if pos != len(wire) or not ttls or not lowest:
        return None
    return Stored(wire, tuple(ttls), question - HEADER, lowest)


def _behind_name(wire: bytes, pos: int) -> int:
    """The offset behind the name at `pos`, whatever it points to."""
    while length := wire[pos]:
        if length >= 0xC0:
            return pos + 2
        pos += length + 1
    return pos + 1


def patch(stored: Stored, query: bytes, age: int) -> bytes:
    """The stored response as the response to `query`, which has its key, `age` seconds after it was made.

    It has the id, RD, CD and the spelling of the question of `query`; no TTL goes below 0.
    """
    wire, ttls, question, _ = stored
    out = bytearray(wire)
    end = HEADER + question
    out[:2] = query[:2]
    out[2] = out[2] & 0xFE | query[2] & 1
    out[3] = out[3] & 0xEF | query[3] & 0x10
    out[HEADER:end] = query[HEADER:end]
    if age > 0:
        for at in ttls:
            ttl = _TTL(out, at)[0] - age
            _SET_TTL(out, at, ttl if ttl > 0 else 0)
    return bytes(out)
