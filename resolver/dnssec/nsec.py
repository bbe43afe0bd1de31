"""Decides what a zone's NSEC records say about a name (RFC 4035 section 5.4): it is there, is empty, or lies in a gap.

Rules
* Each record is a link from its owner to the next name in canonical order; the last one leads back to the apex. Nothing
  is between the two, so a name there does not exist, unless the next name is below it: then it is an empty
  non-terminal.
* The closest encloser of a missing name is the longest ancestor that it shares with either end of the gap.
* A link is not believed about names below its owner where that is a delegation or a DNAME (RFC 6840 section 4.1). It is
  not believed at all when its owner or its next name is outside the zone, when it leads back to anything but the apex,
  or when it was made from a wildcard: then it tells where the wildcard stands, not its owner.

Limits: the records are taken as valid and as the zone's own; who has checked that has looked at signer and signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from resolver.dnssec.canonical import order_key
from resolver.dnssec.records import read_nsec
from resolver.dnssec.standing import At, Empty, Missing, Standing, is_expanded, speaks_of_below
from resolver.errors import WireError
from resolver.message import RRset
from resolver.wire import names
from resolver.wire.names import WILDCARD


class Link(NamedTuple):
    """One NSEC: its owner and the next name, folded, with their order keys; `types` is the bitmap."""

    owner: bytes
    key: bytes
    next: bytes
    next_key: bytes
    types: bytes
    rrset: RRset

    def covers(self, key: bytes) -> bool:
        """Whether it says that no records are at `key`, the order key of a name in the zone."""
        if key <= self.key or (key >= self.next_key and self.next_key > self.key):
            return False
        return not key.startswith(self.key) or speaks_of_below(self.types)


class Links(Protocol):
    """Where the links of a zone are found by order key."""

    def at(self, key: bytes) -> Link | None:
        """The link whose owner it is."""
        ...

    def over(self, key: bytes) -> Link | None:
        """A link that covers it."""
        ...


class Few:
    """The links of one reply."""

    __slots__ = ("_by_key",)

    def __init__(self, links: Iterable[Link]) -> None:
        self._by_key = {link.key: link for link in links}

    def at(self, key: bytes) -> Link | None:
        """The link whose owner has this order key."""
        return self._by_key.get(key)

    def over(self, key: bytes) -> Link | None:
        """A link that covers it."""
        return next((link for link in self._by_key.values() if link.covers(key)), None)


class NsecChain:
    """What the links of a zone say: a `standing.Chain`."""

    __slots__ = ("_links",)

    def __init__(self, links: Links) -> None:
        self._links = links

    def stand(self, name: bytes) -> Standing | None:
        """How `name` stands, None when no link says it."""
        key = order_key(name)
        link = self._links.at(key)
        if link is not None:
            return At(link.types, (link.rrset,))
        link = self._links.over(key)
        if link is None:
            return None
        if link.next_key.startswith(key):
            return Empty((link.rrset,))
        return Missing(_closest_encloser(name, link), (link.rrset,))

    def stand_wildcard(self, encloser: bytes) -> Standing | None:
        """How the wildcard below `encloser` stands."""
        return self.stand(WILDCARD + encloser)

    def without_closer(self, name: bytes, encloser: bytes) -> Missing | None:
        """Proof that nothing is closer to `name` than `encloser`."""
        standing = self.stand(name)
        return standing if isinstance(standing, Missing) and standing.encloser == encloser else None


def read(rrset: RRset, zone: bytes) -> Link | None:
    """The link that `rrset`, an NSEC set signed by `zone` (folded), is; None when it cannot be used."""
    if len(rrset.rdatas) != 1 or is_expanded(rrset):
        return None
    try:
        nsec = read_nsec(rrset.rdatas[0])
    except WireError:
        return None
    owner = names.fold(rrset.name)
    if not (names.is_below(owner, zone) and names.is_below(nsec.next, zone)):
        return None
    link = Link(owner, order_key(owner), nsec.next, order_key(nsec.next), nsec.types, rrset)
    return None if link.next_key <= link.key and nsec.next != zone else link


def _closest_encloser(name: bytes, link: Link) -> bytes:
    """The longest ancestor that `name` shares with the ends of `link`, which covers it."""
    own = names.labels(name)[::-1]
    shared = max(_in_common(own, names.labels(end)[::-1]) for end in (link.owner, link.next))
    return names.last_labels(name, shared)


def _in_common(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> int:
    """How many labels both begin with."""
    for count, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return count
    return min(len(one), len(other))
