"""Who may reach a Unix socket."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from resolver.errors import ControlError
from resolver.network import unix

pytestmark = pytest.mark.sockets


def test_only_the_owner_can_connect(tmp_path: Path) -> None:
    path = tmp_path / "made" / "control.sock"
    before = os.umask(0)
    try:
        with unix.listen(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_what_a_dead_daemon_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    unix.listen(path).close()
    assert path.is_socket()
    with unix.listen(path), unix.connect(path, 1):
        pass


def test_a_socket_that_is_listened_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with unix.listen(path) as listener:
        with pytest.raises(ControlError, match="another daemon listens on"):
            unix.listen(path)
        with unix.connect(path, 1):
            listener.accept()[0].close()


def test_a_socket_whose_backlog_is_full_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    waiting = []
    with unix.listen(path):
        for _ in range(unix.BACKLOG + 1):
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            waiting[-1].connect(str(path))
        with pytest.raises(ControlError, match="another daemon listens on"):
            unix.listen(path)
    for one in waiting:
        one.close()


def test_a_file_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("x")
    with pytest.raises(ControlError, match=r"is no socket; remove it or set control\.path"):
        unix.listen(path)
    assert path.read_text() == "x"


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match=r"^cannot make .*/file/control\.sock: "):
        unix.listen(tmp_path / "file" / "control.sock")


def test_a_path_that_does_not_fit_is_told(tmp_path: Path) -> None:
    for ask in (unix.listen, lambda path: unix.connect(path, 1)):
        with pytest.raises(ControlError, match=r"set control\.path to a shorter one"):
            ask(tmp_path / ("x" * unix.MAX_PATH))


def test_connecting_to_nobody_says_how_to_start_somebody(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    for _ in range(2):
        with pytest.raises(ControlError, match=r"no daemon listens on .*; start it with `resolver serve`"):
            unix.connect(path, 1)
        unix.listen(path).close()


def test_connecting_where_one_may_not_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match="cannot connect to"):
        unix.connect(tmp_path / "file" / "x", 1)
