"""Decides which TCP connections are served, which one goes when a newcomer needs its place, and how long one may be
idle (RFC 7766 section 6.2).

Rules:
* One set of places for all listeners of a daemon, and a share of it per client address (section 6.2.2). Loopback
  clients are exempt from the share: a proxy or a sidecar there speaks for many.
* A newcomer gets in. When all places are taken, or all of its own share, that connection goes of which nothing has
  come for the longest: idle, in the middle of a message, or not taking its answers. A message that drips counts
  from its first octet.
* Where every connection waits for answers of ours, nobody has earned to be cut. Still, a client that has at least two
  more connections than the newcomer's client gives up its oldest; so one that keeps all places busy locks nobody out,
  from however many addresses of its network (`holders.py`).
* The fuller it is, the shorter a connection may be idle (section 6.2.3): `SHRINKING`.

Limits: finding the one to go looks at each connection, 256 by default. A connection that was given a longer time
notices a shorter one within `message_seconds`; until then it can be the one to go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from resolver.server.access import is_loopback
from resolver.server.holders import oldest_of_the_greediest

SHRINKING: Final = ((0.5, 1.0), (0.75, 0.25), (1.0, 0.05))
"""Up to which part of the places that are taken an idle connection keeps which part of its time."""

SHORTEST_S: Final = 0.2
"""No idle time is shortened below this, so that a client on a slow path can still use its connection."""


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """What TCP clients may use (RFC 7766 section 6.2.2 asks for limits and names none)."""

    connections: int = 256
    """Connections served at a time."""
    per_client: int = 16
    """Connections of one address, loopback excepted."""
    outstanding: int = 64
    """Unanswered queries of one connection before it is read no further."""
    idle_seconds: float = 10.0
    """A connection with nothing outstanding is closed after this; so is one that takes no answers."""
    message_seconds: float = 5.0
    """From the first octet of a message to its last."""
    write_buffer: int = 64 * 1024
    """Octets of answers waiting for the client before its queries are read no further."""
    backlog: int = 256
    """Connections that wait in the kernel to be accepted."""


class Placed(Protocol):
    """A connection, as far as its place is concerned."""

    @property
    def host(self) -> str:
        """The address of its client."""
        ...

    @property
    def last_active(self) -> float:
        """When its client last sent, or took, something."""
        ...

    @property
    def stalled_since(self) -> float | None:
        """Since when nothing whole has come of it; None while it waits for answers of ours."""
        ...

    def abort(self) -> None:
        """It is cut now, and calls `Places.leave`."""
        ...


class Places:
    """The connections that are served now, of all listeners together."""

    def __init__(self, limits: TcpLimits | None = None) -> None:
        self.limits = limits or TcpLimits()
        """Of connections that are accepted from now on."""
        self._taken: dict[Placed, None] = {}
        self._of: Counter[str] = Counter()
        self.accepted = 0
        """Connections that were served."""
        self.refused = 0
        """Connections closed at once because a limit was reached."""
        self.denied = 0
        """Connections closed at once because their client may not ask."""
        self.evicted = 0
        """Connections that had to make room."""
        self.timed_out = 0
        """Connections closed for being idle, slow to send or slow to read."""

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, newcomer: Placed) -> bool:
        """Whether there is a place for `newcomer`; if so it is taken, and another may have had to go."""
        host, limits = newcomer.host, self.limits
        if not is_loopback(host) and self._of[host] >= limits.per_client:
            room = self._evict(stalled(each for each in self._taken if each.host == host))
        elif len(self._taken) >= limits.connections:
            room = self._evict(stalled(self._taken) or oldest_of_the_greediest(self._taken, 2, host))
        else:
            room = True
        if not room:
            self.refused += 1
            return False
        self._taken[newcomer] = None
        self._of[host] += 1
        self.accepted += 1
        return True

    def leave(self, connection: Placed) -> None:
        """The place of `connection` is free; calling it again does nothing."""
        if connection not in self._taken:
            return
        del self._taken[connection]
        host = connection.host
        self._of[host] -= 1
        if not self._of[host]:
            del self._of[host]

    def idle_seconds(self) -> float:
        """How long a connection may be idle now."""
        idle = self.limits.idle_seconds
        fill = len(self._taken) / self.limits.connections
        part = next((part for most, part in SHRINKING if fill <= most), SHRINKING[-1][1])
        return max(idle * part, min(idle, SHORTEST_S))

    def _evict(self, victim: Placed | None) -> bool:
        if victim is None:
            return False
        self.evicted += 1
        victim.abort()
        return True


def stalled(connections: Iterable[Placed]) -> Placed | None:
    """The one of `connections` of which nothing whole has come for the longest; None if all wait for answers."""
    longest: Placed | None = None
    since = 0.0
    for each in connections:
        began = each.stalled_since
        if began is not None and (longest is None or began < since):
            longest, since = each, began
    return longest
