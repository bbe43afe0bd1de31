"""Decides who serves the zone that the resolvers under test ask: nsd when it is installed, else our own daemon.

Either is a process of its own, on the core of the load, so that no resolver pays for it. nsd also counts the
queries that it gets: a second witness of what the resolvers say of themselves.

Limits: one zone, `ZONE`, in which a wildcard answers any name with one A record for an hour.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.machine import Process, find, free_port
from tests.bench.own import environ
from tests.bench.probe import await_answer

ZONE: Final = "example.com"
HOST: Final = "127.53.0.2"

ZONE_FILE: Final = """\
$TTL 3600
@ SOA ns1 host 1 3600 900 604800 3600
@ NS ns1
ns1 A 127.53.0.2
* A 192.0.2.2
"""

NSD: Final = """\
server:
  ip-address: {host}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  pidfile: "{directory}/pid"
  xfrdfile: "{directory}/xfrd.state"
  zonelistfile: "{directory}/zone.list"
  # It answers one client, very often; without this line it would drop most of that as an attack.
  rrl-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "{directory}/control"
zone:
  name: {zone}
  zonefile: zone
"""

HIERARCHY: Final = """\
[zone."."]
[[server]]
name = "a.root.example"
address = "127.53.0.1"
zones = ["."]

[zone."{zone}"]
records = ["* A 192.0.2.2"]
[[server]]
name = "ns1.{zone}"
address = "{host}"
zones = ["{zone}"]
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """A server of `ZONE` that answers at `HOST` and `port`."""

    kind: str
    port: int
    directory: Path

    def queries(self) -> int | None:
        """How many queries it has had; None when it does not count them."""
        control = find("nsd-control")
        if self.kind != "nsd" or control is None:
            return None
        argv = [control, "-c", str(self.directory / "nsd.conf"), "stats_noreset"]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout
        found = re.search(r"^num\.queries=(\d+)", said, re.MULTILINE)
        return None if found is None else int(found[1])


@contextmanager
def authority(work: Path, core: int) -> Iterator[Authority]:
    """A server of `ZONE` that answers already. Raises `Unusable`."""
    directory = work / "authority"
    directory.mkdir()
    port = free_port()
    nsd = find("nsd")
    if nsd is not None:
        (directory / "zone").write_text(ZONE_FILE)
        conf = directory / "nsd.conf"
        conf.write_text(NSD.format(host=HOST, port=port, directory=directory, zone=ZONE))
        argv, environment = [nsd, "-d", "-c", str(conf)], None
    else:
        (directory / "hierarchy.toml").write_text(HIERARCHY.format(host=HOST, zone=ZONE))
        front = f"127.0.0.1:{free_port()}"
        argv = [sys.executable, "-m", "resolver", "serve", "--world", str(directory), "--listen", front]
        environment = environ(directory, RESOLVER_WORLD__PORT=str(port))
    with Process(argv, core, directory / "log", environment) as process:
        await_answer(process, f"www.{ZONE}", port, HOST)
        yield Authority("resolverd" if nsd is None else "nsd", port, directory)
