from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resolver import rulebook
from resolver.config import Config
from resolver.errors import ConfigError, InputError, ZoneError
from resolver.routing.matchers import Names, Zones
from tests.support.rules import wire


def book(*rules: dict[str, Any]) -> rulebook.Book:
    return rulebook.book(rulebook.read(Config.model_validate({"rules": rules})), None, lambda: 0.0)


def test_names_of_a_file_join_those_of_the_rule(tmp_path: Path):
    file = tmp_path / "names"
    file.write_bytes(b"# a comment\r\nA.test   # and one behind\r\n\r\n  b.test.\n")
    (rule,) = book(
        {"action": "drop", "names": ["c.test"], "names_files": [str(file)], "suffixes_files": [str(file)]}
    ).rules
    (matcher,) = rule.matchers
    assert isinstance(matcher, Names)
    both = {wire("a.test."), wire("b.test.")}
    assert (matcher.exact, matcher.below) == (both | {wire("c.test.")}, both)


def test_names_of_an_exception_are_read_as_well(tmp_path: Path):
    file = tmp_path / "names"
    file.write_text("a.test\n")
    (rule,) = book({"action": "drop", "unless": {"suffixes_files": [str(file)]}}).rules
    assert rule.unless[0].below == {wire("a.test.")}


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"a.test\n\nb..test\n", r"names:3: 'b..test' has an empty label; write one name a line"),
        (b"a.test b.test\n", r"names:1: .* write one name a line"),
        ("münchen.test\n".encode(), r"names:1: .* write one name a line"),
        (b"\0" * 300, r"names:1: .* write one name a line"),
    ],
)
def test_a_line_that_is_no_name_is_told_with_its_number(tmp_path: Path, octets: bytes, said: str):
    file = tmp_path / "names"
    file.write_bytes(octets)
    with pytest.raises(ConfigError, match=said):
        book({"action": "drop", "names_files": [str(file)]})


def test_files_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "names"
    file.write_text("a.test\nb.test\nc.test\n")
    monkeypatch.setattr(rulebook, "MAX_NAMES", 2)
    with pytest.raises(
        ConfigError, match="with this file there are more than 2 names in the files of rules; put large"
    ):
        book({"action": "drop", "names_files": [str(file)]})
    monkeypatch.setattr(rulebook, "MAX_OCTETS", 8)
    with pytest.raises(ConfigError, match="the file is larger than 8 octets; put large lists under"):
        book({"action": "drop", "names_files": [str(file)]})


def test_a_file_with_too_many_names_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "names"
    file.write_text("a.test\nA.test\nb.test\nno..name\n")
    monkeypatch.setattr(rulebook, "MAX_NAMES", 1)
    with pytest.raises(ConfigError, match="more than 1 names"):
        book({"action": "drop", "names_files": [str(file)]})


def test_rules_share_the_names_of_a_file(tmp_path: Path):
    file = tmp_path / "names"
    file.write_text("a.test\nb.test\n")
    rule = {"action": "tag", "tags": ["x"], "suffixes_files": [str(file)]}
    first, second = (each.matchers[0] for each in book(rule, rule).rules)
    assert isinstance(first, Names)
    assert isinstance(second, Names)
    assert first.below is second.below


SOA = "corp.test. 300 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60\n"


def zone(tmp_path: Path, text: str) -> rulebook.Book:
    file = tmp_path / "corp.zone"
    file.write_text(text)
    return book({"action": "authority", "zone_files": [str(file)]})


def test_a_zone_file_is_the_zone_of_its_soa(tmp_path: Path):
    made = zone(tmp_path, f"{SOA}www.corp.test. 300 IN A 192.0.2.1\n")
    (rule,) = made.rules
    assert rule.matchers == (Zones(below=frozenset((wire("corp.test."),))),)
    assert [each.apex for each in made.authorities[1].zones] == [wire("corp.test.")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("www.corp.test. 300 IN A 192.0.2.1\n", "corp.zone: has no SOA record; write one, at the name of the zone"),
        (SOA + SOA.replace("corp.test. 300", "b.test. 300"), "corp.zone: has 2 SOA records; write one"),
        (f"{SOA}www.other.test. 300 IN A 192.0.2.1\n", r"corp.zone:2: www.other.test. is not in the zone corp.test.;"),
        (f"{SOA}www.corp.test. 300 IN A 192.0.2\n", "corp.zone:2: bad A data"),
    ],
)
def test_a_zone_file_that_cannot_be_one_is_told_where(tmp_path: Path, text: str, said: str):
    with pytest.raises(ZoneError, match=said):
        zone(tmp_path, text)


def test_two_zone_files_of_one_zone_are_told(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(SOA)
    with pytest.raises(InputError, match=r"the zone corp.test. is served twice"):
        book({"action": "authority", "zone_files": [str(tmp_path / "a"), str(tmp_path / "b")]})
