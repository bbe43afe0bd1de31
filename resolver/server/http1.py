"""Decides how HTTP/1.1 carries questions and answers (RFC 9112), for clients that do not speak HTTP/2.

Rules:
* One request at a time, answered in the order in which they came; while one is worked on nothing more is read.
* A connection stays open for more, unless the client wants it otherwise, or a request was broken off by its answer.
* A request that tells its length twice, by content-length and in chunks, ends the connection unanswered: whoever stands
  between may have seen another one there (RFC 9112 section 6.1).
* A chunk weighs as much as a head does: of tiny ones a read can hold thousands.

`h11` reads and writes HTTP. Limits: `doh.MAX_HEADER` octets of a head, `doh.MAX_MESSAGE` of a body; of what the client
sends before it has its answer, what one read brings.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import h11

from resolver.message import Session
from resolver.server import doh
from resolver.server.doh import Refusal
from resolver.text import printable

if TYPE_CHECKING:
    from resolver.server.https import HttpsConnection

_OK: Final = 200
_LENGTHS: Final = {b"content-length", b"transfer-encoding"}
_AROUND: Final = 4
"""Octets of a line of a head beside its name and value."""


class Http1:
    """Speaks HTTP/1.1 for `connection`."""

    def __init__(self, connection: HttpsConnection) -> None:
        self._connection = connection
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=doh.MAX_HEADER)
        self._out: list[bytes] = []
        self._wire: bytes | None = None
        self._body = bytearray()
        self._session = Session()
        self._asking = self._reading = self.over = self.behind = False
        self.partial_since: float | None = None
        self.unsent = 0

    def receive(self, octets: bytes) -> None:
        """See `Speaker`."""
        if self.over:
            self.behind = False
            return
        if octets:
            self._http.receive_data(octets)
        self._read()

    def answer(self, token: int, response: bytes | None) -> None:
        """See `Speaker`."""
        self._asking = False
        if response is None:
            self._connection.https.reset += 1
            self._end()
            return
        self._say(_OK, doh.answered(response), response)
        if not self._reading:  # else it goes on by itself
            self._read()
            self._connection.hold(self._asking)

    def finish(self) -> None:
        """See `Speaker`."""
        self.over = self.over or not self._asking

    def octets(self) -> bytes:
        """See `Speaker`."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    def _read(self) -> None:
        """What has come in is read, as far as the request before is answered."""
        self._reading, self.behind = True, False
        while not (self.over or self._asking):
            if self._connection.full:
                self.behind = True
                break
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as wrong:
                self._refuse(Refusal(wrong.error_status_hint, f"this is no HTTP/1.1: {printable(str(wrong))}"))
                break
            if event is h11.NEED_DATA or event is h11.PAUSED:
                self._wait()
                break
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                if event.chunk_start:
                    self._connection.weighs()
                self._body += event.data
                if len(self._body) > doh.MAX_MESSAGE:
                    self._refuse(Refusal(413, f"a DNS message has at most {doh.MAX_MESSAGE} octets"))
            elif isinstance(event, h11.EndOfMessage):
                self._ask()
            else:
                self._end()
        self._reading = False

    def _wait(self) -> None:
        """The rest of a request is owed, if it has begun."""
        if self._http.they_are_waiting_for_100_continue:
            self._out.append(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        begun = self._http.their_state is h11.SEND_BODY or bool(self._http.trailing_data[0])
        if not begun:
            self.partial_since = None
        elif self.partial_since is None:
            self.partial_since = self._connection.now

    def _begin(self, request: h11.Request) -> None:
        """The head of a request has come."""
        self._connection.weighs()
        if self.partial_since is None:
            self.partial_since = self._connection.now
        fields = list(request.headers)
        if {name for name, _ in fields} >= _LENGTHS:
            self._refuse(Refusal(400, "the length is told twice: send content-length or transfer-encoding, not both"))
            self._end()
            return
        head = doh.head_of(request.method, request.target, fields)
        judged = doh.judged(head, self._connection.https.terms.paths)
        if sum(len(name) + len(value) + _AROUND for name, value in fields) > doh.MAX_HEADER:  # which one read may bring
            judged = Refusal(431, f"the head of a request has at most {doh.MAX_HEADER} octets")
        if isinstance(judged, Refusal):
            with contextlib.suppress(h11.RemoteProtocolError):
                self._http.next_event()  # its end, if it has no body: then the connection can go on
            self._refuse(judged)
            return
        self._wire = judged
        self._body.clear()
        self._session = told(self._connection, head.path, fields)

    def _ask(self) -> None:
        """A request is whole."""
        self.partial_since = None
        wire = doh.message(bytes(self._body)) if self._wire is None else self._wire
        self._body.clear()
        if isinstance(wire, Refusal):
            self._refuse(wire)
            return
        self._asking = True
        response = self._connection.ask(0, wire, self._session)
        if response is not None:
            self._asking = False
            self._say(_OK, doh.answered(response), response)
        else:
            self._connection.hold(self._asking)  # not, where the answer was at hand

    def _refuse(self, refusal: Refusal) -> None:
        self._connection.https.refused += 1
        self._connection.asked += 1
        fields, body = doh.explained(refusal)
        self._say(refusal.status, fields, body)

    def _say(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A response is to be written; the connection stays open if HTTP has it so."""
        self.partial_since = None
        ends = self._connection.finishing or self._http.their_state not in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
        if ends:
            fields = [*fields, (b"connection", b"close")]
        try:
            for event in (h11.Response(status_code=status, headers=fields), h11.Data(data=body), h11.EndOfMessage()):
                self._out.append(self._http.send(event) or b"")
        except h11.LocalProtocolError:  # the client is at an end, or was told something already
            self._end()
            return
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self._end()

    def _end(self) -> None:
        """Nothing more is read, and the connection is closed when what is written has gone."""
        self.over = True
        self.partial_since = None
        self._connection.finish()


def told(connection: HttpsConnection, path: bytes, fields: list[tuple[bytes, bytes]]) -> Session:
    """What is told of a request: its path, and those of its header `fields` that rules look at."""
    wanted = connection.https.terms.fields
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in fields if wanted and name in wanted
    )
    return Session(connection.server_name, path.decode("latin-1"), headers)
