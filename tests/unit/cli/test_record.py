"""`resolver record`: what it asks for, says and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resolver.cli import main, record
from resolver.wire import names, types


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def asked(*words: str, default: str = record.DEFAULT_TYPES) -> list[str]:
    """The questions that words of the command line mean."""
    found = record._questions(words, default)
    return [f"{names.to_text(each.name)} {types.to_text(each.type)}" for each in found]


def traced(capsys: pytest.CaptureFixture[str], world: str, *words: str) -> dict[str, Any]:
    """What `resolver trace` tells of that world."""
    main(["trace", "--json", "--world", world, *words])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_names_are_asked_for_the_types_that_they_come_with(tmp_path: Path) -> None:
    assert asked("a.test") == ["a.test. A", "a.test. AAAA"]
    assert asked("a.test", default="MX") == ["a.test. MX"]
    assert asked("a.test/mx,TYPE65280", "b.test./TXT") == ["a.test. MX", "a.test. TYPE65280", "b.test. TXT"]
    assert asked("0/25.2.0.192.in-addr.arpa", default="NS") == ["0/25.2.0.192.in-addr.arpa. NS"]
    assert asked("0/25.2.0.192.in-addr.arpa/PTR") == ["0/25.2.0.192.in-addr.arpa. PTR"]
    (tmp_path / "names").write_text("# mine\na.test/A\n\n  b.test/MX   # and this\n")
    assert asked("@names", "c.test/A") == ["a.test. A", "b.test. MX", "c.test. A"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a..test"], "write it like www.example.com or example.com/MX,TXT"),
        (["a.test/NOSUCH"], "NOSUCH"),
        (["a.test", "MX"], "MX is a type of records; write NAME/MX, as in www.example.com/MX"),
        (["@nowhere"], "nowhere: cannot be read: No such file or directory"),
        (["@bad"], "bad:2: "),
        (["@latin"], "latin: not UTF-8 text"),
        (["a.test", "--types", "NO,SUCH"], "NO"),
        (["a.test", "--world", "nowhere"], "nowhere"),
    ],
)
def test_what_is_no_name_or_type_is_told_in_a_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").write_text("a.test\n/MX/\n")
    (tmp_path / "latin").write_bytes(b"stra\xdfe.test\n")
    assert main(["record", *words, "-o", "out"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_there_is_a_bound_of_questions(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MAX_QUESTIONS", 3)
    assert main(["record", "a.test", "b.test", "-o", "out"]) == 2
    assert "4 questions; 3 are the most" in capsys.readouterr().err


def test_a_recording_is_written_and_traced_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "www.example.com", "shop.example.com/A", "-o", "out"]) == 0
    told = capsys.readouterr()
    assert told == ("3 questions, 6 zones and 11 servers: out\n", "")
    for words in (["www.example.com"], ["www.example.com", "AAAA"], ["shop.example.com"]):
        main(["trace", "--json", *words])
        before = json.loads(capsys.readouterr().out)
        after = traced(capsys, "out", *words)
        assert {key: after[key] for key in ("rcode", "answer", "status")} == {
            key: before[key] for key in ("rcode", "answer", "status")
        }


def test_names_that_fail_are_told_and_the_others_written(capsys: pytest.CaptureFixture[str]) -> None:
    names_that_fail = ["refused.broken.test/A", "www.bogus.dnssec-failed.test/A"]
    assert main(["record", "www.example.net/A", *names_that_fail, "-o", "out"]) == 1
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "refused.broken.test. A",
        "www.bogus.dnssec-failed.test. A",
    ]
    assert "[RFSD]" in lines[0]
    assert traced(capsys, "out", "www.example.net")["rcode"] == "NOERROR"
    assert traced(capsys, "out", "refused.broken.test")["rcode"] == "SERVFAIL"
    assert traced(capsys, "out", "www.bogus.dnssec-failed.test")["status"] == "bogus"


def test_what_is_there_is_replaced_with_force_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["record", "www.example.net/A", "-o", "out"]) == 0
    before = (tmp_path / "out/hierarchy.toml").read_text()
    assert main(["record", "www.example.org/A", "-o", "out"]) == 2
    assert "out: holds a recording; replace it with --force" in capsys.readouterr().err
    assert (tmp_path / "out/hierarchy.toml").read_text() == before
    assert main(["record", "www.example.org/A", "-o", "out", "--force"]) == 0
    assert "www.example.org. A" in (tmp_path / "out/hierarchy.toml").read_text()


def test_slow_servers_are_slow_again_where_that_is_wanted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["record", "slow.broken.test/A", "--latency", "-o", "out"]) == 0
    server = (tmp_path / "out/hierarchy.toml").read_text().partition("ns.slow.broken.test")[2].partition("[[")[0]
    assert 750 < float(server.partition("latency_ms = ")[2].split()[0]) < 1500
