"""`resolver history` and `resolver export`, with a daemon that is not there."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from resolver.cli import history as command
from resolver.cli import main
from resolver.message import Rcode
from tests.support.histories import Kept, response
from tests.support.messages import soa

Captured = pytest.CaptureFixture[str]


class Daemon:
    """What is asked of a daemon, and a history that it answers with."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.asked: list[tuple[str, str]] = []
        self.forgotten = 0

    def __call__(self, path: Path, method: str, target: str, body: Any = None) -> dict[str, object]:
        self.asked.append((method, target))
        if method == "POST":
            return {"cleared": self.kept.history.clear()}
        return {"messages": [each.as_data() for each in self.kept.history], "forgotten": self.forgotten}


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Daemon:
    made = Daemon()
    monkeypatch.setattr(command, "ask", made)
    monkeypatch.chdir(tmp_path)
    return made


def resolved(kept: Kept) -> None:
    """A client has asked, and a server of the root has answered."""
    root = {"server": "a.root-servers.test.", "address": "127.53.0.1"}
    kept.answered("gone.", "A", rcode=Rcode.NXDOMAIN)
    kept.now -= 1
    asked = kept.asked("gone.", "A", **root)
    kept.history.replied(asked, response(asked, rcode=Rcode.NXDOMAIN, authority=soa("."), id=7), 0.1)


def test_messages_are_shown_as_a_table(daemon: Daemon, capsys: Captured) -> None:
    resolved(daemon.kept)
    daemon.forgotten = 3
    assert main(["history", "--socket", "x"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["#", "TIME", "CLIENT", "ASKED", "NAME", "TYPE", "OVER", "RCODE", "MS", "FAULTS"]
    assert lines[1] == [
        "1",
        "22:13:20.000",
        "127.0.0.1",
        "the",
        "resolver",
        "gone.",
        "A",
        "udp",
        "NXDOMAIN",
        "1.5",
        "-",
    ]
    assert lines[2][3:6] == ["a.root-servers.test.", "gone.", "A"]
    assert err == "3 earlier ones made room for these\n"


def test_of_several_workers_it_is_told_which_saw_a_message(
    capsys: Captured, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them counts for itself."""
    daemon.kept.asked("a.example")
    (message,) = (each.as_data() for each in daemon.kept.history)
    told = {"messages": [{**message, "worker": 0}, {**message, "worker": 1}], "forgotten": 0}
    monkeypatch.setattr(command, "ask", lambda *_: told)
    assert main(["history", "--socket", "x"]) == 0
    head, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head[:3] == ["WORKER", "#", "TIME"]
    assert (first[:2], second[:2]) == (["0", "1"], ["1", "1"])


def test_filters_are_handed_on(daemon: Daemon, capsys: Captured) -> None:
    words = ["--server", "*.nic.com", "--zone", "example.com", "--type", "MX", "--rcode", "none", "--side", "server"]
    assert main(["history", "--socket", "x", *words, "--limit", "7", "--since", "1.5", "--json"]) == 0
    ((method, target),) = daemon.asked
    path, _, query = target.partition("?")
    assert (method, path) == ("GET", "/history")
    assert dict(parse_qsl(query)) == {
        "server": "*.nic.com",
        "zone": "example.com",
        "type": "MX",
        "rcode": "none",
        "side": "server",
        "since": "1.5",
        "limit": "7",
    }
    assert json.loads(capsys.readouterr().out) == {"messages": [], "forgotten": 0}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rcode", "NXDOMIAN"], "there is no rcode 'NXDOMIAN'; did you mean 'NXDOMAIN'?"),
        (["--fault", "silnt"], "there is no fault 'silnt'; did you mean 'silent'?"),
        (["--limit", "0"], "'0' is not between 1 and 10000"),
        (["--limit", "many"], "'many' is not between 1 and 10000"),
        (["--side", "both"], "invalid choice: 'both'"),
        (["--clear", "--name", "example.com"], "--clear forgets all messages; leave the other options out"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anybody_is_asked(
    daemon: Daemon, capsys: Captured, words: list[str], told: str
) -> None:
    assert main(["history", "--socket", "x", *words]) == 2
    assert told in capsys.readouterr().err
    assert daemon.asked == []


def test_all_is_forgotten(daemon: Daemon, capsys: Captured) -> None:
    daemon.kept.asked("a.example")
    assert main(["history", "--socket", "x", "--clear"]) == 0
    assert capsys.readouterr().out == "forgot 1 message\n"
    assert main(["history", "--socket", "x"]) == 0
    assert capsys.readouterr().out == ""


def test_a_history_is_exported_and_played(daemon: Daemon, capsys: Captured) -> None:
    resolved(daemon.kept)
    assert main(["export", "--socket", "x", "--scenario", "some.rpl", "--title", "Gone", "--as-seen"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("FAIL some.rpl\n")
    assert "it does not pass; what the cache held before the history began" in err
    assert "SCENARIO_BEGIN Gone\n" in Path("some.rpl").read_text()


def test_a_history_is_read_from_a_file_or_from_standard_input(
    daemon: Daemon, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.kept.answered("localhost", "A", "localhost. 10800 IN A 127.0.0.1")
    text = json.dumps(daemon(Path(), "GET", "/history"))
    Path("seen.json").write_text(text)
    daemon.asked.clear()
    codes = [main(["export", "--scenario", "one.rpl", "--history", "seen.json"])]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    codes.append(main(["export", "--scenario", "other.rpl", "--history", "-"]))
    assert codes[0] == codes[1]
    assert Path("one.rpl").read_text() == Path("other.rpl").read_text()
    assert daemon.asked == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "seen.json: no messages; give what `resolver history --json` printed"),
        ("[]", "seen.json: no messages"),
        ('{"messages": 3}', "seen.json: no messages"),
        ('{"messages": [{}]}', "a message without 'response'"),
        ('{"messages": []}', "no client has asked anything"),
        ('{"messages": [{"worker": 0}, {"worker": 1}]}', "2 workers were asked, each with a cache of its own"),
    ],
)
def test_what_is_no_history_is_told(daemon: Daemon, capsys: Captured, text: str, told: str) -> None:
    Path("seen.json").write_text(text)
    assert main(["export", "--scenario", "some.rpl", "--history", "seen.json"]) == 2
    assert told in capsys.readouterr().err
    assert not Path("some.rpl").exists()


def test_a_file_that_is_not_there_is_told(daemon: Daemon, capsys: Captured) -> None:
    assert main(["export", "--scenario", "some.rpl", "--history", "none.json"]) == 2
    assert "none.json: cannot be read: No such file" in capsys.readouterr().err
