"""We and unbound resolve the same worlds to the same answers, but for differences that have a reason.

Rcode and answer section are compared, TTLs left out. Each reason must still be needed: one that covers no difference
any more fails the test.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import dns.rdatatype
import pytest

from resolver.auth import draft, generate
from resolver.auth.findings import refuse
from resolver.auth.shipped import find_zones
from resolver.wire import names
from tests.differential.inside import Answer
from tests.support.daemons import PATIENCE, environment
from tests.support.hierarchies import TYPES, plan
from tests.support.namespaces import namespace

pytestmark = [pytest.mark.clients, pytest.mark.sockets]

SEEDS = (1, 2)
ZONES = 30


class Difference(NamedTuple):
    """One question that is answered differently."""

    name: str
    type: str
    ours: Answer
    theirs: Answer

    def __str__(self) -> str:
        return f"{self.name} {self.type}\n    ours   {_short(self.ours)}\n    theirs {_short(self.theirs)}"


def _short(answer: Answer) -> str:
    return f"{answer[0]} {[each[:90] for each in answer[1]]} {answer[2]}"


class Reason(NamedTuple):
    """Why some differences are as they should be."""

    text: str
    covers: Callable[[Difference], bool]


def _below(*labels: str) -> Callable[[Difference], bool]:
    """Covers the names of these children of broken.test."""
    return lambda found: any(f".{found.name}".endswith(f".{label}.broken.test.") for label in labels)


REASONS: dict[str, Reason] = {
    "lame": Reason(
        "an empty reply without AA from a server that is to have the zone is lameness to us; unbound answers NODATA",
        lambda found: _below("lame")(found) and (found.ours[0], found.theirs[0]) == ("SERVFAIL", "NOERROR"),
    ),
    "dname": Reason(
        "a CNAME that was asked for is the answer, and so is one that a DNAME makes (RFC 1034 section 4.3.2, RFC 6672 "
        "section 3.2); unbound asks for a CNAME at its target, too, and tells that there is none",
        lambda found: (
            found.type == "CNAME"
            and (found.ours[0], found.theirs[0]) == ("NOERROR", "NXDOMAIN")
            and found.ours[1] == found.theirs[1]
            and any(" DNAME " in record for record in found.ours[1])
        ),
    ),
    "weather": Reason(
        "its servers lose what is sent, or are so slow that unbound's first timeouts are too short: either may fail",
        lambda found: _below("lossy", "slow")(found) and "SERVFAIL" in (found.ours[0], found.theirs[0]),
    ),
}


def questions_of(world: Path) -> list[tuple[str, str]]:
    """Every name with every type that it has and some that it has not; its children; neighbours that are not there."""
    drafted = draft.read(world, refuse)
    generate.complete(drafted)
    asked: dict[tuple[str, str], None] = {}
    for zone in drafted.zones.values():
        for owner, rtype in zone.sets:
            name = names.to_text(owner)
            for one in (dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype)), "A", "TXT"):
                asked[name, one] = None
            child = f"nx-child.{name if name != '.' else ''}"
            if len(child) < 250:
                asked[child, "A"] = None
        apex = names.to_text(zone.apex)
        for one in ("A", "AAAA", "NS", "SOA", "DS", "MX"):
            asked[apex, one] = None
    return list(asked)


def differences(directory: Path, questions: list[tuple[str, str]]) -> list[Difference]:
    """The questions that unbound answers differently, asked in a namespace of their own."""
    (directory / "questions.json").write_text(json.dumps(questions))
    done = subprocess.run(
        [*namespace(), sys.executable, "-m", "tests.differential.inside", str(directory)],
        cwd=Path(__file__).resolve().parents[2],
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads((directory / "answers.json").read_text())
    (directory / "answers.json").unlink()
    return [
        Difference(name, rtype, tuple(ours), tuple(theirs))
        for (name, rtype), ours, theirs in zip(questions, *answers, strict=True)
        if ours[:2] != theirs[:2]
    ]


def explain(found: list[Difference], wanted: set[str]) -> None:
    """Every difference has a reason, and each reason that is `wanted` here explains one."""
    needed = set()
    unexplained = []
    for each in found:
        why = {key for key, reason in REASONS.items() if reason.covers(each)}
        needed |= why
        if not why:
            unexplained.append(each)
    assert not unexplained, f"{len(unexplained)} differences without a reason:\n" + "\n".join(
        map(str, unexplained[:40])
    )
    assert not wanted - needed, "reasons that explain nothing any more"


def test_the_shipped_world_is_resolved_as_unbound_does(program: Callable[[str], str], tmp_path: Path) -> None:
    program("unbound")
    shutil.copytree(find_zones(), tmp_path / "world")
    explain(differences(tmp_path, questions_of(tmp_path / "world")), {"lame"})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_hierarchy_is_resolved_as_unbound_does(
    program: Callable[[str], str], tmp_path: Path, seed: int
) -> None:
    program("unbound")
    (tmp_path / "world").mkdir()
    made = plan(seed, ZONES)
    made.write(tmp_path / "world")
    rng = random.Random(seed)
    asked = [*questions_of(tmp_path / "world"), *((made.name(rng), rng.choice(TYPES)) for _ in range(300))]
    explain(differences(tmp_path, list(dict.fromkeys(asked))), {"dname"})
