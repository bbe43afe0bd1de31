"""The real root zone of 2020, served by a world, as it is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth import hierarchy
from resolver.auth.hierarchy import World
from tests.support.recordings import recorded, replayed, said

DATA = Path(__file__).parents[2] / "data" / "root-zone-2020.txt"

HIERARCHY = f"""
[zone."."]
file = "{DATA}"
dnssec = "nsec"

[zone."org"]
dnssec = {{ denial = "nsec3", opt_out = true }}

[zone."example.org"]
records = ["www 300 A 192.0.2.1"]

[[server]]
name = "a.root-servers.net"
address = "127.53.0.1"
zones = ["."]

[[server]]
name = "a0.org.afilias-nst.info"
address = "127.53.1.1"
zones = ["org", "example.org"]
"""

ASKED = (
    "www.example.org",
    "example.org AAAA",
    ". NS",
    "nothing-of-that-kind",
    "www.nothing-of-that-kind.org",
    "com DS",
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("real")
    (directory / "hierarchy.toml").write_text(HIERARCHY)
    return hierarchy.load(directory)


def test_the_real_root_shrinks_to_what_the_walks_needed(real: World, tmp_path: Path) -> None:
    recording = recorded(real, ASKED)
    again = replayed(recording, tmp_path / "zones")
    assert said(real, ASKED) == said(again, ASKED)
    assert len(real.zones[b"\0"]) > 17_000
    assert len(again.zones[b"\0"]) < 120, "most of it the addresses of its servers, and of those of org"
    assert len(again.zones) == 3


def test_ttls_over_a_day_are_written_as_they_are(real: World, tmp_path: Path) -> None:
    replayed(recorded(real, ASKED[:1]), tmp_path / "zones")
    text = (tmp_path / "zones/root.zone").read_text()
    assert text.count(". 518400 IN NS") == 13
    assert "org. 172800 IN NS a0.org.afilias-nst.info." in text
