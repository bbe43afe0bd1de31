"""Decides how queries share a connection of DNS over TLS (RFC 7858), and which frame answers which.

Rules:
* A message and the two octets of its length leave together, with those of all queries of the same turn of the loop (RFC
  7858 section 3.3). Replies come in any order and are told apart by id, so each has one of its own on the connection.
* The id of a query that was given up is not given to another until its reply has come: that would be taken for the
  reply to the other one.
* A connection on which too much has been left unanswered takes no more queries: there would soon be no room for any.
* A frame of no octets is no reply, and no more will come. A frame with an id that nobody has is a stray; after
  `MAX_STRAYS` of them it is no DNS server that speaks.

Limits: `MAX_PIPELINED` queries outstanding, those that were given up among them.
"""

from __future__ import annotations

from typing import Final

from resolver.network.base import Trouble
from resolver.network.carrying import Carrier, Home, Query
from resolver.network.framed import messages
from resolver.network.trust import DOT

MAX_PIPELINED: Final = 100
"""Queries outstanding on one connection: knot-resolver takes 100 at a time, others more."""

MAX_UNANSWERED: Final = 50
"""Queries that were given up and are still not answered, beyond which a connection takes no more."""

MAX_STRAYS: Final = 4
"""Frames with an id that nobody waits for, after which a connection is closed."""


class DotConnection(Carrier):
    """A connection to an upstream of DNS over TLS."""

    MOST = MAX_PIPELINED

    def __init__(self, home: Home) -> None:
        self._received = bytearray()
        self._given_up: set[int] = set()
        self._strays = 0
        super().__init__(home)

    def has_room(self) -> bool:
        return len(self.waiting) + len(self._given_up) < MAX_PIPELINED

    def _awaits(self) -> bool:
        return bool(self.waiting or self._given_up)

    def _say(self, query: Query) -> None:
        key = int.from_bytes(query.id, "big")
        while key in self.waiting or key in self._given_up:
            key = (key + 1) & 0xFFFF
        query.key = key
        self.waiting[key] = query
        wire = query.wire
        frame = b"".join((len(wire).to_bytes(2, "big"), key.to_bytes(2, "big"), wire[2:]))
        self.stream.write(frame)

    def _unsay(self, query: Query) -> None:
        if self.waiting.pop(query.key, None) is not None:
            self._given_up.add(query.key)
            if len(self._given_up) > MAX_UNANSWERED:
                self.leave()

    def _begin(self, protocol: str) -> Trouble | None:
        if protocol not in ("", DOT):
            return Trouble.NO_TLS.because("it has another protocol on that port")
        return None

    def _hear(self, octets: bytes) -> Trouble | None:
        for frame in messages(self._received, octets):
            if len(frame) < 2:
                return Trouble.RESET
            if not self._answered(int.from_bytes(frame[:2], "big"), frame) and self._strays > MAX_STRAYS:
                return Trouble.RESET
        return None

    def _answered(self, key: int, frame: bytes) -> bool:
        """Whether `frame` is the reply to a query of this connection, which then has it."""
        query = self.waiting.pop(key, None)
        if query is not None:
            self._reply(query, query.id + frame[2:])
            return True
        if key in self._given_up:
            self._given_up.discard(key)
            return True
        self._strays += 1
        return False
