"""Resolvers of others as upstreams over TLS and HTTPS, on loopback: each a process that the test starts and ends."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO

from resolver.message import Transport
from resolver.network.base import Endpoint
from tests.support.daemons import PATIENCE, Watched, free_port

HOST = "127.0.0.1"
PATH = "/dns-query"
"""Where both answer over HTTPS."""


class Upstream(ABC):
    """A resolver that answers each A in example. with its `address`, over TLS and over HTTPS."""

    program: str
    address: str
    starts: str
    """What it says when it answers."""

    def __init__(self, directory: Path, certificate: tuple[Path, Path], path: str) -> None:
        """`path` is where the program is. It answers once it is made."""
        self.directory, self.certificate, self._path = directory, certificate, path
        directory.mkdir(exist_ok=True)
        self.ports = {Transport.TLS: free_port(HOST), Transport.HTTPS: free_port(HOST)}
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
            [self._path, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory
        )
        assert self._process.stdout is not None
        self._output: IO[str] = self._process.stdout
        self._said = Watched(self._output)

    def await_start(self) -> None:
        """It answers."""
        self._said.wait_for(self.starts)

    def stop(self) -> None:
        """It is gone."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                self._process.kill()
                self._process.wait()
                self._said.close()
                self._process = None

    @abstractmethod
    def command(self) -> list[str]:
        """Its arguments, with the files that they name written."""


class Unbound(Upstream):
    """Debian's unbound."""

    program, address, starts = "unbound", "192.0.2.81", "start of service"

    def command(self) -> list[str]:
        certificate, key = self.certificate
        lines = [
            *(f"interface: {HOST}@{port}" for port in self.ports.values()),
            f"tls-port: {self.ports[Transport.TLS]}",
            f"https-port: {self.ports[Transport.HTTPS]}",
            f'tls-service-pem: "{certificate}"',
            f'tls-service-key: "{key}"',
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


class Kresd(Upstream):
    """Debian's knot-resolver."""

    program, address, starts = "kresd", "192.0.2.80", "^it answers"

    def command(self) -> list[str]:
        certificate, key = self.certificate
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
net.listen('{HOST}', {self.ports[Transport.TLS]}, {{ kind = 'tls' }})
net.listen('{HOST}', {self.ports[Transport.HTTPS]}, {{ kind = 'doh2' }})
net.tls('{certificate}', '{key}')
policy.add(policy.all(policy.ANSWER({{ {answer} }})))
event.after(0, function() io.stdout:write('it answers\\n') io.stdout:flush() end)
"""
        )
        return ["-n", "-q", "-c", str(path), str(self.directory)]
