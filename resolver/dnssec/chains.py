"""Decides which NSEC or NSEC3 records a signed zone has, and which of them show that something is not there.

Rules
* The owners of NSEC are all names with data of the zone, and its cuts, in canonical order (RFC 4034 section 4, RFC
  4035 section 2.3). NSEC3 hashes them, and the empty non-terminals as well; with opt-out, cuts without DS have none
  (RFC 5155 section 7.1).
* A bitmap names the types that are there, signatures and NSEC included; at a cut only what the parent says of it, NS
  and DS (RFC 4035 section 2.3, RFC 5155 section 7.1).
* What is told: RFC 4035 section 3.1.3 for NSEC, RFC 5155 section 7.2 for NSEC3.
* The TTL is that of negative answers (RFC 9077 section 3).

Records are made when they are first asked for; the order of the owners is found with the first of them.

Limits: a zone has one chain, and one salt. Two names with the same SHA-1 hash are not told apart, as nobody knows any.
"""

from __future__ import annotations

import hashlib
from base64 import b32hexencode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from resolver.dnssec.canonical import order_key
from resolver.dnssec.records import OPT_OUT
from resolver.message import Class, RRset, Type
from resolver.wire import names
from resolver.wire.names import WILDCARD

SHA1: Final = 1
"""The only hash algorithm of NSEC3 (RFC 5155 section 11)."""
HASHED_LABEL: Final = 32
"""Octets of a hash as a label."""
MAX_ITERATIONS: Final = 2500
"""The most that RFC 5155 section 10.3 ever allowed; validators take far fewer (RFC 9276)."""
MAX_SALT: Final = 255
NSEC3PARAM: Final = 51


class Owner(NamedTuple):
    """A name of the zone that is not below a cut, and the types there; none at an empty non-terminal."""

    name: bytes
    types: tuple[int, ...]
    cut: bool = False

    @property
    def insecure(self) -> bool:
        """It is a delegation without DS."""
        return self.cut and Type.DS not in self.types


Owners = Callable[[], Iterable[Owner]]
"""Gives the owners of the zone; called once, when the first record is wanted."""


