"""Decides which names get an IPv6 address that leads to their IPv4 one, by way of a translator: DNS64 (RFC 6147).

Rules
* Only where there is no AAAA record: that nothing is there has been found, and proven where answers are, before A is
  asked (section 5.5). A name that does not exist has none either (5.1.2). A failure is taken for none (5.1.3), but not
  one that says that data is not to be believed.
* AAAA records in the excluded networks count for nothing; of others those alone are told (5.1.4).
* Aliases are told as they are, and what is made stands at their end (5.1.5). It lives for as long as the A record and
  the denial of AAAA both do (5.1.7), `DENIAL_S` where nobody says how long that is.
* Without RD something is made only where it is held that there is no AAAA record.
* Who checks signatures itself (CD and DO) gets nothing that is made. AD is told with DO alone, where both are proven
  (5.5).
* The reverse name of an address behind a prefix is an alias of that of the IPv4 address (5.3.1).
* The well-known prefix stands for global addresses only (RFC 6052 section 3.1). `ipv4only.arpa.`, by which clients find
  the prefix, is answered without asking anyone (RFC 8880 section 7.1).

Limits: only for some clients if that is configured; then no answer that would differ is stored for all. Hints in SVCB
and HTTPS records are not made. What is told of names with local data is not seen here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from resolver.answering import Stage, Told, peek_or_work
from resolver.errors import ResolutionFailed
from resolver.filters.policy import Cause
from resolver.filters.prefixes import PRIVATE, WELL_KNOWN, Networks, Prefix, Ranges, reverse_v4, reversed_v6
from resolver.message import Class, Query, Rcode, Reply, RRset, Type
from resolver.wire import names

DNS64: Final = "dns64"
"""The kind of cause."""
DENIAL_S: Final = 600
"""Seconds that a denial of AAAA without a SOA counts (RFC 6147 section 5.1.7)."""
_A: Final = int(Type.A)
_AAAA: Final = int(Type.AAAA)
_PTR: Final = int(Type.PTR)
_RRSIG: Final = int(Type.RRSIG)
_IN: Final = int(Class.IN)
_BOGUS: Final = "bogus"
_IPV4ONLY: Final = names.from_text("ipv4only.arpa.")
_WELL_KNOWN_V4: Final = (bytes((192, 0, 0, 170)), bytes((192, 0, 0, 171)))
"""RFC 7050 section 8."""
_IPV4ONLY_TTL_S: Final = 86_400

Result = Reply | ResolutionFailed
Noted = Callable[[Query, Cause], None]
"""Is told of each answer that was made."""


class Synthesised:
    """The stage that makes AAAA records of the A records that `below` finds."""

    __slots__ = ("_below", "_clients", "_excluded", "_noted", "_prefixes", "_unmapped")

    def __init__(
        self,
        below: Stage,
        prefixes: Sequence[Prefix],
        noted: Noted,
        *,
        clients: Networks = (),
        excluded: Networks = (),
        unmapped: Networks = (),
    ) -> None:
        """Of the `clients`, or all if there are none. AAAA records in `excluded` networks count for nothing; A records
        in `unmapped` ones get no address."""
        self._below, self._prefixes, self._noted = below, tuple(prefixes), noted
        self._clients = Ranges(clients) if clients else None
        self._excluded = Ranges(excluded)
        well_known = Ranges((*PRIVATE, *unmapped))
        self._unmapped = [well_known if each.network == WELL_KNOWN.network else Ranges(unmapped) for each in prefixes]

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is none."""
        if not self._concerns(query):
            return self._below.peek(query)
        if not self._serves(query):
            found = self._below.peek(query)
            return None if found is None else _kept(found)
        reply = self._known(query)
        if reply is not None:
            return self._limited(reply)
        target = self._reversed(query)
        if target is not None:
            found = self._below.peek(_asked(query, target, _PTR))
            return None if found is None else self._limited(self._led(query, target, found))
        found = self._below.peek(query)
        if found is None or not self._is_empty(found) or not (query.rd or _is_known(found)):
            return None if found is None else self._limited(self._cleared(found))
        found_v4 = self._below.peek(_asked(query, query.question.name, _A))
        return None if found_v4 is None else self._limited(self._made(query, found, found_v4) or found)

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""
        if not self._concerns(query):
            self._below.work(query, done)
            return
        if not self._serves(query):
            self._below.work(query, lambda result: done(_kept(result) if isinstance(result, Reply) else result))
            return
        target = self._reversed(query)
        if target is not None:
            self._below.work(_asked(query, target, _PTR), partial(self._pointed, query, target, done))
        else:
            # What is asked for may be at hand, and its A record not.
            self._below.answer(query, partial(self._denied, query, done))

    def _pointed(self, query: Query, target: bytes, done: Told, result: Result) -> None:
        done(self._limited(self._led(query, target, result)) if isinstance(result, Reply) else result)

    def _denied(self, query: Query, done: Told, result: Result) -> None:
        """`result` came of the question for AAAA."""
        if self._is_empty(result):
            self._below.answer(_asked(query, query.question.name, _A), partial(self._worked, query, result, done))
        else:
            done(self._limited(self._cleared(result)) if isinstance(result, Reply) else result)

    def _worked(self, query: Query, denied: Result, done: Told, result: Result) -> None:
        """`result` came of the question for A, after `denied` of that for AAAA."""
        if isinstance(result, ResolutionFailed):
            # An answer that there is no AAAA record is true all the same, but who takes it for the last word is misled.
            done(denied if isinstance(denied, ResolutionFailed) else result)
            return
        told = self._made(query, denied, result) or denied
        done(self._limited(told) if isinstance(told, Reply) else told)

    # -- what is to be done

    def _concerns(self, query: Query) -> bool:
        """Whether anything may be made for `query`."""
        name, rtype, cls = query.question
        if cls != _IN or (query.cd and query.do):
            return False
        return (
            rtype == _AAAA
            or (rtype == _PTR and reversed_v6(name.lower()) is not None)
            or (rtype == _A and name.lower() == _IPV4ONLY)
        )

    def _serves(self, query: Query) -> bool:
        """Whether its client is one of those that are served."""
        return self._clients is None or ipaddress.ip_address(query.client.host).packed in self._clients

    def _limited(self, reply: Reply) -> Reply:
        """`reply`, stored for all only where it is for all."""
        return reply if self._clients is None else _kept(reply)

    def _reversed(self, query: Query) -> bytes | None:
        """The reverse name of the IPv4 address whose IPv6 address is asked about; None where it is of no prefix."""
        if query.question.type != _PTR:
            return None
        address = reversed_v6(query.question.name.lower())
        inside = () if address is None else (each.extract(address) for each in self._prefixes)
        return next((reverse_v4(each) for each in inside if each is not None), None)

    def _is_empty(self, result: Result) -> bool:
        """Whether there is no AAAA record, so that one is to be made."""
        if isinstance(result, ResolutionFailed):
            return result.label != _BOGUS
        if result.rcode == Rcode.NXDOMAIN:
            return False
        return not any(
            rrset.type == _AAAA and any(each not in self._excluded for each in rrset.rdatas) for rrset in result.answer
        )

    # -- what is told

    def _known(self, query: Query) -> Reply | None:
        """The reply for the name by which clients find the prefix."""
        name, rtype, _ = query.question
        if name.lower() != _IPV4ONLY or rtype not in (_A, _AAAA):
            return None
        found = RRset(name, _A, _IN, _IPV4ONLY_TTL_S, _WELL_KNOWN_V4)
        rdatas = self._mapped(found) if rtype == _AAAA else _WELL_KNOWN_V4
        return Reply(Rcode.NOERROR, (found._replace(type=rtype, rdatas=rdatas),), aa=True, ra=True)

    def _led(self, query: Query, target: bytes, found: Reply) -> Reply:
        """`found` of the IPv4 address, behind the alias that leads there."""
        ttl = min((each.ttl for each in (*found.answer, *found.authority)), default=DENIAL_S)
        alias = RRset(query.question.name, Type.CNAME, _IN, ttl, (target,))
        self._noted(query, Cause(DNS64, names.to_text(target), self._sources()))
        return found._replace(answer=(alias, *found.answer), ad=False)

    def _cleared(self, reply: Reply) -> Reply:
        """`reply` without AAAA records in excluded networks; then its signatures do not fit, and it is not proven."""
        if not any(each in self._excluded for rrset in reply.answer if rrset.type == _AAAA for each in rrset.rdatas):
            return reply
        left = tuple(
            rrset._replace(rdatas=tuple(each for each in rrset.rdatas if each not in self._excluded), proof=None)
            if rrset.type == _AAAA
            else rrset
            for rrset in _unsigned(reply.answer, _AAAA)
        )
        return reply._replace(answer=left, ad=False)

    def _made(self, query: Query, denied: Result, found: Reply) -> Reply | None:
        """The reply with addresses for those `found`, where AAAA was `denied`; None where there is none."""
        made, ttl = [], _denied_for(denied)
        for rrset in _unsigned(found.answer, _A):
            if rrset.type != _A:
                made.append(rrset)
            elif mapped := self._mapped(rrset):
                made.append(RRset(rrset.name, _AAAA, _IN, min(rrset.ttl, ttl), mapped))
        if not any(rrset.type == _AAAA for rrset in made):
            return None
        self._noted(query, Cause(DNS64, names.to_text(made[-1].name), self._sources()))
        proven = query.do and found.ad and isinstance(denied, Reply) and denied.ad
        stored = found.storable and isinstance(denied, Reply) and denied.storable
        return found._replace(answer=tuple(made), authority=(), ad=proven, storable=stored)

    def _mapped(self, rrset: RRset) -> tuple[bytes, ...]:
        """The addresses behind each prefix of those in `rrset`."""
        if rrset.rdatas == _WELL_KNOWN_V4:
            return tuple(prefix.embed(each) for prefix in self._prefixes for each in rrset.rdatas)
        ways = zip(self._prefixes, self._unmapped, strict=True)
        return tuple(prefix.embed(each) for prefix, unmapped in ways for each in rrset.rdatas if each not in unmapped)

    def _sources(self) -> str:
        return ", ".join(map(str, self._prefixes))


