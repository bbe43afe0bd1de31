"""What `dnssec` in hierarchy.toml may say, and how what is wrong with it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.auth import declaration
from resolver.auth.declaration import ZoneDeclaration
from resolver.auth.findings import Finding
from resolver.auth.signing import Keeping, Signing
from resolver.dnssec.chains import Parameters
from resolver.dnssec.faults import Fault
from resolver.wire import names
from tests.support import worlds


def read(directory: Path, dnssec: str, top: str = "") -> tuple[declaration.Declaration, list[str]]:
    """The declaration with `dnssec` among the keys of shop.test, and what is wrong with it."""
    text = top + worlds.SMALL.replace('[zone."shop.test"]\n', f'[zone."shop.test"]\n{dnssec}\n')
    found: list[Finding] = []
    declared = declaration.parse(text, "hierarchy.toml", directory, found.append)
    assert all(finding.fatal for finding in found)
    return declared, [str(finding) for finding in found]


def shop(directory: Path, dnssec: str) -> Signing:
    declared, found = read(directory, dnssec)
    assert found == []
    zone: ZoneDeclaration = declared.zones[names.from_text("shop.test")]
    assert zone.dnssec is not None
    return zone.dnssec


def test_a_zone_is_not_signed_unless_it_says_so(tmp_path: Path) -> None:
    declared, found = read(tmp_path, "")
    assert found == []
    assert {zone.dnssec for zone in declared.zones.values()} == {None}


@pytest.mark.parametrize(
    ("dnssec", "algorithm", "nsec3", "fault"),
    [
        ('dnssec = "nsec"', 13, None, None),
        ('dnssec = "nsec3"', 13, Parameters(0, b"", False), None),
        ('dnssec = { denial = "nsec3", opt_out = true }', 13, Parameters(0, b"", True), None),
        ('dnssec = { denial = "nsec3", iterations = 5, salt = "AB12" }', 13, Parameters(5, b"\xab\x12"), None),
        ('dnssec = { denial = "nsec3", salt = "-" }', 13, Parameters(), None),
        ('dnssec = { algorithm = "ED448" }', 16, None, None),
        ('dnssec.fault = "expired"', 13, None, Fault.EXPIRED),
        ('dnssec.fault = "nsec3-iterations"', 13, Parameters(200), Fault.ITERATIONS),
        ('dnssec = { fault = "nsec3-iterations", iterations = 151 }', 13, Parameters(151), Fault.ITERATIONS),
        ('[zone."shop.test".dnssec]\ndenial = "nsec3"\nalgorithm = "RSASHA256"', 8, Parameters(), None),
    ],
)
def test_each_way_to_say_it(
    tmp_path: Path, dnssec: str, algorithm: int, nsec3: Parameters | None, fault: Fault | None
) -> None:
    signing = shop(tmp_path, dnssec)
    assert (signing.algorithm, signing.nsec3, signing.fault) == (algorithm, nsec3, fault)
    assert signing.where.line == 16


@pytest.mark.parametrize(
    ("dnssec", "expected"),
    [
        ("dnssec = true", '16: dnssec: True says nothing about signing; write dnssec = "nsec", or leave the key out'),
        ('dnssec = "nsec4"', "16: dnssec.denial: 'nsec4' is no way to deny a name; did you mean 'nsec"),
        ('dnssec.fault = "exipred"', "16: dnssec.fault: unknown fault 'exipred'; did you mean 'expired'?"),
        ('dnssec.algorithm = "RSASHA1"', "16: dnssec.algorithm: zones are not signed with 'RSASHA1'; did you mean"),
        ("dnssec.algoritm = 1", "16: dnssec.algoritm: unknown key; did you mean 'algorithm'?"),
        ("dnssec.opt_out = true", '16: opt_out is for NSEC3; write denial = "nsec3", or leave it out'),
        ('dnssec.salt = "ab"', '16: salt is for NSEC3; write denial = "nsec3", or leave it out'),
        (
            'dnssec.denial = "nsec3"\ndnssec.salt = "xyz"',
            "17: dnssec.salt: 'xyz' is not hexadecimal; write salt = \"ab12\"",
        ),
        ('dnssec = { denial = "nsec3", salt = 12 }', "16: dnssec.salt: 12 is not hexadecimal"),
        (f'dnssec = {{ denial = "nsec3", salt = "{"00" * 256}" }}', "16: dnssec.salt: the salt has 256 octets; 255"),
        ('dnssec = { denial = "nsec3", iterations = 2501 }', "16: dnssec.iterations: 2501 is no number of iterations"),
        ('dnssec = { denial = "nsec3", iterations = -1 }', "16: dnssec.iterations: -1 is no number of iterations"),
        ('dnssec = { denial = "nsec3", opt_out = 1 }', "16: dnssec.opt_out: 1 is neither true nor false"),
        ('dnssec.denial = "nsec"\ndnssec.fault = "nsec3-iterations"', "17: the fault nsec3-iterations is for NSEC3;"),
        ('[zone."shop.test".dnssec]\n\nfault = "x"', "18: dnssec.fault: unknown fault 'x'; use one of: bogus,"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_with_its_place(tmp_path: Path, dnssec: str, expected: str) -> None:
    _, found = read(tmp_path, dnssec)
    (told,) = found
    assert told.startswith(f"hierarchy.toml:{expected}")


def test_a_zone_below_another_one_still_wants_quotes(tmp_path: Path) -> None:
    _, found = read(tmp_path, "[zone.shop.test]\nttl = 1")
    assert any('a zone\'s name is not quoted; write [zone."shop.test"]' in told for told in found)


def test_the_world_says_where_keys_come_from(tmp_path: Path) -> None:
    assert read(tmp_path, "")[0].keeping == Keeping("resolverd", None)
    declared, found = read(tmp_path, "", '[dnssec]\nseed = "mine"\nkeys = "kept"\n')
    assert found == []
    assert declared.keeping == Keeping("mine", tmp_path / "kept")


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("dnssec = 1\n", '1: dnssec is no table; write [dnssec] and seed = "a text"'),
        ("[dnssec]\nseed = 1\n", "2: seed: 1 is no text"),
        ('[dnssec]\nseeds = "x"\n', "2: unknown key 'seeds'; did you mean 'seed'?"),
    ],
)
def test_what_is_wrong_with_it_is_told_too(tmp_path: Path, top: str, expected: str) -> None:
    _, found = read(tmp_path, "", top)
    assert any(told.startswith(f"hierarchy.toml:{expected}") for told in found)
