"""The daemon as people run it: a process of its own, started, watched, told things by signals and ended.

Nothing here sleeps: what the daemon writes is read by threads, and a test waits for a line of it.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 30.0
"""Seconds in which what must happen has happened, also on a machine that is busy."""

ANSWERS_AT: Final = re.compile(r"^  (\S+):(\d+)  UDP and TCP$", re.MULTILINE)
TROUBLE: Final = re.compile(r"Traceback|Warning:|internal_error|Exception ignored|level=error|\"error\"")
"""What must never stand in the log of a healthy daemon."""


class Watched:
    """Text that a thread reads as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._news = threading.Condition()
        self._text = io.StringIO()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            with self._news:
                self._text.write(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def text(self) -> str:
        """All that has come."""
        with self._news:
            return self._text.getvalue()

    def wait_for(self, pattern: str, after: int = 0) -> re.Match[str]:
        """The first match behind the first `after` characters. Fails when the text ends, or never comes, without it."""
        wanted = re.compile(pattern, re.MULTILINE)
        found: list[re.Match[str]] = []

        def come() -> bool:
            match = wanted.search(self._text.getvalue(), after)
            found.extend([match] if match else [])
            return bool(match) or self._ended

        with self._news:
            self._news.wait_for(come, PATIENCE)
        assert found, f"no {pattern!r} in: {self.text}"
        return found[0]

    def close(self) -> None:
        """Nothing more is read."""
        self._thread.join(PATIENCE)
        self._stream.close()


def environment(directory: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of programs under test: of that of the tests, where programs are and `RESOLVER_PURE`."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "RESOLVER_PURE": os.environ.get("RESOLVER_PURE", ""),
        "PYTHONPATH": str(ROOT),
        "XDG_RUNTIME_DIR": str(directory),
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        **(more or {}),
    }


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that is free for UDP and TCP, and below those that the kernel hands out to whoever asks."""
    for port in random.sample(range(10_000, 30_000), 100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind((host, port))
                tcp.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def run_resolver(
    directory: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command of `resolver` came to, run in `directory`."""
    return subprocess.run(
        [sys.executable, "-m", "resolver", *arguments],
        cwd=directory,
        env=environment(directory, environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class Daemon:
    """`resolver serve` as a process that answers at `host` and `port`."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        inside: Sequence[str] = (),
    ) -> None:
        """It has started. `inside` is a command that runs another one somewhere else, such as unshare."""
        self.directory = directory
        self.environ = dict(environ or {})
        self._process = subprocess.Popen(
            [*inside, sys.executable, "-W", "default", "-m", "resolver", "serve", *arguments],
            cwd=directory,
            env=environment(directory, environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.out, self.log = Watched(self._process.stdout), Watched(self._process.stderr)
        try:
            self.log.wait_for(r"\bevent\W+started\b")
            self.out.wait_for(r"^  nslookup .*\n")
            self.out.wait_for(r"^  nslookup .*\n")
            self.listening = [(host.strip("[]"), int(port)) for host, port in ANSWERS_AT.findall(self.out.text)]
            self.host, self.port = self.listening[0]
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def signal(self, which: signal.Signals) -> int:
        """It is told; returns how much it had logged before."""
        before = len(self.log.text)
        self._process.send_signal(which)
        return before

    def reload(self, expected: str = "reloaded") -> str:
        """It has read its configuration again, with the `expected` event; returns the line."""
        before = self.signal(signal.SIGHUP)
        return self.log.wait_for(rf"^.*event={expected}\b.*$", before)[0]

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        code = self._process.wait(PATIENCE)
        self.out.close()
        self.log.close()
        return code

    def stop(self) -> str:
        """It was told to end and has; returns its log. Fails for another exit code than 0, and for any trouble."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, self.log.text
        assert not TROUBLE.search(self.log.text), self.log.text
        return self.log.text

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """It is gone, whatever it was doing. Calling it again does nothing."""
        if self.alive:
            self._process.kill()
        self.wait()

    def resolver(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """What a command of `resolver` came to, run as the daemon was."""
        return run_resolver(self.directory, *arguments, environ={**self.environ, **environ})

    @property
    def socket(self) -> Path:
        """Its control socket."""
        return self.directory / f"control-{self.port}.sock"

    def control(self, method: str, path: str, body: object = None) -> Any:
        """What it says over its control socket."""
        connection = http.client.HTTPConnection("localhost")
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as stream:
            stream.settimeout(PATIENCE)
            stream.connect(str(self.socket))
            connection.sock = stream
            connection.request(method, path, None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())

    def stats(self) -> dict[str, float]:
        """Its counters and gauges."""
        stats: dict[str, float] = self.control("GET", "/stats")
        return stats
