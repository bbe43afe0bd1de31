"""Decides the canonical form and order of names and records: what a signature is made over, and what lies in a gap.

Rules
* Names are ordered by their labels from the root down, folded, as strings of octets (RFC 4034 section 6.1). The key of
  a name is a string of octets itself, so that keys compare in C and the key of an ancestor is a prefix.
* Rdata is compared as octets in canonical form (RFC 4034 section 6.3): `wire.rdata.canonical` folds the names of the
  types that RFC 4034 section 6.2 lists, as corrected by RFC 6840 section 5.1.
* What is signed is the head of the RRSIG and each record once, with the original TTL and the owner that the RRSIG's
  labels say: below a wildcard it is the wildcard (RFC 4034 section 3.1.8.1, RFC 4035 section 5.3.2).

Limits: A6 is opaque here, like every type that this program has no layout for.
"""

from __future__ import annotations

from typing import Final

from resolver.dnssec.records import Rrsig
from resolver.message import RRset
from resolver.wire import names
from resolver.wire.names import WILDCARD
from resolver.wire.rdata import canonical

_END: Final = b"\0\0"
_ZERO: Final = b"\0\1"


def order_key(name: bytes) -> bytes:
    """A string that stands to other keys as `name` does to other names in canonical order; it need not be folded.

    Each label, the last first, ends in two octets of zero, below every octet; a zero in it is told apart by a one.
    """
    folded = names.labels(name.lower())
    return b"".join([label.replace(b"\0", _ZERO) + _END for label in reversed(folded)])


def signed_labels(name: bytes) -> int:
    """The labels of `name` as an RRSIG counts them: without the root, and without a wildcard (RFC 4034 3.1.3)."""
    return names.depth(name) - name.startswith(WILDCARD)


def signed_owner(name: bytes, labels: int) -> bytes | None:
    """The owner, folded, of what a signature with that many `labels` covers at `name`; None when there is none.

    It is a wildcard when `name` has more labels, and nothing when it has fewer (RFC 4035 section 5.3.2).
    """
    folded = name.lower()
    surplus = signed_labels(folded) - labels
    if surplus < 0:
        return None
    return folded if not surplus else WILDCARD + names.last_labels(folded, labels)


def in_order(rrset: RRset) -> list[bytes]:
    """The rdatas of `rrset` in canonical form and order, each once, and with its length before it."""
    _, rtype, _, _, rdatas = rrset[:5]
    ordered = [canonical(rtype, rdatas[0])] if len(rdatas) == 1 else sorted({canonical(rtype, each) for each in rdatas})
    return [len(each).to_bytes(2, "big") + each for each in ordered]


def signed_data(rrset: RRset, rrsig: Rrsig, owner: bytes, ordered: list[bytes] | None = None) -> bytes:
    """The octets that `rrsig` signs of `rrset`; `owner` is its `signed_owner`, `ordered` its rdatas `in_order`."""
    fixed = owner + rrset.type.to_bytes(2, "big") + rrset.cls.to_bytes(2, "big") + rrsig.original_ttl.to_bytes(4, "big")
    return rrsig.head + fixed + fixed.join(in_order(rrset) if ordered is None else ordered)
