"""Decides how what is known of a name lies in memory: as one string of octets, and no other object.

An RRset as tuples, strings and integers takes about 350 bytes beyond its data, and each of its objects is one more
that the garbage collector walks. Packed, an RRset or a denial is a *section*: its data behind a head of `HEAD` octets.
The sections of all types of a name stand one behind the other under the name as their key, so that one look tells
that nothing is known of a name, whatever is asked. What is held is read far more rarely than it is stored: answers that
are asked for often are served as stored octets.

Rules
* The sections are in the order in which they were learnt, one for each type. The owner is the end of the key where it
  is spelled so, and stands behind the head otherwise. The class is IN. The records of a denial are its SOA.
* How far an RRset is proven stands in its `trust` and takes no room. Signatures, and what stands beside, are the end of
  the section, behind the records, with their length as the last of it. What stands beside has the status and the end of
  the whole.

Limits: `expires` has 32 bits, which is 136 years of boot time.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from resolver.message import Class, Proof, RRset, Status, Type

_HEAD: Final = Struct("!HIIIBB")
_HEAD_WITH_ONE: Final = Struct("!HIIIBBH")
_SIZE: Final = Struct("!H")
_LENGTH: Final = Struct("!I")
_BESIDE: Final = Struct("!HHHB")
"""The type of a set that stands beside, the numbers of its records and signatures, the offset of its owner."""
_ENDS: Final = Struct("!II").unpack_from
HEAD: Final = _HEAD.size
_FOREVER: Final = 0xFFFFFFFF
_SPELLED: Final = 0xFF
"""In place of an offset into the key: the owner follows, behind an octet with its length."""
DENIAL: Final = 0x80
"""The bit of `trust` that says that there is no data."""
SIGNED: Final = 0x40
"""The bit of `trust` that says that signatures follow the records, or what stands beside them."""
STATUS: Final = 0x30
"""The bits of `trust` that are the status; those below are the credibility."""
LEAST_CHECKED: Final = 0x10
"""The lowest `STATUS` of what somebody looked at."""
_STATUS_SHIFT: Final = 4
_CREDIBILITY: Final = 0x07
_CHECKED: Final = 0x08
_PROVEN: Final = SIGNED | STATUS
TRUST_AT: Final = 14
"""Where `trust` stands in a section."""
_IN: Final = int(Class.IN)
_SOA: Final = int(Type.SOA)
_STATUSES: Final = tuple(Status)
_ALONE: Final = tuple(map(Proof, Status))
"""The proofs without signatures, by their status."""
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
    rank: int
    """The credibility, and above all of that whether it was checked."""
    status: int
    """As it stands in `trust`."""


def sections(packed: bytes) -> Iterator[Section]:
    """The heads of all sections, in the order in which they were learnt."""
    at, end = 0, len(packed)
    while at < end:
        rtype, size, expires, ttl, trust, _ = read_head(packed, at)
        yield Section(at, at + size, rtype, expires, ttl, trust >= DENIAL, rank(trust), trust & STATUS)
        at += size


def rank(trust: int) -> int:
    """What `trust` is worth: what was checked is worth more than all that was not (RFC 4035 section 4.5)."""
    return trust & _CREDIBILITY | (_CHECKED if trust & STATUS else 0)


def bits_of(proof: Proof | None) -> int:
    """What `proof` adds to `trust`."""
    if proof is None:
        return 0
    return proof.status << _STATUS_SHIFT | (SIGNED if proof.signatures or proof.beside else 0)


class Ends(NamedTuple):
    """When a section ends, in whole seconds of boot time, and the TTL that it had when it was learnt."""

    expires: int
    ttl: int


def ends(packed: bytes, at: int) -> Ends:
    """When the section at `at` ends."""
    return Ends(*_ENDS(packed, at + 6))


def pack(key: bytes, rtype: int, rrset: RRset, trust: int, expires: int) -> bytes:
    """The section of `rtype` under `key`, a folded name; `rrset` has the TTL it is held for.

    `trust` is the credibility with the `bits_of` its proof, and with `DENIAL` when `rrset` is the SOA that proves that
    there is no data.
    """
    owner, _, _, ttl, rdatas, proof = rrset
    if expires > _FOREVER or ttl > _FOREVER:
        expires, ttl = min(expires, _FOREVER), min(ttl, _FOREVER)
    signed = trust & SIGNED
    if owner == key and len(rdatas) == 1 and not signed:  # what almost all of them are
        data = rdatas[0]
        size = len(data)
        return _HEAD_WITH_ONE.pack(rtype, HEAD + 2 + size, expires, ttl, trust, 0, size) + data
    cut, spelled = _placed(key, owner)
    body = spelled + _listed(rdatas)
    if signed and proof is not None:
        body += _written(key, proof)
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
    ttl = expires - now if expires > now else 0
    proof: Proof | None = None
    if trust & _PROVEN:
        proof, stop = _read(key, packed, stop, trust, ttl)
    data = pos + 2
    end = data + (packed[pos] << 8 | packed[pos + 1])
    rdatas: tuple[bytes, ...] = (packed[data:end],)
    if end < stop:
        rdatas = (*rdatas, *_others(packed, end, stop))
    return _tuple(RRset, (owner, _SOA if trust >= DENIAL else rtype, _IN, ttl, rdatas, proof))


def _others(packed: bytes, pos: int, stop: int) -> Iterator[bytes]:
    while pos < stop:
        end = pos + 2 + (packed[pos] << 8 | packed[pos + 1])
        yield packed[pos + 2 : end]
        pos = end


def _placed(key: bytes, owner: bytes) -> tuple[int, bytes]:
    """The offset of `owner` in `key` and nothing; or `_SPELLED` and what spells it."""
    cut = len(key) - len(owner)
    return (cut, b"") if cut >= 0 and key[cut:] == owner else (_SPELLED, bytes((len(owner),)) + owner)


def _listed(rdatas: tuple[bytes, ...]) -> bytes:
    return b"".join([_SIZE.pack(len(each)) + each for each in rdatas])


def _written(key: bytes, proof: Proof) -> bytes:
    """The signatures and what stands beside, with their length at the end."""
    parts = [_SIZE.pack(len(proof.signatures)), _listed(proof.signatures)]
    for owner, rtype, _, _, rdatas, own in proof.beside:
        signatures = () if own is None else own.signatures
        cut, spelled = _placed(key, owner)
        parts += (
            _BESIDE.pack(rtype, len(rdatas), len(signatures), cut),
            spelled,
            _listed(rdatas),
            _listed(signatures),
        )
    written = b"".join(parts)
    return written + _LENGTH.pack(len(written))


def _read(key: bytes, packed: bytes, stop: int, trust: int, ttl: int) -> tuple[Proof, int]:
    """The proof of the section that ends at `stop`, and where its records end."""
    status = (trust & STATUS) >> _STATUS_SHIFT
    if not trust & SIGNED:
        return _ALONE[status], stop
    stop -= _LENGTH.size
    begin = stop - _LENGTH.unpack_from(packed, stop)[0]
    signatures, pos = _those(packed, begin + 2, packed[begin] << 8 | packed[begin + 1])
    beside: list[RRset] = []
    while pos < stop:
        rtype, records, signed, cut = _BESIDE.unpack_from(packed, pos)
        pos += _BESIDE.size
        owner = key[cut:]
        if cut == _SPELLED:
            end = pos + 1 + packed[pos]
            owner, pos = packed[pos + 1 : end], end
        rdatas, pos = _those(packed, pos, records)
        own, pos = _those(packed, pos, signed)
        beside.append(_tuple(RRset, (owner, rtype, _IN, ttl, rdatas, _tuple(Proof, (_STATUSES[status], own, ())))))
    return _tuple(Proof, (_STATUSES[status], signatures, tuple(beside))), begin


def _those(packed: bytes, pos: int, number: int) -> tuple[tuple[bytes, ...], int]:
    """So many rdatas at `pos`, and the offset behind them."""
    found = []
    for _ in range(number):
        end = pos + 2 + (packed[pos] << 8 | packed[pos + 1])
        found.append(packed[pos + 2 : end])
        pos = end
    return tuple(found), pos


def count(packed: bytes, section: Section) -> int:
    """The number of records that a section of data has; 0 for a denial."""
    return 0 if section.denial else len(unpack(b"", packed, section.at, 0).rdatas)
