"""Decides how a request finds what answers it, and how what is wrong with it is told: JSON.

Rules: there is one table of routes. A part of a path in braces takes any one segment, percent-decoded (RFC 3986 section
2.1). A request is checked against the shape of its route before anything is done. Every error is JSON with one line
under `error`; a path that is not there lists the routes (404), a method that is not allowed says which are (405 with
Allow, RFC 9110 section 15.5.6).

Limits: `MAX_FIELDS` parameters, each at most once; `MAX_SEGMENTS` segments of a path; `MAX_DEPTH` values of JSON in one
another.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote

from resolver.control import schemas
from resolver.control.schemas import Schema
from resolver.errors import ControlError, InputError, ListenError, WireError
from resolver.observe.log import Log
from resolver.text import nearest

if TYPE_CHECKING:
    from resolver.config import Loaded
    from resolver.control.challenges import Challenges
    from resolver.laboratory import Laboratory

MAX_FIELDS: Final = 16
"""Parameters of a query string."""

MAX_SEGMENTS: Final = 8

MAX_DEPTH: Final = 32
"""Objects and lists of a body that stand in one another; what is meant has five."""

MAX_ERROR: Final = 1024
"""Characters of what is said of something that is wrong."""


class Operated(Protocol):
    """What the routes need of the pools of a running program."""

    def listed(self) -> list[dict[str, object]]:
        """Each pool with its members, as JSON can carry them."""
        ...

    def drain(self, pool: str, member: str) -> str:
        """That member gets no new questions; its name. Raises `InputError`."""
        ...

    def undrain(self, pool: str, member: str) -> str:
        """That member is what health finds; its name. Raises `InputError`."""
        ...


class Controlled(Protocol):
    """What the routes need of a running program."""

    @property
    def pools(self) -> Operated:
        """Servers that recurse on its behalf, by name."""
        ...

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
    """What a request says beyond its method and route: parameters, a JSON object as its body, what stands in the place
    of the names of the path; and the target as it was asked."""

    query: Mapping[str, str]
    body: Mapping[str, Any]
    path: Mapping[str, str] = {}
    target: str = ""


Answers = Sequence[Mapping[str, Any]]
"""What each worker that answered said, in order of the workers."""


class Shape(NamedTuple):
    """What a request may say and what its answer is, for the check and for the document of both."""

    body: Schema | None = None
    """Of the request; None where it has none."""
    query: Mapping[str, Schema] = {}
    path: Mapping[str, Schema] = {}
    answer: Schema = schemas.ANYTHING
    example: Mapping[str, Any] | None = None
    """A body."""
    target: str = ""
    """A target for the example, where it is not the path itself."""


class Route(NamedTuple):
    """One thing that can be asked: where, what it gives, and what makes the answer, which may be a future."""

    method: str
    path: str
    gives: str
    handle: Callable[[Ask], object]
    shape: Shape = Shape()


class Inside(NamedTuple):
    """What a route may ask, or change: the program, what can be arranged of it, and the worker that it runs in."""

    program: Controlled
    laboratory: Laboratory
    settings: Callable[[], Loaded]
    challenges: Challenges
    worker: int = 0


class OfProgram(NamedTuple):
    """One thing that a running program can be asked: what it answers, or the coroutine that changes it, and what makes
    one answer of those that several workers gave."""

    method: str
    path: str
    gives: str
    answer: Callable[[Inside, Ask], object]
    merge: Callable[[Ask, Answers], dict[str, Any]]
    shape: Shape = Shape()


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
        self._segments = [(tuple(route.path.split("/")[1:]), route) for route in self.routes]

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
                return HTTPStatus.BAD_REQUEST, {}, {"error": _one_line(str(wrong))}
            case ListenError():
                return HTTPStatus.CONFLICT, {}, {"error": _one_line(str(wrong))}
        self.log.error("control_failed", method=method, target=target, error=repr(wrong))
        return HTTPStatus.INTERNAL_SERVER_ERROR, {}, {"error": f"{type(wrong).__name__}; the log says more"}

    def _dispatch(self, method: str, target: str, body: bytes) -> object:
        path, _, query = target.partition("?")
        segments = path.split("/", MAX_SEGMENTS + 1)[1:]
        there = [
            (route, found) for pattern, route in self._segments if (found := _found(pattern, segments)) is not None
        ]
        if not there:
            known = [f"{route.method} {route.path}: {route.gives}" for route in self.routes]
            raise Refused(HTTPStatus.NOT_FOUND, f"nothing is at {json.dumps(path)}", routes=known)
        for route, found in there:
            if route.method == method:
                return route.handle(_checked(route.shape, Ask(_fields(query), _json_object(body), found, target)))
        allow = ", ".join(dict.fromkeys(route.method for route, _ in there))
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{there[0][0].path} is asked by {allow}", allow=allow)


def _found(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    """What stands in the place of the names of `pattern`; None where `segments` are another path."""
    if len(pattern) != len(segments):
        return None
    found = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if not wanted.startswith("{"):
            if wanted != segment:
                return None
            continue
        try:
            found[wanted[1:-1]] = unquote(segment, errors="strict")
        except UnicodeDecodeError:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{json.dumps(segment)} is not UTF-8") from None
        if not segment:
            return None
    return found


def _checked(shape: Shape, ask: Ask) -> Ask:
    """`ask`, which is what `shape` allows. Raises `InputError`."""
    for name, value in ask.path.items():
        schemas.check(shape.path.get(name, schemas.ANYTHING), value, name)
    for name, value in ask.query.items():
        if name not in shape.query:
            raise InputError(f"{schemas.shown(name)} is no parameter", instead=nearest(name, shape.query))
        schemas.check(shape.query[name], _plain(shape.query[name], value), name)
    if shape.body is not None:
        schemas.check(shape.body, ask.body)
    elif ask.body:
        raise InputError("there is a body, and none is read here", instead="send none")
    return ask


def _plain(schema: Schema, value: str) -> object:
    """`value`, an integer where one is wanted and written."""
    plain = schema.get("type") == "integer" and value.isascii() and value.isdigit() and len(value) < 10
    return int(value) if plain else value


def _one_line(text: str) -> str:
    """`text` in one line, cut where it repeats too much of what was written."""
    line = " | ".join(text.splitlines())
    return line if len(line) <= MAX_ERROR else f"{line[:MAX_ERROR]}..."


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "the query string is not UTF-8") from None
    except ValueError:
        why = f"more than {MAX_FIELDS} parameters in the query string"
        raise Refused(HTTPStatus.BAD_REQUEST, why) from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused(HTTPStatus.BAD_REQUEST, "a parameter stands in the query string twice")
    return fields


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body, parse_constant=_no_constant) if body else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
    if _is_deep(value):
        raise Refused(HTTPStatus.BAD_REQUEST, f"more than {MAX_DEPTH} objects and lists of the body are in one another")
    return value


def _is_deep(value: object) -> bool:
    """Whether more is in one another than may be; whoever looks into `value` may do so by recursion where not."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
    return bool(level)


def _no_constant(word: str) -> object:
    """NaN and Infinity are no JSON (RFC 8259 section 6). Raises ValueError."""
    raise ValueError(word)
