"""What is believed: trust anchors, what they have led to, and how much may be spent on finding that out.

Rules
* The closest trust anchor above a name decides, unless a negative one is as close (`negative`).
* What the chain of trust has found of a name is a *link*: a zone with its keys, an unsigned zone, or no cut at all. It
  is held for the TTL of what it rests on, and no longer.
* What a referral says of the DS is kept for a while, unchecked: if it is signed it need not be asked for.
* Of an answer that is insecure because of what is not known here it can be told why (RFC 8914 sections 4.2 and 4.3,
  RFC 9276 section 3.2).

Limits: `LINKS_BYTES` for all links; what has not been used for longest goes first, and is found again when wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from resolver.cache.table import Table
from resolver.dnssec.algorithms import DIGESTS, SHA1, SUPPORTED
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.attach import delegated
from resolver.dnssec.denial import Iterations
from resolver.dnssec.evidence import Begun, Noting, Reached
from resolver.dnssec.gaps import Gaps
from resolver.dnssec.negative import NegativeAnchor, NegativeAnchors
from resolver.dnssec.records import Ds
from resolver.dnssec.signatures import Keys
from resolver.message import Ede, Message, RRset, Status
from resolver.network.base import Clock
from resolver.wire import names

LINKS_BYTES: Final = 2 << 20
"""About 2,000 zones with their keys, or 5,000 names without: found again in a few look-ups, mostly of what is held."""
ITERATIONS: Final = Iterations(insecure=50, bogus=150)
"""RFC 9276 section 3.2. Peers: BIND, Unbound and Knot Resolver take nothing above 50 for secure, PowerDNS above 50."""
UNKNOWN_ALGORITHM, UNKNOWN_DIGEST = 1, 2
"""EDE info-codes (RFC 8914 section 4)."""

MAX_REMARKS: Final = 256
"""Zones of whose denials there is something to tell."""

REFERRED_BYTES: Final = 1 << 20
"""What referrals said of a DS, for about 1,000 zones: it is used when the reply that was referred to is proven."""

_LINK_WEIGHT: Final = 400
"""Octets that a link takes besides its keys: measured on CPython."""
_KEY_WEIGHT: Final = 250
_SET_WEIGHT: Final = 500


class Unsigned(NamedTuple):
    """A name from which on nothing is proven, and need not be; `ede` is what can be told of the reason."""

    name: bytes
    status: Status
    ede: Ede | None = None


class Within(NamedTuple):
    """A name at which no zone begins. `absent`: it does not exist, and so nothing below it either (RFC 8020)."""

    absent: bool = False


Link: TypeAlias = Keys | Unsigned | Within


class Trust:
    """What is believed. `negatives`, `iterations` and `gaps` are free to be replaced while the program runs."""

    def __init__(
        self,
        anchors: Mapping[bytes, Anchor],
        clock: Clock,
        *,
        negatives: NegativeAnchors | None = None,
        iterations: Iterations = ITERATIONS,
        gaps: Gaps | None = None,
        links_bytes: int = LINKS_BYTES,
        noting: Noting | None = None,
    ) -> None:
        """`anchors` by their zones, folded; in `gaps`, where there are some, what is proven to be missing is kept.

        `noting`, where it is there, is handed each step of a proof.
        """
        self.anchors = dict(anchors)
        self._root_alone = self.anchors.keys() == {names.ROOT}
        self.clock = clock
        self.negatives = negatives if negatives is not None else NegativeAnchors()
        self.iterations = iterations
        self.gaps = gaps
        self.noting = noting
        self._links: Table[bytes, Link] = Table(links_bytes, clock, _weigh)
        self._remarks: Table[bytes, Ede] = Table(MAX_REMARKS, clock)
        self._referred: Table[bytes, tuple[RRset, ...]] = Table(REFERRED_BYTES, clock, _weigh_sets)

    def believe(self, anchors: Mapping[bytes, Anchor]) -> None:
        """`anchors` take the place of those before; all that was found by way of them is forgotten."""
        self.anchors = dict(anchors)
        self._root_alone = self.anchors.keys() == {names.ROOT}
        self._links.clear()
        self._remarks.clear()
        self._referred.clear()

    def beginning(self, name: bytes) -> bytes | Unsigned:
        """The zone, folded, whose trust anchor the chain to `name`, folded, begins at; or why there is no chain."""
        if self._root_alone and not len(self.negatives) and self.noting is None:  # as nearly always
            return names.ROOT
        found = self.negatives.beginning(name, self.anchors, self.clock.wall())
        if self.noting is not None:
            self.noting(Begun(name, self.anchors[found] if isinstance(found, bytes) else found))
        if found is None:
            return Unsigned(names.ROOT, Status.INDETERMINATE)
        return Unsigned(found.zone, Status.INSECURE) if isinstance(found, NegativeAnchor) else found

    def link(self, name: bytes) -> Link | None:
        """What has been found of `name`, folded; None for nothing that still counts."""
        return self._links.get(name)

    def unsigned(self, zone: bytes) -> Unsigned | None:
        """What is known of `zone`, folded, if it is that it and all below it is unsigned; else None, as where each step
        of a proof is to be seen."""
        link = self._links.get(zone)
        short = self._root_alone and not len(self.negatives) and self.noting is None
        return link if short and isinstance(link, Unsigned) else None

    def found(self, name: bytes, link: Link, seconds: int) -> None:
        """`link` is what there is at `name`, folded, for so many seconds."""
        if self.noting is not None:
            self.noting(Reached(name, link))
        self._links.put(name, link, seconds)

    def forget(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is held of `name`, folded, nor with `subtree` of what is below it. The number of links that went."""
        count = len(self._links)
        tables: tuple[Table[bytes, Any], ...] = (self._links, self._remarks, self._referred)
        for table in tables:
            for each, _ in table.items():
                if each == name or (subtree and names.is_below(each, name)):
                    table.remove(each)
        return count - len(self._links)

    def referred(self, zone: bytes, message: Message) -> None:
        """`message` is a referral to `zone`, folded: what it says of the DS need not be asked, if it is signed."""
        sets = delegated(zone, message)
        if sets:
            self._referred.put(zone, sets, min(rrset.ttl for rrset in sets))

    def said_of_ds(self, zone: bytes) -> tuple[RRset, ...]:
        """What a referral to `zone`, folded, said of its DS: the set, or those that deny it; unchecked."""
        return self._referred.get(zone) or ()

    def remark(self, zone: bytes, ede: Ede, seconds: int) -> None:
        """`ede` tells why denials of `zone`, folded, are insecure, for so many seconds."""
        self._remarks.put(zone, ede, seconds)

    def told(self, name: bytes) -> tuple[Ede, ...]:
        """What can be told of why `name`, folded, is insecure, as far as it is held."""
        for ancestor in names.ancestors(name):
            link = self._links.get(ancestor)
            told = link.ede if isinstance(link, Unsigned) else self._remarks.get(ancestor)
            if told is not None:
                return (told,)
        return ()


