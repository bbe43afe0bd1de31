"""Decides how a name that is decided here is answered: what a denial, an answer or a refusal looks like.

Rules: a denial has a SOA, so that it may be remembered (RFC 2308 section 3): one of its own where there is none in the
local data. What is asked for with ANY has one RRset (RFC 8482 section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from resolver.message import Class, Ede, Rcode, Reply, RRset, Type
from resolver.wire import names

BLOCKED: Final = 15
"""The extended error of what is kept from a client (RFC 8914 section 4.16)."""
NULL: Final[Mapping[int, tuple[bytes, ...]]] = {Type.A: (bytes(4),), Type.AAAA: (bytes(16),)}
"""Addresses that lead nowhere."""
_NOBODY: Final = names.from_text("nobody.invalid.")
_REFRESH: Final = b"".join(number.to_bytes(4, "big") for number in (1, 3600, 1200, 604_800))


def soa(zone: bytes, ttl: int) -> RRset:
    """A SOA for denials in `zone`, good for `ttl` seconds."""
    return RRset(zone, Type.SOA, Class.IN, ttl, (zone + _NOBODY + _REFRESH + ttl.to_bytes(4, "big"),))


def denial(rcode: int, authority: RRset, *, aa: bool = False, ede: tuple[Ede, ...] = ()) -> Reply:
    """That a name or its data are not there, as `authority` has it."""
    return Reply(rcode, (), (authority,), aa=aa, ra=True, ede=ede)


def refusal(ede: tuple[Ede, ...]) -> Reply:
    """That nothing is said."""
    return Reply(Rcode.REFUSED, ra=True, ede=ede)


def positive(rrsets: tuple[RRset, ...], *, aa: bool = False, ede: tuple[Ede, ...] = ()) -> Reply:
    """That `rrsets` are there."""
    return Reply(Rcode.NOERROR, rrsets, aa=aa, ra=True, ede=ede)


def of_type(rdatas: Mapping[int, tuple[bytes, ...]], rtype: int, name: bytes, ttl: int) -> RRset | None:
    """The records of `name` of that type, or for ANY those of the lowest, of those that there are `rdatas` of."""
    wanted = min(rdatas, default=rtype) if rtype == Type.ANY else rtype
    return RRset(name, wanted, Class.IN, ttl, rdatas[wanted]) if wanted in rdatas else None
