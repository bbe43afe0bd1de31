"""Decides what can be asked of a running daemon, and how: JSON over HTTP/1.1 on a Unix socket.

Rules: there is one table of routes. A connection carries one request (the response says `connection:
close`), so nothing is queued behind a client that does not read. Every error is JSON with one line under
`error`; a path that is not there lists the routes (404), a method that is not allowed says which are (405
with Allow, RFC 9110 section 15.5.6). Who may ask is decided by the socket's mode, 0600.

Limits: `MAX_CONNECTIONS` at a time, each closed after `IDLE` seconds; `MAX_HEADER` and `MAX_BODY` octets of
a request. Answers are made in the loop, so `MAX_ENTRIES` bounds what listing the cache may cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import parse_qsl

import h11

from resolver.config import Config, Loaded
from resolver.config.effective import to_data
from resolver.errors import ControlError, InputError, WireError
from resolver.network import unix
from resolver.network.base import Clock, Timer
from resolver.observe.log import Log
from resolver.wire import names

MAX_CONNECTIONS: Final = 16
IDLE: Final = 5.0
"""Seconds in which a request must be complete and its response taken."""

MAX_HEADER: Final = 8 * 1024
MAX_BODY: Final = 64 * 1024
MAX_FIELDS: Final = 16
"""Parameters of a query string."""

DEFAULT_ENTRIES: Final = 100
MAX_ENTRIES: Final = 10_000
"""Entries of the cache in one answer: some 50 ms of the loop."""


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


class Route(NamedTuple):
    """One thing that can be asked: where, what it gives, and what makes the answer."""

    method: str
    path: str
    gives: str
    handle: Callable[[Ask], object]


class Refused(ControlError):
    """A request that cannot be granted: its status, and the one line that says why."""

    def __init__(self, status: int, why: str, **more: object) -> None:
        super().__init__(why)
        self.status, self.why, self.more = status, why, more


def socket_path(config: Config, environ: Mapping[str, str], port: int | None = None) -> Path:
    """Where the control socket is; `port` is the first listener's where the configuration says 0."""
    if config.control.path is not None:
        return config.control.path
    directory = environ.get("XDG_RUNTIME_DIR") or "/run/resolverd"
    return Path(directory) / f"control-{port or config.server.listen[0].port}.sock"


def routes(program: Controlled, settings: Callable[[], Loaded]) -> tuple[Route, ...]:
    """The one table of what can be asked of `program`; `settings` gives those in force."""

    def config(_: Ask) -> object:
        return {"settings": to_data(settings()), "sources": dict(settings().sources)}

    return (
        Route("GET", "/health", "that the daemon runs", lambda _: {"status": "ok"}),
        Route("GET", "/stats", "counters and gauges", lambda _: dict(program.stats())),
        Route("GET", "/config", "the settings in force and their sources", config),
        Route("GET", "/cache", "entries of the cache; ?limit=N", lambda ask: _entries(program, ask)),
        Route("POST", "/cache/flush", 'forgets {"name": ..., "subtree": bool}', lambda ask: _flush(program, ask)),
    )


def _entries(program: Controlled, ask: Ask) -> object:
    text = ask.query.get("limit", str(DEFAULT_ENTRIES))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_ENTRIES):
        raise Refused(HTTPStatus.BAD_REQUEST, f"limit is {json.dumps(text)}; write 1 to {MAX_ENTRIES}")
    return {"entries": [dict(entry) for entry in program.cache_entries(int(text))]}


def _flush(program: Controlled, ask: Ask) -> object:
    name, subtree = ask.body.get("name"), ask.body.get("subtree", False)
    if not isinstance(name, str) or not isinstance(subtree, bool):
        raise Refused(HTTPStatus.BAD_REQUEST, 'the body must be {"name": "example.com", "subtree": true or false}')
    return {"flushed": program.flush(names.fold(names.from_text(name)), subtree)}


class ControlServer:
    """Answers requests on a Unix socket from start to stop."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        self.table, self.clock, self.log = tuple(table), clock, log
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def start(self, path: Path) -> None:
        """Requests are answered at `path`. Raises `ControlError` if it cannot be made or is in use."""
        listener = unix.listen(path)
        self._path = path
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), sock=listener)

    async def stop(self) -> None:
        """No request is answered any more and the socket is gone. Calling it again does nothing."""
        if self._server is None or self._path is None:
            return
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None
        with contextlib.suppress(OSError):  # who took the right to remove it away keeps a socket that nobody answers
            self._path.unlink(missing_ok=True)

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, str], object]:
        """Status, extra headers and JSON value for one request; never raises."""
        try:
            return HTTPStatus.OK, {}, self._dispatch(method, target, body)
        except Refused as refused:
            allow = {"allow": str(refused.more["allow"])} if "allow" in refused.more else {}
            return refused.status, allow, {"error": refused.why, **refused.more}
        except (InputError, WireError) as wrong:
            return HTTPStatus.BAD_REQUEST, {}, {"error": str(wrong)}
        except Exception as wrong:
            self.log.error("control_failed", method=method, target=target, error=repr(wrong))
            return (
                HTTPStatus.INTERNAL_SERVER_ERROR,
                {},
                {"error": f"{type(wrong).__name__}; the log says more"},
            )

    def _dispatch(self, method: str, target: str, body: bytes) -> object:
        path, _, query = target.partition("?")
        there = [route for route in self.table if route.path == path]
        if not there:
            known = [f"{route.method} {route.path}: {route.gives}" for route in self.table]
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


class _Connection(asyncio.Protocol):
    """One request and its response."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER)
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._request: h11.Request | None = None
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._server.connections) >= MAX_CONNECTIONS:
            self.abort()
            return
        self._server.connections.add(self)
        self._timer = self._server.clock.after(IDLE, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None

    def abort(self) -> None:
        """The connection is closed now, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> None:
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return  # answered already; the rest is not read
        try:
            self._http.receive_data(data)
            while self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as wrong:
            self._respond(wrong.error_status_hint, {}, {"error": f"no HTTP request: {wrong}"})

    def _take(self, event: Any) -> bool:
        """Whether there may be another event behind this one."""
        match event:
            case h11.Request():
                self._request = event
                if self._http.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
            case h11.Data():
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    error = f"the body is larger than {MAX_BODY} octets"
                    self._respond(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {}, {"error": error})
                    return False
            case h11.EndOfMessage():
                assert self._request is not None
                method, target = self._request.method.decode(), self._request.target.decode()
                self._respond(*self._server.answer(method, target, bytes(self._body)))
                return False
            case h11.ConnectionClosed():
                self.abort()
                return False
            case _:  # NEED_DATA or PAUSED
                return False
        return True

    def _respond(self, status: int, extra: Mapping[str, str], value: object) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(value).encode() + b"\n"
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "cache-control": "no-store",
                "connection": "close",
                **extra,
            }
            head = h11.Response(status_code=status, headers=list(headers.items()))
            wanted = self._request is None or self._request.method != b"HEAD"
            self._send(head, *([h11.Data(data=body)] if wanted else []), h11.EndOfMessage())
        if self._transport is not None:
            self._transport.close()

    def _send(self, *events: Any) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._http.send(event) or b"" for event in events))
