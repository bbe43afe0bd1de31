"""Decides how HTTP/2 carries questions and answers (RFC 9113), and what of it a client may send.

Rules:
* `h2` speaks HTTP/2. What is here cuts what comes in into frames, so that each can be weighed, and so that requests
  which have a stored answer and look like an earlier one need not pass it (`quick.py`).
* Frames are weighed (`weighing.py`). Who sends too many beside requests is ended with ENHANCE_YOUR_CALM: floods of
  PING, SETTINGS, RST_STREAM (CVE-2023-44487), CONTINUATION, empty DATA (CVE-2019-9511 to 9518) all cost more than they
  give. What waits for room is looked at once for all that a read brings, however many windows that opens.
* A header block is at most `doh.MAX_HEADER` octets, in one frame or several. Beyond `Terms.streams` a stream is
  refused.
* The body of a request counts against the windows until it is whole, so all bodies of a connection that are not are
  64 KiB at most. An answer waits for room in the windows of its client, as many as `UNSENT` octets of them.
* An end is announced (GOAWAY), then what was asked before is answered (section 6.8).

Limits: those above. Nothing is pushed, priorities are not looked at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from resolver.message import Session
from resolver.network.h2_settings import SETTINGS, negotiated
from resolver.server import doh
from resolver.server.doh import Refusal
from resolver.server.http1 import told
from resolver.server.memo import Known
from resolver.server.quick import END_HEADERS, END_STREAM, FRAME, HEAD, HEADERS, Quick
from resolver.server.weighing import CONTINUATION, Odd, is_odd

if TYPE_CHECKING:
    from resolver.server.https import HttpsConnection

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
UNSENT: Final = 2 * 65_535
"""Octets of answers that wait for room in the windows of the client; beyond, streams are reset."""


class _H2(H2Connection):
    """A connection that remembers fewer of its former streams: for who asks for long there would be 13 MiB of them."""

    MAX_CLOSED_STREAMS = 2_048


class Request:
    """A request that is not whole yet."""

    __slots__ = ("began", "body", "session", "taken", "wire")

    def __init__(self, wire: bytes | None, session: Session, began: float) -> None:
        self.wire, self.session, self.began = wire, session, began
        self.body = bytearray()
        self.taken = 0
        """Octets of the windows that it has taken."""


class Http2:
    """Speaks HTTP/2 for `connection`."""

    def __init__(self, connection: HttpsConnection) -> None:
        self._connection, self._https = connection, connection.https
        self._http = _H2(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        streams = connection.https.terms.streams
        self._http.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: doh.MAX_HEADER,
            },
        )
        self._http.decoder.max_header_list_size = doh.MAX_HEADER
        self._http.initiate_connection()
        self._rest = b""
        self._begun = self._amid = self.over = self.behind = False
        self._block = 0
        """Octets of the header block that is not complete."""
        self._out: list[bytes] = []
        self._requests: dict[int, Request] = {}
        self._asked: set[int] = set()
        """Streams whose requests are worked on, and not given up."""
        self._refused: dict[int, int] = {}
        """Octets that have come of bodies of which nothing is wanted, by stream."""
        self._waiting: dict[int, bytes] = {}
        """What of answers waits for room in the windows, by stream."""
        self.unsent = 0
        self._roomier = False
        """Whether there may be room for what waits."""
        self._odd = Odd(connection.now)
        self._newest: Known | None = None
        self._quick = Quick(connection, self._http, self._out)
        self.partial_since: float | None = None
        self._heed: dict[type, Callable[[Any], None]] = {
            RequestReceived: self._begin,
            DataReceived: self._take,
            StreamEnded: self._ask,
            StreamReset: self._give_up,
            WindowUpdated: self._open,
            RemoteSettingsChanged: lambda _: self._settled(),
            ConnectionTerminated: lambda _: self._connection.finish(),
        }

    # What the connection calls

    def receive(self, octets: bytes) -> None:
        """See `Speaker`."""
        now = self._connection.now
        self._odd.pass_time(now)
        self._quick.begin()
        if self._rest:
            octets = self._rest + octets
        at, size = 0, len(octets)
        if not self._begun:
            if size < len(PREFACE) and PREFACE.startswith(octets):
                self._rest, self.partial_since = octets, self.partial_since or now
                return
            at = len(PREFACE)
            self._begun = True
            self._feed(octets[:at])
        connection, self.behind = self._connection, False
        while not self.over and size - at >= HEAD:
            if connection.full:
                self.behind = True
                break
            end = at + HEAD + int.from_bytes(octets[at : at + 3], "big")
            if end > size:
                if end - at > HEAD + FRAME:  # h2 would wait for the rest of it
                    self._stop(ErrorCodes.FRAME_SIZE_ERROR)
                break
            kind = octets[at + 3]
            answers = -1 if self._amid or self._waiting else self._quick.take(kind, octets, at, end)
            if answers > 0:
                self._odd.answered()
            elif answers < 0:
                self._quick.release(self._feed)
                self._frame(kind, octets[at + 4], octets[at:end])
            at = end
        if self._roomier:
            self._send_waiting()
        self._rest = b"" if self.over else octets[at:]
        self._mark(now)

    def answer(self, token: int, response: bytes | None) -> None:
        """See `Speaker`."""
        if token not in self._asked:
            return  # it was given up
        self._asked.discard(token)
        if response is None:
            self._reset(token, ErrorCodes.REFUSED_STREAM)
        else:
            self._say(token, b"200", doh.answered(response), response)

    def finish(self) -> None:
        """See `Speaker`."""
        self._quick.release(self._feed)
        if not self.over:  # h2 would say nothing more after a GOAWAY of its own
            last = GoAwayFrame(0, last_stream_id=self._http.highest_inbound_stream_id, error_code=ErrorCodes.NO_ERROR)
            self._out += (self._http.data_to_send(), last.serialize())

    def octets(self) -> bytes:
        """See `Speaker`."""
        told = self._http.data_to_send()
        if not self._out:
            return told
        octets = b"".join((*self._out, told))
        self._out.clear()
        return octets

    # Frames

    def _frame(self, kind: int, flags: int, frame: bytes) -> None:
        """`frame` is weighed, and then handled by h2."""
        if not self._odd.spend(is_odd(kind, flags, len(frame))):
            self._stop(ErrorCodes.ENHANCE_YOUR_CALM)
            return
        if kind not in (HEADERS, CONTINUATION):
            read = negotiated(frame) if kind == SETTINGS else frame
            if read is None:
                self._stop(ErrorCodes.ENHANCE_YOUR_CALM)
            else:
                self._feed(read)
            return
        self._connection.weighs()
        self._block += len(frame) - HEAD
        if self._block > doh.MAX_HEADER:
            self._stop(ErrorCodes.ENHANCE_YOUR_CALM)
            return
        whole, single = bool(flags & END_HEADERS), not self._amid and flags & ~END_STREAM == END_HEADERS
        self._amid = not whole
        entries, self._newest = self._quick.entries(), None
        self._feed(frame)
        self._quick.learn(entries, frame[HEAD:], self._learnt() if single else None)
        if whole:
            self._block = 0

    def _feed(self, octets: bytes) -> None:
        """h2 handles `octets`, and what it makes of them is heeded."""
        try:
            events = self._http.receive_data(octets)
        except ProtocolError:  # it has written why
            self._end()
            return
        for event in events:
            heed = self._heed.get(type(event))
            if heed is not None:
                heed(event)

    def _learnt(self) -> Known | None:
        """What the last frame was found to ask, if it was a request."""
        return self._newest

    # Events

    def _begin(self, event: RequestReceived) -> None:
        stream, connection = event.stream_id, self._connection
        if connection.finishing or connection.outstanding >= self._https.terms.streams:
            self._reset(stream, ErrorCodes.REFUSED_STREAM)
            return
        pseudo = {name: value for name, value in event.headers if name[:1] == b":"}
        fields = [(name, value) for name, value in event.headers if name[:1] != b":"]
        head = doh.head_of(pseudo.get(b":method", b""), pseudo.get(b":path", b""), fields)
        judged = doh.judged(head, self._https.terms.paths)
        if isinstance(judged, Refusal):
            self._refuse(stream, judged, ended=event.stream_ended is not None)
            return
        session = told(connection, head.path, fields)
        self._requests[stream] = Request(judged, session, connection.now)
        length = head.content_length
        self._newest = Known(judged, session, int(length[:9]) if length.isdigit() else -1)

    def _take(self, event: DataReceived) -> None:
        request = self._requests.get(event.stream_id)
        if request is None:
            self._pass_over(event)
            return
        request.taken += event.flow_controlled_length
        if request.wire is None:
            request.body += event.data

    def _pass_over(self, event: DataReceived) -> None:
        """Who was refused may end its request, as some take no answer before; but not send on and on."""
        stream = event.stream_id
        self._http.acknowledge_received_data(event.flow_controlled_length, stream)
        if stream in self._refused:
            self._refused[stream] += event.flow_controlled_length
            if self._refused[stream] > FRAME:
                del self._refused[stream]
                self._https.cut += 1
                self._reset(stream, ErrorCodes.NO_ERROR, counted=False)  # RFC 9113 section 8.1

    def _ask(self, event: StreamEnded) -> None:
        stream = event.stream_id
        self._refused.pop(stream, None)
        request = self._requests.pop(stream, None)
        if request is None:
            return
        if request.taken:
            self._http.acknowledge_received_data(request.taken, stream)
        wire = doh.message(bytes(request.body)) if request.wire is None else request.wire
        if isinstance(wire, Refusal):
            self._refuse(stream, wire, ended=True)
            return
        self._asked.add(stream)
        response = self._connection.ask(stream, wire, request.session)
        if response is not None:
            self.answer(stream, response)

    def _give_up(self, event: StreamReset) -> None:
        stream = event.stream_id
        self._refused.pop(stream, None)
        request = self._requests.pop(stream, None)
        if request is not None and request.taken:
            self._http.acknowledge_received_data(request.taken, stream)
        self._asked.discard(stream)
        self.unsent -= len(self._waiting.pop(stream, b""))

    def _settled(self) -> None:
        self._quick.window = self._http.remote_settings.initial_window_size
        self._roomier = True

    def _open(self, _: WindowUpdated) -> None:
        self._roomier = True

    # Answers

    def _refuse(self, stream: int, refusal: Refusal, *, ended: bool) -> None:
        self._https.refused += 1
        self._connection.asked += 1
        fields, body = doh.explained(refusal)
        self._say(stream, b"%d" % refusal.status, fields, body)
        if not ended:
            self._refused[stream] = 0

    def _say(self, stream: int, status: bytes, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        try:
            self._http.send_headers(stream, [(b":status", status), *fields])
        except ProtocolError:  # the stream, or all, is at an end
            return
        self._odd.answered()
        self._send(stream, body)

    def _send(self, stream: int, body: bytes) -> None:
        """As much of `body` as there is room for is written, and the rest waits."""
        try:
            while True:
                room = min(self._http.local_flow_control_window(stream), self._http.max_outbound_frame_size)
                if room >= len(body):
                    self._http.send_data(stream, body, end_stream=True)
                    return
                if room <= 0:
                    break
                self._http.send_data(stream, body[:room])
                body = body[room:]
        except ProtocolError:
            return
        if self.unsent + len(body) > UNSENT:
            self._reset(stream, ErrorCodes.ENHANCE_YOUR_CALM)
            return
        self._waiting[stream] = body
        self.unsent += len(body)

    def _send_waiting(self) -> None:
        """There may be room for what waits."""
        self._roomier = False
        if not self._waiting or self.over:
            return
        waiting, self._waiting, self.unsent = self._waiting, {}, 0
        for stream, body in waiting.items():
            self._send(stream, body)

    def _reset(self, stream: int, code: ErrorCodes, *, counted: bool = True) -> None:
        self._https.reset += counted
        self._odd.spend(counted)
        try:
            self._http.reset_stream(stream, code)
        except ProtocolError:
            return

    # Ends

    def _mark(self, now: float) -> None:
        """Since when the client owes the rest of something."""
        if self._requests:
            self.partial_since = next(iter(self._requests.values())).began
        elif self._quick.since is not None:
            self.partial_since = self._quick.since
        elif not (self._rest or self._amid or self._refused):
            self.partial_since = None
        elif self.partial_since is None:
            self.partial_since = now

    def _stop(self, code: ErrorCodes) -> None:
        """Enough of it, and the client is told why."""
        self._https.calmed += 1
        with contextlib.suppress(ProtocolError):
            self._http.close_connection(code)
        self._end()

    def _end(self) -> None:
        """Nothing more is read or answered."""
        self.over = True
        self._requests.clear()
        self._asked.clear()
        self._refused.clear()
        self._waiting.clear()
        self.unsent = 0
        self._connection.finish()
