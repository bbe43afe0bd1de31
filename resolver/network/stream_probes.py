"""Decides how a server is checked over a stream: by connecting, by a TLS handshake, by a request over HTTP/1.1.

Rules
* Over TLS the certificate must lead to one that is trusted, be valid now and for as many days more as are wanted, and
  be for the name that is wanted, or for the address (RFC 8310 section 8.1, RFC 9110 section 4.3.4). Of a server with
  pins its key must be one of those; without a name that alone is looked at (RFC 7858 section 4.2), and the days.
* Over HTTP it is a GET (RFC 9110 section 9.3.1) with `connection: close`. The status of the response must be one of
  those that are wanted, and the text that is wanted be in its body. It is not followed where it leads elsewhere.
* What is wrong is told in one line, in which nothing that the server has said can do harm.

Limits: `MAX_HEAD` and `MAX_BODY` octets of a response are read, and `MAX_EVENTS` parts; a text behind them is not
found. When a check has taken too long is decided by who makes it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, NamedTuple

import h11

from resolver.network.base import Clock, Endpoint, Sending
from resolver.network.probes import NOT_ITS_FAULT, Done
from resolver.network.troubles import local_trouble_of
from resolver.network.trust import refusal

MAX_HEAD: Final = 16 * 1024
MAX_BODY: Final = 64 * 1024
CHUNK: Final = 16 * 1024
MAX_EVENTS: Final = 1024
"""Parts of a response, as its body comes in: smaller ones than 64 octets would take more work than they are worth."""

MAX_INTERIM: Final = 8
"""Responses of status 1xx before the last (RFC 9110 section 15.2)."""

DAY_S: Final = 86_400
NO_HTTP: Final = "what it answers is no HTTP/1.1"
CLOSED: Final = "it has closed the connection"


class Tls(NamedTuple):
    """By whom and for whom its certificate must be, for how many days from now, and of which key, if any is pinned."""

    context: Callable[[], ssl.SSLContext]
    name: str
    days: int = 0
    pins: frozenset[bytes] = frozenset()


class Http(NamedTuple):
    """What is asked for, and what makes a response good: one of the ranges of statuses, and a text in its body."""

    host: str
    path: str
    statuses: tuple[tuple[int, int], ...]
    body: bytes = b""


class StreamProbe:
    """Checks the server at one endpoint: that it accepts, then by TLS, then by HTTP, where those are given."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        to: Endpoint,
        tls: Tls | None = None,
        http: Http | None = None,
        source: str = "",
    ) -> None:
        """It connects from the address `source`, or from whichever the kernel takes."""
        self._source = source
        self._loop, self._clock = loop, clock
        self._to, self._tls, self._http = to, tls, http

    def begin(self, done: Done) -> Sending:
        """A connection is on its way; `done` is called once, unless it is closed before."""
        return _Running(self._loop.create_task(self._checked()), done)

    async def _checked(self) -> str | None:
        """What `Done` takes."""
        try:
            return await self._met()
        except ssl.SSLError as wrong:
            return str(refusal(wrong))
        except ConnectionResetError:
            return CLOSED
        except OSError as wrong:
            trouble = local_trouble_of(wrong)
            return None if trouble in NOT_ITS_FAULT else str(trouble)

    async def _met(self) -> str:
        tls = self._tls
        context, name = (None, None) if tls is None else (tls.context(), tls.name)
        own = (self._source, 0) if self._source else None
        reader, writer = await asyncio.open_connection(
            self._to.host, self._to.port, limit=CHUNK, ssl=context, server_hostname=name, local_addr=own
        )
        try:
            if tls is not None and (why := _unpinned(writer, tls.pins) or self._expires_too_soon(writer, tls.days)):
                return why
            return "" if self._http is None else await _asked(reader, writer, self._http)
        finally:
            writer.transport.abort()

    def _expires_too_soon(self, writer: asyncio.StreamWriter, days: int) -> str:
        if not days:  # that it is valid now was seen, where that matters
            return ""
        from resolver.network.strangers import read

        try:
            ends = read(_certificate(writer), lambda shown: shown.not_valid_after_utc.timestamp())
        except ValueError:
            return "its certificate cannot be read"
        left = (ends - self._clock.wall()) / DAY_S
        return f"its certificate ends in {max(0, int(left))} days" if left < days else ""


def _certificate(writer: asyncio.StreamWriter) -> bytes:
    """What the server has shown, in DER."""
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) or b""


def _unpinned(writer: asyncio.StreamWriter, pins: frozenset[bytes]) -> str:
    """Why the key of the server is none of `pins`; an empty text if it is, or if there are none."""
    if not pins:
        return ""
    from resolver.network.pins import unpinned

    return str(unpinned(_certificate(writer), pins) or "")


class _Running:
    """A check under way."""

    def __init__(self, task: asyncio.Task[str | None], done: Done) -> None:
        self._task = task
        self._done: Done | None = done
        task.add_done_callback(self._ended)

    def close(self) -> None:
        """`done` is not called any more. Calling it again does nothing."""
        self._done = None
        self._task.cancel()

    def _ended(self, task: asyncio.Task[str | None]) -> None:
        done, self._done = self._done, None
        if not task.cancelled():
            why = task.result()
            if done is not None:
                done(why)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: Http) -> str:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    headers = [("host", wanted.host), ("user-agent", "resolverd"), ("accept", "*/*"), ("connection", "close")]
    request = http.send(h11.Request(method="GET", target=wanted.path, headers=headers))
    writer.write((request or b"") + (http.send(h11.EndOfMessage()) or b""))
    body = bytearray()
    events = interim = 0
    try:
        while len(body) < MAX_BODY and events < MAX_EVENTS:
            event = http.next_event()
            events += 1
            if event is h11.NEED_DATA:
                octets = await reader.read(CHUNK)
                if not octets and http.their_state is h11.SEND_RESPONSE and not http.trailing_data[0]:
                    return CLOSED
                http.receive_data(octets)
            elif isinstance(event, h11.InformationalResponse):
                interim += 1
                if interim > MAX_INTERIM:
                    return NO_HTTP
            elif isinstance(event, h11.Response):
                if not any(low <= event.status_code <= high for low, high in wanted.statuses):
                    return f"it answers with status {event.status_code}"
            elif isinstance(event, h11.Data):
                body += event.data[: MAX_BODY - len(body)]
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                break
            if wanted.body in body and http.their_state is not h11.SEND_RESPONSE:
                return ""
    except h11.RemoteProtocolError:
        return NO_HTTP
    return "" if wanted.body in body else "the text is not in its answer"
