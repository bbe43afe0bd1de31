"""Which replies are believed to be replies: the messages that one question sends, and what may answer them.

Rules
* A reply fits when id, source (the socket is connected), QR, opcode, QDCOUNT and question fit those of a message
  that is still open (RFC 5452 section 9.1). This is seen before anything else of it is read. What does not fit is
  ignored and counted while the wait goes on, so that a forger gains nothing by being first.
* `MAX_MISSES` datagrams of one server that do not fit the question are no accident: somebody guesses. Its sockets are
  closed, and the engine hears of it (`Suspicion.FORGERY`). A stream cannot be forged: what does not fit there is the
  server's own mistake, and malformed.
* The letter case of the name is drawn at random (draft-vixie-dnsext-dns0x20) and must come back; a datagram that
  fits in all else is told at once (`Suspicion.CASE`).
* Before it is read, the question's name in a reply gets back the spelling that was meant: the owners of the records
  point to it, and the drawn case must not be cached.
* Cookies (RFC 7873) fit or not as the letter case does: where a server that has given one sends a datagram without
  ours, the engine hears of a forgery at once, since id and question did fit.
* Earlier tries of the same question to the same zone stay open, so a late reply still counts, also one that comes
  while nobody waits. Another zone or question closes them. Trouble counts only for the try that is waited for.
* A datagram with TC set that was cut in the middle of a record is a truncated reply, not a malformed one.
* A reply without a question fits nothing. One is heeded: FORMERR or NOTIMP to a message with an OPT, which servers say
  that cannot read EDNS (RFC 6891 section 7). It has the server asked without, and no more.

Limits: where the letter case is not drawn, id and source port alone keep forgers out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from resolver.cache.cookies import CLIENT_SIZE, Cookies
from resolver.engine.actions import Exchange, Listen, Malformed, Replied, Suspicion, Unanswered
from resolver.errors import Oversized, WireError
from resolver.message import EDNS_PAYLOAD, QR, TC, Edns, Message, Question, Rcode, Transport
from resolver.network.base import Clock, Endpoint, Entropy, Network, Sending, Timer, Trouble
from resolver.observe.counters import Counters
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds, parse
from resolver.wire.render import render_query

Heard = Replied | Unanswered | Malformed

HEADER: Final = 12

MAX_MISSES: Final = 3
"""Datagrams that do not fit, for one question to one server. Broken servers and stray packets send one or two;
guessing 16 bits of id takes thousands, so that a forger's chance is below one in 10,000 however fast he is."""

_UNREADABLE: Final = (Rcode.FORMERR, Rcode.NOTIMP)


@dataclass(frozen=True, slots=True)
class Means:
    """What conversations are held with. `payload` is how many octets of a datagram servers are offered, `bounds` how
    much of a reply is read. Without `cookies` none are sent."""

    network: Network
    clock: Clock
    entropy: Entropy
    counters: Counters
    use_0x20: bool
    payload: int = EDNS_PAYLOAD
    bounds: Bounds = DEFAULT_BOUNDS
    cookies: Cookies | None = None


class _Try:
    """A message on its way. `asked`: the octets of its question section, in the case that was drawn."""

    __slots__ = (
        "_conversation",
        "asked",
        "began",
        "cookie",
        "edns",
        "id",
        "question",
        "seconds",
        "sending",
        "server",
        "transport",
    )

    def __init__(self, conversation: Conversation, action: Exchange, began: float, seconds: float) -> None:
        self._conversation = conversation
        self.server, self.question, _, self.transport, _, _, self.edns, _, _ = action
        self.began, self.seconds = began, seconds
        self.id = self.asked = self.cookie = b""
        self.sending: Sending | None = None

    def deliver(self, data: bytes | Trouble) -> None:
        """`data` has come of it."""
        self._conversation.delivered(self, data)

    def expire(self) -> None:
        """Its time is over."""
        self._conversation.give_up_on(self, Trouble.TIMEOUT, self.seconds)

    def close(self) -> None:
        """Nothing more comes of it."""
        if self.sending is not None:
            self.sending.close()


