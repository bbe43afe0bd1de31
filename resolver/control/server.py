"""Decides how a running daemon is asked: by HTTP/1.1 on a Unix socket, where the configuration wants it.

Rules: a connection carries one request (the response says `connection: close`), so nothing is queued behind a client
that does not read. Who may ask is decided by the socket's mode, 0600. What is answered is `routes.py`.

Limits: `MAX_CONNECTIONS` at a time, each closed after `IDLE` seconds; `MAX_HEADER` and `MAX_BODY` octets of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

import h11

from resolver.control.table import Route, Table
from resolver.errors import ControlError
from resolver.network import unix
from resolver.network.base import Clock, Timer
from resolver.observe.log import Log

MAX_CONNECTIONS: Final = 16
IDLE: Final = 5.0
"""Seconds in which a request must be complete and its response taken."""

MAX_HEADER: Final = 8 * 1024
MAX_BODY: Final = 64 * 1024


class ControlServer:
    """Answers requests on a Unix socket from start to stop."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        self.table, self.clock = Table(table, log), clock
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


class ControlPlace:
    """A control server that stands where the configuration in force wants it."""

    def __init__(self, table: Sequence[Route], clock: Clock, log: Log) -> None:
        self._table, self._clock, self._log = table, clock, log
        self._server: ControlServer | None = None
        self._path: Path | None = None

    async def put(self, path: Path | None) -> None:
        """Requests are answered at `path`, or nowhere; where that cannot be, a warning says so and all is as before."""
        if path == self._path:
            return
        server = None
        if path is not None:
            server = ControlServer(self._table, self._clock, self._log)
            try:
                await server.start(path)
            except ControlError as wrong:
                self._log.warning("no_control", reason=str(wrong), kept=self._path)
                return
            self._log.info("control", path=path)
        await self.stop()
        self._server, self._path = server, path

    async def stop(self) -> None:
        """Nothing is answered any more. Calling it again does nothing."""
        if self._server is not None:
            await self._server.stop()
        self._server = self._path = None


class _Connection(asyncio.Protocol):
    """One request and its response."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER)
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._waits = False
        """The request is complete, and its answer not made yet."""

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

    def eof_received(self) -> bool:
        self.data_received(b"")
        return self._waits  # who has said all may still be told

    def data_received(self, data: bytes) -> None:
        if self._waits or self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return  # asked already; the rest is not read
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
                self._waits = True
                method, target = self._request.method.decode(), self._request.target.decode()
                self._server.table.answer(method, target, bytes(self._body), self._respond)
                return False
            case h11.ConnectionClosed():
                self.abort()
                return False
            case _:  # NEED_DATA or PAUSED
                return False
        return True

    def _respond(self, status: int, extra: Mapping[str, str], value: object) -> None:
        self._waits = False
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
