"""Decides how queries go to an upstream over HTTPS (RFC 8484), and which responses are replies.

Rules:
* One connection of HTTP/2, which ALPN must have agreed on; each query is a stream of its own. The request is a POST, or
  a GET where that is configured, or where the server has no room for a body now (RFC 9113 section 5.2).
* The id in a request is 0 (RFC 8484 section 4.1); the reply gets that of its query.
* A reply is what comes with status 200 and as application/dns-message (section 4.2.1); what it took caches on its way
  (Age) is taken from its TTLs (section 5.1). Redirections are not followed: they would lead to whom nobody configured.
* A server that ends a connection (GOAWAY) answers what it has accepted; the others are sent once more, as are those
  that it refused unread (RFC 9113 section 8.7). A query that is given up is reset, and whether the server is there at
  all is asked with a PING, one at a time.
* A frame costs one of what `Sieve` allows; requests, and what is taken of replies, give some back. So a server that
  sends ever more of what is no reply (PING, SETTINGS, responses of status 1xx, empty DATA) is left.

Limits: `MAX_STREAMS` streams, fewer where the server says so, one until it has said so; 65,535 octets of a body,
`MAX_BODIES` of all that have not ended; 16 KiB of header fields. It does not take what is pushed. A connection ends
before its streams run out of numbers.
"""

from __future__ import annotations

import base64
import contextlib
from collections import deque
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from resolver.network.aging import aged
from resolver.network.base import Trouble
from resolver.network.carrying import LONGEST, Carrier, Query
from resolver.network.h2_frames import GoAway, Sieve
from resolver.network.peers import Peer, Terms
from resolver.network.trust import HTTP2
from resolver.text import printable

MEDIA_TYPE: Final = b"application/dns-message"

MAX_STREAMS: Final = 100
"""Queries outstanding on one connection: what RFC 9113 section 6.5.2 wants a server to allow at least."""

MAX_FIELDS: Final = 16_384
"""Octets of header fields of a response."""

PER_REQUEST: Final = 6
"""Frames that a server may send because of a request: a response with its body, updates of windows, a PING."""

LARGE: Final = 4096
"""Octets of a body beyond which it is looked at what all of a connection hold."""

MAX_BODIES: Final = 1 << 20
"""Octets of bodies of one connection that have not ended; most replies have a few hundred."""

SMALL: Final = 64
"""Octets below which a DATA frame brings next to nothing."""

LAST_STREAM: Final = 1 << 30
"""Numbers of streams after which a connection takes no more; there are twice as many."""

HTTPS_PORT: Final = 443

_WORDS: Final = 40
"""Characters of what a server says that are told."""

_CONFIGURATION: Final = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_outbound_headers=False,  # they are ours, and always the same
    normalize_outbound_headers=False,
)


class _Http2(H2Connection):
    """A connection that remembers fewer of its former streams: those of which something may still come."""

    MAX_CLOSED_STREAMS = 2048


class _Response:
    """What has come of one."""

    __slots__ = ("age", "body")

    def __init__(self, age: int) -> None:
        self.age, self.body = age, bytearray()


