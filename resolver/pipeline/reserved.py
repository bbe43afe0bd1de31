"""Decides what is answered for special names, of which nobody is asked (`wire.special` says which they are).

Rules
* A zone that somebody has configured or declared comes first: a stub zone, a forward zone or a zone of the simulated
  world at or below the special name; above it a stub or forward zone, and a zone of the world with data for it. To
  forward everything (`"."`) is no word on the names that must not be asked of others (`special.NEVER_ASKED`).
* A denial has the SOA of RFC 6303 section 3 and an extended error that tells why it is one.
* The DS of an empty zone is its parent's to answer (RFC 8375 section 4).

Limits: nothing of this is stored as octets: it costs little, and names below `local.` are without end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from resolver.message import Class, Ede, Query, Question, Rcode, Reply, RRset, Type
from resolver.observe.counters import Counters
from resolver.wire import names
from resolver.wire.special import NEVER_ASKED, SPECIAL, Kind, special_above

TTL_S: Final = 10_800
"""RFC 6303 section 3."""
_NUMBERS: Final = b"".join(number.to_bytes(4, "big") for number in (1, 3600, 1200, 604_800, TTL_S))
_LOCALHOST: Final = names.from_text("localhost.")
_LOOPBACK: Final[Mapping[int, bytes]] = {Type.A: bytes((127, 0, 0, 1)), Type.AAAA: bytes(15) + b"\1"}
_WHY: Final = Ede(0, "a special-use name, which is answered here without asking anyone [LOCL]")


class Reserved:
    """The stage that answers for special names."""

    def __init__(
        self,
        counters: Counters,
        *,
        configured: Collection[bytes] = (),
        declared: Collection[bytes] = (),
        unreserved: Collection[bytes] = (),
    ) -> None:
        """Names are folded. `configured` are stub and forward zones, `declared` the zones of the simulated world and
        the special names that it has data for; `unreserved` are special, but not here, with all below them."""
        self._counters = counters
        self._others = frozenset((*configured, *declared))
        above = frozenset(configured)
        self._special: Mapping[bytes, Kind] = SPECIAL
        if unreserved or above:
            self._special = {
                name: kind
                for name, kind in SPECIAL.items()
                if not _covers(unreserved, name)
                and not _covers(above - {names.ROOT} if name in NEVER_ASKED else above, name)
            }

    def peek(self, query: Query) -> Reply | None:
        """The reply for a special name; None for all others."""
        question = query.question
        name = question.name.lower()
        if special_above(name) is not None and question.cls == Class.IN:
            top = self._special_above(name)
            if top is not None and (reply := _reply(question, name, top, self._special[top])) is not None:
                self._counters.answers_local += 1
                return reply
        return None

    def _special_above(self, name: bytes) -> bytes | None:
        """The special name that `name` is or is below, if nobody else has a word on it."""
        for ancestor in names.ancestors(name):
            if ancestor in self._others:
                return None
            if ancestor in self._special:
                return ancestor
        return None


def _covers(zones: Iterable[bytes], name: bytes) -> bool:
    return any(names.is_below(name, zone) for zone in zones)


def _reply(question: Question, name: bytes, top: bytes, kind: Kind) -> Reply | None:
    """What is told of `name`, which is `top` or below it; None where that is for others to say."""
    apex = name == top
    if apex and question.type == Type.DS and kind not in (Kind.ABSENT, Kind.LOCALHOST):
        return None
    if kind is Kind.LOCALHOST:
        rtype = Type.A if question.type == Type.ANY else question.type
        if rtype in _LOOPBACK:
            return _positive(question.name, rtype, _LOOPBACK[rtype])
        return _denial(Rcode.NOERROR, top)
    if kind is Kind.LOOPBACK and apex and question.type in (Type.PTR, Type.ANY):
        return _positive(question.name, Type.PTR, _LOCALHOST)
    if kind is Kind.EMPTY and apex and question.type in (Type.SOA, Type.ANY):
        return _positive(question.name, Type.SOA, _soa(top))
    if kind is Kind.EMPTY and apex and question.type == Type.NS:
        return _positive(question.name, Type.NS, top)
    exists = kind is Kind.NODATA or (apex and kind is not Kind.ABSENT)
    return _denial(Rcode.NOERROR if exists else Rcode.NXDOMAIN, top)


def _positive(name: bytes, rtype: int, rdata: bytes) -> Reply:
    return Reply(Rcode.NOERROR, (RRset(name, rtype, Class.IN, TTL_S, (rdata,)),), aa=True, ra=True)


def _denial(rcode: int, top: bytes) -> Reply:
    soa = RRset(top, Type.SOA, Class.IN, TTL_S, (_soa(top),))
    return Reply(rcode, (), (soa,), aa=True, ra=True, ede=(_WHY,))


def _soa(top: bytes) -> bytes:
    return top + names.from_text("nobody.invalid.") + _NUMBERS
