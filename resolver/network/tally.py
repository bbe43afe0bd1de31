"""What is counted of messages to other servers: plain integers, read by `resolver stats`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts since the start."""

    pooled: int = 0
    """Datagrams sent by a socket that is shared."""
    tcp_reused: int = 0
    """Queries sent over a connection that had carried another."""
    tcp_repeated: int = 0
    """Queries sent once more, because a connection that was reused ended before their reply."""
    strays: int = 0
    """Messages with an id for which nobody waited."""
    retired: int = 0
    """Shared sockets that were given up: old, used enough, or with too many strays."""
