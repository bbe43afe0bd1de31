"""How an answer is told to a client: the sections of the reply (RFC 1034 section 4.3.1, RFC 2308 section 3).

Rules
* Who wants signatures (DO) gets those of each RRset behind it, and in the authority section the denials that prove that
  a name or its data are not there, or that a wildcard may stand for it (RFC 4035 section 3.1). Who does not gets none,
  unless they are what was asked for (RFC 4035 section 3.2.1).
* AD says that all that is told is proven; what holds the proof of a denial without a SOA is one without records. It is
  told to those who know it, by DO or by AD itself (RFC 6840 section 5.8), and not to those who want nothing checked
  (CD).
* What upstreams said of an answer by extended errors is told on to those who asked for it then, not to those who
  are told out of the cache.
* Of what is insecure because of something that is not known here it is told why (RFC 8914 sections 4.2 and 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from resolver.engine.outcome import Answer
from resolver.message import Ede, Query, Reply, RRset, Status, Type
from resolver.wire.names import fold

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_RRSIG: Final = int(Type.RRSIG)
_SECURE: Final = Status.SECURE

Why = Callable[[bytes], tuple[Ede, ...]]
"""Tells why nothing is proven of a name."""


def reply_of(answer: Answer, query: Query, again_s: int | None = None, why: Why | None = None) -> Reply:
    """The reply that says `answer` to `query`: the chain and its end, the SOA in the authority section of a denial.

    It may be stored for `again_s` seconds, or for as long as it is good. `why` is given where answers are proven.
    """
    rcode, rrsets, soa, keeps, told = answer
    authority: tuple[RRset, ...] = () if soa is None else (soa,)
    edns = query.edns
    do = edns is not None and edns.do
    proven = False
    if do or query.ad:
        whole = keeps or (soa is not None and not soa.rdatas)
        proven = whole and not query.cd and is_secure(rrsets, authority)
    ede = () if why is None or edns is None else _remarks((*rrsets, *authority), why)
    if told and edns is not None:
        ede = (*ede, *told)
    if do:
        rrsets, authority = _signed(rrsets), (*_signed(authority), *_beside((*rrsets, *authority)))
    return _make(
        Reply, (rcode, rrsets, authority, (), False, True, proven, ede, keeps and again_s != 0, again_s, False)
    )


def _remarks(rrsets: Iterable[RRset], why: Why) -> tuple[Ede, ...]:
    """What can be told of the first of `rrsets` that is insecure."""
    return next((why(each.name) for each in rrsets if each.status is Status.INSECURE), ())


def is_secure(*sections: tuple[RRset, ...]) -> bool:
    """Whether there is anything in `sections`, and all of it is secure."""
    for section in sections:
        for rrset in section:
            proof = rrset.proof
            if proof is None or proof.status is not _SECURE:
                return False
    return any(sections)


def _signed(rrsets: Iterable[RRset]) -> tuple[RRset, ...]:
    """`rrsets`, each with its signatures behind it."""
    told: list[RRset] = []
    for rrset in rrsets:
        told.append(rrset)
        if rrset.proof is not None and rrset.proof.signatures:
            told.append(RRset(rrset.name, _RRSIG, rrset.cls, rrset.ttl, rrset.proof.signatures))
    return tuple(told)


def _beside(rrsets: Iterable[RRset]) -> tuple[RRset, ...]:
    """What stands beside `rrsets`, once each, good for as long as they are; with signatures."""
    found: dict[tuple[bytes, int], RRset] = {}
    for rrset in rrsets:
        if rrset.proof is not None:
            for each in rrset.proof.beside:
                found.setdefault((fold(each.name), each.type), each._replace(ttl=rrset.ttl))
    return _signed(found.values())
