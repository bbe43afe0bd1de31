"""Upstreams over TLS and HTTPS on the running loop, for tests on real sockets: they do what a test tells them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from resolver.message import Transport
from resolver.network.base import Endpoint, Trouble, Upstream
from resolver.network.encrypted import Encrypted, Terms
from resolver.network.sockets import SocketNetwork
from tests.support.sockets import Inbox, framed, read_message

DNS = b"application/dns-message"


class Peer:
    """A server on loopback with the connections that it has; `answer` makes a reply of a query, or None of it."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer = answer
        self.queries: list[bytes] = []
        self.sessions: list[Any] = []
        self.names: list[str | None] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.hosts: list[str] = []
        """From where they came."""
        self.at = Endpoint("127.0.0.1", 0)

    @property
    def connections(self) -> int:
        """How many there have been, with a handshake that is done."""
        return len(self.writers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """DNS over TLS on one connection."""
        self.met(writer)
        while True:
            query = await read_message(reader)
            self.queries.append(query)
            reply = self.answer(query)
            if reply is not None:
                writer.write(framed(reply))

    def met(self, writer: asyncio.StreamWriter) -> None:
        """A client is here."""
        self.writers.append(writer)
        self.hosts.append(writer.get_extra_info("peername")[0])
        self.sessions.append(writer.get_extra_info("ssl_object"))

    def cut(self) -> None:
        """All connections end."""
        for writer in self.writers:
            writer.close()


class HttpsPeer(Peer):
    """The same over HTTP/2: `fields`, `status` and `body_of` say how it answers."""

    def __init__(self, answer: Callable[[bytes], bytes | None], **settings: int) -> None:
        super().__init__(answer)
        self.requests: list[dict[str, str]] = []
        self.status, self.fields = "200", [("content-type", DNS.decode())]
        self.settings = {getattr(h2.settings.SettingCodes, key): value for key, value in settings.items()}
        self.https: list[h2.connection.H2Connection] = []
        self.waiting: list[tuple[int, bytes]] = []
        self.refuses = 0
        """Streams to come that are refused unread."""
        self.reset: list[int] = []
        self._bodies: dict[int, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP/2 on one connection."""
        self.met(writer)
        http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.https.append(http)
        http.local_settings = h2.settings.Settings(client=False, initial_values=self.settings)
        http.initiate_connection()
        writer.write(http.data_to_send())
        bodies: dict[int, bytearray] = {}
        while octets := await reader.read(65_536):
            for event in http.receive_data(octets):
                self._heard(http, event, bodies)
            writer.write(http.data_to_send())

    def _heard(self, http: h2.connection.H2Connection, event: h2.events.Event, bodies: dict[int, bytearray]) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=stream, headers=headers):
                self.requests.append({str(name): str(value) for name, value in headers})
                bodies[stream] = bytearray()
            case h2.events.DataReceived(stream_id=stream, data=data, flow_controlled_length=size):
                bodies[stream] += data
                http.acknowledge_received_data(size, stream)
            case h2.events.StreamReset(stream_id=stream):
                self.reset.append(stream)
                self._bodies.pop(stream, None)
            case h2.events.WindowUpdated():
                self._pump(http)
            case h2.events.StreamEnded(stream_id=stream):
                if self.refuses:
                    self.refuses -= 1
                    http.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
                    return
                query = bytes(bodies[stream]) or _asked(self.requests[-1][":path"])
                self.queries.append(query)
                reply = self.answer(query)
                if reply is None:
                    self.waiting.append((stream, query))
                else:
                    self.reply(http, stream, reply)

    def reply(self, http: h2.connection.H2Connection, stream: int, body: bytes) -> None:
        """`body` is the response on `stream`."""
        http.send_headers(stream, [(":status", self.status), *self.fields])
        self._bodies[stream] = body
        self._pump(http)

    def _pump(self, http: h2.connection.H2Connection) -> None:
        """As much of the bodies leaves as there is room for."""
        for stream, body in tuple(self._bodies.items()):
            while True:
                size = min(http.local_flow_control_window(stream), 16_384, len(body))
                if size < len(body) and not size:
                    break
                ends = size == len(body)
                http.send_data(stream, body[:size], end_stream=ends)
                body = self._bodies[stream] = body[size:]
                if ends:
                    del self._bodies[stream]
                    break

    def flush(self) -> None:
        """What was said apart from requests leaves."""
        for http, writer in zip(self.https, self.writers, strict=True):
            writer.write(http.data_to_send())


def _asked(path: str) -> bytes:
    text = path.partition("dns=")[2]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def shaking(context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server's part of a handshake, its alerts included, which asyncio leaves out."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while octets := await reader.read(65_536):
        incoming.write(octets)
        with contextlib.suppress(ssl.SSLError):
            tls.do_handshake()
        writer.write(outgoing.read())


@asynccontextmanager
async def listening(peer: Peer, context: ssl.SSLContext, port: int = 0) -> AsyncIterator[Peer]:
    """`peer` is there, shows what `context` has, and is gone in the end."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await peer.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):  # the client has gone
            pass
        finally:
            writer.close()

    context.sni_callback = lambda _tls, name, _context: peer.names.append(name)
    server = await asyncio.start_server(served, "127.0.0.1", port, ssl=context)
    peer.at = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield peer
    finally:
        server.close()
        for writer in peer.writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def terms(
    world: SocketNetwork,
    peer: Peer,
    ca: str | None,
    name: str = "",
    path: str = "",
    *,
    gets: bool = False,
    pins: Collection[bytes] = (),
) -> Terms:
    """How `peer` is spoken to: over HTTPS where there is a `path`, and by its key alone with `pins` and no `name`."""
    transport = Transport.HTTPS if path else Transport.TLS
    encrypted: Encrypted = world.encrypted()
    upstream = Upstream(peer.at, transport, name, path, frozenset(pins))
    context = encrypted.context(ca, transport, checked=not upstream.is_known_by_pins_alone)
    return Terms(upstream, context, gets)


async def asked(world: SocketNetwork, how: Terms, query: bytes = b"id ask") -> bytes | Trouble:
    """What comes of one query."""
    inbox = Inbox()
    sending = world.encrypted().send(how, query, inbox)
    (came,) = await inbox.wait_for(1)
    sending.close()
    return came


def echo(query: bytes) -> bytes:
    """An answer that tells whose it is."""
    return query + b", ed"


def held(_query: bytes) -> None:
    """No answer, until the test gives one."""
