"""Which member of a pool gets what arrives at a relay, and to whom what comes back is given: next to nothing in it is
read.

Rules
* Of a datagram two octets are touched, its id: it is replaced by one that is drawn, so that many clients share the
  sockets to a member and nobody can guess what is waited for, and put back into the reply. Whatever has that id and
  comes from the member is the reply.
* What says that it is a response (QR) is not passed on to members: two relays, or a relay and a server, could be made
  to tell each other so for ever, and members that are silent at it would look dead.
* What may be longer than what is read of a datagram is not passed on as the torso that it is: a reply is given back
  with TC, so that its client comes by TCP.
* A stream is joined with one to a member, octet for octet. Where that member cannot be reached another one is tried,
  once, as nothing has been read of the client yet.
* The member is the policy's choice by the client's address. What members do counts for their health: a reply, silence
  until `patience_s`, a connection that comes to be or does not. But silence while others are answered says nothing of a
  member, as anybody can send what nobody answers; nor does what could not be sent from here.
* Streams have places as those of other listeners (`places.py`): a newcomer gets in, who has been idle for longest goes.

Limits: `pending` datagrams wait for a reply, of which the oldest is given up for a newcomer; what is shorter than a
header of DNS, or has `LONGEST` octets, is dropped. A relay cannot tell a good reply from a bad one. Packed addresses of
`HOSTS` clients are held.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from resolver.balance.pool import Key, Member, Pool
from resolver.errors import WireError
from resolver.message import Client, Transport
from resolver.network.base import Clock, Endpoint, Entropy, Network, Reuse, Sending, Timer, Trouble
from resolver.server.places import Places
from resolver.wire.responses import cut

HEADER: Final = 12
"""Octets of the header of a message (RFC 1035 section 4.1.1)."""
_QR: Final = 0x80
HOSTS: Final = 4096
LONGEST: Final = 4096
"""Octets that are read of a datagram, as `network.datagrams` and the sockets of `network.pooled` have it."""
LOOK_S: Final = 1.0
"""Seconds between two looks for idle streams."""


@dataclass(slots=True)
class Relaying:
    """What one relay works with; it follows the settings. `patience_s`: for a reply, and for a connection."""

    pool: Pool
    network: Network
    patience_s: float
    pending: int


@dataclass(slots=True)
class Relayed:
    """What a relay has counted."""

    datagrams: int = 0
    replies: int = 0
    silent: int = 0
    """Datagrams without a reply in time, or whose member could not be reached."""
    dropped: int = 0
    """Datagrams that were too short, too long or responses, had to make room, or for which there was no member."""
    streams: int = 0
    unreached: int = 0
    """Streams that were closed since no member could be reached."""


class _Keys:
    """The keys of clients, by their address as text."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def of(self, host: str) -> Key:
        """Made once, as long as there is room."""
        key = self._keys.get(host)
        if key is None:
            if len(self._keys) >= HOSTS:
                self._keys.clear()
            key = self._keys[host] = Key(ipaddress.ip_address(host.partition("%")[0]).packed)
        return key


class _Waiting:
    """A datagram that waits for its reply."""

    __slots__ = ("began", "done", "id", "member", "replied", "sending", "sent_id", "timer")

    sending: Sending
    timer: Timer

    def __init__(self, member: Member, began: float, id: bytes, sent_id: bytes, done: Callable[[bytes | None], None]):
        self.member, self.began, self.id, self.sent_id, self.done = member, began, id, sent_id, done
        self.replied = member.replied


