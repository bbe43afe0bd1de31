"""Servers of others as upstreams, on loopback: each a process that the test starts, stops, halts and ends."""

from __future__ import annotations

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import IO

from resolver.message import Transport
from resolver.network.base import Endpoint
from tests.support.daemons import PATIENCE, Watched, free_port

HOST = "127.0.0.1"
PATH = "/dns-query"
"""Where both answer over HTTPS."""


class Upstream(ABC):
    """A server that answers each A in example. with its `address`: over UDP; with a certificate, over TLS and HTTPS."""

    program: str
    address: str
    starts: str
    """What it says when it answers."""

    def __init__(self, directory: Path, certificate: tuple[Path, Path] | None, path: str) -> None:
        """`path` is where the program is. It answers once it is made."""
        self.directory, self.certificate, self._path = directory, certificate, path
        directory.mkdir(exist_ok=True)
        spoken = [Transport.UDP] if certificate is None else [Transport.UDP, Transport.TLS, Transport.HTTPS]
        self.ports = {each: free_port(HOST) for each in spoken}
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def at(self, transport: Transport) -> Endpoint:
        """Where it answers."""
        return Endpoint(HOST, self.ports[transport])

    def start(self) -> None:
        """It answers, with the certificate that it has now."""
        self.begin()
        self.await_start()

    def begin(self) -> None:
        """It is starting."""
        command = self.command()
        self._process = subprocess.Popen(
            [self._path, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.directory,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._output: IO[str] = self._process.stdout
        self._said = Watched(self._output)

    def await_start(self) -> None:
        """It answers."""
        self._said.wait_for(self.starts)

    def stop(self) -> None:
        """It is gone, having had time to end."""
        if self._process is not None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                self.kill()

    def kill(self) -> None:
        """It is gone at once, as when its machine loses power."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._said.close()
            self._process = None

    def signal(self, which: signal.Signals) -> None:
        """It is told, with all that it has started; SIGSTOP makes it silent, and SIGCONT lets it go on."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, which)

    @abstractmethod
    def command(self) -> list[str]:
        """Its arguments, with the files that they name written."""


class Unbound(Upstream):
    """Debian's unbound."""

    program, address, starts = "unbound", "192.0.2.81", "start of service"

    def command(self) -> list[str]:
        lines = [
            *(f"interface: {HOST}@{port}" for port in self.ports.values()),
            *self._encrypted(),
            "access-control: 127.0.0.0/8 allow",
            'module-config: "iterator"',
            'chroot: ""',
            'username: ""',
            'pidfile: ""',
            f'directory: "{self.directory}"',
            "use-syslog: no",
            "do-daemonize: no",
            "verbosity: 1",
            "num-threads: 1",
            'local-zone: "example." redirect',
            f'local-data: "example. 300 A {self.address}"',
        ]
        path = self.directory / "unbound.conf"
        path.write_text("server:\n" + "".join(f"    {line}\n" for line in lines))
        return ["-d", "-c", str(path)]

    def _encrypted(self) -> list[str]:
        if self.certificate is None:
            return []
        certificate, key = self.certificate
        return [
            f"tls-port: {self.ports[Transport.TLS]}",
            f"https-port: {self.ports[Transport.HTTPS]}",
            f'tls-service-pem: "{certificate}"',
            f'tls-service-key: "{key}"',
        ]


class Nsd(Upstream):
    """Debian's nsd, which has authority for example. and speaks no TLS here."""

    program, address, starts = "nsd", "192.0.2.82", "nsd started"

    def command(self) -> list[str]:
        (self.directory / "zone").write_text(
            "$TTL 300\n@ SOA ns host 1 3600 900 604800 300\n@ NS ns\n"
            f"@ A {self.address}\n* A {self.address}\nns A {HOST}\n"
        )
        path = self.directory / "nsd.conf"
        path.write_text(
            f"""
server:
  ip-address: {HOST}@{self.ports[Transport.UDP]}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.directory}"
  database: ""
  pidfile: "{self.directory}/pid"
  xfrdfile: "{self.directory}/xfrd.state"
  zonelistfile: "{self.directory}/zone.list"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: example
  zonefile: zone
"""
        )
        return ["-d", "-c", str(path)]


class Kresd(Upstream):
    """Debian's knot-resolver."""

    program, address, starts = "kresd", "192.0.2.80", "^it answers"

    def command(self) -> list[str]:
        path = self.directory / "kresd.conf"
        answer = f"[kres.type.A] = {{ rdata = kres.str2ip('{self.address}'), ttl = 300 }}"
        path.write_text(
            f"""
trust_anchors.remove('.')
modules.unload('priming')
modules.unload('ta_update')
modules.unload('ta_signal_query')
cache.size = 10*MB
net.ipv6 = false
net.listen('{HOST}', {self.ports[Transport.UDP]})
{self._encrypted()}
policy.add(policy.all(policy.ANSWER({{ {answer} }})))
event.after(0, function() io.stdout:write('it answers\\n') io.stdout:flush() end)
"""
        )
        return ["-n", "-q", "-c", str(path), str(self.directory)]

    def _encrypted(self) -> str:
        if self.certificate is None:
            return ""
        certificate, key = self.certificate
        return f"""
net.listen('{HOST}', {self.ports[Transport.TLS]}, {{ kind = 'tls' }})
net.listen('{HOST}', {self.ports[Transport.HTTPS]}, {{ kind = 'doh2' }})
net.tls('{certificate}', '{key}')
"""
