"""Decides how a server misbehaves: slow, lossy, silent, lame, or lying; the same on sockets and in memory.

Rules
* `Faulty` stands before a server and is a server itself. As long as no rule concerns the server, it does nothing.
* All rules that a query meets are applied to it, in the order of their numbers. What loses it ends that. Of faults that
  make the reply up the first one counts; those that change a reply change what others have made of it.
* Delays add up. What is wrong with how a reply is delivered is told by `Oddly`.
* A query that is no message goes on to the server, which knows what to say to it, and so does a response.
* Faults of DNSSEC and of the clock are those of another version of the server (`Versions`).

Limits: latency is put on the reply, so a connection to a slow server is made at once. At most `MAX_DELAYED` replies of
a server wait for their time, and `MAX_DELAYED_OCTETS`; more are lost, as on a link whose queue is full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from resolver.errors import WireError
from resolver.message import AA, QR, TC, Class, Client, Message, Rcode, Respond, RRset, Transport, Type
from resolver.network import forging
from resolver.network.base import Clock, Entropy, Timer
from resolver.network.faults import FaultTable
from resolver.network.faults.matching import InForce, Place
from resolver.network.faults.rules import Rule
from resolver.network.faults.words import DNSSEC, WORDS
from resolver.network.oddly import Oddly, Stream
from resolver.wire import types
from resolver.wire.names import ROOT
from resolver.wire.parse import parse

MAX_DELAYED: Final = 4096
"""Replies of one server that wait for their time; at 20 ms each that is 200,000 a second."""

MAX_DELAYED_OCTETS: Final = 16 << 20
"""Octets of these replies: as many of usual size as may wait, and not as many of 60 KB."""

ROOT_NS_TTL: Final = 518_400
"""Seconds; the TTL of `. NS` in the real root zone."""

_LOST: Final = frozenset(("silent", "loss", "partition"))
_DELAYS: Final = frozenset(("latency", "jitter", "late"))
_MADE_UP: Final = frozenset(
    (
        "servfail",
        "refused",
        "rcode",
        "truncated",
        "lame",
        "upward",
        "garbage",
        "no_octets",
        "echo",
        "tcp_reset",
        "tcp_empty",
    )
)
_STREAMS: Final = {
    "tcp_reset": Stream.RESET,
    "tcp_empty": Stream.EMPTY,
    "tcp_stall": Stream.HANGING,
    "tcp_cut": Stream.CUT,
}
VERSIONS: Final = frozenset(("clock_skew", *(word for word, each in WORDS.items() if each.group == DNSSEC)))
"""The faults that another version of the server has."""

_Send = Callable[[bytes | None], None]


class Versions(Protocol):
    """What a server would be with other zones or another clock."""

    def touches(self, rule: Rule) -> bool:
        """Whether `rule`, one of `VERSIONS`, makes any difference to this server."""
        ...

    def respond(self, rules: Sequence[Rule]) -> Respond:
        """The server as `rules` make it."""
        ...


@dataclass(slots=True)
class _Fate:
    """What becomes of one query."""

    seconds: float = 0.0
    reordered: float | None = None
    made_up: InForce | None = None
    versions: list[Rule] = field(default_factory=list)
    lies: list[InForce] = field(default_factory=list)
    copies: int = 1
    source: str = ""
    stream: Stream | None = None
    octet_ms: float = 0.0

    def oddly(self, response: bytes) -> bytes:
        """`response`, with how it is to be delivered where that is not as ever."""
        if self.copies == 1 and not self.source and self.stream is None and not self.octet_ms:
            return response
        return Oddly.of(response, copies=self.copies, source=self.source, stream=self.stream, octet_ms=self.octet_ms)


class Faulty:
    """A `Respond` that is `respond` with what `table` says of the server at `place`."""

    def __init__(
        self,
        respond: Respond,
        table: FaultTable,
        place: Place,
        clock: Clock,
        *,
        root_servers: tuple[bytes, ...] = (),
        versions: Versions | None = None,
    ) -> None:
        """`root_servers` are the names that an upward referral tells."""
        self._respond, self._table, self.place, self._clock = respond, table, place, clock
        self._root_servers, self._versions = root_servers, versions
        self._called = frozenset((place.name, *place.addresses))
        self._version = -1
        self._rules: tuple[InForce, ...] = ()
        self._delayed = self._delayed_octets = 0
        self._held: list[tuple[Timer, Callable[[], None]]] = []

    @property
    def sound(self) -> Respond | None:
        """The server itself, while no rule concerns it."""
        return None if self._concerning() else self._respond

    def __call__(self, wire: bytes, client: Client, send: _Send) -> None:
        """See `message.Respond`."""
        if not self._concerning():
            self._respond(wire, client, send)
            return
        query = _read(wire)
        fate = self._fate(wire, query, client)
        if fate is None:
            send(None)
            return
        done = partial(self._finish, fate, send)
        if query is not None and fate.made_up is not None:
            done(self._make_up(fate.made_up, wire, query))
            return
        respond = self._respond
        if fate.versions and self._versions is not None:
            respond = self._versions.respond(fate.versions)
        if any(each.rule.kind == "oversize" for each in fate.lies):  # all of the answer, not what fits
            client = client._replace(transport=Transport.TCP)
        respond(wire, client, done)

    def _concerning(self) -> tuple[InForce, ...]:
        if self._version != self._table.version:
            self._rules = self._table.concerning(self.place)
            self._version = self._table.version
        return self._rules

    def _fate(self, wire: bytes, query: Message | None, client: Client) -> _Fate | None:
        """What the rules that the query meets come to, which are counted; None where it is lost."""
        fate, table, who = _Fate(), self._table, self._table.who(client.host)
        question = None if query is None else query.question
        for each in self._rules:
            rule = each.rule
            if (
                table.on(each)
                and self._comes_by(rule, client)
                and each.asks(question)
                and (not rule.source or each.among(rule.source, who))
                and self._acts(each, fate, query, who)
                and table.apply(each, self.place, client, wire, question)
            ):
                if rule.kind in _LOST:
                    return None
                _decide(fate, each)
        return fate

    def _comes_by(self, rule: Rule, client: Client) -> bool:
        transport = "udp" if client.transport is Transport.UDP else "tcp"
        only = WORDS[rule.kind].transport
        return (not only or transport == only) and (not rule.transport or transport in rule.transport)

    def _acts(self, each: InForce, fate: _Fate, query: Message | None, who: frozenset[str]) -> bool:
        """Whether the fault would change anything, after what the ones before have done."""
        rule = each.rule
        if rule.kind in _MADE_UP:
            return query is not None and fate.made_up is None
        if rule.kind in VERSIONS:
            return fate.made_up is None and self._versions is not None and self._versions.touches(rule)
        if rule.kind == "partition":
            first, second = rule.parameters["between"]
            return (each.among(first, self._called) and each.among(second, who)) or (
                each.among(second, self._called) and each.among(first, who)
            )
        return rule.kind not in _STREAMS or fate.stream is None

    def _make_up(self, each: InForce, wire: bytes, query: Message) -> bytes:
        """The reply that the server itself never sees the query for."""
        rule = each.rule
        code = rule.parameters.get("ede")
        ede = None if code is None else (code, str(rule.parameters.get("text", "")))
        match rule.kind:
            case "servfail":
                return forging.bare(query, rcode=Rcode.SERVFAIL, ede=ede)
            case "refused":
                return forging.bare(query, rcode=Rcode.REFUSED, ede=ede)
            case "rcode":
                return forging.bare(query, rcode=types.rcode_from_text(rule.parameters["rcode"]), ede=ede)
            case "truncated":
                return forging.bare(query, flags=AA | TC)
            case "upward":
                root = RRset(ROOT, Type.NS, Class.IN, ROOT_NS_TTL, self._root_servers)
                return forging.bare(query, authority=(root,) if root.rdatas else ())
            case "garbage":
                return forging.garbage(each.entropy)
            case "echo":
                return wire
            case "lame":
                return forging.bare(query)
            case _:  # no_octets, and streams that come to no reply
                return b""

    def _finish(self, fate: _Fate, send: _Send, response: bytes | None) -> None:
        """`response` is changed, and sent when it is time."""
        if response is None:
            send(None)
            return
        for each in fate.lies:
            response = _lied(each, response)
        ready = fate.oddly(response)
        if not fate.seconds:
            self._leave(fate, send, ready)
        elif self._has_room(send):
            self._delayed += 1
            self._delayed_octets += len(ready)
            self._clock.after(fate.seconds, partial(self._arrive, fate, send, ready))

    def _arrive(self, fate: _Fate, send: _Send, response: bytes) -> None:
        self._delayed -= 1
        self._delayed_octets -= len(response)
        self._leave(fate, send, response)

    def _leave(self, fate: _Fate, send: _Send, response: bytes) -> None:
        """`response` is sent, and those that it overtakes after it; or it waits for one that overtakes it."""
        if fate.reordered is not None and not self._held:
            if self._has_room(send):
                timer = self._clock.after(fate.reordered / 1000, self._release)
                self._held.append((timer, partial(send, response)))
            return
        send(response)
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for timer, leave in held:
            timer.cancel()
            leave()

    def _has_room(self, send: _Send) -> bool:
        """Whether a reply may wait; else it is lost."""
        if self._delayed + len(self._held) < MAX_DELAYED and self._delayed_octets < MAX_DELAYED_OCTETS:
            return True
        self._table.overflowed += 1
        send(None)
        return False


def _decide(fate: _Fate, each: InForce) -> None:
    """The rule is part of the fate."""
    kind, said = each.rule.kind, each.rule.parameters
    if kind in _DELAYS:
        fate.seconds += _delay(each) / 1000
    elif kind in VERSIONS:
        fate.versions.append(each.rule)
    elif kind in _STREAMS:
        fate.stream = _STREAMS[kind]
    elif kind == "tcp_slow":
        fate.octet_ms = said["ms"]
    elif kind == "duplication":
        fate.copies = said["copies"]
    elif kind == "wrong_source":
        fate.source = said["part"]
    elif kind == "reordering":
        fate.reordered = said["ms"]
    elif kind not in _MADE_UP:
        fate.lies.append(each)
    if kind in _MADE_UP:
        fate.made_up = each


def _delay(each: InForce) -> float:
    """Milliseconds by which a reply is late."""
    ms: float = each.rule.parameters["ms"]
    if each.rule.kind == "jitter":
        return ms * each.entropy.fraction()
    deviation: float = each.rule.parameters.get("deviation_ms", 0.0)
    return max(0.0, ms + deviation * _normal(each.entropy)) if deviation else ms


def _normal(entropy: Entropy) -> float:
    """A draw from the standard normal distribution (Box and Muller)."""
    return math.sqrt(-2 * math.log(1 - entropy.fraction())) * math.cos(2 * math.pi * entropy.fraction())


def _lied(each: InForce, response: bytes) -> bytes:
    """What the fault makes of `response`."""
    kind = each.rule.kind
    if kind == "oversize":
        return forging.oversize(response, each.rule.parameters["octets"])
    if kind == "trailing_octets":
        return forging.trailing_octets(response, each.entropy)
    return forging.LIES[kind](response)


def _read(wire: bytes) -> Message | None:
    """The query that `wire` is; None for a response, and for what is no message."""
    try:
        query = parse(wire)
    except WireError:
        return None
    return None if query.flags & QR else query
