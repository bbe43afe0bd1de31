"""Where rates are measured: the daemon as a process on loopback, an authority beside it, and silent sockets.

Rules: nothing leaves 127.0.0.0/8, every port is one that the kernel gave, and all is ended with the `with` block. The
zones are stub zones, because what a daemon finds through the DNS it asks on port 53. A hostile signed zone has a trust
anchor of its own, so that nothing is validated but that.

Limits: Linux (the memory of the daemon is read from /proc).
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.robustness.keytrap import TRAPS, ds_text
from tests.support.daemons import PATIENCE, ROOT, Daemon, environment

AUTHORITY: Final = "127.0.0.2"
SILENT: Final = ("127.0.0.3", "127.0.0.4")
HOSTILE: Final = ("127.0.0.5", "127.0.0.6")
SILENT_ZONES: Final = tuple(f"silent{number}" for number in range(4))
GOOD_ZONES: Final = tuple(f"good{number}" for number in range(4))

_CONFIG: Final = """\
[server]
listen = ["127.0.0.1:0"]
[resolver]
roots = "file"
hints_file = "hints"
[resolver.stub_zones]
{stubs}
[cache]
size_mb = {cache_mb}
[dnssec]
trust_anchors = [{anchors}]
"""
ANCHORS: Final = 16
"""DS of a hostile zone that are believed, the true one among them: a configuration lists no more."""

_CPU_SCHED: Final = 2
"""The kernel's name for the CPU clock of a process, of which `clock_getcpuclockid(3)` makes a clock id."""


@dataclass(frozen=True, slots=True)
class Arena:
    """A daemon that answers at `at`."""

    daemon: Daemon
    at: tuple[str, int]

    def cpu_seconds(self) -> float:
        """User and system time that the daemon has taken, with all its threads."""
        return time.clock_gettime((~self.daemon.pid << 3) | _CPU_SCHED)

    def resident(self) -> int:
        """Octets of memory that the daemon has (VmRSS)."""
        for line in Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS: is this Linux?")


@contextlib.contextmanager
def _authority(directory: Path, *arguments: str) -> Iterator[int]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.robustness.authority", *arguments],
        cwd=ROOT,
        env=environment(directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.communicate(timeout=PATIENCE)  # its standard input ends, and so does it


@contextlib.contextmanager
def _silence(host: str) -> Iterator[int]:
    """A port at which datagrams vanish, and connections are made by the kernel that nobody ever answers."""
    with socket.socket(socket.AF_INET) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind((host, 0))
        udp.bind(tcp.getsockname())
        tcp.listen(4096)
        yield tcp.getsockname()[1]


@contextlib.contextmanager
def arena(*, cache_mb: int = 64, trap: str | None = None, more: str = "") -> Iterator[Arena]:
    """A daemon with an empty cache of `cache_mb`; every good zone is answered, no silent one ever is. `evil` is that
    `trap`, at two servers. `more` are further sections of its configuration."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="robustness-")))
        port = stack.enter_context(_authority(directory, AUTHORITY))
        silent = [f"{host}:{stack.enter_context(_silence(host))}" for host in SILENT]
        stubs = [f'"{zone}" = ["{AUTHORITY}:{port}"]' for zone in GOOD_ZONES]
        stubs += [f'"{zone}" = ["{silent[0]}", "{silent[1]}"]' for zone in SILENT_ZONES]
        anchors = []
        if trap is not None:
            evil = [f"{host}:{stack.enter_context(_authority(directory, host, trap))}" for host in HOSTILE]
            stubs.append(f'"evil" = ["{evil[0]}", "{evil[1]}"]')
            anchors = [f'"evil. IN {ds_text(ds)}"' for ds in TRAPS[trap].trap.ds[-ANCHORS:]]
        (directory / "hints").write_text(". 3600000 NS a.nowhere.\na.nowhere. 3600000 A 127.0.0.9\n")
        config = directory / "resolver.toml"
        text = _CONFIG.format(stubs="\n".join(stubs), cache_mb=cache_mb, anchors=", ".join(anchors))
        config.write_text(text + more)
        daemon = Daemon(directory, "--config", str(config))
        stack.callback(daemon.kill)
        yield Arena(daemon, (daemon.host, daemon.port))
