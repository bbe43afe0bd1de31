"""Decides which records a mapping says: owner, type, value; and what mapping says the records of a zone.

    {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "@": {"MX": "10 mail", "TXT": "hello"},
     "short": {"A": {"ttl": 5, "values": ["192.0.2.3"]}}}

Rules
* An owner is "@" for the apex, a name relative to the zone, or an absolute one, which ends in a dot. So are names in
  values. A relative name that ends in the name of its own zone is refused: it would stand there twice.
* A value is text in presentation format, or an address of `ipaddress`, and several are a list. With a TTL of its own
  (seconds, or text as "5m") it takes a mapping of `ttl` and `values`.
* TXT without quotes is one text, which is quoted, and cut into strings of 255 octets where it is longer.
* A mistake is a `ZoneError` that names the owner and the type, and says what to write instead.

Limits: what each type's data look like is dnspython's to say. Data that have been read are held for the process, the
last `MAX_HELD` of them, as tests say the same again and again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, NoReturn

import dns.name

from resolver.auth import presented, zonecheck
from resolver.auth.draft import Key
from resolver.auth.findings import Finding, Where
from resolver.auth.master import Reader, Record
from resolver.auth.presented import MAX_TTL, Bad
from resolver.errors import BadName, ZoneError
from resolver.message import Type
from resolver.text import nearest
from resolver.wire import names

Data = Mapping[str, Mapping[str, Any]]
"""The records of a zone by owner and type: each a value, a list of such, or a mapping with `ttl` and `values`."""

PLAN: Final = Where("<plan>", 0)
"""Where records stand that no file has: somebody gave them while the program ran."""
MAX_HELD: Final = 4096
"""Values that are held once they have been read."""
MAX_HELD_TEXT: Final = 256
"""Characters of a value that is held, so that all of them have a megabyte or two."""
MAX_STRING: Final = 255
"""Octets of a character string (RFC 1035 section 3.3)."""

_KEYS: Final = ("ttl", "values")
_TEXTS: Final = frozenset((Type.TXT, 99))  # 99 is SPF (RFC 7208 section 3.1)
_LED: Final = frozenset((Type.NS, Type.CNAME, Type.PTR, Type.MX, Type.SRV, Type.DNAME))
"""Types whose data end in a name."""


class Reading:
    """Reads what is said of the zone `apex`. `ttl` is for records without one."""

    def __init__(self, apex: bytes, ttl: int, where: Where) -> None:
        self.apex, self.ttl, self.where = apex, ttl, where
        self._own = names.to_text(names.fold(apex))[:-1]

    def records(self, data: object) -> list[Record]:
        """The records that `data` says. Raises `ZoneError`."""
        if not isinstance(data, Mapping):
            self.refuse("data", f"{data!r} is no mapping", 'write {"www": {"A": "192.0.2.1"}}')
        found: list[Record] = []
        for owner, types in data.items():
            name = self.owner(owner)
            if not isinstance(types, Mapping):
                kind = f'{{"{owner}": {{"A": "192.0.2.1"}}}}'
                self.refuse(str(owner), f"{types!r} does not say of which type it is", f"write {kind}")
            for kind, given in types.items():
                found += self.rrset(name, str(owner), kind, given)
        return found

    def lines(self, given: object, most: int | None = None) -> list[Record]:
        """The records that lines of a master file say, `most` of them if that is given. Raises `ZoneError`."""
        if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
            self.refuse("records", f"{given!r} is no list of lines", 'write ["www A 192.0.2.1"]')
        if not given:
            return []
        reader = Reader(self.apex, ttl=self.ttl, report=self._report, most=most)
        # So that a TTL is that of its own line alone: nobody expects the lines of a list to depend on one another.
        reader.read_text(f"$TTL {self.ttl}", *self.where)
        for line in given:
            reader.read_text(line, *self.where)
        for record in reader.records:
            if not names.is_below(names.fold(record.name), names.fold(self.apex)):
                what = f"{names.to_text(record.name)} is outside the zone {names.to_text(self.apex)}"
                self.refuse("records", what, "put it into its own zone, or leave its last dot out if it is relative")
        return [record._replace(line=self.where.line) for record in reader.records]

    def _report(self, finding: Finding) -> None:
        self.refuse("records", finding.text, finding.instead)

    def owner(self, text: object) -> bytes:
        """The owner that `text` says, which lies in the zone. Raises `ZoneError`."""
        if text == "@":
            return self.apex
        if not isinstance(text, str):
            self.refuse("data", f"{text!r} is no owner", 'write a name in quotes, or "@" for the zone itself')
        try:
            name = names.from_text(text)
            if text.endswith(".") and not text.endswith("\\."):
                if not names.is_below(names.fold(name), names.fold(self.apex)):
                    what = f"{text} is outside the zone {names.to_text(self.apex)}"
                    self.refuse(text, what, "put it into its own zone, or leave its last dot out if it is relative")
                return name
            self._not_twice(text, text)
            whole = name[:-1] + self.apex
            if len(whole) > names.MAX_NAME:
                raise BadName(f"with the name of the zone it has {len(whole)} octets; {names.MAX_NAME} are allowed")
        except BadName as error:
            if not text:
                self.refuse("''", "an empty name", 'write "@" for the zone itself')
            self.refuse(text, f"no domain name: {error}", "labels have 1 to 63 octets, names 255 in all")
        return whole

    def rrset(self, name: bytes, subject: str, kind: object, given: object) -> list[Record]:
        """The records at `name`, of the type `kind`, that `given` says. Raises `ZoneError`."""
        if not isinstance(kind, str):
            self.refuse(subject, f"{kind!r} is no record type", 'write it in quotes, as "A"')
        subject, ttl = f"{subject} {kind}", self.ttl
        if isinstance(given, Mapping):
            for key in given:
                if key not in _KEYS:
                    self.refuse(subject, f"unknown key {key!r}", nearest(str(key), _KEYS))
            ttl, given = self.seconds(subject, given.get("ttl", ttl)), given.get("values", ())
        values = [given] if isinstance(given, str | IPv4Address | IPv6Address) else given
        if not isinstance(values, Sequence) or isinstance(values, bytes):
            self.refuse(subject, f"{given!r} is no value", "write text in quotes, or a list of such")
        if not values:
            self.refuse(subject, "there is no value", "leave the type out, or write one")
        try:
            rtype = presented.type_of(kind)
            wires = [self._data(subject, rtype, value) for value in values]
        except Bad as bad:
            self.refuse(subject, str(bad), bad.instead)
        return [Record(name, rtype, ttl, wire, *self.where) for wire in wires]

    def seconds(self, subject: str, given: object) -> int:
        """The TTL that `given` says. Raises `ZoneError`."""
        try:
            if isinstance(given, str):
                return presented.ttl_of(given)
            if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MAX_TTL:
                return given
            raise Bad(f"{given!r} is no TTL", f"write whole seconds, 0 to {MAX_TTL}")
        except Bad as bad:
            self.refuse(subject, str(bad), bad.instead)

    def value(self, subject: str, rtype: int, text: str) -> bytes:
        """The data that `text` says. Raises `ZoneError`."""
        try:
            return self._data(subject, rtype, text)
        except Bad as bad:
            self.refuse(subject, str(bad), bad.instead)

    def refuse(self, subject: str, what: str, instead: str) -> NoReturn:
        """Raise `ZoneError`."""
        raise ZoneError(f"{subject}: {what}", where=place(self.apex, self.where), instead=instead)

    def _data(self, subject: str, rtype: int, text: object) -> bytes:
        if isinstance(text, IPv4Address | IPv6Address):
            text = str(text)
        if not isinstance(text, str):
            words = text if isinstance(text, list | tuple) and text else ()
            line = " ".join(map(str, words))
            raise Bad(f"{text!r} is no text", f'write "{line}"' if words else "write the value in quotes")
        if rtype in _TEXTS and not text.lstrip().startswith('"'):
            try:
                text = quoted(text)
            except UnicodeEncodeError:
                raise Bad("half of a surrogate pair is no character", "write other octets as \\DDD") from None
        elif rtype in _LED and (words := text.split()):
            self._not_twice(subject, words[-1])
        if len(text) > MAX_HELD_TEXT:
            return presented.rdata_of(rtype, text, _origin(self.apex))
        return _rdata(rtype, text, self.apex)

    def _not_twice(self, subject: str, name: str) -> None:
        """Nobody means www.example.com.example.com."""
        folded = name.lower()
        if self._own and (folded == self._own or folded.endswith(f".{self._own}")):
            short = name[: -len(self._own) - 1] or "@"
            what = f"{name!r} has no last dot, and so means {name}.{names.to_text(self.apex)}"
            self.refuse(subject, what, f"write {short!r} or {name + '.'!r}")


def place(apex: bytes, where: Where) -> str:
    """Where a mistake is: the line, or the zone where nobody has told of one."""
    return f"zone {names.to_text(apex)}" if where == PLAN else f"{where.file}:{where.line}"


def quoted(text: str) -> str:
    """`text` as character strings in presentation format."""
    octets = text.encode()
    cut = [octets[start : start + MAX_STRING] for start in range(0, len(octets), MAX_STRING)] or [b""]
    return " ".join('"' + "".join(map(_escaped, part)) + '"' for part in cut)


def data_of(apex: bytes, ttl: int, sets: Mapping[Key, Sequence[Record]]) -> dict[str, dict[str, Any]]:
    """What `Reading` reads as `sets`, the records of the zone `apex` whose usual TTL is `ttl`."""
    data: dict[str, dict[str, Any]] = {}
    for records in sets.values():
        first = records[0]
        values = [presented.rdata_text(record.type, record.rdata) for record in records]
        least = min(record.ttl for record in records)
        kind = zonecheck.kind(first.type)
        given = values if least == ttl else {"ttl": least, "values": values}
        data.setdefault(_relative(first.name, apex), {})[kind] = given
    return data


def _relative(name: bytes, apex: bytes) -> str:
    """The owner `name` in the zone `apex`, as short as it is understood."""
    whole = names.to_text(name)
    if names.fold(name) == names.fold(apex):
        return "@"
    if names.fold(apex) == names.ROOT or names.fold(name).endswith(names.fold(apex)[:-1] + names.fold(apex)):
        return whole
    return names.to_text(name[: -len(apex)] + names.ROOT)[:-1]


def _escaped(octet: int) -> str:
    if octet in b'"\\':
        return f"\\{chr(octet)}"
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"


@lru_cache(MAX_HELD)
def _rdata(rtype: int, text: str, apex: bytes) -> bytes:
    return presented.rdata_of(rtype, text, _origin(apex))


@lru_cache(MAX_HELD)
def _origin(apex: bytes) -> dns.name.Name:
    return dns.name.from_wire(apex, 0)[0]
