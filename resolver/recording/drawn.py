"""What a recording draws: the zones and servers of a world that says what was said, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from resolver.message import Class, RRset, Type
from resolver.recording.evidence import Key
from resolver.wire import names

SINGLE: Final = frozenset((Type.SOA, Type.CNAME, Type.DNAME))
"""Types of which no name can have two records (RFC 2181 section 6.1 and 10.1, RFC 6672 section 2.4)."""

PRESENT: Final = 65534
"""The type, for private use (RFC 6895 section 3.1), of a record without data: its name exists, and what it has was not
asked for."""


@dataclass(slots=True)
class DrawnServer:
    """A server, at the addresses of the world. `seen` are those that it was asked at."""

    name: bytes
    ipv4: str = ""
    ipv6: str | None = None
    zones: list[bytes] = field(default_factory=list)
    fault: str = ""
    latency_ms: float = 0.0
    seen: tuple[str, ...] = ()


@dataclass(slots=True)
class DrawnZone:
    """A zone: its records, how it is signed, why the lint is to say nothing of it, and what else is to be told."""

    apex: bytes
    records: dict[Key, RRset] = field(default_factory=dict)
    dnssec: dict[str, object] | None = None
    broken: str = ""
    remarks: list[str] = field(default_factory=list)

    def put(self, rrset: RRset, owner: bytes | None = None) -> None:
        """The zone has `rrset`, under the folded `owner` if that is given; the first record alone of a type of which
        a name has one: else there would be no zone at all for what one server says."""
        name = names.fold(rrset.name) if owner is None else owner
        rdatas = rrset.rdatas[:1] if rrset.type in SINGLE else tuple(sorted(rrset.rdatas))
        self.records[name, rrset.type] = RRset(name, rrset.type, Class.IN, rrset.ttl, rdatas)

    def present(self, name: bytes) -> None:
        """The folded `name` exists, if only by a record that says no more."""
        there = any(names.is_below(owner, name) and not self._is_delegated(owner) for owner, _ in self.records)
        if not there:
            self.put(RRset(name, PRESENT, Class.IN, 0, (b"",)))

    def _is_delegated(self, owner: bytes) -> bool:
        """Whether what the zone has at `owner` is only for those who are referred elsewhere: glue."""
        above = (each for each in names.ancestors(owner) if len(each) > len(self.apex))
        return any((each, Type.NS) in self.records and each != owner for each in above)


@dataclass(slots=True)
class Drawn:
    """Zones, those above before those below, and servers, both in the order in which they are written."""

    zones: dict[bytes, DrawnZone] = field(default_factory=dict)
    servers: dict[bytes, DrawnServer] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    """What is not as it was, for the person who records."""

    @property
    def has_root(self) -> bool:
        """Whether there is a server to begin with."""
        return any(names.ROOT in server.zones for server in self.servers.values())

    def owner(self, name: bytes, rtype: int) -> DrawnZone:
        """The zone whose records of the folded `name` and type are."""
        start = names.parent(name) if rtype == Type.DS and name != names.ROOT else name
        return next(self.zones[above] for above in names.ancestors(start) if above in self.zones)
