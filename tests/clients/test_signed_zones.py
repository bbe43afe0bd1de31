"""Validators of others accept what our signed zones say, for each algorithm and for NSEC and NSEC3: delv and unbound.

delv asks one of our servers for everything, that is the authority for all zones of its world. Unbound resolves from the
root, in a network namespace, so that it sees our referrals, too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.auth.shipped import find_zones
from resolver.dnssec import keys
from resolver.dnssec.faults import Fault
from tests.clients.conftest import FREE, Program
from tests.clients.validating import Verdict
from tests.support import worlds
from tests.support.daemons import PATIENCE, Daemon, environment
from tests.support.fixtures import Print
from tests.support.namespaces import namespace

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

DENIALS = {
    "nsec": 'denial = "nsec"',
    "nsec3": 'denial = "nsec3", iterations = 1, salt = "c0ffee"',
    "optout": 'denial = "nsec3", opt_out = true',
}
RECORDS = [
    *("www A 192.0.2.1", "alias CNAME www", "dead CNAME nothing", "hop CNAME any.wild", "host.deep.ent A 192.0.2.2"),
    *("*.wild A 192.0.2.3", "*.wild TXT text", "old DNAME new", "www.new A 192.0.2.4"),
    *("signed NS ns.signed", "ns.signed A 192.0.2.5", "unsigned NS ns.signed"),
    "signed DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
]
QUESTIONS = {
    ("www", "A"): "NOERROR",
    ("www", "MX"): "NOERROR",
    ("alias", "A"): "NOERROR",
    ("nope", "A"): "NXDOMAIN",
    ("dead", "A"): "NXDOMAIN",
    ("deep.ent", "A"): "NOERROR",
    ("nope.deep.ent", "A"): "NXDOMAIN",
    ("any.wild", "A"): "NOERROR",
    ("any.wild", "MX"): "NOERROR",
    ("hop", "A"): "NOERROR",
    ("www.old", "A"): "NOERROR",
    ("nope.old", "A"): "NXDOMAIN",
    ("signed", "DS"): "NOERROR",
    ("unsigned", "DS"): "NOERROR",
}
"""What is asked below each zone, and the rcode of the answer."""

MAY_HAVE_OPTED_OUT = {
    *(("nope", "A"), ("dead", "A"), ("nope.deep.ent", "A"), ("any.wild", "A"), ("any.wild", "MX"), ("hop", "A")),
    *(("nope.old", "A"), ("unsigned", "DS")),
}
"""What is not proven where the span that covers a name may hold unsigned delegations (RFC 5155 section 9.2)."""

ZONES = {
    f"{algorithm.lower()}-{denial}": (algorithm, denial)
    for algorithm in keys.SIGNING
    for denial in DENIALS
    if denial != "optout" or algorithm == "ECDSAP256SHA256"
}


def hierarchy(*, apart: bool) -> str:
    """A world with a zone for each algorithm and denial; `apart`: each level is served by servers of its own."""
    tops = worlds.ROOT.replace('[zone."."]', '[zone."."]\ndnssec = "nsec"') + '[zone."test"]\ndnssec = "nsec"\n'
    below = "ns.leaves.test" if apart else "a.root.test"
    tables = [
        f'[zone."{name}.test"]\nservers = ["{below}"]\nrecords = {json.dumps(RECORDS)}\n'
        f'dnssec = {{ algorithm = "{algorithm}", {DENIALS[denial]} }}\n'
        for name, (algorithm, denial) in ZONES.items()
    ]
    servers = (
        '[[server]]\nname = "ns.nic.test"\naddress = "127.53.1.1"\nzones = ["test"]\n'
        '[zone."leaves.test"]\n[[server]]\nname = "ns.leaves.test"\naddress = "127.53.2.1"\nzones = ["leaves.test"]\n'
    )
    return tops + "".join(tables) + servers if apart else tops + 'servers = ["a.root.test"]\n' + "".join(tables)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Path]]:
    """A daemon whose root server has all zones of the world, and the anchor of that world for delv."""
    directory = tmp_path_factory.mktemp("whole")
    (directory / "world").mkdir()
    world = worlds.write(directory / "world", hierarchy(apart=False))
    anchor = directory / "anchor.bind"
    running = Daemon(directory, *FREE, "--world", str(world))
    command = [sys.executable, "-m", "resolver", "zones", "anchor", "--bind", "--directory", str(world)]
    try:
        printed = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=True)
        anchor.write_text(printed.stdout)
        yield running, anchor
        running.stop()
    finally:
        running.kill()


@pytest.mark.rfc(4035, "3.1")
@pytest.mark.parametrize("zone", ZONES)
def test_delv_accepts_our_answers(whole: tuple[Daemon, Path], printed: Print, zone: str) -> None:
    daemon, anchor = whole
    where = ("@127.53.0.1", "-p", str(daemon.port), "-a", str(anchor), "+root=.")
    opted_out = ZONES[zone][1] == "optout"
    for (name, rtype), rcode in QUESTIONS.items():
        told = printed("delv", *where, f"{name}.{zone}.test", rtype)
        assert ("ncache nxdomain" in told) == (rcode == "NXDOMAIN"), told
        # delv takes an opt-out for unproven where it says of a wildcard that nothing else is there.
        wanted = "unsigned answer" if opted_out and (name, rtype) == ("any.wild", "A") else "fully validated"
        assert wanted in told, told
        assert "no valid" not in told, told


def verdicts(directory: Path, program: Program, questions: list[tuple[str, str]]) -> dict[tuple[str, str], Verdict]:
    """What unbound makes of `questions` about `directory/world`."""
    program("unbound")
    command = [sys.executable, "-m", "resolver", "zones", "anchor", "--directory", str(directory / "world")]
    printed = subprocess.run(command, env=environment(directory), capture_output=True, text=True, check=True)
    (directory / "anchor").write_text(printed.stdout)
    (directory / "questions.json").write_text(json.dumps(questions))
    done = subprocess.run(
        [*namespace(), sys.executable, "-m", "tests.clients.validating", str(directory)],
        cwd=Path(__file__).resolve().parents[2],
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads((directory / "answers.json").read_text())
    return {question: tuple(answer) for question, answer in zip(questions, answers, strict=True)}


@pytest.mark.rfc(4035, "3.1")
@pytest.mark.rfc(5155, "7.2")
def test_unbound_accepts_our_answers(tmp_path: Path, program: Program) -> None:
    (tmp_path / "world").mkdir()
    worlds.write(tmp_path / "world", hierarchy(apart=True))
    asked = {
        (f"{name}.{zone}.test", rtype): (rcode, not (denial == "optout" and (name, rtype) in MAY_HAVE_OPTED_OUT))
        for zone, (_, denial) in ZONES.items()
        for (name, rtype), rcode in QUESTIONS.items()
    }
    found = verdicts(tmp_path, program, list(asked))
    assert {question: verdict[:2] for question, verdict in found.items()} == asked


BOGUS = {
    Fault.EXPIRED: 7,
    Fault.FUTURE: 8,
    Fault.WRONG_KEY: 9,
    Fault.BOGUS: 6,
    Fault.UNSIGNED: None,
    Fault.DS_MISMATCH: 9,
    Fault.NSEC_MISSING: None,
    Fault.KSK_MISSING: 9,
    Fault.REVOKED: 9,
}
"""The faults that make a zone bogus, and the extended error by which unbound says why; None where that is its own."""

INSECURE = (Fault.UNKNOWN_ALGORITHM, Fault.UNKNOWN_DIGEST, Fault.ITERATIONS)
"""Unbound takes the last for insecure, as RFC 9276 section 3.2 allows."""

SHIPPED = {
    ("www.example.com", "A"): ("NOERROR", True),
    ("nope.example.com", "A"): ("NXDOMAIN", True),
    ("deep.ent.example.com", "A"): ("NOERROR", True),
    ("any.web.example.org", "A"): ("NOERROR", True),
    ("www.legacy.example.org", "A"): ("NOERROR", True),
    ("nope.kr", "A"): ("NXDOMAIN", True),
    ("nope", "A"): ("NXDOMAIN", True),
    ("hello.test", "DS"): ("NOERROR", True),
    ("www.dnssec-failed.test", "A"): ("NOERROR", True),
    ("chain.example.com", "A"): ("NOERROR", False),
    ("hello.test", "A"): ("NOERROR", False),
    ("www.example.net", "A"): ("NOERROR", False),
    ("www.example.co.kr", "A"): ("NOERROR", False),
    ("lab.example.com", "A"): ("NOERROR", False),
}


@pytest.mark.rfc(4035, "5")
def test_unbound_takes_the_shipped_world_for_what_it_is(tmp_path: Path, program: Program) -> None:
    shutil.copytree(find_zones(), tmp_path / "world")
    broken = {(f"www.{fault}.dnssec-failed.test", "A"): fault for fault in Fault}
    found = verdicts(tmp_path, program, [*SHIPPED, *broken])
    assert {question: found[question][:2] for question in SHIPPED} == SHIPPED
    for question, fault in broken.items():
        rcode, proven, errors = found[question]
        assert (rcode, proven) == ("NOERROR" if fault in INSECURE else "SERVFAIL", False), fault
        if (code := BOGUS.get(fault)) is not None:
            assert errors == [code], fault
    assert set(BOGUS) | set(INSECURE) == set(Fault)
