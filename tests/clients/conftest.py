"""Daemons as processes, and client programs that ask them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import heard
from tests.support.daemons import PATIENCE, Daemon, environment
from tests.support.fixtures import Ask, Print, Serve
from tests.support.heard import Heard

FREE = ("--listen", "127.0.0.1:0")
"""A port that nobody has, so that daemons run beside one another."""

Program = Callable[[str], str]


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The daemon without any configuration, for tests that leave it as it is."""
    yield from _shared(tmp_path_factory.mktemp("daemon"))


@pytest.fixture(scope="session")
def recursive_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One that lets a root server recurse."""
    yield from _shared(tmp_path_factory.mktemp("recursive"), "--mode", "recursive")


@pytest.fixture(scope="session")
def in_memory_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One whose simulated servers bind no addresses."""
    yield from _shared(tmp_path_factory.mktemp("in_memory"), "--in-memory")


def _shared(directory: Path, *arguments: str) -> Iterator[Daemon]:
    running = Daemon(directory, *FREE, *arguments)
    try:
        yield running
        running.stop()
    finally:
        running.kill()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve("--config", "resolver.toml")`: a daemon of the test's own, in `tmp_path`, on a free port if none is named.

    One that still runs when the test ends must end as it should.
    """
    started: list[Daemon] = []

    def start(*arguments: str, **environ: str) -> Daemon:
        placed = {"--listen", "--config"} & set(arguments) or "RESOLVER_SERVER__LISTEN" in environ
        started.append(Daemon(tmp_path, *(() if placed else FREE), *arguments, environ=environ))
        return started[-1]

    try:
        yield start
        for each in started:
            if each.alive:
                each.stop()
    finally:
        for each in started:
            each.kill()


def _printed(path: str, directory: Path, arguments: tuple[str, ...], code: int) -> str:
    done = subprocess.run(
        [path, *arguments], env=environment(directory), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == code, f"{' '.join(done.args)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture
def dig(program: Program, tmp_path: Path) -> Ask:
    """`dig(daemon, "example.com", "MX")`: the one response that dig shows. It asks once, or `at` another address."""
    path = program("dig")

    def ask(daemon: Daemon, *arguments: str, at: str = "") -> Heard:
        where = (f"@{at or daemon.host}", "-p", str(daemon.port), "+tries=1", "+time=10")
        return heard.only(_printed(path, tmp_path, (*where, *arguments), 0))

    return ask


@pytest.fixture
def kdig(program: Program, tmp_path: Path) -> Ask:
    """The same by kdig."""
    path = program("kdig")

    def ask(daemon: Daemon, *arguments: str, at: str = "") -> Heard:
        where = (f"@{at or daemon.host}", "-p", str(daemon.port), "+retry=0", "+timeout=10")
        return heard.only(_printed(path, tmp_path, (*where, *arguments), 0))

    return ask


@pytest.fixture
def printed(program: Program, tmp_path: Path) -> Print:
    """`printed("nslookup", ...)`: what a client program prints, by whatever it is asked."""

    def run(name: str, *arguments: str, code: int = 0) -> str:
        return _printed(program(name), tmp_path, arguments, code)

    return run
