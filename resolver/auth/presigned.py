"""A zone that came signed: signatures and denials are those of its file, and none are made.

Rules
* A zone whose SOA has a signature in the file is served so; any other is a plain zone, whatever else stands in it.
* What is told with DO is told as of any signed zone (`signed`). RRSIG, NSEC and NSEC3 records are no data of their
  names: they prove data, and are answered by type as there.
* Of several chains of NSEC3 the one is used that the NSEC3PARAM of the apex names. Where a denial is wanted that the
  file has not, none is told.

Limits: nothing is checked: what is wrong or has expired in the file is told as it is, for validators to refuse. NSEC3
that hashes more than `MAX_ITERATIONS` times is an error, since each question would cost that.
"""

from __future__ import annotations

from base64 import b32hexdecode
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from resolver.auth.signed import ProvenZone
from resolver.auth.zone import Zone
from resolver.dnssec.canonical import order_key
from resolver.dnssec.chains import HASHED_LABEL, MAX_ITERATIONS, NSEC3PARAM, SHA1, Nsec, Nsec3, Parameters
from resolver.errors import ZoneError
from resolver.message import Class, RRset, Type
from resolver.wire import names

_PROOFS: Final = frozenset((Type.RRSIG, Type.NSEC, Type.NSEC3))
_SALT: Final = 5
"""Where the salt begins in the rdata of NSEC3 and NSEC3PARAM, behind its length."""


def zone_of(apex: bytes, rrsets: Iterable[RRset]) -> Zone:
    """The zone `apex` made of the `rrsets` of its file, with proofs if it is signed. Raises ZoneError."""
    given = tuple(rrsets)
    signatures = Signatures(each for each in given if each.type == Type.RRSIG)
    if not signatures.covers(names.fold(apex), Type.SOA):
        return Zone(apex, given)
    return PresignedZone(apex, given, signatures)


class Signatures:
    """The signatures of a file (`signed.Signs`)."""

    fault = None

    def __init__(self, rrsets: Iterable[RRset]) -> None:
        """`rrsets` are all of type RRSIG."""
        made: dict[tuple[bytes, int], list[bytes]] = {}
        for rrset in rrsets:
            for rdata in rrset.rdatas:
                made.setdefault((names.fold(rrset.name), int.from_bytes(rdata[:2], "big")), []).append(rdata)
        self._made = {key: tuple(rdatas) for key, rdatas in made.items()}

    def covers(self, owner: bytes, rtype: int) -> bool:
        """Whether there is a signature of that type at the folded name `owner`."""
        return (owner, rtype) in self._made

    def rrsig(self, rrset: RRset, now: float, told: RRset | None = None) -> RRset | None:
        """See `signed.Signs`."""
        found = self._made.get((names.fold(rrset.name), rrset.type))
        stands = told or rrset
        return None if found is None else RRset(stands.name, Type.RRSIG, Class.IN, stands.ttl, found)


class PresignedZone(ProvenZone):
    """A zone that is told with the signatures and denials of its file."""

    __slots__ = ()

    def __init__(self, apex: bytes, rrsets: tuple[RRset, ...], signatures: Signatures) -> None:
        """The zone `apex` made of `rrsets`, which are signed by `signatures`. Raises ZoneError."""
        super().__init__(apex, (each for each in rrsets if each.type not in _PROOFS))
        self._signs = signatures
        denials = {rtype: [_folded(each) for each in rrsets if each.type == rtype] for rtype in (Type.NSEC, Type.NSEC3)}
        if denials[Type.NSEC3]:
            self._chain = _FiledNsec3(self.apex, denials[Type.NSEC3], self.rrset(self.apex, NSEC3PARAM))
        else:
            self._chain = _FiledNsec(denials[Type.NSEC]) if denials[Type.NSEC] else _Nothing()


class _FiledNsec(Nsec):
    """The NSEC records of a file, one at least."""

    def __init__(self, rrsets: Sequence[RRset]) -> None:
        super().__init__(tuple, 0)
        self._filed = sorted(rrsets, key=lambda each: order_key(each.name))
        self._keys = [order_key(each.name) for each in self._filed]

    def _before(self, name: bytes) -> RRset:
        """The record at `name`, or the one that covers it."""
        return self._filed[bisect_right(self._keys, order_key(name)) - 1]


class _FiledNsec3(Nsec3):
    """The NSEC3 records of a file, one at least, whose hashes are those of `parameters` if there are such."""

    def __init__(self, apex: bytes, rrsets: Sequence[RRset], parameters: RRset | None) -> None:
        """Raises ZoneError for what cannot be hashed, and for an owner that is no hash."""
        wanted = {_hashing(each) for each in (() if parameters is None else parameters.rdatas)}
        chosen = [each for each in rrsets if any(_hashing(rdata) in wanted for rdata in each.rdatas)] or list(rrsets)
        super().__init__(apex, tuple, 0, _read(apex, chosen[0].rdatas[0]))
        filed = sorted((_hash_of(each), each) for each in chosen)
        self._hashes, self._filed = [key for key, _ in filed], [each for _, each in filed]

    def _before(self, hashed: bytes) -> RRset:
        """The record of `hashed`, or the one that covers it; what is before the first is covered by the last."""
        return self._filed[bisect_right(self._hashes, hashed) - 1]


class _Nothing:
    """The chain of a zone that has none (`chains.Chain`)."""

    def at(self, name: bytes) -> RRset | None:
        """None."""
        return None

    def name_error(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """Nothing shows it."""
        return ()

    def no_data(self, name: bytes) -> tuple[RRset, ...]:
        """Nothing shows it."""
        return ()

    wildcard_no_data = expanded = name_error


def _folded(rrset: RRset) -> RRset:
    return rrset._replace(name=names.fold(rrset.name))


def _hashing(rdata: bytes) -> bytes:
    """What of the rdata of NSEC3 or NSEC3PARAM says how names are hashed: all but the flags, up to the salt's end."""
    return rdata[:1] + rdata[2 : _SALT + rdata[_SALT - 1]]


def _read(apex: bytes, rdata: bytes) -> Parameters:
    """How the names of the zone are hashed that has an NSEC3 record with this `rdata`. Raises ZoneError."""
    algorithm, iterations = rdata[0], int.from_bytes(rdata[2:4], "big")
    if algorithm != SHA1 or iterations > MAX_ITERATIONS:
        what = f"{names.to_text(apex)} has NSEC3 of algorithm {algorithm} with {iterations} iterations"
        raise ZoneError(
            what, instead=f"sign it with algorithm {SHA1} and at most {MAX_ITERATIONS}, better 0 (RFC 9276)"
        )
    return Parameters(iterations, rdata[_SALT : _SALT + rdata[_SALT - 1]])


def _hash_of(rrset: RRset) -> bytes:
    """The hash that the owner of an NSEC3 record is. Raises ZoneError."""
    label = rrset.name[1 : 1 + rrset.name[0]]
    try:
        if len(label) == HASHED_LABEL:
            return b32hexdecode(label.upper())
    except ValueError:
        pass
    what = f"{names.to_text(rrset.name)} is no name of an NSEC3 record"
    raise ZoneError(what, instead="write the hash as 32 digits of base32hex (RFC 5155 section 3.3)")