class HttpsConnection(Carrier):
    """A connection to an upstream of DNS over HTTPS."""

    MOST = MAX_STREAMS

    def __init__(self, home: Peer, terms: Terms) -> None:
        self._terms, self._peer = terms, home
        self._http = _Http2(_CONFIGURATION)
        self._http.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_FIELDS,
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
            },
        )
        self._http.decoder.max_header_list_size = MAX_FIELDS
        self._sieve = Sieve()
        self._begun = self._pinged = False
        self._room = MAX_STREAMS
        self._allowed = 1
        """Streams that may be open: one until the server has said how many, since some take that for too many."""
        self._unsent: deque[Query] = deque()
        self._responses: dict[int, _Response] = {}
        self._next = 1
        super().__init__(home)

    def has_room(self) -> bool:
        return len(self.waiting) < self._room and self._next < LAST_STREAM

    # -- requests

    def _say(self, query: Query) -> None:
        query.key, self._next = self._next, self._next + 2
        self.waiting[query.key] = query
        self._unsent.append(query)
        self._request()

    def _unsay(self, query: Query) -> None:
        if self.waiting.pop(query.key, None) is None:
            return
        self._responses.pop(query.key, None)
        if query in self._unsent:
            self._unsent.remove(query)
            return
        self._reset(query.key)
        self._ping()
        self._request()

    def _ping(self) -> None:
        """A server that is there will say so, though nothing else is awaited any more (RFC 9113 section 6.7)."""
        if not self._pinged:
            self._pinged = True
            with contextlib.suppress(H2Error):  # it has ended
                self._http.ping(bytes(8))
            self._flush()

    def _begin(self, protocol: str) -> Trouble | None:
        if protocol != HTTP2:
            return Trouble.HTTP.because("it speaks no HTTP/2")
        self._begun = True
        self._http.initiate_connection()
        self._request()
        return None

    def _request(self) -> None:
        """As many requests leave as the server takes."""
        if not self._begun:
            return
        while self._unsent and len(self.waiting) - len(self._unsent) < self._allowed:
            self._ask(self._unsent.popleft())
        self._flush()

    def _ask(self, query: Query) -> None:
        http, upstream = self._http, self._terms.upstream
        stream = query.key
        body = b"\0\0" + query.wire[2:]
        fits = min(http.outbound_flow_control_window, http.remote_settings.initial_window_size)
        gets = self._terms.gets or len(body) > min(fits, http.max_outbound_frame_size)
        path = upstream.path
        if gets:
            asked = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
            path = f"{path}{'&' if '?' in path else '?'}dns={asked}"
        fields = [
            (b":method", b"GET" if gets else b"POST"),
            (b":scheme", b"https"),
            (b":authority", authority(self._terms).encode()),
            (b":path", path.encode()),
            (b"accept", MEDIA_TYPE),
        ]
        if not gets:
            fields += [(b"content-type", MEDIA_TYPE), (b"content-length", str(len(body)).encode())]
        self._sieve.allow(PER_REQUEST)
        http.send_headers(stream, fields, end_stream=gets)
        if not gets:
            http.send_data(stream, body, end_stream=True)

    def _flush(self) -> None:
        octets = self._http.data_to_send()
        if octets:
            self.stream.write(octets)

    def _reset(self, stream: int) -> None:
        """The server need say no more on `stream`."""
        try:
            self._http.reset_stream(stream, ErrorCodes.CANCEL)
        except H2Error:  # it has ended
            return
        self._flush()

    # -- responses

    def _hear(self, octets: bytes) -> Trouble | None:
        try:
            passed = self._sieve.passed(octets)
            events = self._http.receive_data(passed)
        except (H2Error, ValueError) as error:
            self._flush()
            return Trouble.HTTP.because(f"it breaks the rules of HTTP/2: {printable(str(error))[:_WORDS]}")
        for event in events:
            self._heard(event)
        left, self._sieve.left = self._sieve.left, None
        if left is not None:
            self._left(left)
        self._request()
        return None

    def _heard(self, event: Event) -> None:
        match event:
            case ResponseReceived(stream_id=int(stream), headers=fields):
                self._answers(stream, {bytes(name): bytes(value) for name, value in fields or ()})
            case DataReceived(stream_id=int(stream), data=data, flow_controlled_length=size):
                self._http.acknowledge_received_data(size or 0, stream)
                self._brings(stream, data or b"")
            case StreamEnded(stream_id=int(stream)):
                self._ends(stream)
            case StreamReset(stream_id=int(stream), error_code=code):
                self._is_reset(stream, code)
            case PingAckReceived():
                self._pinged = False
            case RemoteSettingsChanged():
                self._room = self._allowed = min(MAX_STREAMS, self._http.remote_settings.max_concurrent_streams)

    def _answers(self, stream: int, fields: dict[bytes, bytes]) -> None:
        status, media = fields.get(b":status", b""), fields.get(b"content-type", b"")
        if status != b"200":
            self._refuse(stream, f"status {_told(status)} for {self._terms.upstream.path}")
        elif media.partition(b";")[0].strip().lower() != MEDIA_TYPE:
            self._refuse(stream, f"a response of the type {_told(media)}" if media else "a response without a type")
        elif stream in self.waiting:
            age = fields.get(b"age", b"")
            self._responses[stream] = _Response(int(age) if age.isdigit() and len(age) < 10 else 0)

    def _brings(self, stream: int, data: bytes) -> None:
        response = self._responses.get(stream)
        if response is None:
            return
        response.body += data
        if len(data) >= SMALL:
            self._sieve.allow(1)
        if len(response.body) > LONGEST:
            self._refuse(stream, f"a response of more than {LONGEST:,} octets")
        elif len(response.body) > LARGE and sum(len(each.body) for each in self._responses.values()) > MAX_BODIES:
            self._refuse(stream, "too many long responses that do not end")

    def _ends(self, stream: int) -> None:
        response = self._responses.pop(stream, None)
        query = self.waiting.pop(stream, None)
        if query is None:
            return
        if response is None or len(response.body) < 2:
            self._peer.refused(query, Trouble.HTTP.because("a response without a message"))
        else:
            self._reply(query, query.id + aged(bytes(response.body), response.age)[2:])

    def _is_reset(self, stream: int, code: int | None) -> None:
        self._responses.pop(stream, None)
        query = self.waiting.pop(stream, None)
        if query is None:
            return
        trouble = Trouble.HTTP.because(f"it has reset the request ({_code(code)})")
        if code == ErrorCodes.REFUSED_STREAM:
            self._home.again(query, trouble)
        else:
            self._peer.refused(query, trouble)

    def _left(self, left: GoAway) -> None:
        """The server answers no stream behind the last that it has accepted, and takes no others."""
        trouble = Trouble.RESET if not left.code else Trouble.HTTP.because(f"it has left ({_code(left.code)})")
        unread = [query for stream, query in self.waiting.items() if stream > left.last or query in self._unsent]
        self._unsent.clear()
        for query in unread:
            del self.waiting[query.key]
        self.leave()
        for query in unread:
            self._home.again(query, trouble)

    def _refuse(self, stream: int, why: str) -> None:
        """What comes on `stream` is no reply."""
        self._responses.pop(stream, None)
        query = self.waiting.pop(stream, None)
        if query is not None:
            self._reset(stream)
            self._peer.refused(query, Trouble.HTTP.because(why))


def authority(terms: Terms) -> str:
    """Whom a request is for: the name, or the address, and the port if it is not that of HTTPS."""
    name, port = terms.name, terms.upstream.endpoint.port
    host = f"[{name}]" if ":" in name else name
    return host if port == HTTPS_PORT else f"{host}:{port}"


def _told(octets: bytes) -> str:
    return printable(octets.decode("latin-1"))[:_WORDS]


def _code(code: int | None) -> str:
    try:
        return ErrorCodes(code or 0).name
    except ValueError:
        return f"code {code}"
