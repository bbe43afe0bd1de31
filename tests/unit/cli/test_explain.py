"""What `resolver explain` prints and returns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resolver.cli import main


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code, and the lines."""
    code = main(["explain", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_an_answer_is_explained_with_its_line_in_the_zone_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = explained(capsys, "www.example.com")
    assert (code, lines[0]) == (0, "NOERROR (authority)")
    assert lines[1].endswith("for example.com.) answered www.example.com. A from its zone (example.com.zone:15).")
    assert len(lines) == 2


def test_what_is_to_be_done_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = explained(capsys, "wwww.example.net")
    assert (code, lines[0]) == (0, "NXDOMAIN (no-such-name)")
    assert lines[2:] == ["Did you mean www.example.net.?"]


def test_the_exit_code_is_that_of_trace(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = explained(capsys, "refused.broken.test")
    assert (code, lines[0]) == (1, "SERVFAIL (fault)")
    assert "That is on purpose: the fault rule" in lines[1]


def test_the_last_of_several_answers_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for times, cause in (("1", "authority"), ("2", "cached"), ("4", "cached")):
        assert explained(capsys, "www.example.com", "--repeat", times)[1][0] == f"NOERROR ({cause})"


def test_the_tree_shows_faults_and_notes(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = explained(capsys, "refused.broken.test", "--tree")
    assert any(line.startswith("refused.broken.test. A ? SERVFAIL: ") for line in lines)
    assert any("! fault: refused server=" in line for line in lines)
    _, lines = explained(capsys, "printer.local", "--tree")
    assert lines[-2:] == ["printer.local. A ? NXDOMAIN", "· a special-use name"]


def test_the_same_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = explained(capsys, "www.example.com", "--repeat", "2", "--json")
    data = json.loads("\n".join(lines))
    assert code == 0
    assert {key: data[key] for key in ("name", "type", "rcode", "cause", "steps")} == {
        "name": "www.example.com", "type": "A", "rcode": "NOERROR", "cause": "cached", "steps": [],
    }  # fmt: skip
    assert data["notes"] == ["from the cache", "learnt 0 s ago, good for 3600 s more"]
    assert data["text"].startswith("www.example.com. A was in the cache")
    assert data["advice"] == "`resolver cache flush www.example.com` has it asked again."


def test_nothing_is_validated_where_the_client_wants_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, "www.expired.dnssec-failed.test")[1][0] == "SERVFAIL (expired-signature)"
    assert explained(capsys, "www.expired.dnssec-failed.test", "--cd")[1][0] == "NOERROR (checking-disabled)"


def test_a_client_that_may_not_ask_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text('[server]\nlisten = ["0.0.0.0:5300"]\nallow = ["192.0.2.0/24"]\n')
    code, lines = explained(capsys, "www.example.com", "--client", "203.0.113.9", "--tree")
    assert code == 1
    assert lines == [
        "REFUSED (not-allowed)",
        "203.0.113.9 is in none of the networks that may ask this resolver.",
        "Add its network to server.allow.",
    ]
    assert explained(capsys, "www.example.com", "--client", "192.0.2.9")[1][0] == "NOERROR (authority)"


def test_a_world_of_ones_own_is_explained_with_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("world").mkdir()
    Path("world/hierarchy.toml").write_text(
        '[zone."."]\n[[server]]\nname = "a.root.test"\naddress = "127.53.0.1"\nzones = [".", "test"]\n'
        '[zone."test"]\nrecords = ["www A 192.0.2.1"]\n'
    )
    _, lines = explained(capsys, "www.test", "--world", "world")
    assert lines[1].endswith("answered www.test. A from its zone (hierarchy.toml:7).")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("a..b",), "resolver: "),
        (("example.com", "NOTATYPE"), "resolver: "),
        (("example.com", "--repeat", "0"), "resolver: --repeat 0 is out of range; write 1 to 1000"),
        (
            ("example.com", "--client", "nobody"),
            "resolver: --client: 'nobody' is no IP address; write it like 192.0.2.1",
        ),
    ],
)
def test_what_is_written_wrongly_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert main(["explain", *arguments]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(line)


def test_the_log_of_queries_stays_out_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("resolver.toml").write_text("[log]\nqueries = true\nexplanations = true\n")
    assert main(["explain", "www.bogus.dnssec-failed.test"]) == 1
    assert capsys.readouterr().err == ""


def test_what_is_written_like_an_address_is_told_how_to_ask_for_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = explained(capsys, "192.0.2.80")
    assert lines[2:] == ["That is an address. To learn its name, ask for 80.2.0.192.in-addr.arpa. PTR."]
    _, lines = explained(capsys, "300.0.2.80")
    assert lines[2:] == ["Declare it in its zone, or correct the spelling."]