def _asked(query: Query, name: bytes, rtype: int) -> Query:
    return query._replace(question=query.question._replace(name=name, type=rtype))


def _is_known(reply: Reply) -> bool:
    """Whether `reply` says what AAAA records there are, or that there are none; without RD it may say of neither."""
    denied = any(rrset.type == Type.SOA for rrset in reply.authority)
    return reply.rcode == Rcode.NOERROR and (denied or any(rrset.type == _AAAA for rrset in reply.answer))


def _kept(reply: Reply) -> Reply:
    """`reply`, which is not stored for all."""
    return reply._replace(storable=False) if reply.storable else reply


def _denied_for(denied: Result) -> int:
    """Seconds for which it is `denied` that there is an AAAA record."""
    if isinstance(denied, Reply):
        for rrset in denied.authority:
            if rrset.type == Type.SOA:
                return min(rrset.ttl, int.from_bytes(rrset.rdatas[0][-4:], "big"))
    return DENIAL_S


def _unsigned(rrsets: Sequence[RRset], rtype: int) -> list[RRset]:
    """`rrsets` without the signatures of those of that type, which are told behind them."""
    left: list[RRset] = []
    for at, rrset in enumerate(rrsets):
        if rrset.type == _RRSIG and at and rrsets[at - 1].type == rtype:
            continue
        left.append(rrset)
    return left
