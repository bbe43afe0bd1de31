"""Each piece of a configuration in the docs is one: it can be loaded as it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.config import load
from resolver.config.sections import LISTED, NAMED, SECTIONS

ROOT = Path(__file__).resolve().parents[1]
FENCED = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)
FILE = re.compile(r'"([\w./-]+\.(?:pem|key|txt|zone|toml|xml)|etc/hosts|hosts)"')


def pieces() -> Iterator[tuple[str, str]]:
    """Each that begins with a section of ours, and where it stands."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text()
        found = [*FENCED.findall(text), *(re.sub("^    ", "", each, flags=re.M) for each in INDENTED.findall(text))]
        for number, piece in enumerate(found):
            first = next((line for line in piece.splitlines() if line and not line.startswith("#")), "")
            header = re.match(r"\[\[?(\w+)[\].]", first)
            if header and header[1] in {*SECTIONS, *NAMED, *LISTED}:
                yield f"{path.name}-{number}", piece


PIECES = dict(pieces())


def test_there_are_some_to_be_tried() -> None:
    assert len(PIECES) > 20


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_it_can_be_loaded(piece: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that it names are made, and pools that stand elsewhere on the page."""
    monkeypatch.chdir(tmp_path)
    text = piece.replace('"/etc/', '"etc/')
    for name in FILE.findall(text):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    data = tomllib.loads(text)
    asked = [
        *data.get("resolver", {}).get("forward_zones", {}).values(),
        *(each.get("pool") for each in data.get("rules", ())),
    ]
    named = {each for each in asked if isinstance(each, str)} - {"system", *data.get("pools", ())}
    text += "".join(f"\n[pools.{name}]\nmembers = ['192.0.2.1']\n" for name in sorted(named))
    Path("resolver.toml").write_text(text)
    load(None, {})
