"""Decides what an RFC 1035 master file says, record by record, with the line of each.

Rules. The file is cut into entries (RFC 1035 section 5.1: parentheses, quotes, comments) in `syntax`,
because every record must know its line and one bad entry must not hide the next. Names, TTLs, types and
rdata are read by dnspython. A record without a TTL takes that of $TTL, else the last one stated (RFC 1035
section 5.1, RFC 2308 section 4), else the default of the zone. $INCLUDE is refused unless it is allowed;
$GENERATE is counted before it is expanded.

Limits: class IN only. `MAX_OCTETS`, `MAX_RECORDS`, `MAX_GENERATED`, `MAX_INCLUDES` and `syntax.MAX_ENTRY`
bound what one file can ask for, its included files counted in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import dns.name

from resolver.auth import presented, syntax
from resolver.auth.findings import Finding, Report, refuse
from resolver.auth.presented import Bad
from resolver.message import Class, RRset
from resolver.text import nearest

MAX_OCTETS: Final = 256 << 20
"""Octets of one file: a TLD of two million delegations, and what a small machine can still hold."""
MAX_RECORDS: Final = 2_000_000
"""Records of one file with all that it includes and generates."""
MAX_GENERATED: Final = 65_536
"""Records that the $GENERATE lines of one file may make together: a /16 of reverse names."""
MAX_INCLUDES: Final = 8
"""Files that are open within one another; a file that includes itself ends here."""


class Record(NamedTuple):
    """One record and the line on which it starts. `rdata` is uncompressed wire."""

    name: bytes
    type: int
    ttl: int
    rdata: bytes
    file: str
    line: int

    @property
    def key(self) -> tuple[bytes, int]:
        """The RRset that the record belongs to."""
        return self.name.lower(), self.type


@dataclass(frozen=True, slots=True)
class MasterFile:
    """The records of a master file, in the order of the file."""

    file: str
    records: tuple[Record, ...]

    def rrsets(self) -> tuple[RRset, ...]:
        """The records as RRsets, in the order of their first records."""
        return group(self.records)


def group(records: tuple[Record, ...] | list[Record]) -> tuple[RRset, ...]:
    """`records` as RRsets: without repetition, with the lowest TTL of each (RFC 2181 sections 5 and 5.2)."""
    sets: dict[tuple[bytes, int], list[Record]] = {}
    for record in records:
        sets.setdefault(record.key, []).append(record)
    return tuple(
        RRset(
            some[0].name,
            some[0].type,
            Class.IN,
            min([record.ttl for record in some]),
            tuple(dict.fromkeys([record.rdata for record in some])),
        )
        for some in sets.values()
    )


def read(path: Path, origin: bytes, *, ttl: int = 3600, include: bool = False, report: Report = refuse) -> MasterFile:
    """The records of the master file at `path`, whose relative names end in `origin`.

    `ttl` (seconds) is for records before any TTL is stated; `include` allows $INCLUDE. Each mistake is
    given to `report`; the default raises `ZoneError` at the first.
    """
    reader = Reader(origin, ttl=ttl, include=include, report=report)
    reader.read_file(path)
    return MasterFile(str(path), tuple(reader.records))


class Reader:
    """Reads entries one after the other and remembers what RFC 1035 carries from one to the next."""

    def __init__(
        self, origin: bytes, *, ttl: int, include: bool = False, report: Report = refuse, most: int | None = None
    ) -> None:
        """`most` records are read, or `MAX_RECORDS`."""
        self._most = MAX_RECORDS if most is None else most
        self.records: list[Record] = []
        self.origin = self.owner = dns.name.from_wire(origin, 0)[0]
        self._fallback_ttl, self._include, self._report = ttl, include, report
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None
        self._generated = self._depth = 0
        self._full = False
        # The same names and targets recur by the thousand; reading text is nearly all that a big zone costs.
        self._owners: dict[str, dns.name.Name] = {}
        self._rdatas: dict[tuple[int, str], bytes] = {}
        self._wires: dict[dns.name.Name, bytes] = {}

    def read_file(self, path: Path) -> None:
        """The records of the file are added; that it is unreadable or too large is reported."""
        try:
            if path.stat().st_size > MAX_OCTETS:
                self._complain(path, 1, f"the file is larger than {MAX_OCTETS} octets", "split the zone")
                return
            raw = path.read_bytes()
        except OSError as error:
            self._complain(path, 1, f"cannot be read: {error.strerror}", "check the name of the file")
            return
        try:
            self.read_text(raw.decode("utf-8"), str(path))
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._complain(path, line, "not UTF-8 text", "write other octets as \\DDD")

    def _complain(self, file: Path | str, line: int, text: str, instead: str) -> None:
        self._report(Finding(str(file), line, text, instead, fatal=True))

    def read_text(self, text: str, file: str, line: int = 1) -> None:
        """The records of `text`, whose first line is `line` of `file`, are added."""
        for entry in syntax.entries(text, line):
            if self._full:
                return
            try:
                if entry.problem:
                    raise Bad(entry.problem, entry.instead)
                if entry.text[0] == "$":
                    self._directive(entry.text, file, entry.line)
                else:
                    self._record(entry.text, file, entry.line)
            except Bad as bad:
                self._complain(file, entry.line, str(bad), bad.instead)
            if len(self.records) > self._most and not self._full:
                self._full = True
                self._complain(file, entry.line, f"more than {self._most} records", "split the zone")

    def _record(self, text: str, file: str, line: int) -> None:
        position = 0
        if not text[0].isspace():
            word, position = syntax.word(text, 0)
            if word is None:
                raise Bad("an owner name must not be quoted", "write the name without quotes")
            self.owner = self._name(word)
        ttl: int | None = None
        class_seen = False
        while True:
            word, position = syntax.word(text, position)
            if word is None:
                raise Bad("the record ends before its type", "write: name TTL IN TYPE data")
            if ttl is None and word[0].isdigit():
                ttl = self._last_ttl = presented.ttl_of(word)
            elif not class_seen and _is_class(word):
                class_seen = True
            else:
                break
        rdtype = presented.type_of(word)
        rdata = self._rdata(rdtype, text[position:].strip())
        if ttl is None:
            ttl = self.implicit_ttl
        wire = self._wires.get(self.owner)
        if wire is None:
            wire = self._wires[self.owner] = self.owner.to_wire() or b"\0"
        self.records.append(Record(wire, rdtype, ttl, rdata, file, line))

    @property
    def implicit_ttl(self) -> int:
        """The TTL of a record that would come now without one."""
        if self._default_ttl is not None:
            return self._default_ttl
        return self._fallback_ttl if self._last_ttl is None else self._last_ttl

    def _name(self, text: str) -> dns.name.Name:
        name = self._owners.get(text)
        if name is None:
            name = self._owners[text] = presented.name_of(text, self.origin)
        return name

    def _rdata(self, rdtype: int, text: str) -> bytes:
        wire = self._rdatas.get((rdtype, text))
        if wire is None:
            wire = self._rdatas[rdtype, text] = presented.rdata_of(rdtype, text, self.origin)
        return wire

    def _directive(self, text: str, file: str, line: int) -> None:
        name, *words = text.split()
        match name.upper(), words:
            case "$TTL", [value]:
                self._default_ttl = presented.ttl_of(value)
            case "$ORIGIN", [value]:
                self._set_origin(self._name(value))
            case "$GENERATE", [span, owner, *rest] if rest:
                self._generate(span, owner, text.split(None, 3)[3], file, line)
            case "$INCLUDE", [target, *origin] if len(origin) < 2:
                self._include_file(target, origin, file)
            case ("$TTL" | "$ORIGIN" | "$GENERATE" | "$INCLUDE") as known, _:
                raise Bad(f"{known} has the wrong number of words", f"write: {syntax.DIRECTIVES[known]}")
            case _:
                raise Bad(f"unknown directive {name}", nearest(name.upper(), syntax.DIRECTIVES))

    def _set_origin(self, origin: dns.name.Name) -> None:
        self.origin = origin
        self._owners.clear()
        self._rdatas.clear()

    def _generate(self, span: str, owner: str, rest: str, file: str, line: int) -> None:
        try:
            steps = syntax.steps(span)
            most = min(MAX_GENERATED, self._most)
            if self._generated + len(steps) > most:
                raise Bad(
                    f"$GENERATE would make {len(steps)} records",
                    f"write a smaller range: a file may generate {most} in all",
                )
            self._generated += len(steps)
            rest = syntax.template(rest)
            for counter in steps:
                self._record(f"{syntax.expand(owner, counter)} {syntax.expand(rest, counter)}", file, line)
        except ValueError as error:
            raise Bad(f"$GENERATE: {error}", f"write: {syntax.DIRECTIVES['$GENERATE']}") from None

    def _include_file(self, target: str, origin: list[str], file: str) -> None:
        if not self._include:
            raise Bad("$INCLUDE is not allowed here", "put the records into this file, or set include = true")
        if self._depth >= MAX_INCLUDES:
            raise Bad(f"more than {MAX_INCLUDES} files include one another", "does a file include itself?")
        # RFC 1035 section 5.1: the included file changes neither the origin nor the owner of this one.
        kept_origin, kept_owner = self.origin, self.owner
        if origin:
            self._set_origin(self._name(origin[0]))
        self._depth += 1
        try:
            self.read_file(Path(file).parent / target)
        finally:
            self._depth -= 1
            self._set_origin(kept_origin)
            self.owner = kept_owner


def _is_class(text: str) -> bool:
    word = text.upper()
    if word == "IN":
        return True
    if word in ("CH", "HS", "CS", "CHAOS", "HESIOD", "ANY", "NONE") or re.fullmatch(r"CLASS\d+", word):
        raise Bad(f"the class {word} is not served from master files", "write IN")
    return False


__all__: Final = ["MAX_GENERATED", "MAX_RECORDS", "MasterFile", "Reader", "Record", "group", "read"]
