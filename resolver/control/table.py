"""Decides how a request finds what answers it, and how what is wrong with it is told: JSON.

Rules: there is one table of routes. Every error is JSON with one line under `error`; a path that is not there lists the
routes (404), a method that is not allowed says which are (405 with Allow, RFC 9110 section 15.5.6).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

from resolver.errors import ControlError, InputError, WireError
from resolver.observe.log import Log

MAX_FIELDS: Final = 16
"""Parameters of a query string."""


class Controlled(Protocol):
    """What the routes need of a running program."""

    def stats(self) -> Mapping[str, int | float | str]:
        """Counters and gauges under flat names, such as `queries.udp`."""
        ...

    def cache_entries(self, limit: int) -> Sequence[Mapping[str, object]]:
        """At most `limit` entries of the cache, as JSON can carry them."""
        ...

    def flush(self, name: bytes, subtree: bool) -> int:
        """`name`, and all below it if `subtree`, are forgotten; how many entries that were."""
        ...


class Ask(NamedTuple):
    """What a request says beyond its method and path: the query string, and a JSON object as its body."""

    query: Mapping[str, str]
    body: Mapping[str, object]


Answers = Sequence[Mapping[str, Any]]
"""What each worker that answered said, in order of the workers."""


class Route(NamedTuple):
    """One thing that can be asked: where, what it gives, and what makes the answer, which may be a future."""

    method: str
    path: str
    gives: str
    handle: Callable[[Ask], object]


class OfProgram(NamedTuple):
    """One thing that a running program can be asked: what it answers as the worker of that number, and what makes one
    answer of those that several workers gave."""

    method: str
    path: str
    gives: str
    answer: Callable[[Controlled, int, Ask], object]
    merge: Callable[[Ask, Answers], dict[str, Any]]


class Refused(ControlError):
    """A request that cannot be granted: its status, and the one line that says why."""

    def __init__(self, status: int, why: str, **more: object) -> None:
        super().__init__(why)
        self.status, self.why, self.more = status, why, more


Respond = Callable[[int, dict[str, str], object], None]
"""Takes status, extra headers and JSON value of a response."""


class Table:
    """Answers what is asked, by its routes."""

    def __init__(self, table: Sequence[Route], log: Log) -> None:
        self.routes, self.log = tuple(table), log

    def answer(self, method: str, target: str, body: bytes, respond: Respond) -> None:
        """`respond` is called once, now or when the answer is there. Never raises."""
        try:
            value = self._dispatch(method, target, body)
        except Exception as wrong:
            respond(*self._failure(method, target, wrong))
            return
        if not isinstance(value, asyncio.Future):
            respond(HTTPStatus.OK, {}, value)
            return

        def there(future: asyncio.Future[object]) -> None:
            if future.cancelled():
                respond(HTTPStatus.SERVICE_UNAVAILABLE, {}, {"error": "the daemon is ending"})
                return
            wrong = future.exception()
            if wrong is None:
                respond(HTTPStatus.OK, {}, future.result())
            else:
                respond(*self._failure(method, target, wrong))

        value.add_done_callback(there)

    def _failure(self, method: str, target: str, wrong: BaseException) -> tuple[int, dict[str, str], object]:
        match wrong:
            case Refused():
                allow = {"allow": str(wrong.more["allow"])} if "allow" in wrong.more else {}
                return wrong.status, allow, {"error": wrong.why, **wrong.more}
            case InputError() | WireError():
                return HTTPStatus.BAD_REQUEST, {}, {"error": str(wrong)}
        self.log.error("control_failed", method=method, target=target, error=repr(wrong))
        return HTTPStatus.INTERNAL_SERVER_ERROR, {}, {"error": f"{type(wrong).__name__}; the log says more"}

    def _dispatch(self, method: str, target: str, body: bytes) -> object:
        path, _, query = target.partition("?")
        there = [route for route in self.routes if route.path == path]
        if not there:
            known = [f"{route.method} {route.path}: {route.gives}" for route in self.routes]
            raise Refused(HTTPStatus.NOT_FOUND, f"nothing is at {json.dumps(path)}", routes=known)
        for route in there:
            if route.method == method:
                return route.handle(Ask(_fields(query), _json_object(body)))
        allow = ", ".join(route.method for route in there)
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is asked by {allow}", allow=allow)


def _fields(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        why = f"more than {MAX_FIELDS} parameters in the query string"
        raise Refused(HTTPStatus.BAD_REQUEST, why) from None


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    return value
