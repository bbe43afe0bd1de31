"""The process of a daemon: known to answer, known to have ended, and gone at the end."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from pathlib import Path

import pytest

from resolver.network.base import Endpoint
from resolver.testing.blackbox import daemon
from resolver.testing.blackbox.daemon import Daemon, NotStarted
from tests.support.daemons import free_port

pytestmark = pytest.mark.sockets

ECHO = """
import os, signal, socket, subprocess, sys
port, stubborn = int(sys.argv[1]), sys.argv[2] == "stubborn"
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
print(f"child {child.pid}", flush=True)
listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listening.bind(("127.0.0.1", port))
while True:
    wire, source = listening.recvfrom(4096)
    listening.sendto(wire[:2] + bytes([wire[2] | 0x80]) + wire[3:], source)
"""
"""A daemon that answers anything with the question, and has a child."""


def started(directory: Path, *command: str, port: int = 0) -> Daemon:
    return Daemon([sys.executable, "-c", *command], Endpoint("127.0.0.1", port), directory)


@pytest.mark.parametrize("manner", ["polite", "stubborn"])
def test_a_daemon_that_answered_is_gone_at_the_end_with_its_children(
    tmp_path: Path, manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "ENDS_S", 0.2)
    port = free_port()
    running = started(tmp_path, ECHO, str(port), manner, port=port)
    try:
        asyncio.run(running.answers())
        assert running.ended() is None
        child = os.pidfd_open(int(running.log()[0].split()[1]))
    finally:
        running.stop()
    assert running.ended() is not None
    assert _ends(child)
    running.stop()


def _ends(process: int) -> bool:
    """Whether the process of that descriptor ends: on a busy machine who is killed is gone when its turn comes."""
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


def test_one_that_ends_or_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = started(tmp_path, "import sys; print('no such option'); sys.exit(3)", port=free_port())
    with pytest.raises(NotStarted, match=r"^the daemon ended with exit code 3 before it answered$"):
        asyncio.run(ending.answers())
    assert ending.log() == ["no such option"]
    ending.stop()
    monkeypatch.setattr(daemon, "STARTS_S", 0.2)
    port = free_port()
    silent = started(tmp_path, "import time; time.sleep(600)", port=port)
    with pytest.raises(NotStarted, match=rf"^the daemon does not answer at 127.0.0.1:{port} after 0 s$"):
        asyncio.run(silent.answers())
    silent.stop()
    assert silent.ended() == "the daemon was ended by SIGTERM"


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match=r"^/no/such/program cannot be started: No such file or directory$"):
        Daemon(["/no/such/program"], Endpoint("127.0.0.1", 53), tmp_path)


def test_the_log_that_is_shown_has_a_bound(tmp_path: Path) -> None:
    loud = started(tmp_path, "for each in range(100): print(each)", port=free_port())
    with pytest.raises(NotStarted):
        asyncio.run(loud.answers())
    assert loud.log() == [str(each) for each in range(100 - daemon.LOG_LINES, 100)]
