"""Fills the records of a cache in a process of its own and tells what they take; `python -m tests.support.filling`.

In a process of its own, because memory that was used before and given back hides what is taken.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from resolver.cache.records import NAME_ERROR, Credibility, Records
from resolver.message import RRset, Type
from resolver.wire import names

ROOT: Final = Path(__file__).resolve().parents[2]
_EVERY: Final = 500


class Filled(NamedTuple):
    """Octets: by how much the process has grown at the end and at most, what the store says, data of the records."""

    resident: int
    highest: int
    lowest_full: int
    """The least that was resident after the first entry had to go."""
    weighed: int
    data: int
    names: int
    evicted: int


def filled(kind: str, count: int, limit: int) -> Filled:
    """What `count` names with records of `kind` take in a store of `limit` bytes, measured in another process."""
    run = [sys.executable, "-E", "-m", "tests.support.filling", kind, str(count), str(limit)]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT)
    return Filled(*json.loads(done.stdout))


class _Clock:
    def boottime(self) -> float:
        return 7000.0


def _owner(number: int) -> bytes:
    labels = (b"host%d" % number, b"department%d" % (number % 97), b"example", b"com", b"")
    return b"".join(bytes((len(each),)) + each for each in labels)


def _a(number: int) -> Iterator[RRset]:
    yield RRset(_owner(number), Type.A, 1, 300, (number.to_bytes(4, "big"),))


def _both(number: int) -> Iterator[RRset]:
    yield from _a(number)
    yield RRset(_owner(number), Type.AAAA, 1, 300, (number.to_bytes(16, "big"),))


def _txt(number: int) -> Iterator[RRset]:
    yield RRset(_owner(number), Type.TXT, 1, 300, (4 * (b"\xff" + 51 * number.to_bytes(5, "big")),))


def _cname(number: int) -> Iterator[RRset]:
    yield RRset(_owner(number), Type.CNAME, 1, 300, (b"\3cdn" + _owner(number),))


def _soa(_: int) -> Iterator[RRset]:
    yield RRset(b"\7example\3com\0", Type.SOA, 1, 900, (names.ROOT + names.ROOT + bytes(18) + b"\x0e\x10",))


KINDS: Final[dict[str, Callable[[int], Iterator[RRset]]]] = {
    "A": _a,
    "A and AAAA": _both,
    "TXT": _txt,
    "CNAME": _cname,
    "NXDOMAIN": _soa,
}
MIXED: Final = "mixed"
"""Of twenty names one has a TXT of 1 KiB, the others are of the other kinds."""
_MIXTURE: Final = (*4 * ("A", "A and AAAA", "CNAME", "NXDOMAIN"), "A", "A", "A", "TXT")


def _resident() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _learn(records: Records, kind: str, number: int) -> int:
    """Something of `kind` is held under a name of its own; octets of its data."""
    size = 0
    for rrset in KINDS[kind](number):
        size += len(rrset.rdatas[0])
        if kind == "NXDOMAIN":
            records.learn_denial(_owner(number), NAME_ERROR, rrset, Credibility.AUTHORITATIVE_ANSWER)
        else:
            records.learn(rrset, Credibility.AUTHORITATIVE_ANSWER)
    return size


def _fill(kind: str, count: int, limit: int) -> Filled:
    kinds = _MIXTURE if kind == MIXED else (kind,)
    records = Records(limit, _Clock())  # type: ignore[arg-type]
    gc.collect()
    before, highest, lowest, data = _resident(), 0, 1 << 62, 0
    for number in range(count):
        data += _learn(records, kinds[number % len(kinds)], number)
        if number % _EVERY == 0:
            now = _resident() - before
            highest = max(highest, now)
            if records.store.evicted:
                lowest = min(lowest, now)
    now, store = _resident() - before, records.store
    return Filled(now, max(highest, now), min(lowest, now), store.bytes_held(), data, len(records), store.evicted)


if __name__ == "__main__":
    print(json.dumps(_fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
