"""What is fuzzed of the gateway: requests by HTTP, and the files that somebody else writes."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from resolver import resolv_conf
from resolver.errors import ConfigError
from resolver.filters import hosts
from resolver.filters.lists import Lists, Report
from resolver.network.base import Endpoint
from resolver.server import doh
from resolver.testing.virtual_time import run
from resolver.wire import names
from tests.support.https import QUERY, Bench
from tests.support.https import response as made_of
from tests.support.streams import feed

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


def http(data: bytes) -> None:
    """Whatever a client of HTTPS sends, nothing breaks; and it is told nothing that it cannot have asked.

    The first octet says which version is spoken, whether answers are stored, and how the rest is cut into reads.
    """
    if not data:
        return
    how, data = data[0], data[1:]
    said: list[bytes] = []

    def answer(wire: bytes) -> bytes:
        said.append(wire)
        return made_of(wire) if wire[12:] == QUERY[12:] else wire[:2] + b"\x81\x85" + bytes(8)

    async def main() -> None:
        bench = Bench(answer, answer if how & 2 else None)
        broken: list[Exception] = []
        bench.listener.broke = broken.append
        stream, connection = bench.connect("h2" if how & 1 else "http/1.1")
        octets = PREFACE + data if how & 1 else data
        step = 1 + (how >> 2) * 16
        for at in range(0, len(octets), step):
            feed(stream, connection, octets[at : at + step])
        assert not broken, broken
        assert connection.outstanding == 0
        assert bench.listener.received >= len(said)
        connection.abort()

    run(main())
    assert all(len(wire) >= 12 and not wire[2] & 0x80 for wire in said)


def target(data: bytes) -> None:
    """The target of a request is a question, or is refused with a reason that can be read."""
    judged = doh.judged(doh.head_of(b"GET", b"/dns-query?" + data, ()), {b"/dns-query"})
    if isinstance(judged, doh.Refusal):
        assert 400 <= judged.status < 500
        assert judged.text.isprintable()
    else:
        assert judged is not None
        assert 12 <= len(judged) <= doh.MAX_TARGET


@cache
def _path() -> Path:
    folder = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="fuzz-lists-", dir=folder if folder.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made / "names"


def _is_one_line(wrong: ConfigError) -> None:
    text = str(wrong)
    assert text.isprintable(), text


def _looked_at(report: Report, lines: int) -> None:
    for each in report.told:
        assert str(each).isprintable(), each
        assert 1 <= each.line <= lines


def names_list(data: bytes) -> None:
    """A list of names gives names that come back, and bad lines that are in the file; or a `ConfigError` in one
    line."""
    path = _path()
    path.write_bytes(data)
    lists = Lists(1000)
    try:
        lists.read(path)
    except ConfigError as wrong:
        _is_one_line(wrong)
        return
    _looked_at(lists.reports[0], data.count(b"\n") + 1)
    for held in lists.blocked:
        assert names.from_text(names.to_text(held.name)) == held.name
        below = b"\1x" + held.name
        assert len(below) > names.MAX_NAME or lists.blocked.above(below) is not None


def hosts_file(data: bytes) -> None:
    """A hosts file gives records, and bad lines that are in the file; or a `ConfigError` in one line. So does a
    resolv.conf."""
    path = _path()
    path.write_bytes(data)
    try:
        records, report = hosts.read(path, 1000)
    except ConfigError as wrong:
        _is_one_line(wrong)
    else:
        _looked_at(report, data.count(b"\n") + 1)
        for record in records:
            assert names.from_text(names.to_text(record.name)) == record.name
    named = resolv_conf.read(data.decode("utf-8", "replace"), (Endpoint("127.0.0.1", 53),))
    assert len(named.members) <= resolv_conf.MAX_NAMED
    assert all(number >= 1 for number, _ in named.wrong)