class Chain(Protocol):
    """The denials of a zone. Names are folded and lie in the zone; `encloser` is the closest one of `name`."""

    def at(self, name: bytes) -> RRset | None:
        """The NSEC record at `name`; None where there is none, and for NSEC3, which is at no name of the zone."""
        ...

    def name_error(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """What shows that neither `name` nor a wildcard for it is there."""
        ...

    def no_data(self, name: bytes) -> tuple[RRset, ...]:
        """What shows which types are at `name`, a node of the zone or a cut."""
        ...

    def wildcard_no_data(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """What shows that `name` is not there, and which types are at the wildcard for it."""
        ...

    def expanded(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """What shows that `name` is not there itself, so that the wildcard answers for it."""
        ...


class Nsec:
    """A chain of NSEC records (RFC 4034 section 4)."""

    def __init__(self, owners: Owners, ttl: int) -> None:
        """`ttl` in seconds."""
        self._owners, self._ttl = owners, ttl
        self._made: dict[int, RRset] = {}

    @cached_property
    def _ordered(self) -> tuple[list[bytes], list[Owner]]:
        """The sort keys of the owners, and the owners."""
        ordered = sorted((order_key(owner.name), owner) for owner in self._owners() if owner.types)
        return [key for key, _ in ordered], [owner for _, owner in ordered]

    def at(self, name: bytes) -> RRset | None:
        """The record at `name`."""
        found = self._before(name)
        return found if found.name == name else None

    def _before(self, name: bytes) -> RRset:
        """The record at `name`, or the one that covers it."""
        keys, owners = self._ordered
        index = bisect_right(keys, order_key(name)) - 1
        made = self._made.get(index)
        if made is None:
            owner, following = owners[index], owners[(index + 1) % len(owners)]
            rdata = following.name + bitmap((*owner.types, Type.RRSIG, Type.NSEC))
            made = self._made[index] = RRset(owner.name, Type.NSEC, Class.IN, self._ttl, (rdata,))
        return made

    def name_error(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain`."""
        return self._before(name), self._before(WILDCARD + encloser)

    def no_data(self, name: bytes) -> tuple[RRset, ...]:
        """See `Chain`. An empty non-terminal is shown by the next name of what covers it, which is below."""
        return (self._before(name),)

    def wildcard_no_data(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain`."""
        return self._before(name), self._before(WILDCARD + encloser)

    def expanded(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain`."""
        return (self._before(name),)


class Parameters(NamedTuple):
    """How NSEC3 hashes: additional iterations, and the salt in octets; `opt_out` leaves unsigned delegations out."""

    iterations: int = 0
    salt: bytes = b""
    opt_out: bool = False

    @property
    def rdata(self) -> bytes:
        """The NSEC3PARAM record, whose flags are always 0 (RFC 5155 section 4.1.2)."""
        return self._record(0)

    @property
    def head(self) -> bytes:
        """What the rdata of each NSEC3 record begins with."""
        return self._record(OPT_OUT if self.opt_out else 0)

    def _record(self, flags: int) -> bytes:
        return bytes((SHA1, flags)) + self.iterations.to_bytes(2, "big") + bytes((len(self.salt),)) + self.salt


class Nsec3:
    """A chain of NSEC3 records (RFC 5155)."""

    def __init__(self, apex: bytes, owners: Owners, ttl: int, parameters: Parameters) -> None:
        """The chain of the zone at the folded name `apex`; `ttl` in seconds."""
        self._apex, self._owners, self._ttl = apex, owners, ttl
        self._parameters = parameters
        self._made: dict[int, RRset] = {}

    @cached_property
    def _ordered(self) -> tuple[list[bytes], list[tuple[int, ...]]]:
        """The hashes of the owners, and the types in their bitmaps."""
        ordered = sorted((self._hash(owner.name), self._types(owner)) for owner in self._hashed())
        return [each for each, _ in ordered], [types for _, types in ordered]

    def _hashed(self) -> Iterator[Owner]:
        opt_out = self._parameters.opt_out
        return (owner for owner in self._owners() if not (opt_out and owner.insecure))

    @staticmethod
    def _types(owner: Owner) -> tuple[int, ...]:
        signed = bool(owner.types) and not owner.insecure
        return (*owner.types, Type.RRSIG) if signed else owner.types

    def at(self, name: bytes) -> RRset | None:
        """None: whoever asks for NSEC3 where its owner is asks for a name that does not exist (RFC 5155 7.2.8)."""
        return None

    def name_error(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain` (RFC 5155 section 7.2.2)."""
        return (*self._closest_encloser(name, encloser), self._before(self._hash(WILDCARD + encloser)))

    def no_data(self, name: bytes) -> tuple[RRset, ...]:
        """See `Chain` (RFC 5155 sections 7.2.3, 7.2.4 and 7.2.7)."""
        found = self._matching(name)
        # A delegation that opted out is known by its closest provable encloser, which is right above: no cut is.
        return self._closest_encloser(name, names.parent(name)) if found is None else (found,)

    def wildcard_no_data(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain` (RFC 5155 section 7.2.5)."""
        return (*self._closest_encloser(name, encloser), self._before(self._hash(WILDCARD + encloser)))

    def expanded(self, name: bytes, encloser: bytes) -> tuple[RRset, ...]:
        """See `Chain` (RFC 5155 section 7.2.6)."""
        return (self._before(self._hash(_next_closer(name, encloser))),)

    def _closest_encloser(self, name: bytes, encloser: bytes) -> tuple[RRset, RRset]:
        """The closest encloser proof (RFC 5155 section 7.2.1)."""
        return self._before(self._hash(encloser)), self._before(self._hash(_next_closer(name, encloser)))

    def _matching(self, name: bytes) -> RRset | None:
        hashed = self._hash(name)
        found = self._before(hashed)
        return found if found.name[1 : 1 + HASHED_LABEL] == _label(hashed) else None

    def _before(self, hashed: bytes) -> RRset:
        """The record of `hashed`, or the one that covers it."""
        hashes, types = self._ordered
        index = bisect_right(hashes, hashed) - 1
        if index < 0:
            index = len(hashes) - 1  # what is before the first is covered by the last
        made = self._made.get(index)
        if made is None:
            following = hashes[(index + 1) % len(hashes)]
            name = bytes((HASHED_LABEL,)) + _label(hashes[index]) + self._apex
            rdata = self._parameters.head + bytes((len(following),)) + following + bitmap(types[index])
            made = self._made[index] = RRset(name, Type.NSEC3, Class.IN, self._ttl, (rdata,))
        return made

    def _hash(self, name: bytes) -> bytes:
        """The hash of the folded `name` (RFC 5155 section 5)."""
        salt = self._parameters.salt
        hashed = hashlib.sha1(name + salt, usedforsecurity=False).digest()
        for _ in range(self._parameters.iterations):
            hashed = hashlib.sha1(hashed + salt, usedforsecurity=False).digest()
        return hashed


def bitmap(types: Iterable[int]) -> bytes:
    """The bitmap of `types` (RFC 4034 section 4.1.2)."""
    windows: dict[int, bytearray] = {}
    for rtype in sorted(types):
        octets = windows.setdefault(rtype >> 8, bytearray())
        octet = (rtype & 0xFF) >> 3
        octets.extend(bytes(octet + 1 - len(octets)))
        octets[octet] |= 0x80 >> (rtype & 7)
    return b"".join(bytes((window, len(octets))) + octets for window, octets in windows.items())


def _label(hashed: bytes) -> bytes:
    """A hash as a label, in lower case like every name that is a key."""
    return b32hexencode(hashed).lower()


def _next_closer(name: bytes, encloser: bytes) -> bytes:
    """The name one label longer than `encloser` on the way to `name` (RFC 5155 section 1.3)."""
    return names.last_labels(name, names.depth(encloser) + 1)