class Conversation:
    """The exchanges of one question, one after the other. `heard` is called with what comes of each."""

    __slots__ = (
        "_arrived",
        "_clock",
        "_cookies",
        "_counters",
        "_current",
        "_heard",
        "_means",
        "_misses",
        "_timer",
        "_topic",
        "_tries",
        "_waiting",
    )

    def __init__(self, means: Means, heard: Callable[[Heard], None]) -> None:
        self._means, self._heard = means, heard
        self._clock, self._counters, self._cookies = means.clock, means.counters, means.cookies
        self._topic: tuple[bytes, Question] | None = None
        self._tries: list[_Try] = []
        self._arrived: list[Heard] = []
        self._misses: dict[Endpoint, int] = {}
        self._waiting = False
        self._timer: Timer | None = None
        self._current: _Try | None = None

    def exchange(self, action: Exchange, seconds: float) -> Heard | None:
        """What has come of `action` already; or None, and `heard` is called with it within `seconds`."""
        topic = (action.zone, action.question)
        if topic != self._topic:
            self.close()
            self._topic = topic
        elif self._arrived:
            return self._arrived.pop(0)
        attempt = self._current = self._send(action, seconds)
        self._wait(seconds, attempt.expire)
        return None

    def listen(self, action: Listen, seconds: float) -> Heard | None:
        """What has come already of the messages that are still open; or None, and `heard` is called within `seconds`.

        What is not replied to is told as silence.
        """
        if self._arrived:
            return self._arrived.pop(0)
        if (action.zone, action.question) != self._topic:
            return Unanswered(Trouble.TIMEOUT, 0.0)
        self._wait(seconds, lambda: self._settle(Unanswered(Trouble.TIMEOUT, seconds)))
        return None

    def close(self) -> None:
        """Nothing that still arrives is of interest."""
        self._stop_waiting()
        if self._tries:
            for attempt in self._tries:
                attempt.close()
            self._tries.clear()
            self._arrived.clear()
            self._misses.clear()

    def end(self) -> None:
        """It is over: nobody hears anything any more."""
        self.close()
        self._heard = _unheard

    def _send(self, action: Exchange, seconds: float) -> _Try:
        means = self._means
        attempt = _Try(self, action, self._clock.monotonic(), seconds)
        question = action.question
        name, rtype, cls = question
        if means.use_0x20:
            message_id, name = drawn(name, means.entropy)
            question = Question(name, rtype, cls)
        else:
            message_id = means.entropy.bits(16)
        edns = None
        if action.edns:
            options: tuple[tuple[int, bytes], ...] = ()
            if self._cookies is not None:
                option = self._cookies.option(action.server)
                attempt.cookie = option[1]
                options = (option,)
            edns = Edns(means.payload, 0, False, options)
        # A cookie that the server has given makes its datagrams believable, whichever port they come to.
        believable = len(attempt.cookie) > CLIENT_SIZE
        wire = render_query(message_id, question, rd=action.rd, edns=edns)
        attempt.id, attempt.asked = wire[:2], wire[HEADER : HEADER + len(name) + 4]
        self._tries.append(attempt)
        self._counters.upstream_sent += 1
        attempt.sending = means.network.send(action.server, wire, action.transport, attempt.deliver, reuse=believable)
        return attempt

    def _wait(self, seconds: float, expire: Callable[[], None]) -> None:
        self._waiting = True
        self._timer = self._clock.after(seconds, expire)

    def _stop_waiting(self) -> None:
        self._waiting = False
        self._current = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def delivered(self, attempt: _Try, data: bytes | Trouble) -> None:
        """`data` has come of `attempt`: whoever waits hears of it if it fits."""
        waited = self._clock.monotonic() - attempt.began
        if isinstance(data, Trouble):
            self.give_up_on(attempt, data, waited)
            return
        heard = self._judge(attempt, data, waited)
        if heard is None:
            heard = self._missed(attempt, waited)
            if heard is None:
                return
        attempt.close()  # one reply is all that a message gets; a duplicate is not another one
        self._settle(heard)

    def give_up_on(self, attempt: _Try, trouble: Trouble, waited: float) -> None:
        """`attempt` got no reply; of interest only while it is waited for. A stream is not waited for again."""
        if attempt is self._current and self._waiting:
            if attempt.transport is Transport.TCP:
                attempt.close()
            self._settle(Unanswered(trouble, waited))

    def _settle(self, heard: Heard) -> None:
        if self._waiting:
            self._stop_waiting()
            self._heard(heard)
        else:
            self._arrived.append(heard)

    def _judge(self, attempt: _Try, data: bytes, waited: float) -> Heard | None:
        """What `data` is as a reply to `attempt`; None when it does not fit."""
        # A response (QR) to a query (opcode 0), with the id: looked at as octets, since most that fails fails here.
        if len(data) < HEADER or data[:2] != attempt.id or data[2] & 0xF8 != 0x80:
            return None
        asked = attempt.asked
        end = HEADER + len(asked)
        if data[4:6] != b"\0\1":
            return self._without_question(attempt, data, waited)
        if data[HEADER:end] != asked:
            # Type and class have no letter case: theirs are the four octets behind the name.
            if data[end - 4 : end] != asked[-4:] or data[HEADER : end - 4].lower() != asked[:-4].lower():
                return None
            if self._means.use_0x20 and attempt.transport is Transport.UDP:
                return Unanswered(Trouble.TIMEOUT, waited, Suspicion.CASE, attempt.server)
        data = data[:HEADER] + attempt.question.name + data[end - 4 :]
        try:
            message = parse(data, self._means.bounds)
        except WireError as error:
            flags = int.from_bytes(data[2:4], "big")
            if not flags & TC or attempt.transport is not Transport.UDP:
                return Malformed(attempt.server, str(error), isinstance(error, Oversized))
            message = Message(int.from_bytes(attempt.id, "big"), flags & 0xFFF0, flags & 0xF, attempt.question)
        else:
            if attempt.cookie and not self._has_our_cookie(attempt, message):
                return self._without_cookie(attempt, waited)
        return Replied(attempt.server, attempt.transport, message, waited, attempt.edns)

    def _has_our_cookie(self, attempt: _Try, message: Message) -> bool:
        """Whether the cookies of a reply fit, which are then kept."""
        assert self._cookies is not None
        udp = attempt.transport is Transport.UDP
        return self._cookies.accepts(attempt.server, attempt.cookie, message.edns, forgeable=udp)

    def _without_cookie(self, attempt: _Try, waited: float) -> Heard:
        """What follows from a reply that fits in all but its cookie."""
        self._counters.upstream_ignored += 1
        if attempt.transport is Transport.TCP:
            return Malformed(attempt.server, "another cookie than ours")
        self._counters.upstream_suspected += 1
        return Unanswered(Trouble.TIMEOUT, waited, Suspicion.FORGERY, attempt.server)

    def _without_question(self, attempt: _Try, data: bytes, waited: float) -> Replied | None:
        """The reply of a server that could not read EDNS, nor therefore the question; None for all else."""
        if data[4:6] != b"\0\0" or data[3] & 0xF not in _UNREADABLE or not attempt.edns:
            return None
        if self._cookies is not None and self._cookies.valid(attempt.server):
            return None  # it has read EDNS before
        message = Message(int.from_bytes(attempt.id, "big"), QR, data[3] & 0xF, None)
        return Replied(attempt.server, attempt.transport, message, waited, True)

    def _missed(self, attempt: _Try, waited: float) -> Malformed | Unanswered | None:
        """What follows from a message that does not fit; None when the wait goes on."""
        self._counters.upstream_ignored += 1
        if attempt.transport is Transport.TCP:
            return Malformed(attempt.server, "not a reply to what was asked")
        misses = self._misses[attempt.server] = self._misses.get(attempt.server, 0) + 1
        if misses < MAX_MISSES:
            return None
        self._counters.upstream_suspected += 1
        for other in self._tries:
            if other.server == attempt.server and other.transport is Transport.UDP:
                other.close()
        return Unanswered(Trouble.TIMEOUT, waited, Suspicion.FORGERY, attempt.server)


def _unheard(_: Heard) -> None:
    """Nobody is left to hear it."""


def drawn(name: bytes, entropy: Entropy) -> tuple[int, bytes]:
    """An id for a message, and `name` with the case of each letter drawn at random."""
    bits = entropy.bits(16 + 8 * len(name))
    return bits & 0xFFFF, _spelled(name, bits >> 16)


def _spelled(name: bytes, bits: int) -> bytes:
    """`name` with the letter case that `bits` say; length octets are below 64 and no letters."""
    lower = int.from_bytes(name.lower(), "big")
    letters = lower ^ int.from_bytes(name.upper(), "big")
    return (lower ^ letters & bits).to_bytes(len(name), "big")
