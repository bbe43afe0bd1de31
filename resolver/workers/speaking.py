"""Decides what a daemon of several workers answers on its control socket: the routes of one, each asked of all of them.

Rules: workers that answer are asked at once, and their answers made one as the route says. What one refuses, such as
a wrong parameter, all refuse, and that is the answer. One that is silent is told: in numbers it is counted
(`workers.silent`), anything else fails with a line that names it, and what the others have done is done. A worker
that is just being started again knows nothing yet, so there is nothing to ask it.

Limits: `ANSWER_S`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from resolver.control.routes import OF_PROGRAM
from resolver.control.table import Ask, OfProgram, Refused, Route
from resolver.workers.link import Answer, Link

ANSWER_S: Final = 2.0
"""Seconds for the answer of a worker: less than those who ask wait (`control/server.py`)."""

STATS: Final = "/stats"
WORKERS: Final = "workers"
RESTARTED: Final = "workers.restarted"
SILENT: Final = "workers.silent"
COUNTED: Final = (WORKERS, RESTARTED, SILENT)
"""What is added to the numbers of the workers."""


def of_all(links: Callable[[], Sequence[Link]], own: Callable[[], Mapping[str, int]]) -> list[Route]:
    """What is asked of a program, asked of the workers behind `links`. `own` is what the supervisor itself counts."""

    def asking(route: OfProgram) -> Route:
        def ask_all(ask: Ask) -> object:
            target = f"{route.path}?{urlencode(ask.query)}" if ask.query else route.path
            asked = links()
            answers = [each.ask(route.method, target, json.dumps(ask.body).encode(), ANSWER_S) for each in asked]
            result: asyncio.Future[object] = asyncio.get_running_loop().create_future()

            def there(_: object) -> None:
                if result.done():
                    return
                try:
                    heard = [(link, future.result()) for link, future in zip(asked, answers, strict=True)]
                    result.set_result(_merged(route, ask, heard, own))
                except Exception as wrong:
                    result.set_exception(wrong)

            asyncio.gather(*answers).add_done_callback(there)
            return result

        return Route(route.method, route.path, route.gives, ask_all)

    return [asking(each) for each in OF_PROGRAM]


def _merged(
    route: OfProgram, ask: Ask, heard: Sequence[tuple[Link, Answer | None]], own: Callable[[], Mapping[str, int]]
) -> dict[str, Any]:
    silent = [link for link, answer in heard if answer is None]
    for _, answer in heard:
        if answer is not None and answer[0] != HTTPStatus.OK:
            status, value = answer
            raise Refused(status, str(value.get("error") if isinstance(value, dict) else value))
    merged = route.merge(ask, [answer[1] for _, answer in heard if answer is not None])
    if route.path == STATS:
        return {**merged, **own(), SILENT: len(silent)}
    if silent:
        who = " and ".join(f"worker {link.index} (pid {link.life.pid})" for link in silent)
        done = f"; the others: {json.dumps(merged)}" if "flushed" in merged else ""
        raise Refused(HTTPStatus.GATEWAY_TIMEOUT, f"{who} did not answer within {ANSWER_S:g} s{done}")
    return merged
