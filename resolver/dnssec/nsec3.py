"""Decides what a zone's NSEC3 records say about a name (RFC 5155 section 8): it is there, or its closest encloser is.

Rules
* A record is a span from the hash that its owner's first label spells to the next one. No name of the zone has a hash
  between them; but where the span is opted out unsigned delegations may have one (RFC 5155 section 6).
* A missing name is proven by a record at its closest encloser and one over the next closer name, one label longer. The
  record at the encloser must not be one of a delegation or a DNAME (RFC 5155 section 8.3).
* Records with a hash algorithm other than SHA-1 or with flags that are not known are passed over (RFC 5155 sections 8.1
  and 8.2). Those of one reply must agree in iterations and salt (section 8.2).
* Each name that is hashed is paid for, the more so the more iterations it takes. The encloser is sought from the apex
  down, near which most are, however long the name is: the first ancestor that lies in a span ends the search.

Limits: the records are taken as valid and as the zone's own. How many iterations are too many is for `denial` to say.
"""

from __future__ import annotations

import hashlib
from base64 import b32hexdecode
from binascii import Error
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeAlias

from resolver.dnssec.records import OPT_OUT, read_nsec3
from resolver.dnssec.standing import At, Missing, Standing, is_expanded, speaks_of_below
from resolver.errors import WireError
from resolver.message import RRset
from resolver.wire import names
from resolver.wire.names import WILDCARD

SHA1: Final = 1
"""The one hash algorithm that is assigned (RFC 5155 section 11)."""
HASH_LENGTH: Final = 20
"""Octets of a hash."""
HASH_LABEL: Final = 32
"""Octets of the label that spells one (RFC 5155 section 3.3)."""

ITERATIONS_IN_PRICE: Final = 20
"""Iterations for which a name costs as much again: 64 names with 50 of them took 4 ms, and a third of them 1.4 ms."""

Spend: TypeAlias = Callable[[int], None]
"""Called before a name is hashed with what that costs, 1 without iterations; what it raises ends the proof."""


class Params(NamedTuple):
    """How a zone hashes its names (RFC 5155 section 4)."""

    iterations: int
    salt: bytes


class Span(NamedTuple):
    """One NSEC3: from the hash of its owner to the next one; `types` is the bitmap of the owner."""

    start: bytes
    end: bytes
    opt_out: bool
    types: bytes
    params: Params
    rrset: RRset

    def covers(self, hashed: bytes) -> bool:
        """Whether it says that no name has this hash; the last span goes on from the lowest hash."""
        if self.start < self.end:
            return self.start < hashed < self.end
        return hashed > self.start or hashed < self.end


class Hashes:
    """The hashes of names, each worked out, and paid for, once; those `known` already are free."""

    __slots__ = ("_params", "_price", "_spend", "_worked_out")

    def __init__(self, params: Params, spend: Spend, known: Mapping[bytes, bytes] = MappingProxyType({})) -> None:
        self._params = params
        self._price = 1 + params.iterations // ITERATIONS_IN_PRICE
        self._spend = spend
        self._worked_out = dict(known)

    def of(self, name: bytes) -> bytes:
        """The hash of `name`, folded. Raises what `spend` does."""
        found = self._worked_out.get(name)
        if found is None:
            self._spend(self._price)
            found = self._worked_out[name] = hash_name(name, self._params)
        return found


class Spans(Protocol):
    """Where the spans of a zone are found by hash."""

    def at(self, hashed: bytes) -> Span | None:
        """The span that begins there."""
        ...

    def over(self, hashed: bytes) -> Span | None:
        """A span that covers it."""
        ...


class Few:
    """The spans of one reply."""

    __slots__ = ("_by_start",)

    def __init__(self, spans: Iterable[Span]) -> None:
        self._by_start = {span.start: span for span in spans}

    def at(self, hashed: bytes) -> Span | None:
        """The span that begins there."""
        return self._by_start.get(hashed)

    def over(self, hashed: bytes) -> Span | None:
        """A span that covers it."""
        return next((span for span in self._by_start.values() if span.covers(hashed)), None)


class Nsec3Chain:
    """What the spans of `zone` say: a `standing.Chain`."""

    __slots__ = ("_hash", "_spans", "_zone")

    def __init__(self, zone: bytes, spans: Spans, hashes: Hashes) -> None:
        self._zone = zone
        self._spans = spans
        self._hash = hashes.of

    def stand(self, name: bytes) -> Standing | None:
        """How `name` stands, None when the spans do not say."""
        span = self._spans.at(self._hash(name))
        return self._gap(name) if span is None else At(span.types, (span.rrset,))

    def stand_wildcard(self, encloser: bytes) -> Standing | None:
        """How the wildcard below `encloser` stands; its absence is told by a span over it alone."""
        hashed = self._hash(WILDCARD + encloser)
        span = self._spans.at(hashed)
        if span is not None:
            return At(span.types, (span.rrset,))
        span = self._spans.over(hashed)
        return None if span is None else Missing(encloser, (span.rrset,), span.opt_out)

    def without_closer(self, name: bytes, encloser: bytes) -> Missing | None:
        """Proof that nothing is closer to `name` than `encloser`: a span over the next closer name."""
        next_closer = names.last_labels(name, names.depth(encloser) + 1)
        span = self._spans.over(self._hash(next_closer))
        return None if span is None else Missing(encloser, (span.rrset,), span.opt_out)

    def _gap(self, name: bytes) -> Missing | None:
        """The closest encloser proof for `name` (RFC 5155 section 8.3)."""
        encloser: Span | None = None
        above = self._zone
        for count in range(names.depth(self._zone), names.depth(name) + 1):
            ancestor = names.last_labels(name, count)
            hashed = self._hash(ancestor)
            span = self._spans.at(hashed)
            if span is None and (over := self._spans.over(hashed)) is not None:
                if encloser is None or not speaks_of_below(encloser.types):
                    return None
                return Missing(above, tuple(dict.fromkeys((encloser.rrset, over.rrset))), over.opt_out)
            encloser, above = span, ancestor
        return None


def hash_name(name: bytes, params: Params) -> bytes:
    """The hash of `name`, which is folded (RFC 5155 section 5): 20 octets."""
    salt = params.salt
    hashed = hashlib.sha1(name + salt, usedforsecurity=False).digest()
    for _ in range(params.iterations):
        hashed = hashlib.sha1(hashed + salt, usedforsecurity=False).digest()
    return hashed


def read(rrset: RRset, zone: bytes) -> Span | None:
    """The span that `rrset`, an NSEC3 set signed by `zone` (folded), is; None when it cannot be used."""
    owner = names.fold(rrset.name)
    if len(rrset.rdatas) != 1 or owner[0] != HASH_LABEL or names.parent(owner) != zone or is_expanded(rrset):
        return None
    try:
        start = b32hexdecode(owner[1 : HASH_LABEL + 1], casefold=True)
        nsec3 = read_nsec3(rrset.rdatas[0])
    except (Error, WireError):
        return None
    if nsec3.algorithm != SHA1 or nsec3.flags & ~OPT_OUT or len(nsec3.next_hash) != HASH_LENGTH:
        return None
    return Span(start, nsec3.next_hash, nsec3.opt_out, nsec3.types, Params(nsec3.iterations, nsec3.salt), rrset)
