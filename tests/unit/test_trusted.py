"""Which keys a configuration believes, and instead of which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resolver.config import Config
from resolver.dnssec.anchors import INTERNET, Anchor, read_record
from resolver.errors import ConfigError
from resolver.trusted import trusted
from resolver.wire import names
from tests.support.ksk import KeySet, SigningKey

NOW = 1_790_000_000.0
DIGEST = "00" * 32
WORLD = read_record(f". DS 7 8 2 {DIGEST}")
ZONE = names.from_text("example.")


def config(roots: str = "internet", **dnssec: Any) -> Config:
    resolver = {"roots": roots} | ({"hints_file": "x"} if roots == "file" else {})
    return Config.model_validate({"resolver": resolver, "dnssec": dnssec})


@pytest.mark.parametrize(
    ("roots", "anchor"), [("simulated", WORLD), ("internet", INTERNET), ("file", None)], ids=lambda one: str(one)[:9]
)
def test_what_is_built_in_is_that_of_the_roots(roots: str, anchor: Anchor | None) -> None:
    assert trusted(config(roots), NOW, WORLD).anchors == ({} if anchor is None else {names.ROOT: anchor})


def test_a_world_that_is_not_signed_has_no_anchor() -> None:
    assert trusted(config("simulated"), NOW).anchors == {}


def test_what_is_configured_takes_the_place_of_what_is_built_in() -> None:
    made = trusted(config(trust_anchors=[f". DS 5 8 2 {DIGEST}", f"x. DS 6 8 2 {DIGEST}"]), NOW)
    assert {names.to_text(zone): anchor.ds[0].tag for zone, anchor in made.anchors.items()} == {".": 5, "x.": 6}


def test_exceptions_are_taken_along() -> None:
    made = trusted(config(negative_trust_anchors=["x", "y until 2026-01-01"]), NOW)
    assert made.negatives.above(names.from_text("a.x."), NOW) is not None
    assert made.negatives.above(names.from_text("a.y."), NOW) is None


def test_what_is_known_of_a_zone_that_is_followed_counts_also_when_it_is_nothing(tmp_path: Path) -> None:
    key = SigningKey(1, ".")
    file = tmp_path / "root.key"
    file.write_text("\n".join(Anchor(names.ROOT, ds=(key.ds,)).lines()))
    made = trusted(config(auto_trust_anchor_file=str(file)), NOW)
    assert made.anchors == {names.ROOT: Anchor(names.ROOT, ds=(key.ds,))}
    assert made.following is not None
    gone = KeySet([key], [key], NOW, revoked=(key,))
    made.following.seen(gone.rrset, gone.signatures, NOW)
    assert made.anchors == {}, "neither the key that was revoked nor those of the Internet"
    made.following.saving()()
    assert trusted(config(auto_trust_anchor_file=str(file)), NOW).anchors == {}


def test_a_zone_is_configured_for_good_or_followed(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"x. DS 6 8 2 {DIGEST}\n")
    with pytest.raises(ConfigError, match=r"keys: x\. has an anchor among trust_anchors or .*; keep one of the two"):
        trusted(config(auto_trust_anchor_file=str(file), trust_anchors=[f"X. DS 7 8 2 {DIGEST}"]), NOW)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x. A 192.0.2.1\n")
    (tmp_path / "b").write_text("<html>\n")
    settings = config(auto_trust_anchor_file=str(tmp_path / "a"), trust_anchor_files=[str(tmp_path / "b")])
    with pytest.raises(ConfigError) as caught:
        trusted(settings, NOW)
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == [f"{tmp_path}/a:1", f"{tmp_path}/b"]
