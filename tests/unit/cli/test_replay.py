from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from resolver.cli import main
from tests.support.scripts import PRIMING, asks, entry, is_told, server, text

QUESTION = "www.example. IN A"
ADDRESS = ("SECTION ANSWER", "www.example. 300 IN A 192.0.2.7")
WORLD = server(PRIMING, entry(QUESTION, *ADDRESS))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one scenario of each kind."""
    monkeypatch.chdir(tmp_path)
    good = text(WORLD, asks(1, QUESTION), is_told(2, QUESTION, *ADDRESS))
    (tmp_path / "some/where").mkdir(parents=True)
    (tmp_path / "some/a.rpl").write_text(good)
    (tmp_path / "some/where/b.rpl").write_text(good.replace("QR RD RA NOERROR", "QR RD RA REFUSED"))
    (tmp_path / "some/c.rpl").write_text(
        good.replace("CONFIG_END", 'auth-zone:\n name: "other."\nCONFIG_END').replace("QR RD RA", "QR RD RA AD")
    )
    (tmp_path / "bad.rpl").write_text(good.replace("MATCH all", "MATCH colour"))
    return tmp_path


def test_a_folder_is_played_whole_with_one_line_a_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "some"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if not line.startswith(" ")] == [
        "PASS some/a.rpl",
        "SKIP some/c.rpl: needs-auth-zone",
        "FAIL some/where/b.rpl",
        "failed:",
        "1 PASS, 1 FAIL, 1 SKIP",
    ]
    assert "  -REFUSED, flags QR RD RA" in out
    assert out[-2].startswith("  some/where/b.rpl:")
    assert out[-2].endswith(": rcode: NOERROR for REFUSED")


def test_what_passes_or_is_skipped_is_no_failure(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "some/a.rpl", "some/c.rpl", "some/a.rpl"]) == 0
    assert capsys.readouterr().out.endswith("1 PASS, 0 FAIL, 1 SKIP\n")


def test_verbose_says_more_of_what_is_skipped(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--verbose", "some/c.rpl"]) == 0
    assert "AD is not set" in capsys.readouterr().out


def test_a_malformed_file_is_one_line_and_the_others_are_played(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "bad.rpl", "some/a.rpl"]) == 2
    told = capsys.readouterr()
    assert told.out == "PASS some/a.rpl\n1 PASS, 0 FAIL, 0 SKIP, 1 malformed\n"
    assert told.err.startswith("resolver: bad.rpl:")
    assert "MATCH does not know 'colour'; use one of: " in told.err
    assert told.err.count("\n") == 1


def test_several_processes_say_the_same_in_the_same_order(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "some"]) == 1
    alone = capsys.readouterr().out
    assert main(["replay", "--jobs", "2", "some"]) == 1
    assert capsys.readouterr().out == alone


def test_the_strict_level_compares_more(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "some/a.rpl"
    path.write_text(path.read_text().replace("STEP 2", "STEP 2").replace("MATCH all", "MATCH all ede=3"))
    assert main(["replay", "some/a.rpl"]) == 0
    assert main(["replay", "--level", "strict", "some/a.rpl"]) == 1
    assert "EDE: none for 3" in capsys.readouterr().out


def test_what_would_be_played_is_listed_with_titles_and_nothing_is_played(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--list", "some"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"some/{name}: a scenario" for name in ("a.rpl", "c.rpl", "where/b.rpl")
    ]
    assert main(["replay", "--list", "some/a.rpl", "bad.rpl"]) == 2
    assert "MATCH does not know 'colour'" in capsys.readouterr().err


def test_files_are_chosen_by_their_path_or_title(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "some/c.rpl"
    path.write_text(path.read_text().replace("SCENARIO_BEGIN a scenario", "SCENARIO_BEGIN of ghosts"))
    assert main(["replay", "-k", "ghost", "some"]) == 0
    assert capsys.readouterr().out.startswith("SKIP some/c.rpl: needs-auth-zone\n0 PASS")
    assert main(["replay", "-k", "where", "some", "bad.rpl"]) == 1
    assert capsys.readouterr().out.startswith("FAIL some/where/b.rpl\n")


def test_verdicts_are_written_for_machines_also_where_a_file_is_malformed(files: Path) -> None:
    assert main(["replay", "-j", "2", "--junit", "report.xml", "some", "bad.rpl"]) == 2
    root = ElementTree.parse("report.xml").getroot()
    assert {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")} == {
        "a.rpl": [],
        "c.rpl": ["skipped"],
        "b.rpl": ["failure"],
        "bad.rpl": ["error"],
    }


def test_a_file_that_cannot_be_read_is_one_line(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "some/folder.rpl").mkdir()
    (files / "some/zero.rpl").write_bytes(b"\0\xff")
    assert main(["replay", "some"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "resolver: some/folder.rpl: cannot be read: Is a directory"
    assert told[1] == "resolver: some/zero.rpl: no text: there are zero octets in it; write it in UTF-8"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["replay", "nowhere"], "resolver: nowhere: is not there; name .rpl files, or a folder with some"),
        (["replay", "empty"], "resolver: empty: holds no scenario; name .rpl files"),
        (["replay", "-j", "0", "some"], "'0' is not between 1 and 64"),
        (["replay", "-k", "nix", "some"], "resolver: -k: 'nix' is in no path and no title of 3 files"),
        (
            ["replay", "--junit", "no/where.xml", "some"],
            "resolver: --junit no/where.xml: stands in a folder that is not",
        ),
        (["replay", "--junit", "some", "some"], "resolver: --junit some: is a folder; name a file"),
        (["replay"], "the following arguments are required: PATH"),
    ],
)
def test_what_cannot_be_played_is_told(
    files: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    (files / "empty").mkdir()
    assert main(words) == 2
    assert told in capsys.readouterr().err
