"""Decides which queries share a TCP connection, and what becomes of them when it ends.

Rules:
* A connection is kept after a reply, and further queries are sent on it before the replies to earlier ones are in (RFC
  7766 sections 6.2.1 and 6.2.1.1). Replies may come in any order and are told apart by id (section 7). A message and
  the two octets of its length leave together (section 8), with those of all queries of the same turn of the loop.
* A connection that ends with queries outstanding: those that were not its first are sent once more, each over a
  connection of its own, since the server may serve only one query on each (section 6.2.4). For all others that is
  trouble. One that ends with nothing outstanding is forgotten.
* A query whose sending is closed before its reply says that the server is slow or stuck: its connection takes no more
  queries, and is closed once none is outstanding. After `IDLE_S` without a query a connection is closed (6.2.3).
* A frame of no octets is no reply, and no more will come: `Trouble.RESET`. A frame whose id nobody waits for is a
  stray; of these a connection may have `MAX_STRAYS`. The very first frame, while one query is outstanding, is handed on
  whatever its id: nobody else can be meant, and its receiver judges.

Limits: `MAX_PIPELINED` queries on a connection, `PER_SERVER` connections kept to a server and `share` in all; what is
beyond has a connection of its own. Timeouts of replies are the caller's.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from resolver.network.base import Clock, Deliver, Endpoint, Sending, Trouble
from resolver.network.framed import came, connecting, messages
from resolver.network.poller import READ, WRITE, Poller
from resolver.network.tally import Tally
from resolver.network.troubles import local_trouble_of, trouble_of
from resolver.network.undelivered import Undelivered

MAX_PIPELINED: Final = 64
"""Queries outstanding on one connection."""

PER_SERVER: Final = 4
"""Connections kept to one server; more than one only when all are full (RFC 7766 section 6.2.2 asks for few)."""

IDLE_S: Final = 5.0
"""Seconds without a query after which a connection is closed: less than the shortest that servers allow."""

MAX_STRAYS: Final = 4
"""Frames with an id that nobody waits for, after which a connection is closed."""

TCP_BUFFER: Final = 16 * 1024
"""Octets asked of a stream at a time; a message has at most 65,535."""


class _Query:
    """A `Sending` over a connection."""

    __slots__ = ("connection", "deliver", "frame", "key", "repeatable")

    def __init__(self, wire: bytes, deliver: Deliver) -> None:
        """Raises OverflowError for a message of more than 65,535 octets."""
        self.frame = len(wire).to_bytes(2, "big") + wire
        self.key = wire[:2]
        self.deliver: Deliver | None = deliver
        self.connection: _Connection | None = None
        self.repeatable = False

    def close(self) -> None:
        """Deliver nothing more. Calling it again does nothing."""
        if self.deliver is not None:
            self.deliver = None
            if self.connection is not None:
                self.connection.give_up(self.key)

    def finish(self, outcome: bytes | Trouble) -> None:
        """`outcome` is delivered, unless the sending was closed."""
        deliver, self.deliver = self.deliver, None
        if deliver is not None:
            deliver(outcome)


class _Connection:
    """A connection with the queries that are outstanding on it, by id. It begins to connect when it is made."""

    __slots__ = (
        "_answered",
        "_carried",
        "_due",
        "_fd",
        "_given_up",
        "_home",
        "_open",
        "_received",
        "_sock",
        "_strays",
        "_unsent",
        "_writing",
        "leaving",
        "to",
        "used",
        "waiting",
    )

    def __init__(self, home: Streams, to: Endpoint, *, leaving: bool) -> None:
        """`leaving`: it is for one query and then closed. Raises OSError and OverflowError when it fails at once."""
        self._home, self.to, self.leaving = home, to, leaving
        self.waiting: dict[bytes, _Query] = {}
        self.used = 0.0
        self._carried = self._answered = self._given_up = self._strays = 0
        self._unsent, self._received = bytearray(), bytearray()
        self._open = self._due = False
        self._writing = True
        sock = connecting(home.poller, self, to, home.source)
        self._sock: socket.SocketType | None = sock
        self._fd = sock.fileno()

    def put(self, query: _Query) -> None:
        """`query`, whose id is not in use here, is on its way."""
        query.connection, query.repeatable = self, self._carried > 0
        self._carried += 1
        self.waiting[query.key] = query
        self.used = self._home.now
        self._unsent += query.frame
        if self._open and not self._writing and not self._due:
            self._due = True
            self._home.clock.after(0, self._flush)

    def give_up(self, key: bytes) -> None:
        """Nobody waits for a reply to the query with the id `key` any more."""
        if self.waiting.pop(key, None) is not None:
            self._given_up += 1
            self.leave()

    def leave(self) -> None:
        """No query is put on it any more; closed as soon as none is outstanding."""
        if not self.leaving:
            self.leaving = True
            self._home.forget(self)
        if not self.waiting:
            self.close()

    def close(self) -> None:
        """Nothing more is delivered. Calling it again does nothing."""
        sock, self._sock = self._sock, None
        self.waiting.clear()
        if sock is not None:
            if not self.leaving:
                self.leaving = True
                self._home.forget(self)
            self._home.poller.remove(self._fd)
            sock.close()

    def ready(self, events: int) -> None:
        """It is open, may be written to, or something has come."""
        if self._sock is None:
            return
        if not self._open:
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._end(trouble_of(OSError(code, "")))
                return
            self._open = True
            self._flush()
            return
        if events & WRITE:
            self._flush()
        if events & ~WRITE:
            self._read()

    def _closed(self) -> bool:
        return self._sock is None

    def _flush(self) -> None:
        self._due = False
        if self._sock is None:
            return
        unsent = self._unsent
        if unsent:
            try:
                del unsent[: self._sock.send(unsent)]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:  # replies may have come before its end, so reading tells
                unsent.clear()
                self.leave()
                if self._closed():
                    return
        if self._writing is not bool(unsent):
            self._writing = bool(unsent)
            self._home.poller.change(self._fd, READ | WRITE if unsent else READ)

    def _read(self) -> None:
        assert self._sock is not None
        octets = came(self._sock, TCP_BUFFER)
        if isinstance(octets, Trouble):
            self._end(octets)
            return
        for frame in messages(self._received, octets):
            self._arrived(frame)
            if self._closed():  # by a receiver, or for what came
                return
        if self.leaving and not self.waiting:
            self.close()

    def _arrived(self, frame: bytes) -> None:
        if not frame:
            self._end(Trouble.RESET)
            return
        query = self.waiting.pop(frame[:2], None)
        if query is None:
            if self._answered or self._given_up or len(self.waiting) != 1:
                self._stray()
                return
            _, query = self.waiting.popitem()
            self.leave()
        self._answered += 1
        query.finish(frame)

    def _stray(self) -> None:
        """A reply came for a query that was given up, or for none."""
        self._home.tally.strays += 1
        self._strays += 1
        if self._strays > MAX_STRAYS + self._given_up:
            self._end(Trouble.RESET)

    def _end(self, trouble: Trouble) -> None:
        """Closed; what is outstanding is sent once more or has `trouble`."""
        opened, queries = self._open, tuple(self.waiting.values())
        self.close()
        for query in queries:
            if query.deliver is None:  # closed by the receiver of another
                continue
            if opened and query.repeatable:
                self._home.repeat(query, self.to, trouble)
            else:
                query.finish(trouble)


class Streams:
    """The connections, by server."""

    def __init__(
        self,
        poller: Poller,
        clock: Clock,
        tally: Tally,
        share: int,
        has_room: Callable[[], bool],
        source: str = "",
    ) -> None:
        """At most `share` connections are kept; `has_room` says whether one more socket may be opened. Each begins at
        the address `source`, if that is given."""
        self.source = source
        self.poller, self.clock, self.tally = poller, clock, tally
        self._share, self._has_room = share, has_room
        self._kept: dict[Endpoint, list[_Connection]] = {}
        self.now = 0.0
        self.kept = 0
        """Connections that take further queries."""

    def send(self, to: Endpoint, wire: bytes, deliver: Deliver) -> Sending:
        """`wire` is on its way to `to`, over a connection that is there or a new one."""
        try:
            query = _Query(wire, deliver)
            kept = self._kept.get(to, ())
            for connection in kept:
                if len(connection.waiting) < MAX_PIPELINED and query.key not in connection.waiting:
                    self.tally.tcp_reused += 1
                    connection.put(query)
                    return query
            if not self._has_room():
                return Undelivered(self.clock, deliver, Trouble.LOCAL)
            self.now = self.clock.monotonic()
            connection = _Connection(self, to, leaving=len(kept) >= PER_SERVER or self.kept >= self._share)
        except (OSError, OverflowError) as error:  # OverflowError: no such port, no such length
            return Undelivered(self.clock, deliver, local_trouble_of(error))
        if not connection.leaving:
            self._kept.setdefault(to, []).append(connection)
            self.kept += 1
        connection.put(query)
        return query

    def repeat(self, query: _Query, to: Endpoint, trouble: Trouble) -> None:
        """`query` is on its way again, over a connection of its own; or `trouble` is delivered."""
        try:
            if not self._has_room():
                raise OSError
            connection = _Connection(self, to, leaving=True)
        except OSError:
            query.finish(trouble)
            return
        self.tally.tcp_repeated += 1
        connection.put(query)

    def forget(self, connection: _Connection) -> None:
        """`connection` takes no more queries."""
        kept = self._kept[connection.to]
        kept.remove(connection)
        self.kept -= 1
        if not kept:
            del self._kept[connection.to]

    def sweep(self, now: float) -> bool:
        """Connections that are idle at the monotonic time `now` are closed; whether any are kept."""
        self.now = now
        for kept in tuple(self._kept.values()):
            for connection in tuple(kept):
                if not connection.waiting and now >= connection.used + IDLE_S:
                    connection.close()
        return self.kept > 0