class Datagrams:
    """A `Respond` that hands datagrams to the members of a pool, and their replies back."""

    def __init__(self, relaying: Relaying, relayed: Relayed, clock: Clock, entropy: Entropy) -> None:
        self._relaying, self._relayed = relaying, relayed
        self._clock, self._entropy = clock, entropy
        self._keys = _Keys()
        self._waiting: dict[_Waiting, None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __call__(self, wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        """`wire` is on its way to a member; `send` gets the reply, or None where there is none."""
        relaying, counts = self._relaying, self._relayed
        counts.datagrams += 1
        asks = HEADER <= len(wire) < LONGEST and not wire[2] & _QR
        member = relaying.pool.pick(self._keys.of(client.host)) if asks else None
        if member is None:
            counts.dropped += 1
            send(None)
            return
        while len(self._waiting) >= relaying.pending:
            counts.dropped += 1
            self._end(next(iter(self._waiting)), None)
        sent_id = self._entropy.bits(16).to_bytes(2, "big")
        waiting = _Waiting(member, self._clock.monotonic(), wire[:2], sent_id, send)
        self._waiting[waiting] = None
        relaying.pool.began(member)
        waiting.timer = self._clock.after(relaying.patience_s, partial(self._came, waiting, Trouble.TIMEOUT))
        to: Endpoint = member.target.endpoint
        deliver = partial(self._came, waiting)
        waiting.sending = relaying.network.send(to, sent_id + wire[2:], Transport.UDP, deliver, reuse=Reuse.LASTING)

    def give_up(self) -> None:
        """Nothing is waited for any more."""
        while self._waiting:
            self._end(next(iter(self._waiting)), None)

    def _came(self, waiting: _Waiting, what: bytes | Trouble) -> None:
        if waiting not in self._waiting:
            return
        is_reply = not isinstance(what, Trouble)
        if not isinstance(what, Trouble) and what[:2] != waiting.sent_id:
            return
        answers_others = what is Trouble.TIMEOUT and waiting.member.replied != waiting.replied
        says = what is not Trouble.LOCAL and not answers_others
        if says:
            self._relaying.pool.ended(waiting.member, self._clock.monotonic() - waiting.began, is_reply)
        if isinstance(what, Trouble):
            self._relayed.silent += 1
            self._end(waiting, None, learnt=says)
        else:
            self._relayed.replies += 1
            self._end(waiting, _whole(waiting.id + what[2:]), learnt=says)

    def _end(self, waiting: _Waiting, reply: bytes | None, *, learnt: bool = False) -> None:
        del self._waiting[waiting]
        waiting.timer.cancel()
        waiting.sending.close()
        if not learnt:
            self._relaying.pool.dropped(waiting.member)
        waiting.done(reply)


def _whole(reply: bytes) -> bytes | None:
    """`reply` as its client may have it: the beginning of it, with TC, where its end may not have been read."""
    if len(reply) < LONGEST:
        return reply
    try:
        return cut(reply)
    except WireError:
        return None


class Told(Protocol):
    """Who is told what becomes of a stream."""

    def moved(self) -> None:
        """Octets have passed."""
        ...

    def ended(self) -> None:
        """Both ends are closed."""
        ...


class Arriving(Protocol):
    """A client's connection that is not joined yet, as `network.splicing.Splice` is."""

    host: str
    owner: Told | None

    def join(self, to: Endpoint, joined: Callable[[Trouble | None], None]) -> None:
        """The server `to` is connected to, which `joined` is told of."""
        ...

    @property
    def joining(self) -> bool:
        """Whether it waits for the server to be reached."""
        ...

    def give_up(self) -> None:
        """The server is waited for no longer."""
        ...

    def close(self) -> None:
        """Both ends are closed."""
        ...


class Stream:
    """A client's connection with its place."""

    __slots__ = ("_arriving", "_asked_at", "_member", "_streams", "_took_s", "_tried", "host", "last_active")

    def __init__(self, streams: Streams, arriving: Arriving) -> None:
        self.host = arriving.host
        self.last_active = streams.clock.monotonic()
        self._streams, self._arriving = streams, arriving
        self._member: Member | None = None
        self._tried: list[Member] = []
        self._asked_at = self._took_s = 0.0
        arriving.owner = self

    @property
    def stalled_since(self) -> float | None:
        """Since when nothing has passed: a relay does not know who waits for whom."""
        return self.last_active

    def abort(self) -> None:
        """It is cut now."""
        self._arriving.close()

    def moved(self) -> None:
        """Octets have passed."""
        self.last_active = self._streams.clock.monotonic()

    def begin(self) -> None:
        """A member is connected to; one that could not be reached is not tried again. Where nobody is left it is
        closed."""
        streams = self._streams
        pool = streams.relaying.pool
        member = pool.pick(streams.keys.of(self.host), self._tried) if len(self._tried) < 2 else None
        if member is None:
            streams.relayed.unreached += 1
            self.abort()
            return
        self._member = member
        self._tried.append(member)
        self._asked_at = streams.clock.monotonic()
        pool.began(member)
        self._arriving.join(member.target.endpoint, self._joined)

    def look(self, now: float, idle_s: float) -> bool:
        """Whether it has not been idle for too long; a member that takes too long to be reached is given up."""
        if self._arriving.joining:
            if now - self._asked_at >= self._streams.relaying.patience_s:
                self._arriving.give_up()
                self._joined(Trouble.TIMEOUT)
            return True
        return now - self.last_active < idle_s

    def ended(self) -> None:
        """Both its ends are closed."""
        pool, member, self._member = self._streams.relaying.pool, self._member, None
        if member is not None:
            if self._took_s:
                pool.ended(member, self._took_s, True)
            else:
                pool.dropped(member)
        self._streams.forget(self)

    def _joined(self, trouble: Trouble | None) -> None:
        member, now = self._member, self._streams.clock.monotonic()
        if member is None:
            return
        if trouble is None:
            self._took_s = max(now - self._asked_at, 1e-6)
            self.last_active = now
            return
        self._member = None
        if trouble is Trouble.LOCAL:
            self._streams.relaying.pool.dropped(member)
        else:
            self._streams.relaying.pool.ended(member, now - self._asked_at, False)
        self.begin()


class Streams:
    """The streams of a relay."""

    def __init__(self, relaying: Relaying, relayed: Relayed, clock: Clock, places: Places) -> None:
        self.relaying, self.relayed, self.clock, self.places = relaying, relayed, clock, places
        self.keys = _Keys()
        self.allows: Callable[[str], bool] | None = None
        """Says of an address whether a client there may ask; None where everybody may."""
        self._open: dict[Stream, None] = {}
        self._looking: Timer | None = None
        self._emptied: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def take(self, arriving: Arriving) -> None:
        """`arriving` is joined with a member, if its client may ask and there is a place for it."""
        if self.allows is not None and not self.allows(arriving.host):
            self.places.denied += 1
            arriving.close()
            return
        stream = Stream(self, arriving)
        if not self.places.take(stream):
            arriving.owner = None
            arriving.close()
            return
        self.relayed.streams += 1
        self._open[stream] = None
        if self._looking is None:
            self._looking = self.clock.after(LOOK_S, self._look)
        stream.begin()

    def forget(self, stream: Stream) -> None:
        """The place of `stream` is free."""
        self._open.pop(stream, None)
        self.places.leave(stream)
        if not self._open and self._emptied is not None:
            emptied, self._emptied = self._emptied, None
            emptied()

    def when_empty(self, emptied: Callable[[], None]) -> None:
        """`emptied` is called once no stream is open, perhaps at once."""
        if self._open:
            self._emptied = emptied
        else:
            emptied()

    def cut(self) -> None:
        """Every stream is closed."""
        for stream in tuple(self._open):
            stream.abort()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look(self) -> None:
        now, idle_s = self.clock.monotonic(), self.places.idle_seconds()
        for stream in tuple(self._open):
            if not stream.look(now, idle_s):
                self.places.timed_out += 1
                stream.abort()
        self._looking = self.clock.after(LOOK_S, self._look) if self._open else None
