"""What `resolver fault` and `resolver clock` ask of the daemon and print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resolver.cli import clock, fault, main
from resolver.network.faults.words import CONDITIONS, WORDS

SOCKET = Path("/run/user/7/control-5300.sock")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A double of the daemon: `answer` is what it says, `asked` what it was asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    double: dict[str, Any] = {"asked": [], "answer": {}}

    def ask(*words: object) -> object:
        double["asked"].append(words)
        return double["answer"]

    monkeypatch.setattr(fault, "ask", ask)
    monkeypatch.setattr(clock, "ask", ask)
    return double


def test_a_fault_is_added_as_the_options_say(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"id": 3, "kind": "latency", "ms": 200.0, "server": ["a.", "b."], "at": 30.0}
    words = "latency --ms 200 --server ns1.example.com --server 127.53.2.1 --type A,AAAA --at 30s --for 1m --count 3"
    assert main(["fault", "add", *words.split()]) == 0
    assert capsys.readouterr().out == "fault 3 is waiting: latency ms=200 server=a.,b. at=30\n"
    rule = {
        "kind": "latency",
        "ms": 200.0,
        "server": ["ns1.example.com.", "127.53.2.1"],
        "type": ["A", "AAAA"],
        "count": 3,
        "at": 30.0,
        "for": 60.0,
    }
    assert daemon["asked"] == [(SOCKET, "POST", "/faults", rule)]


def test_each_parameter_and_condition_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "add", "--help"]) == 0
    said = capsys.readouterr().out
    for each in (*CONDITIONS.values(), *(one for word in WORDS.values() for one in word.parameters)):
        assert f"--{each.word.replace('_', '-')} " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("servfial", "did you mean 'servfail'?"),
        ("SERVFAIL", "did you mean 'servfail'?"),
        ("drop", "did you mean 'silent'?"),
        ("nxdomain", 'did you mean "rcode" with rcode = "NXDOMAIN"?'),
        ("silent --for 50y", "a number from 0.001 to 315360000,"),
        ("rcode", "needs rcode"),
        ("silent --probability 2", "out of range"),
        ("silent --ms 3", "has no 'ms'"),
        ("silent --cuont 3", "unrecognized arguments: --cuont"),
        ("latency --ms 1h", "out of range"),
    ],
)
def test_a_rule_that_is_none_is_told_before_anybody_is_asked(
    daemon: dict[str, Any], capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(["fault", "add", *words.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert daemon["asked"] == []


def test_faults_are_listed_as_a_table_or_as_json(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    rule = {
        "id": 1,
        "kind": "lame",
        "server": "\x1bns.",
        "ms": 2.5,
        "applied": 7,
        "state": "in force",
        "declared": True,
    }
    daemon["answer"] = {"faults": [rule, {**rule, "id": 12, "server": ["a.", "b."], "declared": False}]}
    assert main(["fault", "list"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "KIND", "STATE", "APPLIED", "FROM", "CONDITIONS"]
    assert first == "1   lame  in force  7        hierarchy.toml  server=\\u001bns. ms=2.5"
    assert second == "12  lame  in force  7        run time        server=a.,b. ms=2.5"
    assert main(["fault", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == daemon["answer"]
    daemon["answer"] = {"faults": []}
    assert main(["fault", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_faults_are_cleared(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"cleared": 1}
    assert main(["fault", "clear", "3/x"]) == 0
    daemon["answer"] = {"cleared": 2}
    assert main(["fault", "clear"]) == 0
    assert capsys.readouterr().out == "cleared 1 fault\ncleared 2 faults\n"
    assert [words[1:3] for words in daemon["asked"]] == [("DELETE", "/faults/3%2Fx"), ("DELETE", "/faults")]


def test_the_words_are_listed_with_their_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "words"]) == 0
    said = capsys.readouterr().out
    for word in WORDS.values():
        assert f"\n  {word.word} " in said
    assert "--deviation-ms: the standard deviation" in said
    assert "The reply comes --copies times. Only over UDP." in said
    assert "; 6000 unless said\n" in said
    assert "; must be said\n" in said
    assert all(f"\n  --{word} " in said for word in CONDITIONS)


def test_time_is_shown_and_moved(daemon: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon["answer"] = {"time": "2026-01-01T00:00:00.000Z", "wall": 1767225600.0, "frozen": False}
    assert main(["clock", "show"]) == 0
    assert main(["clock", "advance", "5m"]) == 0
    daemon["answer"]["frozen"] = True
    assert main(["clock", "freeze"]) == 0
    assert main(["clock", "thaw", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [*["2026-01-01T00:00:00.000Z"] * 2, "2026-01-01T00:00:00.000Z (frozen)"]
    assert json.loads("".join(lines[3:])) == daemon["answer"]
    assert daemon["asked"] == [
        (SOCKET, "GET", "/clock"),
        (SOCKET, "POST", "/clock/advance", {"by": "5m"}, clock.PATIENCE),
        (SOCKET, "POST", "/clock/freeze"),
        (SOCKET, "POST", "/clock/thaw"),
    ]
