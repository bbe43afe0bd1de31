"""Decides how one request is read and one response written: HTTP/1.1 on a connection, whatever that came by.

Rules: a connection carries one request (the response says `connection: close`), so nothing is queued behind a client
that does not read. Who may ask is decided as soon as the head is there, before any of the body is read. What changes
something is one line of the log, with who asked.

Limits: a connection is closed `IDLE` seconds after it was made if the request is not complete by then, and as long
after the response if that has not been taken; `MAX_HEADER` and `MAX_BODY` octets of a request. How long an answer takes
to be made is up to who makes it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol, cast

import h11

from resolver.control.guarding import Head, Refusal
from resolver.control.table import Table
from resolver.network.base import Clock, Timer
from resolver.observe.log import Log

IDLE: Final = 5.0
"""Seconds in which a request must be complete, and then its response taken."""

MAX_HEADER: Final = 8 * 1024
MAX_BODY: Final = 1024 * 1024
"""A zone of some 10,000 records."""

READS: Final = frozenset(("GET", "HEAD"))
"""Methods that change nothing."""


class Server(Protocol):
    """What a connection needs of what accepted it."""

    table: Table
    clock: Clock
    log: Log
    connections: set[Connection]
    most: int
    """Connections at a time."""

    def refusal(self, head: Head) -> Refusal | None:
        """Why a request with this head is not answered, if it is not."""
        ...


class Connection(asyncio.Protocol):
    """One request and its response."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER)
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._peer = ""
        self._waits = False
        """The request is complete, and its answer not made yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._server.connections) >= self._server.most:
            self.abort()
            return
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._server.connections.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._server.connections.discard(self)
        self._rest()
        self._transport = None

    def abort(self) -> None:
        """The connection is closed now, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> bool:
        """Nothing more comes; whether the connection stays open."""
        self.data_received(b"")
        return self._waits  # who has said all may still be told

    def data_received(self, data: bytes) -> None:
        """Some octets of a request have come."""
        if self._waits or self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return  # asked already; the rest is not read
        try:
            self._http.receive_data(data)
            while self._take(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as wrong:
            self._respond(wrong.error_status_hint, {}, {"error": f"no HTTP request: {wrong}"})

    def _wait(self) -> None:
        self._timer = self._server.clock.after(IDLE, self.abort)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _take(self, event: Any) -> bool:
        """Whether there may be another event behind this one."""
        match event:
            case h11.Request():
                self._request = event
                if (refusal := self._refusal(event)) is not None:
                    self._server.log.warning(refusal.event, client=self._peer, reason=refusal.reason)
                    self._respond(refusal.status, refusal.headers, {"error": refusal.why})
                    return False
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
                self._rest()  # moving the time of the daemon must not end the connection that asks for it
                method, target = self._request.method.decode(), self._request.target.decode()
                self._server.table.answer(method, target, bytes(self._body), self._respond)
                return False
            case h11.ConnectionClosed():
                self.abort()
                return False
            case _:  # NEED_DATA or PAUSED
                return False
        return True

    def _refusal(self, request: h11.Request) -> Refusal | None:
        local = None if self._transport is None else self._transport.get_extra_info("sockname")
        asked = str(local[0]) if isinstance(local, tuple) else ""
        headers: dict[str, list[str]] = {}
        for name, value in request.headers:
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        return self._server.refusal(Head(asked, headers))

    def _respond(self, status: int, extra: Mapping[str, str], value: object) -> None:
        if self._waits:
            self._waits = False
            if self._transport is not None:
                self._wait()
            self._tell(status)
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(value).encode() + b"\n"
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "cache-control": "no-store",
                "x-content-type-options": "nosniff",
                "connection": "close",
                **extra,
            }
            head = h11.Response(status_code=status, headers=list(headers.items()))
            wanted = self._request is None or self._request.method != b"HEAD"
            self._send(head, *([h11.Data(data=body)] if wanted else []), h11.EndOfMessage())
        if self._transport is None:
            return
        if self._http.their_state is h11.SEND_BODY and self._transport.can_write_eof():
            self._transport.write_eof()  # to close with octets unread would take the response away from who still sends
        else:
            self._transport.close()

    def _tell(self, status: int) -> None:
        assert self._request is not None
        method, target = self._request.method.decode(), self._request.target.decode()
        if method not in READS and status < HTTPStatus.BAD_REQUEST:
            self._server.log.info("administered", client=self._peer or None, method=method, target=target)

    def _send(self, *events: Any) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._http.send(event) or b"" for event in events))
