"""What the fixtures of tests/clients give, for the signatures of tests."""

from __future__ import annotations

from typing import Protocol

from tests.support.daemons import Daemon
from tests.support.heard import Heard


class Serve(Protocol):
    """Starts a daemon that ends with the test."""

    def __call__(self, *arguments: str, **environ: str) -> Daemon: ...


class Ask(Protocol):
    """Asks a daemon by a client program."""

    def __call__(self, daemon: Daemon, *arguments: str, at: str = "") -> Heard: ...


class Print(Protocol):
    """Runs a client program; gives what it prints."""

    def __call__(self, *arguments: str, code: int = 0) -> str: ...
