"""Each row is explained, and has somebody to be measured beside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.loading import Load
from tests.bench.machine import PACKAGES
from tests.bench.rows import BEST, ROWS, Row
from tests.bench.sample import response_octets
from tests.bench.servers import AUTHORITIES, OURS, RESOLVERS
from tests.bench.templates import DIRECTORY, filled

PAGE = Path(__file__).resolve().parents[2] / "docs/performance.md"
BY_NAME = {row.name: row for row in ROWS}


def test_each_row_is_documented_with_its_bound() -> None:
    section = PAGE.read_text().partition("\n## What each row proves\n")[2].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", section, re.MULTILINE))
    assert documented == {row.name: row.bound_told for row in ROWS}


def test_a_bound_is_told_with_what_it_is_a_bound_of() -> None:
    assert BY_NAME["udp-hit"].bound_told == "1.25 × unbound"
    assert BY_NAME["idle-rss"].bound_told == "48 MiB"
    assert BY_NAME["nxdomain"].bound_told == "-"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whoever_a_bound_is_a_ratio_to_is_measured_by_default(row: Row) -> None:
    lineup = row.lineup(None)
    assert next(iter(lineup)) == OURS
    if row.against == BEST:
        assert len(lineup) > 2
    elif row.against is not None:
        assert row.against in lineup


def test_others_are_measured_when_they_are_asked_for() -> None:
    assert list(BY_NAME["udp-hit"].lineup(["dnsmasq", "bind9"])) == [OURS, "bind9", "dnsmasq"]
    assert list(BY_NAME["udp-hit"].lineup([])) == [OURS]


def test_those_that_only_forward_take_no_part_in_misses() -> None:
    assert list(BY_NAME["miss"].lineup(["dnsmasq", "bind9"])) == [OURS, "bind9"]


def test_each_program_has_a_package() -> None:
    for server in (*RESOLVERS.values(), *AUTHORITIES.values()):
        assert server.program is None or server.program in PACKAGES


def test_there_are_enough_zones_for_a_row_that_wants_new_ones() -> None:
    for row in ROWS:
        if row.zones and isinstance(row.take, Load):
            assert row.zones >= row.take.queries * 1.5, row.name


def test_a_response_of_one_record_is_as_long_as_it_is() -> None:
    assert response_octets("example.com") == 12 + 17 + 16


PLACES = (
    *("directory", "host", "port", "tls_port", "hints", "certificate", "key", "leaf"),
    *("address", "cookies", "zones", "authority", "modules", "validation", "anchor", "rules"),
    *("pool_1", "pool_2", "pool_3"),
)


@pytest.mark.parametrize("path", sorted(DIRECTORY.iterdir()), ids=lambda path: path.name)
def test_a_template_says_nothing_of_tls_unless_it_is_measured(path: Path) -> None:
    places = {name: f"<{name}>" for name in PLACES}
    plain, secure = (filled(path.name, places, kind) for kind in ("", "dot"))
    assert "<certificate>" not in plain
    assert "@" not in {line[:1] for line in (plain + secure).splitlines()}
    assert ("<certificate>" in secure) == ("tls" in path.read_text())


@pytest.mark.parametrize("path", sorted(DIRECTORY.iterdir()), ids=lambda path: path.name)
def test_a_template_names_a_trust_anchor_only_where_answers_are_validated(path: Path) -> None:
    places = {name: f"<{name}>" for name in PLACES}
    plain, proven = (filled(path.name, places, proven=proven) for proven in (False, True))
    assert "<anchor>" not in plain
    assert ("<anchor>" in proven) == ("@proven" in path.read_text())
