"""Decides which records a hosts file has (hosts(5)): the address of each name, and the name of each address.

Rules: a line is an address and names, of which the first is what the address is called (PTR). `#` begins a comment. A
bad line is skipped, counted, and the first few are told with their number. A file with more bad lines than good ones is
no hosts file.

Limits: as for a list of names (`lists.py`). A record takes some 600 octets once it is in force. Addresses with a scope
(`fe80::1%eth0`) mean nothing to others, and are left out without a word; wildcards are bad lines.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from resolver.errors import BadName, ConfigError
from resolver.filters.lists import MAX_BAD, MAX_LINE, MAX_TOLD, Mistake, Report
from resolver.filters.records import Record
from resolver.message import Type
from resolver.wire import names

LINES_PER_BREATH: Final = 200
"""Lines after which other threads are let on: they take some milliseconds."""
_SHOWN: Final = 60


def read(
    path: Path, most: int, before: int = 0, breathe: Callable[[], None] | None = None
) -> tuple[list[Record], Report]:
    """The records of the hosts file at `path`, and what came of reading it. With the records that there were `before`
    they are `most` at most. `breathe` is called often, where a thread that reads is to let others run. Raises
    `ConfigError`."""
    report = Report(path, "hosts")
    records: list[Record] = []
    called: set[bytes] = set()
    try:
        with path.open("rb") as opened:
            for number, line in enumerate(_lines(opened), 1):
                if breathe is not None and not number % LINES_PER_BREATH:
                    breathe()
                words = line.partition("#")[0].split()
                try:
                    records += _of_line(words, called)
                    report.names += max(0, len(words) - 1)
                except (BadName, ValueError) as wrong:
                    report.bad += 1
                    if len(report.told) < MAX_TOLD:
                        report.told.append(Mistake(number, line[:_SHOWN], f"cannot be read: {wrong}"))
                    if report.bad > MAX_BAD:
                        _sensible(report)
                if before + len(records) > most:
                    what = f"has more than {most} records{' with what was read before' if before else ''}"
                    instead = "raise filters.max_names, or give a smaller one"
                    raise ConfigError(what, where=f"{path}:{number}", instead=instead)
    except OSError as wrong:
        raise ConfigError(f"cannot be read: {wrong.strerror}", where=str(path), instead="give a hosts file") from None
    _sensible(report)
    return records, report


def _lines(opened: BinaryIO) -> Iterator[str]:
    """The lines of a file; of a long one only the beginning is seen."""
    first = True
    while octets := opened.readline(MAX_LINE):
        rest = octets
        while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
            rest = opened.readline(MAX_LINE)
        line = octets.decode("utf-8", "replace").rstrip("\r\n")
        yield line.removeprefix("\ufeff") if first else line
        first = False


def _sensible(report: Report) -> None:
    """Most of what was read could be. Raises `ConfigError`."""
    if report.bad > report.names:
        what = f"most of it cannot be read (bad lines: {report.bad}), as {report.told[0]}"
        raise ConfigError(what, where=str(report.path), instead="give lines of an address and names")


def _of_line(words: list[str], called: set[bytes]) -> Iterator[Record]:
    """The records of a line. `called` are the reverse names of addresses that have a name."""
    if not words:
        return
    if "%" in words[0]:
        return
    address = ipaddress.ip_address(words[0])
    if len(words) == 1:
        raise ValueError("there is no name behind the address")
    listed = [names.from_text(word) for word in words[1:]]
    if any(name.startswith(names.WILDCARD) for name in listed):
        raise ValueError("a wildcard stands for nothing here")
    for name in listed:
        yield Record(name, None, Type.A if address.version == 4 else Type.AAAA, address.packed)
    reverse = names.from_text(address.reverse_pointer)
    if reverse not in called:
        called.add(reverse)
        yield Record(reverse, None, Type.PTR, listed[0])
