"""Decides what is told of names that somebody has given data or a zone of their own here (local data).

Rules
* Records are told as they stand, wherever their names are in the DNS; of a name that has some no other types are there
  (NODATA). The nearest local zone at or above a name says what becomes of it else; where there is none, a name without
  records is looked up as any other.
* The types of zones are Unbound's. Those that begin with `always_` do not look at the records.
* The DS of a zone is for whoever is above it.
* Aliases are followed, through local data first.

Limits: at most `MAX_LINKS` aliases in a row. A zone answers of its own name and of all below: there are no delegations,
and no signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from resolver.filters import told
from resolver.filters.kinds import LETS_THROUGH, LocalKind
from resolver.filters.policy import Cause, Dropped, Redirected, Result, Settled
from resolver.filters.records import Record
from resolver.message import Class, Ede, Query, Rcode, Reply, RRset, Type
from resolver.wire import names

LOCAL: Final = "local"
"""The kind of cause."""
MAX_LINKS: Final = 8
_OTHER: Final = 0

_REDIRECTS: Final = frozenset((LocalKind.REDIRECT,))
_ALWAYS: Final = frozenset(each for each in LocalKind if each.startswith("always_"))
_REFUSED: Final = frozenset((LocalKind.REFUSE, LocalKind.ALWAYS_REFUSE))
_DENIED: Final = frozenset((LocalKind.DENY, LocalKind.ALWAYS_DENY))
_NXDOMAIN: Final = frozenset((LocalKind.STATIC, LocalKind.ALWAYS_NXDOMAIN))

Said: TypeAlias = Settled | Dropped | Redirected
_Sets: TypeAlias = Mapping[int, RRset]


class Local:
    """The policy of local zones and local records."""

    by_client = False
    looks_back = False

    def __init__(self, zones: Mapping[bytes, LocalKind], records: Iterable[Record], *, ttl_s: int = 300) -> None:
        """Zones by their name, folded; `ttl_s` is that of records without one, and of denials."""
        self._zones, self._ttl_s = dict(zones), ttl_s
        self._sets: dict[bytes, dict[int, RRset]] = {}
        several: dict[tuple[bytes, int], dict[bytes, None]] = {}
        for record in records:
            self._put(record, several)
        for (name, rtype), rdatas in several.items():
            self._sets[name][rtype] = self._sets[name][rtype]._replace(rdatas=tuple(rdatas))
        self._above: set[bytes] = set()
        """Names that exist because there are records below them (RFC 4592 section 2.2.2)."""
        for name in self._sets:
            above = names.parent(name)
            while above not in self._above:
                self._above.add(above)
                above = names.parent(above)

    def __len__(self) -> int:
        """How many names have records."""
        return len(self._sets)

    def _put(self, record: Record, several: dict[tuple[bytes, int], dict[bytes, None]]) -> None:
        """`record` is told, with those of its name and type, which are `several` then."""
        ttl = self._ttl_s if record.ttl is None else record.ttl
        name = record.name.lower()
        at = self._sets.setdefault(name, {})
        known = at.get(record.type)
        if known is None:
            at[record.type] = RRset(record.name, record.type, Class.IN, ttl, (record.rdata,))
            return
        several.setdefault((name, record.type), dict.fromkeys(known.rdatas))[record.rdata] = None
        if ttl < known.ttl:
            at[record.type] = known._replace(ttl=ttl)

    def after(self, query: Query, result: Result) -> None:
        """Of what came of a question there is nothing to say."""
        return

    def before(self, query: Query) -> Said | None:
        """What is told from local data."""
        name, rtype = query.question.name, query.question.type
        links: list[RRset] = []
        while len(links) <= MAX_LINKS:
            said = self._said(name, rtype)
            if isinstance(said, Redirected):
                links += said.links
                name = said.target
            elif said is None:
                return Redirected(self._cause(links[0].name.lower()), tuple(links), name) if links else None
            elif links and isinstance(said, Settled):
                return said._replace(reply=said.reply._replace(answer=(*links, *said.reply.answer)))
            else:
                return said
        ede = Ede(_OTHER, f"local data has more than {MAX_LINKS} aliases in a row [LALI]")
        return Settled(self._cause(query.question.name.lower()), Reply(Rcode.SERVFAIL, ra=True, ede=(ede,)))

    def _said(self, spelled: bytes, rtype: int) -> Said | None:
        """What is told of the name that is `spelled` so, or the alias that it is."""
        name = spelled.lower()
        zone = self._zone_of(name, rtype)
        kind = LocalKind.TRANSPARENT if zone is None else self._zones[zone]
        if kind not in _ALWAYS:
            owner = zone if kind in _REDIRECTS and zone is not None else name
            sets = self._sets.get(owner)
            if sets is not None:
                found = self._found(spelled, rtype, sets, kind, zone or name)
                if found is not None or kind is LocalKind.TYPETRANSPARENT:
                    return found
                return self._denied(Rcode.NOERROR, zone or name, kind)
        return None if zone is None else self._of_zone(spelled, rtype, zone, kind)

    def _found(self, spelled: bytes, rtype: int, sets: _Sets, kind: LocalKind, zone: bytes) -> Said | None:
        """The records of that type among `sets`, or the alias that stands there."""
        wanted = min(sets) if rtype == Type.ANY else rtype
        rrset = sets.get(wanted)
        if rrset is not None:
            told_of = rrset._replace(name=spelled)
            return Settled(self._cause(zone, kind), told.positive((told_of,), aa=True))
        alias = sets.get(Type.CNAME)
        if alias is None:
            return None
        return Redirected(self._cause(zone, kind), (alias._replace(name=spelled),), alias.rdatas[0])

    def _of_zone(self, spelled: bytes, rtype: int, zone: bytes, kind: LocalKind) -> Said | None:
        """What becomes of a name of `zone` without records."""
        if kind in _REFUSED:
            return Settled(self._cause(zone, kind), told.refusal(self._why(told.BLOCKED, zone, kind)))
        if kind in _DENIED:
            return Dropped(self._cause(zone, kind))
        if kind is LocalKind.BLOCK_A:
            return self._denied(Rcode.NOERROR, zone, kind) if rtype == Type.A else None
        if kind in LETS_THROUGH:
            return None
        if kind is LocalKind.ALWAYS_NULL:
            null = told.of_type(told.NULL, rtype, spelled, self._ttl_s)
            if null is not None:
                reply = told.positive((null,), ede=self._why(told.BLOCKED, zone, kind))
                return Settled(self._cause(zone, kind), reply)
        name = spelled.lower()
        exists = name == zone or (name in self._above and kind is LocalKind.STATIC)
        absent = kind in _NXDOMAIN and (not exists or kind is LocalKind.ALWAYS_NXDOMAIN)
        return self._denied(Rcode.NXDOMAIN if absent else Rcode.NOERROR, zone, kind)

    def _denied(self, rcode: int, zone: bytes, kind: LocalKind) -> Settled:
        soa = self._sets.get(zone, {}).get(Type.SOA)
        if soa is None:
            soa = told.soa(zone, self._ttl_s)
        else:
            soa = soa._replace(ttl=min(soa.ttl, int.from_bytes(soa.rdatas[0][-4:], "big")))
        code = told.BLOCKED if kind in _ALWAYS or kind is LocalKind.BLOCK_A else _OTHER
        reply = told.denial(rcode, soa, aa=True, ede=self._why(code, zone, kind))
        return Settled(self._cause(zone, kind), reply)

    def _zone_of(self, name: bytes, rtype: int) -> bytes | None:
        """The nearest zone that answers of `name`."""
        if not self._zones:
            return None
        if rtype == Type.DS and name != names.ROOT:
            name = names.parent(name)
        return next((each for each in names.ancestors(name) if each in self._zones), None)

    def _cause(self, name: bytes, kind: LocalKind | None = None) -> Cause:
        shown = names.to_text(name)
        return Cause(LOCAL, shown, f"the local zone {shown} ({kind})" if kind and name in self._zones else "local data")

    def _why(self, code: int, zone: bytes, kind: LocalKind) -> tuple[Ede, ...]:
        what = f"is a local zone ({kind})" if zone in self._zones else "has local data"
        return (Ede(code, f"{names.to_text(zone)} {what} [LZON]"),)
