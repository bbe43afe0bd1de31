"""Decides which resolvers are compared, and how each is set up: alike, on one thread, with nothing to validate.

Both ask the one authority of `authority.py` for its zone, as a stub zone, and know no other server that they could
reach: no packet leaves the machine. What is not named here is at each program's own default.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench import authority
from tests.bench.authority import Authority
from tests.bench.machine import HOST, Process, Unusable, find, free_port
from tests.bench.own import environ
from tests.bench.probe import await_answer

HINTS: Final = """\
. 3600000 NS a.root-servers.test.
a.root-servers.test. 3600000 A 127.53.0.1
"""

RESOLVERD: Final = """\
[server]
listen = ["{host}:{port}"]
[resolver]
roots = "file"
hints_file = "hints"
stub_zones = {{ "{zone}" = ["{upstream}:{upstream_port}"] }}
[log]
level = "warning"
"""

UNBOUND: Final = """\
server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: "{directory}/pid"
  use-syslog: no
  interface: {host}@{port}
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  module-config: "iterator"
  root-hints: "hints"
  num-queries-per-thread: 4096
  outgoing-range: 8192
  msg-cache-size: 64m
  rrset-cache-size: 128m
  incoming-num-tcp: 200
stub-zone:
  name: {zone}
  stub-addr: {upstream}@{upstream_port}
remote-control:
  control-enable: yes
  control-use-cert: no
  control-interface: "{directory}/control"
"""


class Counts(NamedTuple):
    """What a resolver says of itself: responses from its store, and queries that it sent or had to send."""

    stored: int
    upstream: int


@dataclass(frozen=True, slots=True)
class Running:
    """A resolver that answers at `port`."""

    process: Process
    port: int
    counts: Callable[[], Counts]


@dataclass(frozen=True, slots=True)
class Arena:
    """Where resolvers run: a directory, their core and that of the load, and the authority that they ask."""

    work: Path
    core: int
    load_core: int
    authority: Authority

    def fill(self, template: str, directory: Path, port: int) -> str:
        """`template` with the places of this run."""
        return template.format(
            directory=directory, host=HOST, port=port, zone=authority.ZONE,
            upstream=authority.HOST, upstream_port=self.authority.port,
        )  # fmt: skip


Start = Callable[[Arena], AbstractContextManager[Running]]


@contextmanager
def resolverd(arena: Arena) -> Iterator[Running]:
    """Our daemon with a stub zone and an empty cache."""
    directory = _directory(arena, "resolverd")
    port = free_port()
    config = directory / "resolver.toml"
    config.write_text(arena.fill(RESOLVERD, directory, port))
    environment = environ(directory)
    command = [sys.executable, "-m", "resolver"]

    def counts() -> Counts:
        said = json.loads(_told([*command, "stats", "--json", "--config", str(config)], environment))
        return Counts(said["answers.stored"], said["upstream.sent"])

    with Process([*command, "serve", "--config", str(config)], arena.core, directory / "log", environment) as process:
        await_answer(process, f"www.{authority.ZONE}", port)
        yield Running(process, port, counts)


@contextmanager
def unbound(arena: Arena) -> Iterator[Running]:
    """Unbound with the same stub zone, one thread, the iterator alone (no validation), and an empty cache."""
    directory = _directory(arena, "unbound")
    port = free_port()
    config = directory / "unbound.conf"
    config.write_text(arena.fill(UNBOUND, directory, port))
    control = [find("unbound-control") or "unbound-control", "-c", str(config), "stats_noreset"]

    def counts() -> Counts:
        said = dict(re.findall(r"^total\.num\.(cachehits|cachemiss)=(\d+)", _told(control, None), re.MULTILINE))
        return Counts(int(said["cachehits"]), int(said["cachemiss"]))

    argv = [find("unbound") or "unbound", "-d", "-c", str(config)]
    with Process(argv, arena.core, directory / "log") as process:
        await_answer(process, f"www.{authority.ZONE}", port)
        yield Running(process, port, counts)


@contextmanager
def shipped(work: Path, core: int) -> Iterator[tuple[Process, float]]:
    """Our daemon with the shipped world and no configuration, and the seconds from its exec to its first answer."""
    directory = _new_directory(work, "shipped")
    port = free_port()
    argv = [sys.executable, "-m", "resolver", "serve", "--listen", f"{HOST}:{port}"]
    began = time.perf_counter()
    with Process(argv, core, directory / "log", environ(directory)) as process:
        yield process, await_answer(process, "www.example.com", port) - began


def _directory(arena: Arena, name: str) -> Path:
    directory = _new_directory(arena.work, name)
    (directory / "hints").write_text(HINTS)
    return directory


def _new_directory(work: Path, name: str) -> Path:
    number = sum(1 for _ in work.glob(f"{name}-*"))
    directory = work / f"{name}-{number}"
    directory.mkdir()
    return directory


def _told(argv: list[str], environment: dict[str, str] | None) -> str:
    """What a control command prints. Raises `Unusable`."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=15, check=False, env=environment)
    if done.returncode:
        raise Unusable(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
