"""Decides what the resolvers walk through: a root, a top-level domain and the zones below it, served by nsd.

Each level is a process of its own at an address of its own, on port 53 and on the core of the load, so that no resolver
pays for it. All count the queries that they get: a witness that needs no resolver's word for what it sent.

| address | zone | what is in it |
|---|---|---|
| `ROOT` | `.` | the delegation of com |
| `TLD` | `com` | the delegations of all below |
| `LEAF` | `example.com` | a wildcard answers any name with one A record for an hour |
| `LEAF` | `flood.com` | nothing: any name is NXDOMAIN |
| `BAKED` | `baked.com` | as example.com, but its server gives DNS cookies (RFC 7873) |
| `BULK` | `d00000.com` and so on | as example.com, each a zone that has to be found first |

| `SIGNED` | `signed.com` | a signature for each of its names (`signing.py`), for the row that wants it |

Limits: not signed but for that one, which has no DS; IPv4, one server for each zone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.machine import Process, Unusable, find
from tests.bench.namespace import PREFIX
from tests.bench.probe import await_answer
from tests.bench.signing import SIGNED_ZONE, signed_zone
from tests.bench.templates import filled

ROOT, TLD, LEAF, BAKED, BULK, SIGNED = (f"{PREFIX}.{last}" for last in range(1, 7))
POOL: Final = (f"{PREFIX}.7", f"{PREFIX}.8", f"{PREFIX}.9")
"""Where the upstreams of `failover.py` answer, for as long as a sample lasts."""

ZONE: Final = "example.com"
FLOODED: Final = "flood.com"
BAKED_ZONE: Final = "baked.com"

HINTS: Final = f"""\
. 3600000 NS a.root-servers.net.
a.root-servers.net. 3600000 A {ROOT}
"""

_SOA: Final = "@ SOA ns1 host 1 3600 900 604800 3600\n"
_ROOT_ZONE: Final = f"""\
$TTL 86400
. SOA a.root-servers.net. host. 1 3600 900 604800 3600
. NS a.root-servers.net.
a.root-servers.net. A {ROOT}
com. NS ns1.nic.com.
ns1.nic.com. A {TLD}
"""


def bulk_zone(number: int) -> str:
    """The zone of this number among those of `BULK`."""
    return f"d{number:05d}.com"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The servers of a run, which answer already; `zones` is how many there are at `BULK`."""

    directories: tuple[Path, ...]
    zones: int

    def queries(self) -> int:
        """How many queries they have had, all together. Raises `Unusable`."""
        return sum(queries(directory) for directory in self.directories)


@contextmanager
def hierarchy(work: Path, core: int, zones: int, signed: int = 0) -> Iterator[Hierarchy]:
    """The servers with `zones` zones at `BULK` and `signed` names in the signed zone. Raises `Unusable`."""
    bulk = [bulk_zone(number) for number in range(zones)]
    levels: list[tuple[str, str, Sequence[str], str]] = [
        (ROOT, _ROOT_ZONE, ["."], "a.root-servers.net"),
        (TLD, _tld_zone(bulk), ["com"], "ns1.nic.com"),
        (LEAF, wildcard_zone(LEAF), [ZONE], f"www.{ZONE}"),
        (BAKED, wildcard_zone(BAKED), [BAKED_ZONE], f"www.{BAKED_ZONE}"),
    ]
    if bulk:
        levels.append((BULK, wildcard_zone(BULK), bulk, f"www.{bulk[-1]}"))
    if signed:
        levels.append((SIGNED, signed_zone(SIGNED, signed), [SIGNED_ZONE], f"www.{SIGNED_ZONE}"))
    with ExitStack() as stack:
        directories = []
        for address, text, names, probe in levels:
            directory = work / f"nsd-{address}"
            directory.mkdir()
            served = dict.fromkeys(names, text)
            if address == LEAF:
                served[FLOODED] = f"$TTL 3600\n{_SOA}@ NS ns1\nns1 A {LEAF}\n"
            process = stack.enter_context(nsd(directory, core, address, 53, served, cookies=address == BAKED))
            directories.append((directory, process, address, probe))
        for _, process, address, probe in directories:
            await_answer(process, probe, 53, address)
        yield Hierarchy(tuple(each[0] for each in directories), zones)


def nsd(directory: Path, core: int, address: str, port: int, zones: dict[str, str], cookies: bool = False) -> Process:
    """nsd has been started with `zones`, the text of each by its name; zones of one text share a file."""
    files: dict[str, str] = {}
    stanzas = []
    for name, text in zones.items():
        file = files.setdefault(text, f"zone-{len(files)}")
        stanzas.append(f"zone:\n  name: {name}\n  zonefile: {file}\n")
    for text, file in files.items():
        (directory / file).write_text(text)
    places = {"directory": directory, "address": address, "port": port, "zones": "".join(stanzas)}
    conf = directory / "nsd.conf"
    conf.write_text(filled("nsd.conf", {**places, "cookies": "yes" if cookies else "no"}))
    return Process([find("nsd") or "nsd", "-d", "-c", str(conf)], core, directory / "log")


def queries(directory: Path) -> int:
    """How many queries the nsd of `directory` has had. Raises `Unusable`."""
    control = [find("nsd-control") or "nsd-control", "-c", str(directory / "nsd.conf"), "stats_noreset"]
    done = subprocess.run(control, capture_output=True, text=True, timeout=15, check=False)
    found = re.search(r"^num\.queries=(\d+)", done.stdout, re.MULTILINE)
    if found is None:
        raise Unusable(f"nsd-control: {(done.stderr or done.stdout).strip()}")
    return int(found[1])


def wildcard_zone(address: str) -> str:
    """A zone that answers any name, served at `address`."""
    return f"$TTL 3600\n{_SOA}@ NS ns1\nns1 A {address}\n* A 192.0.2.2\n"


def _tld_zone(bulk: Sequence[str]) -> str:
    lines = [f"$TTL 86400\n{_SOA}@ NS ns1.nic\nns1.nic A {TLD}\n"]
    served = [
        (ZONE, LEAF),
        (FLOODED, LEAF),
        (BAKED_ZONE, BAKED),
        (SIGNED_ZONE, SIGNED),
        *((name, BULK) for name in bulk),
    ]
    lines += (f"{name}. NS ns1.{name}.\nns1.{name}. A {address}\n" for name, address in served)
    return "".join(lines)