def usable(listed: Iterable[Ds], zone: bytes) -> tuple[Ds, ...] | Unsigned:
    """Those of the DS records of `zone` by which its keys can be known; or that there are none (RFC 4035 section 5.2).

    SHA-1 is passed over where there is something better (RFC 4509 section 3).
    """
    listed = tuple(listed)
    known = [ds for ds in listed if ds.algorithm in SUPPORTED]
    shown = names.to_text(zone)
    if not known:
        which = _numbers(ds.algorithm for ds in listed)
        ede = Ede(UNKNOWN_ALGORITHM, f"{shown} has keys of algorithms that are not known here: {which} [ALGO]")
        return Unsigned(zone, Status.INSECURE, ede)
    digested = [ds for ds in known if ds.digest_type in DIGESTS]
    if not digested:
        which = _numbers(ds.digest_type for ds in known)
        ede = Ede(UNKNOWN_DIGEST, f"{shown} has a DS with digests that are not known here: {which} [DGST]")
        return Unsigned(zone, Status.INSECURE, ede)
    return tuple(ds for ds in digested if ds.digest_type != SHA1) or tuple(digested)


def _numbers(found: Iterable[int]) -> str:
    return ", ".join(str(each) for each in sorted(set(found)))


def _weigh_sets(sets: tuple[RRset, ...]) -> int:
    return sum(
        _SET_WEIGHT + sum(map(len, rrset.rdatas)) + sum(map(len, rrset.proof.signatures if rrset.proof else ()))
        for rrset in sets
    )


def _weigh(link: Link) -> int:
    if not isinstance(link, Keys):
        return _LINK_WEIGHT
    return _LINK_WEIGHT + sum(_KEY_WEIGHT + 2 * len(key.rdata) for key in link.keys)
