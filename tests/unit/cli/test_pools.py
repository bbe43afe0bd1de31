"""`resolver pools`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resolver.cli import main, pools

MEMBER = {
    "name": "left",
    "upstream": "udp://192.0.2.1:53",
    "state": "down",
    "since_s": 3725.0,
    "weight": 1,
    "outstanding": 2,
    "rtt_ms": 12.5,
    "picked": 12,
    "replied": 10,
    "failed": 2,
    "checks": 7,
    "checks_failed": 3,
    "check": "it answers SERVFAIL",
}
NEW = {**MEMBER, "name": "ri\x1bght", "state": "up", "since_s": None, "rtt_ms": None, "check": None}
POOL = {"mode": "forward", "policy": "round-robin", "check": "dns", "when_all_down": "open"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the daemon was asked; it has two pools, and drains `left`."""
    seen: list[Any] = []

    def ask(socket: Path, method: str, target: str, body: object = None) -> dict[str, Any]:
        seen.append((str(socket), method, target, body))
        if method == "POST":
            return {"pool": "office", "drained": "left", "undrained": "left"}
        return {"pools": [{"name": "office", **POOL, "members": [MEMBER, NEW]}, {"name": "b", **POOL, "members": []}]}

    monkeypatch.setattr(pools, "ask", ask)
    return seen


def test_pools_are_printed_with_their_members(asked: list[Any], capsys: pytest.CaptureFixture[str]):
    assert main(["pools", "--socket", "x.sock"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "office: forward, round-robin, checked by dns, open when all are down",
        "  MEMBER       STATE  SINCE  WEIGHT  OPEN  RTT      REPLIED  FAILED  CHECKS  LAST CHECK",
        "  left         down   1h     1       2     12.5 ms  10       2       4/7     it answers SERVFAIL",
        "  ri\\u001bght  up     -      1       2     -        10       2       4/7     -",
        "",
        "b: forward, round-robin, checked by dns, open when all are down",
        "  it has no members",
    ]
    assert asked == [("x.sock", "GET", "/pools", None)]


def test_options_may_stand_before_the_word_and_behind_it(asked: list[Any], capsys: pytest.CaptureFixture[str]):
    assert main(["pools", "--socket", "x.sock", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pools"][0]["members"][0]["name"] == "left"
    assert main(["pools", "list", "--socket", "y.sock"]) == 0
    assert [each[0] for each in asked] == ["x.sock", "y.sock"]


def test_a_member_is_drained_and_undrained(asked: list[Any], capsys: pytest.CaptureFixture[str]):
    assert main(["pools", "drain", "of/ice", "left", "--socket", "x.sock"]) == 0
    assert main(["pools", "undrain", "office", "left", "--socket", "x.sock"]) == 0
    assert capsys.readouterr().out == "drained left of office\nundrained left of office\n"
    assert [each[1:] for each in asked] == [
        ("POST", "/pools/of%2Fice/drain", {"member": "left"}),
        ("POST", "/pools/office/undrain", {"member": "left"}),
    ]


def test_without_pools_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(pools, "ask", lambda *_: {"pools": []})
    assert main(["pools", "--socket", "x.sock"]) == 0
    assert capsys.readouterr().out == "there are no pools: the configuration has no [pools.NAME]\n"


def test_who_is_to_be_drained_must_be_named(capsys: pytest.CaptureFixture[str]):
    assert main(["pools", "drain", "office"]) == 2
    assert "required: MEMBER" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0s"), (59, "59s"), (61, "1m"), (7300, "2h"), (200_000, "2d")])
def test_a_time_is_told_in_its_largest_unit(seconds: float, said: str):
    assert pools._age(seconds) == said
