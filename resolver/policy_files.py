"""Decides what the file of a policy zone says, record by record: to read it takes no more memory than its rules do.

Rules: it is a master file, and says what `auth.master` reads in it. Nearly all lines of nearly all such files are a
name and one of a few actions: there the name is read here, and the action was read before. All other lines are read by
`auth.master`, with those that their parentheses take in.

Limits: `MAX_OCTETS` and `MAX_RECORDS` of `auth.master`; `MAX_KNOWN` actions are remembered.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias

import dns.name

from resolver.auth import syntax
from resolver.auth.findings import Finding, refuse
from resolver.auth.master import MAX_OCTETS, MAX_RECORDS, Reader
from resolver.wire import names

MAX_KNOWN: Final = 1024
"""Actions that are remembered: a zone has a handful, unless it has data of its own for each name."""
LINES_PER_BREATH: Final = 600
"""Lines after which other threads are let on: they take some milliseconds."""

_PLAIN: Final = re.compile(rb"([A-Za-z0-9_*.-]+)([ \t][^;\"()\\\n]*)(?:;.*)?\n?").fullmatch
_NOTHING: Final = re.compile(rb"[ \t\r]*(?:;.*)?\n?").fullmatch
_SHIELDED: Final = re.compile(rb'\\.|"(?:[^"\\]|\\.)*"|;.*')
"""Where a parenthesis is none (RFC 1035 section 5.1)."""
_LENGTHS: Final = {length: bytes((length,)) for length in range(1, names.MAX_LABEL + 1)}

Line: TypeAlias = tuple[bytes, int, int, bytes, int]
"""A record: its name, type, TTL in seconds, data as uncompressed wire, and where it begins."""
_Data: TypeAlias = tuple[int, int, bytes]


def records(path: Path, text: str | None, origin: bytes, ttl: int, breathe: Callable[[], None]) -> Iterator[Line]:
    """The records of the master file at `path`, or of the `text` that stands for it, whose relative names end in
    `origin`.

    `ttl` (seconds) is for records before any TTL is stated. `breathe` is called often, where a thread that reads is to
    let others run. Raises `ZoneError`.
    """
    try:
        if text is None and path.stat().st_size > MAX_OCTETS:
            refuse(Finding(str(path), 1, f"the file is larger than {MAX_OCTETS} octets", "split the zone"))
        opened = path.open("rb") if text is None else io.BytesIO(text.encode())
        with closing(opened):
            reading = _Reading(str(path), Reader(origin, ttl=ttl, report=refuse), breathe)
            for count, line in enumerate(reading.records(opened)):
                if count >= MAX_RECORDS:
                    refuse(Finding(str(path), line[-1], f"more than {MAX_RECORDS} records", "split the zone"))
                yield line
    except OSError as wrong:
        refuse(Finding(str(path), 1, f"cannot be read: {wrong.strerror}", "check the name of the file"))


class _Reading:
    """One file, read once. `reader` reads what is not plain, as if it had read all that stands before."""

    def __init__(self, file: str, reader: Reader, breathe: Callable[[], None]) -> None:
        self._file, self._reader, self._breathe = file, reader, breathe
        self._known: dict[bytes, _Data] = {}
        """What words behind a name mean, as long as the origin and the TTL of records without one are as they are."""
        self._context = self._reader.origin, self._reader.implicit_ttl
        self._origin = self._reader.origin.to_wire() or names.ROOT
        self._owner: bytes | None = None
        """The name of the last record, where the reader has not seen that."""

    def records(self, lines: Iterable[bytes]) -> Iterator[Line]:
        """The records of the file that has these `lines`."""
        known, breathe = self._known, self._breathe
        held: list[bytes] = []
        depth = size = begin = 0
        for number, line in enumerate(lines, 1):
            if not number % LINES_PER_BREATH:
                breathe()
            plain = None if depth else _PLAIN(line)
            if plain is not None:
                owner, data = _wire(plain[1], self._origin), known.get(plain[2])
                if owner is not None and data is not None:
                    self._owner = owner
                    yield (owner, *data, number)
                    continue
            elif not depth and _NOTHING(line):
                continue
            if not held:
                begin, size = number, 0
            held.append(line)
            size += len(line)
            depth = max(0, depth + _opened(line))
            if not depth or size > syntax.MAX_ENTRY:
                yield from self._entry(b"".join(held), begin, None if plain is None else plain[2])
                held, depth = [], 0
        if held:
            yield from self._entry(b"".join(held), begin)

    def _entry(self, octets: bytes, begin: int, words: bytes | None = None) -> Iterator[Line]:
        """The records of the entry that begins in line `begin`; `words` stand behind the name in a plain one."""
        reader = self._reader
        try:
            text = octets.decode()
        except UnicodeDecodeError as wrong:
            line = begin + octets.count(b"\n", 0, wrong.start)
            refuse(Finding(self._file, line, "not UTF-8 text", "write other octets as \\DDD"))
            return
        if self._owner is not None:
            reader.owner, self._owner = dns.name.from_wire(self._owner, 0)[0], None
        reader.read_text(text, self._file, begin)
        found, reader.records = reader.records, []
        yield from ((each.name, each.type, each.ttl, each.rdata, each.line) for each in found)
        context = reader.origin, reader.implicit_ttl
        if context != self._context:
            self._known.clear()
            self._context, self._origin = context, reader.origin.to_wire() or names.ROOT
        if words is not None and len(found) == 1 and len(self._known) < MAX_KNOWN:
            self._known[words] = found[0][1:4]


def _wire(text: bytes, origin: bytes) -> bytes | None:
    """The name that the plain `text` spells, below `origin` unless it is absolute; None where it is not for here."""
    absolute = text.endswith(b".")
    labels = text[:-1].split(b".") if absolute else text.split(b".")
    try:
        name = b"".join([_LENGTHS[len(each)] + each for each in labels]) + (names.ROOT if absolute else origin)
    except KeyError:
        return None  # an empty label, or one that is too long
    return name if len(name) <= names.MAX_NAME else None


def _opened(line: bytes) -> int:
    """How many parentheses `line` opens, less those that it closes."""
    if b"(" not in line and b")" not in line:
        return 0
    bare = _SHIELDED.sub(b"", line)
    return bare.count(b"(") - bare.count(b")")
