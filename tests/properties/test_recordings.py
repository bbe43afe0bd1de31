"""Whatever a world looks like, a recording of it says the same."""

from __future__ import annotations

import random
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, note
from hypothesis import strategies as st

from resolver.auth import hierarchy, lint
from tests.properties.profiles import examples
from tests.support import hierarchies
from tests.support.recordings import recorded, said

QUESTIONS = 10

WAYS = (
    *("", "", 'dnssec = "nsec"', 'dnssec = "nsec"', 'dnssec = "nsec3"'),
    'dnssec = { denial = "nsec3", opt_out = true, salt = "ab" }',
    *(f'dnssec.fault = "{fault}"' for fault in ("expired", "unsigned", "nsec-missing", "bogus", "revoked")),
)
"""How zones are signed, or not; the root is."""


def sign(directory: Path, rng: random.Random) -> None:
    """Some zones of the world in `directory` are signed, and some of these wrongly."""

    def signed(table: re.Match[str]) -> str:
        way = WAYS[2] if table[0].startswith('[zone."."]') else rng.choice(WAYS)
        return f"{table[0]}\n{way}"

    file = directory / "hierarchy.toml"
    file.write_text(re.sub(r"^\[zone.*$", signed, file.read_text(), flags=re.MULTILINE))


@examples(0.5)
@given(seed=st.integers(0, 1 << 32), zones=st.integers(0, 7), tangle=st.booleans(), signed=st.booleans())
def test_a_recording_of_any_world_says_the_same(seed: int, zones: int, tangle: bool, signed: bool) -> None:
    rng = random.Random(seed)
    plan = hierarchies.plan(seed, zones, tangle=tangle)
    note(str(plan))
    with TemporaryDirectory() as name:
        directory, again = Path(name, "world"), Path(name, "recorded")
        directory.mkdir()
        plan.write(directory)
        if signed:
            sign(directory, rng)
        world = hierarchy.load(directory)
        texts = sorted({f"{name} {rtype}" for name, rtype in plan.questions(rng, QUESTIONS)})
        assert recorded(world, texts, seed=seed).write(again) == []
        before, after = said(world, texts), said(hierarchy.load(again), texts)
        assert {text: (before[text], each) for text, each in after.items() if each != before[text]} == {}
        assert lint.check(again) == ()
