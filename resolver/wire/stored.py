"""Decides which queries can be answered from stored octets, under which key, and what of these each asker gets anew.

A plain query is one question and at most an OPT that says nothing but sizes and DO. Its key is its own octets behind
the id, with the question's name in lower case and the size that its OPT offers written as the 1232 that we send. So
everything that a client can say is in the key: RD, AD, CD, DO, whether there is an OPT, the type and the class. What
is stored is the response behind its id, to the question in lower case; it is served with the id and the spelling of
the new query, and with TTLs reduced by the time it was kept.

Rules: a query whose OPT offers less than the 1232 octets that we send is not plain, because the answer may
not fit (RFC 6891 section 6.2.3). Nothing that a client could have set in a way not covered by the key is let
through: other flags, an rcode, EDNS options or flags, more records.

Limits: `key` does not walk the labels of the name, which would double its cost. It need not: what is *stored*
under a key was made from a query that `parse` accepted, and a malformed name never equals a well-formed one
(length octets are no letters, and a question cannot hold a pointer, as nothing before it may be pointed to).
So only responses to parsed queries may be stored. A key says nothing about who asks, nor by which transport: answers
that differ by client must not be stored, and those to datagrams and to streams must be kept apart.
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
_TTL_OCTETS: Final = Struct("!I").pack
_SET_TTL: Final = Struct("!I").pack_into

_PACKED: Final = Struct("!IIHH")
"""What a response is packed behind: its second, the seconds for which it is good, its TTLs' number, the first's place.

Then come the places of the other TTLs, the header behind the id, and what follows the question, which is in the key.
"""
_UNPACKED: Final = _PACKED.unpack_from
_PLACE: Final = Struct("!H")

_COUNTED: Final = HEADER - 2
"""Octets of a header behind the id."""

_OTHER_FLAGS: Final = 0xFFFF & ~(RD | AD | CHECKING_DISABLED)

_ONE_QUESTION: Final = 1 << 48
"""The four counts of a header, as one number: a question and nothing else."""

_WITH_OPT: Final = _ONE_QUESTION | 1
"""The four counts of a header, as one number: a question and one additional record."""

_BARE_OPT: Final = 11
"""Octets of an OPT without options."""

_OPT: Final = int(Type.OPT)
_SIGNING: Final = frozenset((24, int(Type.TSIG)))
"""SIG and TSIG: records that sign the whole message, and so its id (RFC 2931, RFC 8945)."""

_OFFERS: Final = Struct("!BHHIH").pack(0, _OPT, EDNS_PAYLOAD, 0, 0)
_OFFERS_WITH_DO: Final = Struct("!BHHIH").pack(0, _OPT, EDNS_PAYLOAD, 0x8000, 0)


class Stored(NamedTuple):
    """A response: its octets behind the id, where in them its TTLs are, where its question ends, its lowest TTL."""

    tail: bytes
    ttls: tuple[int, ...]
    end: int
    lowest: int


def key(wire: bytes) -> bytes | None:
    """The key of a plain query, under which its answer may be stored; None for any other message."""
    size = len(wire)
    if size < HEADER + 5:
        return None
    flags, counts = _HEAD(wire, 2)
    if flags & _OTHER_FLAGS:
        return None
    opt = b""
    if counts == _WITH_OPT:
        size -= _BARE_OPT
        if size < HEADER + 5:
            return None
        owner, rtype, payload, extended, length = _OPT_RECORD(wire, size)
        if owner or rtype != _OPT or payload < EDNS_PAYLOAD or extended & 0xFFFF7FFF or length:
            return None
        opt = _OFFERS_WITH_DO if extended else _OFFERS
    elif counts != _ONE_QUESTION:
        return None
    # No octet of these flags and counts is a letter; those of a type may be.
    asked: bytes = wire[2 : size - 4].lower() + wire[size - 4 : size] + opt
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
    end = pos = read_plain(wire, HEADER)[1] + 4
    ttls = []
    lowest = 1 << 32
    for _ in range(sum(counts)):
        pos = _behind_name(wire, pos)
        rtype, _, ttl, size = _FIXED(wire, pos)
        if rtype in _SIGNING:
            return None
        if rtype != _OPT:
            ttls.append(pos + 2)
            lowest = min(lowest, ttl)
        pos += 10 + size
    if pos != len(wire) or not ttls or not lowest:
        return None
    return Stored(wire[2:], tuple(ttls), end - 2, lowest)


def _behind_name(wire: bytes, pos: int) -> int:
    """The offset behind the name at `pos`, whatever it points to."""
    while length := wire[pos]:
        if length >= 0xC0:
            return pos + 2
        pos += length + 1
    return pos + 1


def packed(response: Stored, now: int, seconds: int) -> bytes:
    """`response` as one string, as it is in the second `now`, good for so many seconds, at most its lowest TTL."""
    tail, ttls, end, _ = response
    head = _PACKED.pack(now, seconds, len(ttls), ttls[0])
    return head + b"".join(map(_PLACE.pack, ttls[1:])) + tail[:_COUNTED] + tail[end:]


def unpacked(octets: bytes, key: bytes, now: int) -> bytes | None:
    """The response that was `packed`, behind its id, in the second `now`; None when its time has run down.

    Its question, in lower case, is the one of the `key` that it was stored under.
    """
    then, seconds, count, at = _UNPACKED(octets)
    age = now - then
    if age >= seconds:
        return None
    begin = _PACKED.size - 2 + 2 * count
    end = -_BARE_OPT if key[9] else None
    response: bytes = octets[begin : begin + _COUNTED] + key[_COUNTED:end] + octets[begin + _COUNTED :]
    if not age:
        return response
    if count == 1:  # as most have, and the other way takes twice the time
        return response[:at] + _TTL_OCTETS(_TTL(response, at)[0] - age) + response[at + 4 :]
    out = bytearray(response)
    for (at,) in _PLACE.iter_unpack(octets[_PACKED.size - 2 : begin]):
        _SET_TTL(out, at, _TTL(out, at)[0] - age)
    return bytes(out)


def spelled(tail: bytes, query: bytes) -> bytes:
    """A stored response as the response to the plain `query`: with its id and its spelling."""
    end = len(query) - _BARE_OPT if query[11] else len(query)
    return query[:2] + tail[:_COUNTED] + query[HEADER:end] + tail[end - 2 :]
