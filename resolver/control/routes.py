"""Decides which routes there are: the one table of what a process answers by itself and what a program is asked.

Rules: a daemon of several workers has the same routes: what is asked of a program is asked of each of them, and says
how their answers become one. What changes a program waits for its turn (`turns.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import Final

from resolver.config import Loaded
from resolver.config.effective import to_data
from resolver.control import challtestsrv, clock, faults, messages, openapi, pools, running, schemas, snapshots, zones
from resolver.control.table import Ask, Inside, OfProgram, Route, Shape
from resolver.control.turns import Turns

OF_PROGRAM: Final[tuple[OfProgram, ...]] = (
    *running.ROUTES,
    *pools.ROUTES,
    *zones.ROUTES,
    *faults.ROUTES,
    *clock.ROUTES,
    *messages.ROUTES,
    *snapshots.ROUTES,
    *challtestsrv.ROUTES,
)
"""What is asked of a program."""


def routes(inside: Inside, turns: Turns) -> list[Route]:
    """The one table of what can be asked of the daemon, or of its worker; what changes something takes its turn."""

    def handling(each: OfProgram) -> Route:
        def handle(ask: Ask) -> object:
            value = each.answer(inside, ask)
            return turns.take(value) if iscoroutine(value) else value

        return Route(each.method, each.path, each.gives, handle, each.shape)

    return [*of_process(inside.settings), *map(handling, OF_PROGRAM)]


def of_process(settings: Callable[[], Loaded]) -> list[Route]:
    """What a process answers by itself, whether it has a program or only workers that have one."""

    def config(_: Ask) -> object:
        return {"settings": to_data(settings()), "sources": dict(settings().sources)}

    def document(_: Ask) -> object:
        return openapi.document([*own, *OF_PROGRAM])

    sections = schemas.table("By section, then by key.", schemas.ANYTHING)
    sources = schemas.table("Where each comes from, by `section.key`.", schemas.ANYTHING)
    own = [
        Route(
            "GET",
            "/health",
            "that the daemon runs",
            lambda _: {"status": "ok"},
            Shape(answer=schemas.record("", {"status": schemas.word("", "ok")})),
        ),
        Route(
            "GET",
            "/config",
            "the settings in force and their sources",
            config,
            Shape(answer=schemas.record("", {"settings": sections, "sources": sources})),
        ),
        Route(
            "GET",
            "/openapi.json",
            "this API, as an OpenAPI document",
            document,
            Shape(answer=schemas.table("OpenAPI 3.1.", schemas.ANYTHING)),
        ),
    ]
    return own
