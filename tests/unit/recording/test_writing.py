from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from resolver.auth import declaration
from resolver.auth.shipped import load_world
from resolver.errors import ConfigError
from resolver.message import Class, RRset
from resolver.recording import playing
from resolver.recording.drawn import DrawnZone
from resolver.recording.recorder import Recording
from resolver.wire import names
from tests.support.recordings import recorded


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded(load_world(), ["www.example.net", "www.example.com", "example.com MX", "Example.COM TXT"])


def listing(directory: Path) -> dict[str, str]:
    """The files of the directory, hidden ones included, and what is in them."""
    return {each.relative_to(directory).as_posix(): each.read_text() for each in directory.rglob("*") if each.is_file()}


def test_every_file_says_what_it_is_and_when_it_was_so(recording: Recording, tmp_path: Path) -> None:
    recording.write(tmp_path / "zones")
    for text in listing(tmp_path / "zones").values():
        first = text.splitlines()[0]
        assert first[0] in "#;"
        assert "ecorded by resolverd" in first
        assert "2026-01-01T00:00:00Z" in first
    head = (tmp_path / "zones/hierarchy.toml").read_text().partition("\n\n")[0]
    assert "# www.example.net. A: NOERROR\n# www.example.com. A: NOERROR, secure" in head


def test_keys_that_ours_take_the_place_of_stand_in_comments(recording: Recording, tmp_path: Path) -> None:
    recording.write(tmp_path / "zones")
    text = (tmp_path / "zones/example.com.zone").read_text()
    assert text.count(";   DS ") == 1
    assert text.count(";   DNSKEY 25") == 2
    assert ";   DNSKEY" not in (tmp_path / "zones/example.net.zone").read_text()


def test_the_same_servers_are_written_alike_whoever_of_them_was_asked(recording: Recording, tmp_path: Path) -> None:
    recording.write(tmp_path / "one")
    recorded(load_world(), ["www.example.net", "www.example.com", "example.com MX", "Example.COM TXT"], seed=99).write(
        tmp_path / "two"
    )
    assert listing(tmp_path / "one") == listing(tmp_path / "two")


def test_a_recording_is_replaced_with_force_alone(recording: Recording, tmp_path: Path) -> None:
    directory = tmp_path / "zones"
    recording.write(directory)
    before = listing(directory)
    (directory / "extra.zone").write_text("; of an earlier recording\n")
    with pytest.raises(ConfigError, match="holds a recording; replace it with --force"):
        recording.write(directory)
    recording.write(directory, force=True)
    assert listing(directory) == before


@pytest.mark.parametrize("file", ["hierarchy.toml", "thesis.txt"])
def test_what_is_no_recording_is_never_replaced(recording: Recording, file: str, tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / file).write_text("mine\n")
    with pytest.raises(ConfigError, match="holds what is no recording"):
        recording.write(tmp_path / "zones", force=True)
    assert listing(tmp_path) == {f"zones/{file}": "mine\n"}


def test_a_file_in_the_way_is_left_alone(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "zones").write_text("mine\n")
    with pytest.raises(ConfigError, match="is no directory"):
        recording.write(tmp_path / "zones", force=True)


def test_an_empty_directory_is_written_to(recording: Recording, tmp_path: Path) -> None:
    assert recording.write(tmp_path) == []
    assert (tmp_path / "hierarchy.toml").is_file()


def test_nothing_is_left_of_a_world_that_cannot_be_used(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "zones"
    recording.write(directory)
    before = listing(tmp_path)

    def fail(*_: object) -> list[str]:
        raise OSError("no room")

    monkeypatch.setattr(playing, "differences", fail)
    with pytest.raises(OSError, match="no room"):
        recording.write(directory, force=True)
    assert listing(tmp_path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["zones"]


def test_what_is_played_back_otherwise_is_told(recording: Recording, tmp_path: Path) -> None:
    drawn = replace(recording.drawn, zones=dict(recording.drawn.zones))
    apex = names.from_text("example.net")
    records = {key: each for key, each in drawn.zones[apex].records.items() if key[1] != 1}
    drawn.zones[apex] = DrawnZone(apex, records)
    told = replace(recording, drawn=drawn).write(tmp_path / "zones")
    assert told == ["www.example.net. A is played back otherwise: NOERROR became NXDOMAIN"]


def test_names_that_are_no_names_of_files_get_some(recording: Recording, tmp_path: Path) -> None:
    drawn = replace(recording.drawn, zones=dict(recording.drawn.zones))
    odd = [
        b"\x03a/b\4test\0",
        b"\x03a-b\4test\0",
        b"\x01\n\4test\0",
        b"\x02..\4test\0",
        (b"\x3f" + b"\1" * 63) * 3 + b"\0",
    ]
    for apex in odd:
        drawn.zones[apex] = DrawnZone(apex)
        drawn.zones[apex].put(RRset(apex, 16, Class.IN, 7, (b'\x03\n"\\', b"\x01;")))
    replace(recording, drawn=drawn).write(tmp_path / "zones")
    declared = declaration.read(tmp_path / "zones", pytest.fail)
    files = [declared.zones[apex].file for apex in odd]
    assert len({file and file.name for file in files}) == len(odd)
    assert all(file is not None and file.parent == tmp_path / "zones" for file in files)


def test_what_no_master_file_can_say_is_a_comment_and_told(recording: Recording, tmp_path: Path) -> None:
    drawn = replace(recording.drawn, zones=dict(recording.drawn.zones))
    apex = names.from_text("example.net")
    drawn.zones[apex] = replace(drawn.zones[apex], records=dict(drawn.zones[apex].records))
    drawn.zones[apex].put(RRset(names.from_text("www.example.net"), 1, Class.IN, 7, (b"\1\2\3",)))
    told = replace(recording, drawn=drawn).write(tmp_path / "zones")
    assert told == ["www.example.net. A is played back otherwise: NOERROR became NXDOMAIN"]
    text = (tmp_path / "zones/example.net.zone").read_text()
    assert "; www.example.net. 7 IN A 010203 ; no master file can say this" in text
