"""The trust anchor of a world, printed for others."""

from __future__ import annotations

from pathlib import Path

import dns.dnssec
import dns.name
import dns.zone
import pytest

from resolver.auth.shipped import load_world
from resolver.cli import main
from resolver.wire import names
from tests.support import worlds

SIGNED = worlds.SMALL.replace('[zone."."]', '[zone."."]\ndnssec = { algorithm = "ED25519" }')


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["zones", "anchor", *arguments]) == 0
    return capsys.readouterr().out


def test_the_anchor_is_records_of_a_master_file_whose_ds_is_that_of_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "--directory", str(worlds.write(tmp_path, SIGNED)))
    assert text.startswith("; ")
    read = dns.zone.from_text(text, ".", check_origin=False)
    (ds,), (dnskey,) = read.find_rdataset(".", "DS"), read.find_rdataset(".", "DNSKEY")
    assert dns.dnssec.make_ds(dns.name.root, dnskey, "SHA256") == ds
    assert (dnskey.flags, dnskey.algorithm) == (257, 15)


def test_it_is_what_the_world_says_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    anchor = load_world().trust_anchor
    assert anchor is not None
    assert anchor.name == names.ROOT
    (rdata,) = anchor.rdatas
    assert f"IN DS {int.from_bytes(rdata[:2], 'big')} 13 2 {rdata[4:].hex().upper()}\n" in printed(capsys)


def test_the_world_is_that_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    worlds.write(tmp_path / "mine", SIGNED)
    (tmp_path / "my.toml").write_text('[world]\ndirectory = "mine"\n')
    assert " DNSKEY 257 3 15 " in printed(capsys, "--config", "my.toml")


def test_for_bind_it_is_a_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--bind", "--directory", str(worlds.write(tmp_path, SIGNED)))
    first, key, last = text.splitlines()
    assert (first, last) == ("trust-anchors {", "};")
    assert key.startswith('    . static-key 257 3 15 "')
    assert key.endswith('";')


@pytest.mark.parametrize(
    ("hierarchy", "expected"),
    [
        (worlds.SMALL, ': the root is not signed; write dnssec = "nsec" below [zone."."]'),
        (
            '[dnssec]\nkeys = "kept"\n' + SIGNED,
            "/kept/root.ksk.pem:1: zone . cannot be signed, and is not served: the key",
        ),
    ],
)
def test_a_world_without_an_anchor_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hierarchy: str, expected: str
) -> None:
    worlds.write(tmp_path, hierarchy)
    assert main(["zones", "anchor", "--directory", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1
