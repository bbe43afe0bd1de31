"""What a reply means, as values: matched with `match`, closed with `assert_never`.

`Answer` is the end of a question; the others are what one server's reply says about the question it was
asked.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, TypeAlias

from resolver.engine.delegation import Delegation
from resolver.message import Ede, Rcode, RRset


class Answer(NamedTuple):
    """The end of a question: its rcode, the chain of aliases with what stood at its end, the SOA of a denial.

    `keeps` is False when a part of it may not be kept: a denial without a SOA (RFC 2308 section 5). `told` are the
    extended errors that an upstream sent with it.
    """

    rcode: int
    rrsets: tuple[RRset, ...] = ()
    soa: RRset | None = None
    keeps: bool = True
    told: tuple[Ede, ...] = ()


class Answered(NamedTuple):
    """The data asked for, after `chain`, the aliases that led to it inside the server's zone."""

    chain: tuple[RRset, ...]
    rrsets: tuple[RRset, ...]
    authoritative: bool


class Alias(NamedTuple):
    """Aliases that lead to `target`, which this server is not to be believed about, or said nothing of."""

    chain: tuple[RRset, ...]
    target: bytes
    authoritative: bool


class Denied(NamedTuple):
    """`name`, reached through `chain`, has no such data (NODATA), or does not exist (NXDOMAIN). RFC 2308 section 2."""

    chain: tuple[RRset, ...]
    name: bytes
    rcode: Rcode
    soa: RRset | None
    authoritative: bool


class Overlong(NamedTuple):
    """A DNAME leads to a name over 255 octets: YXDOMAIN (RFC 6672 section 2.2)."""

    chain: tuple[RRset, ...]


class Referral(NamedTuple):
    """A delegation strictly below the zone that was asked, at or above the name."""

    delegation: Delegation


class Fault(enum.StrEnum):
    """Why a reply cannot be used."""

    SERVFAIL = "answered SERVFAIL"
    REFUSED = "refused to answer"
    FORMERR = "answered FORMERR"
    NOTIMP = "answered NOTIMP"
    RCODE = "answered with an unexpected rcode"
    LAME = "has no authority over the zone"
    UPWARD = "referred upwards"
    BADCOOKIE = "asked for another cookie"
    DNAME = "synthesised from a DNAME wrongly"


class Unusable(NamedTuple):
    """A reply that does not help; another server is asked. `ede` is what the server itself said."""

    fault: Fault
    ede: tuple[Ede, ...] = ()


class Truncated(NamedTuple):
    """TC is set: the same server is asked over TCP. As a tuple it is empty: compare, or match, but ask not if it is."""


Conclusion: TypeAlias = Answered | Alias | Denied | Overlong
"""What servers can say that ends the asking for one name."""

Outcome: TypeAlias = Conclusion | Referral | Unusable | Truncated
