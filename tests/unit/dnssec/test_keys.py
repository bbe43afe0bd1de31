"""Keys of zones: derived ones are the same everywhere, and those in files are what they should be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from resolver.dnssec import algorithms, keys
from resolver.dnssec.records import read_dnskey
from resolver.engine.actions import Check
from resolver.errors import ZoneError
from resolver.wire import names

APEX = names.from_text("example.com")
EC_KEY = ec.derive_private_key(7, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(8, ec.SECP256R1())


def pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def kept(directory: Path, ksk: bytes, zsk: bytes) -> keys.ZoneKeys:
    (directory / "example.com.ksk.pem").write_bytes(ksk)
    (directory / "example.com.zsk.pem").write_bytes(zsk)
    return keys.read(directory, "example.com", algorithms.ECDSAP256)


def refused(directory: Path, ksk: bytes, zsk: bytes = pem(OTHER_KEY)) -> str:
    with pytest.raises(ZoneError) as caught:
        kept(directory, ksk, zsk)
    return str(caught.value).replace(f"{directory}/", "")


@pytest.fixture(scope="module", params=keys.SIGNING.values(), ids=keys.SIGNING)
def algorithm(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def pair(algorithm: int) -> keys.ZoneKeys:
    return keys.derived("a seed", APEX, algorithm)


@pytest.mark.rfc(6781, "3.1")
def test_a_zone_has_a_key_for_its_keys_and_one_for_the_rest(algorithm: int, pair: keys.ZoneKeys) -> None:
    ksk, zsk = (read_dnskey(key.rdata) for key in pair)
    assert (ksk.flags, zsk.flags) == (257, 256)
    assert (ksk.protocol, ksk.algorithm, zsk.algorithm) == (3, algorithm, algorithm)
    assert ksk.key != zsk.key
    assert ksk.tag == pair.ksk.tag != pair.zsk.tag == zsk.tag


def test_what_a_key_signs_is_verified_by_its_dnskey_alone(algorithm: int, pair: keys.ZoneKeys) -> None:
    signature = pair.zsk.sign(b"data")
    assert algorithms.verify(Check(algorithm, pair.zsk.public, signature, b"data"))
    assert not algorithms.verify(Check(algorithm, pair.zsk.public, signature, b"date"))
    assert not algorithms.verify(Check(algorithm, pair.ksk.public, signature, b"data"))


def test_a_seed_gives_the_same_keys_in_another_process() -> None:
    code = (
        "from resolver.dnssec import keys; from resolver.wire import names; "
        f"print(*[k.rdata.hex() for k in keys.derived('a seed', names.from_text('example.com'), {algorithms.ED448})])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told == [key.rdata.hex() for key in keys.derived("a seed", APEX, algorithms.ED448)]


def test_keys_depend_on_seed_zone_and_algorithm() -> None:
    asked = [("a seed", APEX, 13), ("b seed", APEX, 13), ("a seed", names.from_text("example.org"), 13)]
    made = {key.public for each in asked for key in keys.derived(*each)}
    assert len(made) == 6


def test_a_derived_key_is_one_that_never_changes() -> None:
    """Trust anchors that people have stored go on to fit."""
    assert [key.tag for key in keys.derived(keys.SEED, names.ROOT, algorithms.ECDSAP256)] == [46833, 21824]


def test_two_keys_of_a_zone_never_have_the_same_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    first = keys.derived("a seed", APEX, algorithms.ED25519)
    attempts = []

    def clash(seed: str, apex: bytes, algorithm: int, role: str, attempt: int = 0) -> keys.ZoneKey:
        attempts.append((role, attempt))
        return first.ksk if (role, attempt) == ("zsk", 0) else first.zsk if role == "zsk" else first.ksk

    monkeypatch.setattr(keys, "_derived", clash)
    assert keys.derived("a seed", APEX, algorithms.ED25519) == first
    assert attempts == [("ksk", 0), ("zsk", 0), ("zsk", 1)]


def test_signatures_are_reproducible(algorithm: int, pair: keys.ZoneKeys) -> None:
    assert pair.zsk.sign(b"data") == pair.zsk.sign(b"data")


def test_keys_are_read_from_files(tmp_path: Path) -> None:
    read = kept(tmp_path, pem(EC_KEY), pem(OTHER_KEY))
    assert (read.ksk.flags, read.zsk.flags) == (257, 256)
    assert algorithms.verify(Check(13, read.ksk.public, read.ksk.sign(b"x"), b"x"))
    point = EC_KEY.public_key().public_numbers()
    assert read.ksk.public == point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("ksk", "expected"),
    [
        (b"", "example.com.ksk.pem: no private key in PEM; make one: openssl genpkey -algorithm EC"),
        (b"\xff-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "example.com.ksk.pem: no private key"),
        (pem(EC_KEY)[:-30], "example.com.ksk.pem: no private key"),
        (pem(EC_KEY, b"secret"), "example.com.ksk.pem: the key is encrypted; keep it without a password"),
        (pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))), "not a key for ECDSAP256SHA256; make one"),
        (pem(ec.derive_private_key(7, ec.SECP384R1())), "not a key for ECDSAP256SHA256; make one"),
        (pem(OTHER_KEY), "example.com.zsk.pem: the same key as in example.com.ksk.pem; make another one"),
    ],
)
def test_a_file_without_a_good_key_is_told_with_its_name(tmp_path: Path, ksk: bytes, expected: str) -> None:
    told = refused(tmp_path, ksk)
    assert expected in told
    assert "\n" not in told


def test_a_file_that_is_not_there_is_told_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match=r"example\.com\.ksk\.pem: the key cannot be read: No such file"):
        keys.read(tmp_path, "example.com", algorithms.ED25519)


def test_an_rsa_key_of_another_size_is_as_good(tmp_path: Path) -> None:
    for role in ("ksk", "zsk"):
        made = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        (tmp_path / f"root.{role}.pem").write_bytes(pem(made))
    read = keys.read(tmp_path, "root", algorithms.RSASHA256)
    assert algorithms.verify(Check(8, read.zsk.public, read.zsk.sign(b"x"), b"x"))
    assert len(read.zsk.public) == 1 + 3 + 128
