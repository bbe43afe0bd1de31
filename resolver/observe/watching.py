"""Decides what of the messages is seen: everything that reaches a server, and everything that leaves it.

Rules
* `Watched` stands before the resolver's front and before each simulated server, outside of whatever goes wrong there on
  purpose: it sees what was really sent, and what a fault has swallowed.
* Where it stands nothing is served past it: listeners are given no stored octets to look into. What the server itself
  has stored it may still say.
* Of a reply that does not travel as replies do it sees what arrives: each copy, of a stream that ends early the octets
  before that. Faults are told by `network.faults`, whose table it watches.
* Where no history is kept nothing stands anywhere, and all is as it would be without this module.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from resolver.message import Client, Respond
from resolver.network.base import Clock
from resolver.network.oddly import Oddly
from resolver.observe.history import CLIENT, SERVER, History, Seen
from resolver.observe.log import Log

R = TypeVar("R", bound=Respond)

_Send = Callable[[bytes | None], None]


class Watched:
    """A `Respond` that is `respond`, and tells `history` what it sees. Listeners can be given it like a
    `server.respond.Responder`, and find nothing stored."""

    datagrams: Final = None
    streams: Final = None
    encrypted: Final = None
    https: Final = None

    def __init__(self, respond: Respond, history: History, clock: Clock, server: str = "", address: str = "") -> None:
        """`server` is the name of a simulated server that is asked at `address`; without, it is the resolver."""
        self._respond, self._history, self._clock = respond, history, clock
        self._side, self._server, self._address = SERVER if server else CLIENT, server, address

    @property
    def fresh(self) -> Respond:
        """What listeners hand queries to."""
        return self

    def __call__(self, wire: bytes, client: Client, send: _Send) -> None:
        """See `message.Respond`."""
        now, side, server, address = self._clock.wall(), self._side, self._server, self._address
        seen = self._history.asked(now, side, server, address, client.host, client.transport, bytes(wire))
        self._respond(wire, client, partial(self._replied, seen, self._clock.monotonic(), send))

    def _replied(self, seen: Seen, began: float, send: _Send, response: bytes | None) -> None:
        ms = (self._clock.monotonic() - began) * 1000
        if isinstance(response, Oddly):
            for each in response.arriving:
                self._history.replied(seen, each, ms)
        else:
            self._history.replied(seen, response, ms)
        send(response)


class Applied(Protocol):
    """A fault that was applied to a query: see `network.faults.Hit`."""

    @property
    def server(self) -> str:
        """The name of the server, absolute and folded."""
        ...

    @property
    def query(self) -> bytes:
        """The query as it came."""
        ...

    @property
    def rule(self) -> Kind:
        """What was applied."""
        ...


class Kind(Protocol):
    """What a fault is."""

    @property
    def kind(self) -> str:
        """Its word."""
        ...


def watched(respond: R, history: History | None, clock: Clock, server: str = "", address: str = "") -> R | Watched:
    """`respond` as it is to be asked: as it is, where there is no `history`."""
    return respond if history is None else Watched(respond, history, clock, server, address)


def new_history(messages: int) -> History | None:
    """A history of so many messages; None for 0."""
    return History(messages) if messages else None


def telling(history: History) -> Callable[[Applied], None]:
    """What tells `history` of the faults that are applied to queries, while they are being handled."""

    def applied(hit: Applied) -> None:
        history.faulted(hit.server, hit.query, hit.rule.kind)

    return applied


def adjust(history: History | None, before: int, wanted: int, log: Log) -> None:
    """So many messages as are `wanted` are kept, where it were as many as `before`. What stands before servers and
    listeners is not changed, so that it takes a restart to begin or to end."""
    if wanted == before:
        return
    if history is None or not wanted:
        log.warning("history_not_switched", messages=wanted, instead="a restart is needed to switch it on or off")
    else:
        history.adjust(wanted)


def counts(history: History | None) -> dict[str, int]:
    """What is remembered, by public name."""
    kept, forgotten = (0, 0) if history is None else (len(history), history.forgotten)
    return {"history.kept": kept, "history.forgotten": forgotten}
