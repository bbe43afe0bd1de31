"""Decides where the processes of a run live and what they cost: cores, free ports, CPU time, memory, their end.

Rules
* The server under test has a core to itself; the load and the authorities share another. On one core they share it,
  and the report says so.
* CPU time is that of the kernel's own clock of the process (user and system, nanoseconds), not that of a stopwatch:
  it stays right when other programs take their share of the machine.
* What is started gets a session of its own. Its members are counted together, so that a server of several processes
  shows all that it costs, and only they are ended.

Limits: Linux only. Memory shared by the processes of one session is counted once for each of them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import clock_gettime_ns
from typing import Final

HOST: Final = "127.0.0.1"
PACKAGES: Final = {
    "dnsperf": "dnsperf",
    "h2load": "nghttp2-client",
    "nsd": "nsd",
    "openssl": "openssl",
    "unbound": "unbound",
    "kresd": "knot-resolver",
    "pdns_recursor": "pdns-recursor",
    "named": "bind9",
    "dnsdist": "dnsdist",
    "dnsmasq": "dnsmasq",
}
"""The Debian package of each program that a run can use."""

END_S: Final = 6.0
"""Time that a process has to end when it is told to; then it is killed."""

_SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_CPU_SCHED: Final = 2
"""The kernel's name for the CPU clock of a process, of which `clock_getcpuclockid(3)` makes a clock id."""


class Unusable(Exception):
    """A measurement that could not be taken; its text says why."""


class Absent(Unusable):
    """One that cannot be taken here, whatever happens: something is not there."""


def find(program: str) -> str | None:
    """The path of `program`, also where servers are installed that are not on every user's PATH."""
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


def cores() -> tuple[int, int]:
    """The core of the server under test and that of everything else."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Processes that are started inside run on `core` only, from their first instruction."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port that is free on every IPv4 address of this machine, for UDP and for TCP."""
    for _ in range(64):
        with ExitStack() as stack:
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp.bind(("", 0))
            port: int = udp.getsockname()[1]
            with suppress(OSError):
                tcp.bind(("", port))
                return port
    raise Unusable("no port is free for both UDP and TCP")


class Process:
    """A program that runs from construction until `stop`; use it with `with`."""

    def __init__(self, argv: Sequence[str], core: int, log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.log = log
        self._program = argv[0]
        with pinned(core), log.open("ab") as output:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=log.parent,
                env=environ,
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """Raises `Unusable`, with its last words, when the program has ended."""
        if self._child.poll() is not None:
            said = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise Unusable(f"{self._program} ended with {self._child.returncode}: {said[-1]}")

    def cpu_seconds(self) -> float:
        """User and system time that the program has taken so far, all its living processes together."""
        return sum(clock_gettime_ns((~pid << 3) | _CPU_SCHED) for pid in self._members()) / 1e9

    def resident_mib(self) -> float:
        """Resident memory (VmRSS)."""
        return sum(_resident_kib(pid) for pid in self._members()) / 1024

    def signal(self, which: signal.Signals) -> None:
        """All its living processes have been told."""
        for pid in self._members():
            with suppress(ProcessLookupError):
                os.kill(pid, which)

    def stop(self) -> None:
        """The program has ended, by itself within `END_S` or by force."""
        started = set(self._members())
        if self._child.poll() is None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(END_S)
        for pid in started.intersection(self._members()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._child.wait()

    def _members(self) -> list[int]:
        """The living processes of the session that this program leads."""
        return [int(each) for each in os.listdir("/proc") if each.isdigit() and _session(each) == self._child.pid]


def _session(pid: str) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, _, _, session = stat.rpartition(")")[2].split()[:4]
    return None if state == "Z" else int(session)


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
