"""delv, with our trust anchor, takes every name of the shipped world for what our resolver takes it for.

delv asks our resolver with CD, so that it sees what is bogus, too, and judges by itself. Names below broken.test are
left out: their servers fail, and each try may end otherwise.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from resolver.auth.shipped import load_world
from resolver.wire import names
from tests.clients.conftest import Program
from tests.support.daemons import PATIENCE, Daemon, environment

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

ASKERS = 4
BROKEN = names.from_text("broken.test")

SECURE, INSECURE, BOGUS = "secure", "insecure", "bogus"


class Difference(NamedTuple):
    """A name and a type that is taken for something else."""

    name: str
    type: str
    ours: str
    theirs: str


REASONS: dict[str, Callable[[Difference], bool]] = {
    "a span that opted out may hold unsigned delegations: RFC 5155 section 9.2 wants no AD, and BIND says proven": (
        lambda found: (found.ours, found.theirs) == (INSECURE, SECURE) and found.name.endswith(".com.")
    ),
    "RFC 9276 section 3.2 lets a validator refuse many iterations, as we do, or take the zone for unsigned, as BIND": (
        lambda found: found.theirs == INSECURE and "nsec3-iterations" in found.name
    ),
}


def questions() -> list[tuple[str, str]]:
    """Each name of the world with the types that it has, each zone's DS, and in each zone a name that is not there."""
    found: dict[tuple[str, str], None] = {}
    for apex, zone in load_world().zones.items():
        if names.is_below(apex, BROKEN):
            continue
        absent = names.to_text(names.prepend(b"no-such-name", apex))
        for name, kind in ((names.to_text(apex), "DS"), (absent, "A")):
            found[name, kind] = None
        for rrset in zone:
            if not names.is_below(names.fold(rrset.name), BROKEN):
                owner, kind = names.to_text(rrset.name), dns.rdatatype.to_text(dns.rdatatype.RdataType(rrset.type))
                found |= dict.fromkeys((owner, asked) for asked in ((kind,) if kind == "PTR" else (kind, "A")))
    return list(found)


@pytest.fixture
def anchor(daemon: Daemon, tmp_path: Path) -> Path:
    """The trust anchor of the world that `daemon` serves, for delv."""
    path = tmp_path / "anchor.bind"
    path.write_text(daemon.resolver("zones", "anchor", "--bind").stdout)
    return path


def ours(daemon: Daemon, name: str, rtype: str) -> str:
    """What our resolver takes a name for."""
    query = dns.message.make_query(name, rtype, want_dnssec=True)
    reply, _ = dns.query.udp_with_fallback(query, daemon.host, PATIENCE, daemon.port)
    if reply.rcode() == dns.rcode.SERVFAIL:
        return BOGUS
    return SECURE if reply.flags & dns.flags.AD else INSECURE


def theirs(daemon: Daemon, delv: str, anchor: Path, name: str, rtype: str) -> str:
    """What delv takes it for."""
    where = [f"@{daemon.host}", "-p", str(daemon.port), "-a", str(anchor), "+root=.", "+cdflag", "+nocrypto"]
    done = subprocess.run(
        [delv, *where, name, rtype], env=environment(anchor.parent), capture_output=True, text=True, timeout=PATIENCE
    )
    verdicts = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("; ")]
    if any("unsigned answer" in line for line in verdicts):
        return INSECURE
    return SECURE if any("fully validated" in line for line in verdicts) else BOGUS


def differences(daemon: Daemon, delv: str, anchor: Path) -> Iterator[Difference]:
    def both(question: tuple[str, str]) -> Difference:
        return Difference(*question, ours(daemon, *question), theirs(daemon, delv, anchor, *question))

    with ThreadPoolExecutor(ASKERS) as pool:
        yield from (each for each in pool.map(both, questions()) if each.ours != each.theirs)


@pytest.mark.rfc(4035, "5")
def test_delv_takes_every_name_of_the_shipped_world_for_what_we_do(
    daemon: Daemon, program: Program, anchor: Path
) -> None:
    found = list(differences(daemon, program("delv"), anchor))
    assert [each for each in found if not any(covers(each) for covers in REASONS.values())] == []
    for why, covers in REASONS.items():
        assert any(map(covers, found)), f"needed no more: {why}"
