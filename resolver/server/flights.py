"""Decides how many queries are worked on at a time, of all clients and of one.

Rules:
* A place is needed by what has to be worked on; stored answers and those made of records that are held need none.
* One client has at most its share once half of all places are taken; below that nobody is kept from using what is
  free. Clients on loopback have no share: a proxy or a sidecar there speaks for many, and so may a whole network
  behind one address while there is room.

Limits: a client is an address. One entry per address that has a query in flight.
"""

from __future__ import annotations

from typing import Final

from resolver.message import Ede
from resolver.observe.counters import Counters
from resolver.server.access import is_loopback

MOST: Final = 2048
"""Queries at a time when the setting leaves it open."""

_SOCKETS: Final = 2
"""File descriptors that a query in flight takes, on average and rounded up: a socket per message on its way."""

_OTHERS: Final = 256
"""File descriptors for all that is neither: listeners, those of the simulated world among them, log, control."""

BUSY: Final = Ede(0, "too many queries are being worked on [BUSY]")
"""What is said when all places are taken."""
_MANY: Final = Ede(0, "too many queries of this client are being worked on [MANY]")


def affordable(descriptors: int, connections: int) -> int:
    """Queries at a time for which `descriptors` suffice beside so many `connections`: 16 at least, `MOST` at most."""
    return max(16, min(MOST, (descriptors - connections - _OTHERS) // _SOCKETS))


class Flights:
    """The queries that are worked on now. Their sum is `counters.queries_in_flight`."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._of: dict[str, int] = {}

    def enter(self, host: str, most: int, share: int) -> Ede | None:
        """One more query of the client at `host` is worked on until `leave`; or why it is not.

        `most` is for all clients, `share` for one.
        """
        counters, of = self._counters, self._of
        taken, its = counters.queries_in_flight, of.get(host, 0)
        if taken >= most:
            return BUSY
        if taken * 2 >= most and its >= share and not is_loopback(host):
            return _MANY
        counters.queries_in_flight = taken + 1
        of[host] = its + 1
        return None

    def leave(self, host: str) -> None:
        """A query of the client at `host` that has entered is settled."""
        self._counters.queries_in_flight -= 1
        left = self._of[host] - 1
        if left:
            self._of[host] = left
        else:
            del self._of[host]
