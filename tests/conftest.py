"""What all tests share: virtual time, real loops, and client programs that may be missing."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from types import ModuleType
from typing import Any

import pytest

from resolver.testing import virtual_time

PACKAGES = {
    "redis-server": "redis-server",
    "dig": "bind9-dnsutils",
    "nslookup": "bind9-dnsutils",
    "delv": "bind9-dnsutils",
    "kdig": "knot-dnsutils",
    "curl": "curl",
    "unbound": "unbound",
    "kresd": "knot-resolver",
    "nsd": "nsd",
    "dnsperf": "dnsperf",
    "openssl": "openssl",
}
"""The Debian package of each program that a test may ask for."""

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run() -> Run:
    """`run(main())`: what `main` returns, in virtual time; Deadlock when it can never end."""
    return virtual_time.run


@pytest.fixture(params=["asyncio", "uvloop"])
def on_loop(request: pytest.FixtureRequest) -> Iterator[Run]:
    """`on_loop(main())`: what `main` returns, on a real loop of each kind.

    The test fails for an exception that only the loop saw, and for a file left open.
    """
    factory = asyncio.new_event_loop
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop
    unseen: list[dict[str, Any]] = []

    def run_on(main: Coroutine[Any, Any, Any]) -> Any:
        async def guarded() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unseen.append(context))
            return await asyncio.wait_for(main, 20)

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(guarded())

    with asyncio.Runner(loop_factory=factory) as first:
        first.run(asyncio.sleep(0))  # uvloop opens a pipe once that it keeps
    before = _open_files()
    yield run_on
    gc.collect()
    assert not unseen, f"only the loop saw: {unseen}"
    assert _open_files() <= before, "files were left open"


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("dig")`: the path of a client program.

    Where it is missing the test is skipped, or fails when RESOLVER_CI is 1, naming the Debian package.
    """

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing = f"{name} is not installed: apt-get install {PACKAGES[name]}"
            if os.environ.get("RESOLVER_CI") == "1":
                pytest.fail(missing)
            pytest.skip(missing)
        return path

    return find


@pytest.fixture
def library() -> Callable[[str], ModuleType]:
    """`library("requests")`: the module of a library that a test drives.

    Where it is missing the test is skipped, or fails when RESOLVER_CI is 1.
    """

    def find(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            missing = f"{name} is not installed: pip install 'resolverd[dev]'"
            if os.environ.get("RESOLVER_CI") == "1":
                pytest.fail(missing)
            pytest.skip(missing)

    return find


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
