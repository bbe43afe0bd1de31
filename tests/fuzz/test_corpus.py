"""Each fuzz target over its corpus: the seeds, and what once broke it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parents[1] / "data" / "fuzz"
FILES = [(target, path) for target in TARGETS for path in sorted((CORPUS / target).iterdir())]


@pytest.mark.parametrize(("target", "path"), FILES, ids=[f"{target}-{path.name}" for target, path in FILES])
def test_an_input_of_the_corpus_does_no_harm(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == set(TARGETS)
    assert {target for target, _ in FILES} == set(TARGETS)
