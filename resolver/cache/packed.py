"""Decides how what is known of a name lies in memory: as one string of octets, and no other object.

An RRset as tuples, strings and integers takes about 350 bytes beyond its data, and each of its objects is one more
that the garbage collector walks. Packed, an RRset or a denial is a *section*: its data behind a head of `HEAD` octets.
The sections of all types of a name stand one behind the other under the name as their key, so that one look tells
that nothing is known of a name, whatever is asked. What is held is read far more rarely than it is stored: answers that
are asked for often are served as stored octets.

Rules: the sections are in the order in which they were learnt, one for each type. The owner is the end of the key where
it is spelled so, and stands behind the head otherwise. The class is IN. The records of a denial are its SOA.

Limits: `expires` has 32 bits, which is 136 years of boot time.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from resolver.message import Class, RRset, Type

_HEAD: Final = Struct("!HIIIBB")
_HEAD_WITH_ONE: Final = Struct("!HIIIBBH")
_SIZE: Final = Struct("!H")
_ENDS: Final = Struct("!II").unpack_from
HEAD: Final = _HEAD.size
_FOREVER: Final = 0xFFFFFFFF
_SPELLED: Final = 0xFF
"""In place of an offset into the key: the owner follows, behind an octet with its length."""
DENIAL: Final = 0x80
"""The bit of `trust` that says that there is no data; the bits below are the credibility."""
TRUST_AT: Final = 14
"""Where `trust` stands in a section."""
_IN: Final = int(Class.IN)
_SOA: Final = int(Type.SOA)
_tuple: Final = tuple.__new__
"""Makes a named tuple in half the time that its class takes."""

read_head: Final = _HEAD.unpack_from
"""(type, octets of the section, end in seconds of boot time, TTL that it was learnt with, trust, offset of the owner)
of the section at an offset into what is packed."""


class Section(NamedTuple):
    """The head of a section, and where it stands: from `at` to before `stop`."""

    at: int
    stop: int
    type: int
    expires: int
    ttl: int
    denial: bool
    credibility: int


def sections(packed: bytes) -> Iterator[Section]:
    """The heads of all sections, in the order in which they were learnt."""
    at, end = 0, len(packed)
    while at < end:
        rtype, size, expires, ttl, trust, _ = read_head(packed, at)
        yield Section(at, at + size, rtype, expires, ttl, trust >= DENIAL, trust & ~DENIAL)
        at += size


class Ends(NamedTuple):
    """When a section ends, in whole seconds of boot time, and the TTL that it had when it was learnt."""

    expires: int
    ttl: int


def ends(packed: bytes, at: int) -> Ends:
    """When the section at `at` ends."""
    return Ends(*_ENDS(packed, at + 6))


def pack(key: bytes, rtype: int, rrset: RRset, trust: int, expires: int) -> bytes:
    """The section of `rtype` under `key`, a folded name; `rrset` has the TTL it is held for.

    `trust` is the credibility, with `DENIAL` when `rrset` is the SOA that proves that there is no data.
    """
    owner, _, _, ttl, rdatas, _ = rrset
    if expires > _FOREVER or ttl > _FOREVER:
        expires, ttl = min(expires, _FOREVER), min(ttl, _FOREVER)
    if owner == key and len(rdatas) == 1:  # what almost all of them are
        data = rdatas[0]
        size = len(data)
        return _HEAD_WITH_ONE.pack(rtype, HEAD + 2 + size, expires, ttl, trust, 0, size) + data
    cut = len(key) - len(owner)
    spelled = b""
    if cut < 0 or key[cut:] != owner:
        cut, spelled = _SPELLED, bytes((len(owner),)) + owner
    body = b"".join((spelled, *(_SIZE.pack(len(each)) + each for each in rdatas)))
    return _HEAD.pack(rtype, HEAD + len(body), expires, ttl, trust, cut) + body


def unpack(key: bytes, packed: bytes, at: int, now: int) -> RRset:
    """The records of the section at `at`, with the TTL that is left at `now`: the data, or the SOA of a denial."""
    rtype, size, expires, _, trust, cut = read_head(packed, at)
    stop = at + size
    pos = at + HEAD
    owner = key
    if cut == _SPELLED:
        end = pos + 1 + packed[pos]
        owner, pos = packed[pos + 1 : end], end
    elif cut:
        owner = key[cut:]
    data = pos + 2
    end = data + (packed[pos] << 8 | packed[pos + 1])
    rdatas: tuple[bytes, ...] = (packed[data:end],)
    if end < stop:
        rdatas = (*rdatas, *_others(packed, end, stop))
    ttl = expires - now if expires > now else 0
    return _tuple(RRset, (owner, _SOA if trust >= DENIAL else rtype, _IN, ttl, rdatas, None))


def _others(packed: bytes, pos: int, stop: int) -> Iterator[bytes]:
    while pos < stop:
        end = pos + 2 + (packed[pos] << 8 | packed[pos + 1])
        yield packed[pos + 2 : end]
        pos = end


def count(packed: bytes, section: Section) -> int:
    """The number of records that a section of data has; 0 for a denial."""
    return 0 if section.denial else len(unpack(b"", packed, section.at, 0).rdatas)
