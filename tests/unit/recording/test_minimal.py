"""A recording has what the walks needed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.auth import hierarchy
from resolver.auth.shipped import load_world
from resolver.message import Type
from resolver.recording.drawn import Drawn, DrawnZone
from resolver.recording.recorder import Recording
from resolver.wire import names
from tests.support.recordings import recorded, replayed, said

ASKED = (
    *("www.example.com", "www.example.com AAAA", "chain.example.com", "www.legacy.example.org", "example.com MX"),
    *("v4only.example.com AAAA", "deep.ent.example.com", "any.wild.example.org", "nothing.example.com"),
)
UNASKED = (
    *("mail.example.com", "example.com TXT", "www.example.com HTTPS", "v4only.example.com", "www.example.org"),
    *("www.example.edu", "edu NS", "broken.test", "host.deep.ent.example.com", "example.org", "alias.example.com"),
)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded(load_world(), ASKED)


def without(drawn: Drawn) -> Iterator[tuple[str, Drawn]]:
    """The world without a zone and what is below it, or without one of the record sets that are answers."""
    for apex in drawn.zones:
        if apex != names.ROOT:
            left = {name: each for name, each in drawn.zones.items() if not names.is_below(name, apex)}
            servers = {
                name: replace(each, zones=[zone for zone in each.zones if zone in left])
                for name, each in drawn.servers.items()
            }
            yield names.to_text(apex), Drawn(left, servers)
    for apex, zone in drawn.zones.items():
        for key in zone.records:
            if key[1] not in (Type.SOA, Type.NS) and key[0] not in drawn.servers:
                some = DrawnZone(apex, {k: each for k, each in zone.records.items() if k != key}, zone.dnssec)
                yield f"{names.to_text(key[0])} {key[1]}", Drawn({**drawn.zones, apex: some}, drawn.servers)


def test_every_zone_and_every_answer_is_needed(recording: Recording, tmp_path: Path) -> None:
    before = said(replayed(recording, tmp_path / "whole"), ASKED)
    less = list(without(recording.drawn))
    assert len(less) > 20
    for number, (what, drawn) in enumerate(less):
        directory = tmp_path / str(number)
        replace(recording, drawn=drawn).write(directory)
        assert said(hierarchy.load(directory), ASKED) != before, what


def test_what_was_not_asked_for_is_not_there(recording: Recording, tmp_path: Path) -> None:
    found = said(replayed(recording, tmp_path / "zones"), UNASKED)
    assert {text: each.records for text, each in found.items() if each.records} == {}
    assert found["www.example.edu"].rcode == "NXDOMAIN"
    assert found["mail.example.com"].rcode == "NXDOMAIN"
    assert found["v4only.example.com"].rcode == "NOERROR", "that it exists was found out"
