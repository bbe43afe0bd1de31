"""Decides which routes there are: the one table of what a process answers by itself and what a program is asked.

Rules: a daemon of several workers has the same routes: what is asked of a program is asked of each of them, and says
how their answers become one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from resolver.config import Config, Loaded
from resolver.config.effective import to_data
from resolver.control import running
from resolver.control.table import Ask, Controlled, OfProgram, Route

OF_PROGRAM: Final[tuple[OfProgram, ...]] = (*running.ROUTES,)
"""What is asked of a program."""


def socket_path(config: Config, environ: Mapping[str, str], port: int | None = None) -> Path:
    """Where the control socket is; `port` is the first listener's where the configuration says 0."""
    if config.control.path is not None:
        return config.control.path
    directory = environ.get("XDG_RUNTIME_DIR") or "/run/resolverd"
    return Path(directory) / f"control-{port or config.server.listen[0].port}.sock"


def routes(program: Controlled, settings: Callable[[], Loaded], worker: int = 0) -> list[Route]:
    """The one table of what can be asked of `program`, the daemon or its `worker`; `settings` gives those in force."""

    def handling(each: OfProgram) -> Route:
        return Route(each.method, each.path, each.gives, lambda ask: each.answer(program, worker, ask))

    return [*of_process(settings), *map(handling, OF_PROGRAM)]


def of_process(settings: Callable[[], Loaded]) -> list[Route]:
    """What a process answers by itself, whether it has a program or only workers that have one."""

    def config(_: Ask) -> object:
        return {"settings": to_data(settings()), "sources": dict(settings().sources)}

    return [
        Route("GET", "/health", "that the daemon runs", lambda _: {"status": "ok"}),
        Route("GET", "/config", "the settings in force and their sources", config),
    ]
