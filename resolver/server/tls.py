"""Decides how a connection is carried by TLS (RFC 7858, RFC 8484 section 5.1): what comes in is decrypted and handed to
what is `Served`, what that writes is encrypted.

Rules:
* To the loop it is a protocol, to what is `Served` a transport; neither knows of the other. All that one read brings is
  handed on at once, all that is answered then is encrypted in one go and written with one call.
* The handshake must be done within `message_seconds` of the connection (`handshakes.py`); what fails ends it without a
  word but the alert that TLS asks for.
* A client that ends its side (close_notify, or the end of the stream) still gets the answers to what it asked (RFC 7766
  section 6.2.4, RFC 8446 section 6.1); we end ours with a close_notify, but for `handshakes.SESSIONS`. That a stream is
  cut off does no harm: messages have lengths.
* What TLS itself has to say (tickets, updates of keys, alerts) waits in the same write buffer as answers do, so that a
  client which takes nothing is read no further.

Limits: those of what is `Served`; an open one takes 17 KiB, without TLS 2 KiB. The engine is the `ssl` module on memory
buffers: the TLS of asyncio and uvloop allocates 256 KiB at each read. A record is at most 16 KiB, so one read and what
was left of the last one are 32 KiB at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Final, cast

from resolver.network.base import Timer
from resolver.server.handshakes import Handshakes, Spoken, may_be_remembered
from resolver.server.served import Served

if TYPE_CHECKING:
    from resolver.server.tcp import TcpListener

RECORD: Final = 16_384
"""Octets of the longest record (RFC 8446 section 5.1)."""


class TlsStream(asyncio.BufferedProtocol, asyncio.Transport):
    """What is between the transport of the loop and what is `Served`."""

    def __init__(self, connection: Served, listener: TcpListener, handshakes: Handshakes) -> None:
        super().__init__()
        self._connection, self._listener, self._handshakes = connection, listener, handshakes
        self._stream: asyncio.Transport | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: Spoken | None = None
        """Made when the first octets come: a connection that sends none costs little."""
        self._shaken = False
        self._waits = False
        """While the handshake waits for its turn."""
        self._paused = False
        """What is served wants nothing to come in."""
        self._ended = False
        """The client will send nothing more."""
        self._timer: Timer | None = None

    @property
    def host(self) -> str:
        """The address of the client."""
        return self._connection.host

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection has a place, or is closed where a limit forbids it."""
        self._stream = cast("asyncio.Transport", transport)
        self._timer = self._listener.clock.after(self._listener.places.limits.message_seconds, self._is_late)
        self._connection.connection_made(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the loop may put what it reads next."""
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Octets have come in: the handshake goes on, or what they say is handed on."""
        if self._stream is None or self._ended:
            return
        self._incoming.write(memoryview(self._listener.buffer)[:nbytes])
        if self._shaken:
            self._receive()
        elif not self._waits:
            if self._tls is None:
                self._tls = self._handshakes.begin(self, self._incoming, self._outgoing, self._listener.transport)
            self._waits = True
            self._handshakes.go_on(self)
            if self._waits and not self.is_closing():
                self._stream.pause_reading()

    def eof_received(self) -> bool:
        """The client will send nothing more; True keeps the connection until it has its answers."""
        self._end()
        return self._stream is not None and not self._stream.is_closing()

    def pause_writing(self) -> None:
        """The client leaves its answers lying."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stream = None
        self._stop_timer()
        self._handshakes.fail(self)
        self._connection.connection_lost(exc)
        self._tls = None  # now, as what OpenSSL holds for a connection is more than what is left of it here

    # What is served calls

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """`data` is on its way, encrypted."""
        tls = self._tls
        if tls is None or self._stream is None:
            return
        try:
            tls.write(data)
        except ssl.SSLError:
            self.abort()
            return
        self._stream.write(self._outgoing.read())

    def close(self) -> None:
        """The client gets what was written, and most often the end of TLS; then the connection is closed."""
        stream = self._stream
        if stream is None or stream.is_closing():
            return
        if self._shaken and self._tls is not None and may_be_remembered(self._tls):
            with contextlib.suppress(ssl.SSLError):  # it would like to read the close_notify of the client
                self._tls.unwrap()
            self._flush()
        stream.close()

    def abort(self) -> None:
        """The connection is cut now."""
        if self._stream is not None:
            self._stream.abort()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport of the loop says."""
        return default if self._stream is None else self._stream.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How many octets may wait, encrypted, before writing pauses."""
        if self._stream is not None:
            self._stream.set_write_buffer_limits(high, low)

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self._stream is None or self._stream.is_closing()

    def pause_reading(self) -> None:
        """Nothing comes in until `resume_reading`."""
        self._paused = True
        if self._stream is not None:
            self._stream.pause_reading()

    def resume_reading(self) -> None:
        """Octets come in again."""
        self._paused = False
        if self._stream is not None and not self._waits:
            self._stream.resume_reading()

    # The handshake

    def shake(self) -> None:
        """The handshake goes on with what has come in, in its turn."""
        stream, tls = self._stream, self._tls
        if stream is None or tls is None or stream.is_closing():
            return
        self._waits = False
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            self._read_on()
            return
        except ssl.SSLError:
            self._handshakes.fail(self)
            self._flush()
            stream.close()
            return
        self._shaken = True
        self._stop_timer()
        self._handshakes.succeed(self, resumed=bool(tls.session_reused))
        self._flush()
        self._connection.shaken(tls.server_name, tls.selected_alpn_protocol() or "")
        self._read_on()
        if self._incoming.pending:
            self._receive()

    def _read_on(self) -> None:
        """The pause that the wait for the turn was is over."""
        if self._stream is not None and not self._paused:
            self._stream.resume_reading()

    def _is_late(self) -> None:
        self._listener.places.timed_out += 1
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Octets

    def _receive(self) -> None:
        """What the records that came in say is handed on."""
        tls, incoming = cast("Spoken", self._tls), self._incoming
        parts: list[bytes] = []
        ended = broken = False
        try:
            while True:
                part = tls.read(RECORD)
                if not part:
                    ended = True
                    break
                parts.append(part)
                if not incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:  # a record is not complete
            pass
        except ssl.SSLError:
            broken = True
        if parts:
            self._connection.received(parts[0] if len(parts) == 1 else b"".join(parts))
        if self._outgoing.pending:
            self._flush()
        if broken:
            self.abort()
        elif ended:
            self._end()

    def _end(self) -> None:
        """The client will send nothing more."""
        if not self._ended:
            self._ended = True
            if not self._connection.eof_received():
                self.close()

    def _flush(self) -> None:
        """What TLS has to say is on its way."""
        stream = self._stream
        if stream is not None and self._outgoing.pending and not stream.is_closing():
            stream.write(self._outgoing.read())
