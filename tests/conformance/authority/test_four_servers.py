"""The zone code against what BIND, NSD, Knot DNS and PowerDNS answered (tests/data/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resolver.message import Reply
from resolver.wire import names
from tests.support import zone_text

CASES = Path(__file__).parents[2] / "data" / "authority" / "authority-cases.jsonl"


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()]


def answered(case: dict[str, Any]) -> Reply:
    zone = zone_text.zone(case["origin"], "\n".join(case["zone"]))
    return zone.answer(zone_text.question(*case["query"]))


def is_as(reply: Reply, theirs: dict[str, Any]) -> bool:
    """Whether a reply says what a group of servers said, the additional section included."""
    if (zone_text.rcode(reply), reply.aa) != (theirs["rcode"], theirs["aa"]):
        return False
    for section in ("answer", "authority", "additional"):
        expected = {(names.fold(owner), *rest) for owner, *rest in map(zone_text.record, theirs[section])}
        if zone_text.records(getattr(reply, section)) != expected:
            return False
    return True


@pytest.mark.rfc(1034, "4.3.2")
def test_where_four_servers_agree_we_agree_with_them(cases: list[dict[str, Any]]) -> None:
    agreed = [case for case in cases if case["agreed"]]
    assert len(agreed) == 1263
    assert [case["id"] for case in agreed if not is_as(answered(case), case["answers"][0])] == []


def test_where_they_disagree_we_answer_as_one_group_does(cases: list[dict[str, Any]]) -> None:
    disputed = [case for case in cases if not case["agreed"]]
    assert len(disputed) == 322
    alone = [case["id"] for case in disputed if not any(is_as(answered(case), a) for a in case["answers"])]
    assert alone == []
