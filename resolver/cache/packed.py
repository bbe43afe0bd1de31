"""Decides how an entry of the records lies in memory: as one string of octets, and no other object.

An RRset as tuples, strings and integers takes about 350 bytes beyond its data, and each of its objects is one more
that the garbage collector walks. Packed, an entry is its data and `_HEAD`: when it ends (seconds of boot time), the
TTL it was held for, its credibility, whether it is a denial, and where in its key its owner begins. What is held is
read far more rarely than it is stored: answers that are asked for often are served as stored octets.

Rules: the owner is the end of the key where it is spelled so, and stands in the entry otherwise. The class is IN. The
records of a denial are its SOA.

Limits: `expires` has 32 bits, which is 136 years of boot time.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from resolver.message import Class, RRset, Type

_HEAD: Final = Struct("!IIBBB")
_ENDS: Final = Struct("!II")
_SIZE: Final = Struct("!H")
_FOREVER: Final = 0xFFFFFFFF
_SPELLED: Final = 0xFF
"""In place of an offset into the key: the owner follows, behind an octet with its length."""
_TYPE_OCTETS: Final = 2


class Ends(NamedTuple):
    """When an entry ends, in whole seconds of boot time, and the TTL that it had when it was learnt."""

    expires: int
    ttl: int


class Entry(NamedTuple):
    """What an entry says. `rrset` is the data, or with `denial` the SOA that proves that there is none."""

    rrset: RRset
    denial: bool
    credibility: int
    expires: int


def pack(key: bytes, rrset: RRset, credibility: int, expires: int, *, denial: bool) -> bytes:
    """The octets of an entry under `key`, which is a folded name and a type; `rrset` has the TTL it is held for."""
    owner = rrset.name
    cut = len(key) - _TYPE_OCTETS - len(owner)
    spelled = b""
    if cut < 0 or key[cut:-_TYPE_OCTETS] != owner:
        cut, spelled = _SPELLED, bytes((len(owner),)) + owner
    head = _HEAD.pack(min(expires, _FOREVER), min(rrset.ttl, _FOREVER), credibility, denial, cut)
    return b"".join((head, spelled, *(_SIZE.pack(len(each)) + each for each in rrset.rdatas)))


def ends(packed: bytes) -> Ends:
    """When the entry ends, without unpacking it."""
    return Ends(*_ENDS.unpack_from(packed))


def credibility(packed: bytes) -> int:
    """How far the entry is to be trusted, without unpacking it."""
    return packed[8]


def is_denial(packed: bytes) -> bool:
    """Whether the entry says that there is no data, without unpacking it."""
    return packed[9] == 1


def unpack(key: bytes, packed: bytes, ttl: int) -> Entry:
    """The entry under `key`, its records with `ttl`."""
    expires, _, trusted, denial, cut = _HEAD.unpack_from(packed)
    pos = _HEAD.size
    if cut == _SPELLED:
        stop = pos + 1 + packed[pos]
        owner, pos = packed[pos + 1 : stop], stop
    else:
        owner = key[cut:-_TYPE_OCTETS]
    rdatas = []
    end = len(packed)
    while pos < end:
        stop = pos + 2 + _SIZE.unpack_from(packed, pos)[0]
        rdatas.append(packed[pos + 2 : stop])
        pos = stop
    rtype = int(Type.SOA) if denial else int.from_bytes(key[-_TYPE_OCTETS:], "big")
    return Entry(RRset(owner, rtype, Class.IN, ttl, tuple(rdatas)), bool(denial), trusted, expires)
