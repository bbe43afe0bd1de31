"""Decides what a daemon of several workers answers on its control socket: the routes of one, each asked of all of them.

Rules: workers that answer are asked at once, and their answers made one as the route says. What one refuses, such as
a wrong parameter, all refuse, and that is the answer. One that is silent, or refuses what others have done, is told: in
numbers it is counted (`workers.silent`), anything else fails with a line that names it, and what the others have done
is done. A worker that is just being started again knows nothing yet, so there is nothing to ask it.

Limits: `ANSWER_S`, and `CHANGE_S` for what changes something. A worker that is started again has the world, the faults
and the time of its start, and not what was changed since.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from resolver.control.routes import OF_PROGRAM
from resolver.control.table import Ask, OfProgram, Refused, Route
from resolver.workers.link import Answer, Link

ANSWER_S: Final = 2.0
"""Seconds for the answer of a worker: less than those who ask wait (`cli/control_client.py`)."""

CHANGE_S: Final = 60.0
"""Seconds for a change, such as a large zone, or time that passes."""

STATS: Final = "/stats"
FLUSH: Final = "/cache/flush"
WORKERS: Final = "workers"
RESTARTED: Final = "workers.restarted"
SILENT: Final = "workers.silent"
COUNTED: Final = (WORKERS, RESTARTED, SILENT)
"""What is added to the numbers of the workers."""

Changed = Callable[[str, Any], None]
"""Takes the path of what has changed a worker, and what that worker says of it."""


def of_all(links: Callable[[], Sequence[Link]], own: Callable[[], Mapping[str, int]], changed: Changed) -> list[Route]:
    """What is asked of a program, asked of the workers behind `links`. `own` is what the supervisor itself counts, and
    `changed` is called once for each change."""

    def asking(route: OfProgram) -> Route:
        def ask_all(ask: Ask) -> object:
            asked, body = links(), json.dumps(ask.body).encode()
            seconds = ANSWER_S if route.method == "GET" or route.path == FLUSH else CHANGE_S
            answers = [each.ask(route.method, ask.target, body, seconds) for each in asked]
            result: asyncio.Future[object] = asyncio.get_running_loop().create_future()

            def there(_: object) -> None:
                if result.done():
                    return
                try:
                    heard = [(link, future.result()) for link, future in zip(asked, answers, strict=True)]
                    done = [answer[1] for _, answer in heard if answer and answer[0] == HTTPStatus.OK]
                    if seconds == CHANGE_S and done:
                        changed(route.path, done[0])
                    result.set_result(_merged(route, ask, heard, seconds, own))
                except Exception as wrong:
                    result.set_exception(wrong)

            asyncio.gather(*answers).add_done_callback(there)
            return result

        return Route(route.method, route.path, route.gives, ask_all, route.shape)

    return [asking(each) for each in OF_PROGRAM]


def _merged(
    route: OfProgram,
    ask: Ask,
    heard: Sequence[tuple[Link, Answer | None]],
    seconds: float,
    own: Callable[[], Mapping[str, int]],
) -> Any:
    if not heard and route.path != STATS:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no worker answers just now; ask once more")
    silent = [link for link, answer in heard if answer is None]
    done = [answer[1] for _, answer in heard if answer is not None and answer[0] == HTTPStatus.OK]
    for link, answer in heard:
        if answer is not None and answer[0] != HTTPStatus.OK:
            status, value = answer
            why = str(value.get("error") if isinstance(value, dict) else value)
            if done and route.method != "GET":
                others = "another has" if len(done) == 1 else f"{len(done)} others have"
                why = f"worker {link.index} (pid {link.life.pid}) refuses what {others} done: {why}"
            raise Refused(status, why)
    if route.path == STATS:
        return {**route.merge(ask, done), **own(), SILENT: len(silent)}
    if not done:
        raise Refused(HTTPStatus.GATEWAY_TIMEOUT, f"{_named(silent)} did not answer within {seconds:g} s")
    merged = route.merge(ask, done)
    if silent:
        others = "" if route.method == "GET" else f"; the others: {json.dumps(merged)}"
        raise Refused(HTTPStatus.GATEWAY_TIMEOUT, f"{_named(silent)} did not answer within {seconds:g} s{others}")
    return merged


def _named(links: Sequence[Link]) -> str:
    return " and ".join(f"worker {link.index} (pid {link.life.pid})" for link in links)
