"""Which of a server's zones answers a question, and what an authoritative server does not answer at all.

Rules:

* The zone nearest to the name answers (RFC 1034 section 4.3.2 step 2); outside all zones: REFUSED with the
  extended error Not Authoritative (RFC 8914 section 4.21).
* DS belongs to the parent: at the apex of a child whose parent is served here too, the parent answers (RFC
  4035 section 3.1.4.1). Where the zone above would only refer to a zone between the two, the child answers
  that it has none.
* Zone transfers do not come this way: REFUSED. MAILA and MAILB are obsolete: NOTIMP. Types that are no data
  (RFC 6895 section 3.1: 128 to 255 and OPT), ANY excepted: FORMERR. Classes other than IN: REFUSED.

RA is never set. Opcodes, EDNS and truncation are the server's business.

Limits: an alias into another zone of this server is not followed there; whoever asked does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from resolver.answering import Told
from resolver.auth.zone import NOT_AUTHORITATIVE, Zone
from resolver.errors import ZoneError
from resolver.message import Class, Ede, Query, Question, Rcode, Reply, Type
from resolver.wire import names

STORED: Final = 1
"""For how long a reply may be stored: a unit of the clock that its store has, if any (`simulation.Periods`)."""

ASKED: Final = 4096
"""Questions that are remembered as asked once, some 64 octets each; then all of them are forgotten."""

_META: Final = range(128, 256)
"""Query and meta types (RFC 6895 section 3.1)."""

_OUTSIDE: Final = Reply(Rcode.REFUSED, ede=(NOT_AUTHORITATIVE,))
_OTHER_CLASS: Final = Reply(Rcode.REFUSED, ede=(Ede(20, "only class IN is served here [CLAS]"),))
_TRANSFER: Final = Reply(Rcode.REFUSED, ede=(Ede(18, "zone transfer is not offered [XFER]"),))
_OBSOLETE: Final = Reply(Rcode.NOTIMP)
_NO_DATA_TYPE: Final = Reply(Rcode.FORMERR)

_UNANSWERED: Final[dict[int, Reply]] = {
    Type.IXFR: _TRANSFER,
    Type.AXFR: _TRANSFER,
    Type.MAILA: _OBSOLETE,
    Type.MAILB: _OBSOLETE,
}


class Authority:
    """An authoritative server of some zones: an `Answerer` that needs nobody else."""

    def __init__(self, zones: Iterable[Zone], wall: Callable[[], float] | None = None) -> None:
        """Serves `zones`. Raises ZoneError when two of them have the same apex.

        `wall` gives the seconds since 1970 at which signatures are to be valid; zones without any need none.
        """
        self._zones = _by_apex(zones)
        self._wall = wall or _epoch
        self._asked: set[int] = set()

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones served now."""
        return tuple(self._zones.values())

    def replace(self, zones: Iterable[Zone]) -> None:
        """Serves `zones` from the next question on, or, when this raises ZoneError, what it served before."""
        self._zones = _by_apex(zones)

    def answer(self, query: Query, done: Told) -> None:
        """`done` has the reply to `query`, at once."""
        done(self.reply(query.question, query.do))

    def peek(self, query: Query) -> Reply:
        """The same without waiting. It may be stored if it was asked for before: then it may be asked for again.

        It depends on the question and on DO alone, and on the zones.
        """
        do = query.do
        reply, mark = self.reply(query.question, do), hash((query.question, do))
        if mark in self._asked:
            return reply._replace(storable=True, again_s=STORED)
        if len(self._asked) >= ASKED:
            self._asked.clear()
        self._asked.add(mark)
        return reply

    def reply(self, question: Question, do: bool = False) -> Reply:
        """What this server says to `question`; with `do` what proves it, too (RFC 4035 section 3.1)."""
        if question.cls != Class.IN:
            return _OTHER_CLASS
        if (question.type in _META or question.type == Type.OPT) and question.type != Type.ANY:
            return _UNANSWERED.get(question.type, _NO_DATA_TYPE)
        name = names.fold(question.name)
        zone = self.enclosing(name)
        if zone is None:
            return _OUTSIDE
        if question.type == Type.DS and name == zone.apex:
            return self._from_the_parent(zone, question, do)
        return zone.answer(question, do, self._wall())

    def enclosing(self, name: bytes) -> Zone | None:
        """The zone served here that is nearest to the folded `name`."""
        zones = self._zones
        zone = zones.get(name)
        while zone is None and name != names.ROOT:
            name = name[name[0] + 1 :]
            zone = zones.get(name)
        return zone

    def _from_the_parent(self, child: Zone, question: Question, do: bool) -> Reply:
        parent, now = None, self._wall()
        if child.apex != names.ROOT:
            parent = self.enclosing(names.parent(child.apex))
        reply = None if parent is None else parent.answer(question, do, now)
        if reply is None or (not reply.aa and reply.rcode == Rcode.NOERROR):
            return child.answer(question, do, now)
        return reply


def _epoch() -> float:
    return 0.0


def _by_apex(zones: Iterable[Zone]) -> dict[bytes, Zone]:
    served: dict[bytes, Zone] = {}
    for zone in zones:
        if zone.apex in served:
            what = f"the zone {names.to_text(zone.apex)} is served twice by one server"
            raise ZoneError(what, instead="remove one of them")
        served[zone.apex] = zone
    return served
