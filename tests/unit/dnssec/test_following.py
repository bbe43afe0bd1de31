"""What is kept of the keys that are followed, and when they are asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from resolver.dnssec.anchors import Anchor
from resolver.dnssec.following import Following, state_file
from resolver.dnssec.rollover import DAY, Change, State
from resolver.errors import ConfigError
from resolver.wire import names
from tests.support.ksk import KeySet, SigningKey

NOW = 1_790_000_000.0
ZONE = names.from_text("example.")
OLD, NEW = SigningKey(1), SigningKey(2)
OTHER = SigningKey(7, "other.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "root.key"
    path.write_text("".join(f"{line}\n" for line in Anchor(ZONE, ds=(OLD.ds,)).lines()))
    return path


def shown(following: Following, made: KeySet, wall: float) -> tuple[Change, ...]:
    return following.seen(made.rrset, made.signatures, wall)


def test_what_is_known_outlives_the_process(file: Path) -> None:
    following = Following.begin(file, NOW)
    assert following.anchors == {ZONE: Anchor(ZONE, ds=(OLD.ds,))}
    changes = shown(following, KeySet([OLD, NEW], [OLD], NOW), NOW)
    assert set(changes) == {Change(OLD.public(), State.VALID), Change(NEW.public(), State.PENDING)}
    following.saving()()
    again = Following.begin(file, NOW + DAY)
    assert again.anchors == following.anchors == {ZONE: Anchor(ZONE, (), (OLD.public(),))}
    assert again.next_at == following.next_at
    later = NOW + 30 * DAY
    assert shown(again, KeySet([OLD, NEW], [OLD], later), later) == (Change(NEW.public(), State.VALID),)
    again.saving()()
    assert set(Following.begin(file, later).anchors[ZONE].dnskeys) == {OLD.public(), NEW.public()}


def test_the_file_of_a_person_is_never_written_and_nothing_is_left_beside_the_state(file: Path) -> None:
    before = file.read_text()
    following = Following.begin(file, NOW)
    shown(following, KeySet([OLD], [OLD], NOW), NOW)
    following.saving()()
    following.saving()()
    assert file.read_text() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["root.key", "root.key.state"]


def test_a_key_that_was_revoked_is_not_believed_again_at_the_next_start(file: Path) -> None:
    following = Following.begin(file, NOW)
    shown(following, KeySet([OLD], [OLD], NOW, revoked=(OLD,)), NOW)
    following.saving()()
    again = Following.begin(file, NOW)
    assert again.anchors == {}
    assert list(again.zones) == [ZONE], "what is built in for it does not count again"


def test_the_zone_that_is_due_first_is_asked_next(file: Path) -> None:
    with file.open("a") as opened:
        opened.writelines(f"{line}\n" for line in Anchor(names.from_text("other."), ds=(OTHER.ds,)).lines())
    following = Following.begin(file, NOW)
    assert following.next_at <= NOW, "at once"
    shown(following, KeySet([OLD], [OLD], NOW), NOW)
    assert following.next_zone == names.from_text("other.")
    following.failed(following.next_zone, NOW)
    assert (following.next_zone, following.next_at) == (names.from_text("other."), NOW + 3600)
    shown(following, KeySet([OTHER], [OTHER], NOW + 3600, ttl=30 * 86400, lasts=30 * DAY), NOW + 3600)
    assert (following.next_zone, following.next_at) == (ZONE, NOW + DAY / 2)


def test_a_zone_that_is_not_configured_any_more_is_not_followed_any_more(file: Path) -> None:
    following = Following.begin(file, NOW)
    shown(following, KeySet([OLD], [OLD], NOW), NOW)
    following.saving()()
    file.write_text("".join(f"{line}\n" for line in Anchor(names.from_text("other."), ds=(OTHER.ds,)).lines()))
    assert list(Following.begin(file, NOW).zones) == [names.from_text("other.")]


def test_a_clock_that_was_wrong_once_does_not_put_off_the_next_question(file: Path) -> None:
    following = Following.begin(file, NOW + 36500 * DAY)
    following.failed(ZONE, NOW + 36500 * DAY)
    following.saving()()
    assert Following.begin(file, NOW).next_at <= NOW + 15 * DAY


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": 2, "zones": []}',
        b'{"format": 1, "zones": [5]}',
        b'{"format": 1, "zones": 5}',
        b'{"format": 1, "zones": [{"zone": 5}]}',
        b"[" * 5000,
        b" " * ((1 << 20) + 1),
    ],
    ids=range(10),
)
def test_a_state_that_cannot_be_read_is_an_error_and_no_beginning(file: Path, octets: bytes) -> None:
    state_file(file).write_bytes(octets)
    with pytest.raises(ConfigError) as caught:
        Following.begin(file, NOW)
    told = str(caught.value)
    assert told.startswith(f"{file}.state: is no state of trust anchors (")
    assert told.endswith(f"; remove it to begin again from {file}")
    assert told.isprintable()
    assert len(told) < 400


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "believed"), ("since", "yesterday"), ("due", 5), ("dnskey", "257 3 15 !"), ("dnskey", "385 3 15 AA==")],
)
def test_each_field_of_a_key_that_is_wrong_is_found(file: Path, key: str, value: object) -> None:
    following = Following.begin(file, NOW)
    shown(following, KeySet([OLD], [OLD], NOW), NOW)
    following.saving()()
    data = json.loads(state_file(file).read_text())
    data["zones"][0]["keys"][0][key] = value
    state_file(file).write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="is no state of trust anchors"):
        Following.begin(file, NOW)


def test_a_state_that_cannot_be_opened_is_named(file: Path) -> None:
    state_file(file).mkdir()
    with pytest.raises(ConfigError, match=r"root\.key\.state: cannot be read: Is a directory; let the daemon"):
        Following.begin(file, NOW)


def test_what_stood_there_stays_when_it_cannot_be_written(file: Path) -> None:
    following = Following.begin(file, NOW)
    shown(following, KeySet([OLD], [OLD], NOW), NOW)
    following.saving()()
    before = state_file(file).read_text()
    (file.parent / f"root.key.state.{os.getpid()}").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        following.saving()()
    assert state_file(file).read_text() == before
