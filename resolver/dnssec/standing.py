"""Decides what NSEC and NSEC3 have in common: how a name can stand in a signed zone, and what its types allow to say.

Rules
* A record at a cut that its parent signed (NS without SOA) speaks of the parent's DS alone, and of no name below
  (RFC 6840 section 4.1, RFC 5155 section 8.3). One at a DNAME does not speak of names below it either.
* A record at the apex of a zone says nothing of the zone's own DS, which is the parent's (RFC 4035 section 5.2 and
  RFC 6840 section 4.4).
* A name with a CNAME has no other data to be denied: the alias would have been the answer (RFC 6840 section 4.3).
* The type NXNAME, beside nothing but what denies it, says that the name does not exist (RFC 9824 section 3.1).

Limits: only records whose signatures were found good may get here; whose they are is for `nsec` and `nsec3` to check.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, TypeAlias

from resolver.dnssec.canonical import signed_labels
from resolver.dnssec.records import has_type
from resolver.message import RRset, Type
from resolver.wire.names import ROOT

NXNAME: Final = 128
"""The type that stands in bitmaps only, and says that the name is not there (RFC 9824 section 3.1)."""

NSEC_MISSING: Final = 12
BOGUS: Final = 6
"""EDE info-codes (RFC 8914 sections 4.13 and 4.7)."""

_BESIDE_NXNAME: Final = frozenset({Type.RRSIG, Type.NSEC, NXNAME})


class At(NamedTuple):
    """A record stands at the name, or at its hash: the name exists, with these types."""

    types: bytes
    by: tuple[RRset, ...]


class Empty(NamedTuple):
    """The name has no records, and there are names below it (an empty non-terminal)."""

    by: tuple[RRset, ...]


class Missing(NamedTuple):
    """The name does not exist; `encloser` is the closest of its ancestors that does.

    With `opt_out` all this is true of signed names only: the name may be an unsigned delegation, or be below one.
    """

    encloser: bytes
    by: tuple[RRset, ...]
    opt_out: bool = False


Standing: TypeAlias = At | Empty | Missing


class Chain(Protocol):
    """The records of one zone that are at hand, as far as they are usable. Names are folded, in the zone."""

    def stand(self, name: bytes) -> Standing | None:
        """How `name` stands, None when the records do not say."""
        ...

    def stand_wildcard(self, encloser: bytes) -> Standing | None:
        """How the wildcard stands below `encloser`, which exists; `Missing` says no more than that it is not there."""
        ...

    def without_closer(self, name: bytes, encloser: bytes) -> Missing | None:
        """Proof that no ancestor of `name` below `encloser` exists, nor `name` itself; `encloser` is known to exist."""
        ...


def is_cut(types: bytes) -> bool:
    """Whether they are those of a delegation, as the parent tells them."""
    return has_type(types, Type.NS) and not has_type(types, Type.SOA)


def speaks_of_below(types: bytes) -> bool:
    """Whether the record that has them may deny names below its owner (RFC 6840 section 4.1)."""
    return not (is_cut(types) or has_type(types, Type.DNAME))


def is_no_name(types: bytes) -> bool:
    """Whether they say that the name does not exist (RFC 9824 section 3.1): NXNAME, and no type that has data."""
    return has_type(types, NXNAME) and all_types(types) <= _BESIDE_NXNAME


def objection(name: bytes, rtype: int, types: bytes) -> str | None:
    """Why `types`, of the record at `name`, do not say that there is no `rtype`, as the end of a sentence; or None."""
    if has_type(types, rtype):
        return "says that it has the type asked for"
    if has_type(types, Type.CNAME):
        return "says that it is an alias"
    if rtype == Type.DS:
        if name != ROOT and has_type(types, Type.SOA):
            return "is from the zone below the cut, which does not know its own DS"
    elif is_cut(types):
        return "is from the parent's side of a delegation, and speaks of the DS only"
    if rtype == Type.ANY and not all_types(types) <= _BESIDE_NXNAME:
        return "says that it has data"
    return None


def is_expanded(rrset: RRset) -> bool:
    """Whether a signature of `rrset` says that it was made from a wildcard (RFC 4035 section 5.3.4)."""
    if rrset.proof is None:
        return False
    labels = signed_labels(rrset.name)
    return any(signature[3] < labels for signature in rrset.proof.signatures if len(signature) > 3)


def all_types(types: bytes) -> frozenset[int]:
    """Every type in a bitmap."""
    found = []
    pos = 0
    while pos < len(types):
        window, length = types[pos], types[pos + 1]
        for octet, bits in enumerate(types[pos + 2 : pos + 2 + length]):
            found += [window << 8 | octet << 3 | bit for bit in range(8) if bits & 0x80 >> bit]
        pos += length + 2
    return frozenset(found)
