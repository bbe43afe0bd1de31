"""How a server of messages behaves: sizes, shares and times, as the configuration says."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from resolver.message import EDNS_PAYLOAD, Client
from resolver.server.flights import MOST
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds

Explains = Callable[[int], str | None]
"""Tells why the query of that id, which is told its answer now, is told that."""

KindOf = Callable[[Client], Hashable]
"""Tells of a client what it is to the rules: those of one kind are told the same of the same question."""

ANSWERING_S: Final = 0.02
"""Of a client's time, what is kept for telling it that there is no answer."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a server of messages behaves. `payload` in octets; `client_timeout_s` is what a client waits at most.

    `max_per_client` is the share of `max_in_flight` that one client may have when half of it is taken; `bounds` is how
    much of a query is read. `explains` tells the log of a query's answer why it is what it is.
    """

    payload: int = EDNS_PAYLOAD
    max_in_flight: int = MOST
    max_per_client: int = 200
    client_timeout_s: float = 4.5
    log_queries: bool = False
    explains: Explains | None = None
    recursion_available: bool = True
    bounds: Bounds = DEFAULT_BOUNDS
    kind_of: KindOf | None = None
    """Where there is one, what is stored for one kind of clients is served to no other."""
