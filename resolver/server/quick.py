"""Decides which requests by HTTP/2 are answered without passing `h2`: those whose heads look like an earlier one, and
whose answers are stored.

To read a request and to write its answer costs `h2` 130 us, thirty times what the answer itself costs. What is kept of
heads is `memo.py`'s; what a frame must be is the least that the RFC allows, one HEADERS that is whole, and for a POST
one DATA that is (RFC 9113 sections 6.1, 6.2): all else is for `h2`.

Rules:
* The head of a POST waits for its body, since most clients send all heads first. Before `h2` reads any other frame it
  is given the heads that wait, in their order, so that streams begin in the order of their numbers for it as well.
* What `h2` would count is counted for it: the highest stream, and the room in the window of the connection. What a body
  took of our window is given back here.

Limits: as many heads wait as streams may be open, of `memo.LONGEST` octets. A stream that was answered here is closed
for `h2`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from h2.connection import H2Connection

from resolver.server import doh
from resolver.server.memo import Known, Memo, head_of_answer

if TYPE_CHECKING:
    from resolver.server.https import HttpsConnection

HEAD: Final = 9
"""Octets before the payload of a frame (RFC 9113 section 4.1)."""

FRAME: Final = 16_384
"""Octets of the longest payload (SETTINGS_MAX_FRAME_SIZE)."""

DATA: Final = 0
HEADERS: Final = 1
END_STREAM: Final = 0x01
END_HEADERS: Final = 0x04

_WITH_BODY: Final = END_HEADERS
_WITHOUT: Final = END_HEADERS | END_STREAM

_UPDATE_AT: Final = 16_384
"""Octets of bodies after which the client gets them back in its window, a quarter of that."""

_UPDATE: Final = b"\x00\x00\x04\x08\x00\x00\x00\x00\x00"
"""The head of a WINDOW_UPDATE for the connection (RFC 9113 section 6.9)."""


class Quick:
    """Answers what it can of `connection`, in the place of `http`."""

    def __init__(self, connection: HttpsConnection, http: H2Connection, out: list[bytes]) -> None:
        """What is to be written goes to `out`."""
        self._connection, self._http, self._out = connection, http, out
        self._memo: Memo | None = None
        self._table = 0
        self._waiting: dict[int, tuple[Known, bytes]] = {}
        self._last = self._highest = 0
        self._given_back = 0
        self.window: int = http.remote_settings.initial_window_size
        """Octets of an answer for which the client gives each stream room."""
        self.since: float | None = None
        """Since when the first of the heads that wait does."""
        self.begin()

    def begin(self) -> None:
        """Requests are read on the terms in force."""
        memo = self._connection.listener.memo
        if memo is not self._memo:
            self._memo, self._table = memo, self._number(memo)

    def take(self, kind: int, octets: bytes, at: int, end: int) -> int:
        """How many answers the frame of that `kind` in `octets` was given; -1 if it is for `h2` to read."""
        flags = octets[at + 4]
        if kind == HEADERS:
            if flags != _WITHOUT and flags != _WITH_BODY:
                return -1
            known = self._known(octets[at + HEAD : end])
            stream = octets[at + 5 : at + HEAD]
            number = int.from_bytes(stream, "big")
            if known is None or not number & 1 or number <= self._last or number >> 31:
                return -1
            if number <= self._http.highest_inbound_stream_id or self._connection.finishing:
                return -1
            if flags == _WITHOUT:
                return -1 if known.wire is None else self._answer(number, stream, known.wire)
            if known.wire is not None or len(self._waiting) >= self._connection.https.terms.streams:
                return -1
            self._last = number
            if not self._waiting:
                self.since = self._connection.now
            self._waiting[number] = known, octets[at:end]
            return 0
        if kind == DATA and flags == END_STREAM:
            return self._body(octets, at, end)
        return -1

    def _body(self, octets: bytes, at: int, end: int) -> int:
        """The same for a frame of data, the last of its stream."""
        stream = octets[at + 5 : at + HEAD]
        number = int.from_bytes(stream, "big")
        waits = self._waiting.get(number)
        if waits is None:
            return -1
        wire, length = octets[at + HEAD : end], end - at - HEAD
        if waits[0].length not in (-1, length) or doh.message(wire) is not wire:
            return -1
        answers = self._answer(number, stream, wire)
        if answers > 0:
            self._given_back += length
            if self._given_back >= _UPDATE_AT:
                self._out.append(_UPDATE + self._given_back.to_bytes(4, "big"))
                self._given_back = 0
        return answers

    def release(self, feed: Callable[[bytes], None]) -> None:
        """The heads that wait are given to `h2` by `feed`, which is then to read on."""
        if self._waiting:
            waiting, self._waiting, self.since = self._waiting, {}, None
            for _, frame in waiting.values():
                feed(frame)
        if self._highest > self._http.highest_inbound_stream_id:
            self._http.highest_inbound_stream_id = self._highest

    def entries(self) -> tuple[int, int, object]:
        """What tells whether the table of HPACK has changed: each entry that is new is an object of its own."""
        table = self._http.decoder.header_table
        entries = table.dynamic_entries
        return table.maxsize, len(entries), entries[0] if entries else None

    def learn(self, before: tuple[int, int, object], block: bytes, known: Known | None) -> None:
        """`h2` has read `block`, which was found to ask what is `known`; the table had those entries `before`."""
        after, memo = self.entries(), self._connection.listener.memo
        if after[:2] != before[:2] or after[2] is not before[2]:
            self._table = self._number(memo)
        elif known is not None:
            memo.keep(self._table, block, known)

    def _known(self, block: bytes) -> Known | None:
        return None if self._memo is None else self._memo.get((self._table, block))

    def _number(self, memo: Memo) -> int:
        """The number of the table of HPACK as it is now, for clients that call us by the same name."""
        table = self._http.decoder.header_table
        return memo.table((self._connection.server_name, table.maxsize, tuple(table.dynamic_entries)))

    def _answer(self, number: int, stream: bytes, wire: bytes) -> int:
        """1 if `wire` has its answer on the `stream` of that `number`; -1 if there is none, or no room for it."""
        http = self._http
        if http.encoder.table_size_changes:
            return -1
        response = self._connection.stored(wire)
        if response is None:
            return -1
        size = len(response)
        if size > self.window or size > http.outbound_flow_control_window or size > http.max_outbound_frame_size:
            return -1
        http.outbound_flow_control_window -= size
        head, body_head = head_of_answer(size, doh.freshness(response))
        self._out += (head, stream, body_head, stream, response)
        self._connection.took(size)
        self._waiting.pop(number, None)
        if number > self._last:
            self._last = number
        if number > self._highest:
            self._highest = number
        if not self._waiting:
            self.since = None
            if self._highest > http.highest_inbound_stream_id:
                http.highest_inbound_stream_id = self._highest
        return 1
