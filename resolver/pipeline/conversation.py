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
  while nobody waits. Another zone or question closes them. Trouble counts only for the try that is waited for, or
  for those that stay (`Exchange.upstream`), as the members of a pool do of which two are asked.
* Who is asked for a name in exactly the letter case that was drawn for a message to an upstream has got it from there:
  the upstream asks us in turn.
* A reply for another subnet of clients than was told fits nothing.
* A datagram with TC set that was cut in the middle of a record is a truncated reply, not a malformed one.
* A reply without a question fits nothing. One is heeded: FORMERR or NOTIMP to a message with an OPT, which servers say
  that cannot read EDNS (RFC 6891 section 7). It has the server asked without, and no more.
* With EDNS signatures are asked for (DO, RFC 4035 section 3.2.1), whoever wants them. Servers that recurse on our
  behalf are told to leave the checking to us where we check (CD, RFC 6840 section 5.9).

Limits: where the letter case is not drawn, id and source port alone keep forgers out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from resolver.cache.cookies import CLIENT_SIZE, Cookies
from resolver.engine.actions import Exchange, Listen, Malformed, Replied, Suspicion, Unanswered
from resolver.errors import Oversized, WireError
from resolver.message import EDNS_PAYLOAD, QR, TC, Edns, Message, Question, Rcode, Transport
from resolver.network.base import Clock, Endpoint, Entropy, Network, Reuse, Sending, Timer, Trouble
from resolver.observe.counters import Counters
from resolver.wire.parse import DEFAULT_BOUNDS, Bounds, parse
from resolver.wire.render import render_query

Heard = Replied | Unanswered | Malformed

HEADER: Final = 12
SUBNET_OPTION: Final = 8
"""The EDNS option of a client's subnet (RFC 7871 section 6)."""

MAX_MISSES: Final = 3
"""Datagrams that do not fit, for one question to one server. Broken servers and stray packets send one or two;
guessing 16 bits of id takes thousands, so that a forger's chance is below one in 10,000 however fast he is."""

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_UDP: Final = Transport.UDP
_CASE: Final = bytes(0x20 if bytes((octet,)).isalpha() else 0 for octet in range(256))
"""The bit of each octet that makes a letter small or big. Length octets are below 64, and no letters."""
_UNREADABLE: Final = (Rcode.FORMERR, Rcode.NOTIMP)


@dataclass(frozen=True, slots=True)
class Means:
    """What conversations are held with. `payload` is how many octets of a datagram servers are offered, `bounds` how
    much of a reply is read. Without `cookies` none are sent. `validates`: what is told is proven here. Replies are read
    `whole` where somebody looks at sections that the engine has no use for."""

    network: Network
    clock: Clock
    entropy: Entropy
    counters: Counters
    use_0x20: bool
    payload: int = EDNS_PAYLOAD
    bounds: Bounds = DEFAULT_BOUNDS
    cookies: Cookies | None = None
    validates: bool = False
    whole: bool = True
    subnet: bytes = b""
    """What servers that recurse on our behalf are told of who asks (RFC 7871); empty for nothing."""


class _Try:
    """A message on its way: `wire`, its question in the case that was drawn, with the `cookie` that is in it."""

    __slots__ = ("action", "began", "cookie", "sending", "wire")

    def __init__(self, action: Exchange, wire: bytes, cookie: bytes, began: float) -> None:
        self.action, self.wire, self.cookie, self.began = action, wire, cookie, began
        self.sending: Sending | None = None

    def close(self) -> None:
        """Nothing more comes of it."""
        sending, self.sending = self.sending, None  # each has the other, which only a search for cycles would free
        if sending is not None:
            sending.close()


class Conversation:
    """The exchanges of one question, one after the other. `heard` is called with what comes of each."""

    __slots__ = ("_arrived", "_current", "_heard", "_means", "_misses", "_seconds", "_timer", "_topic", "_tries")

    def __init__(self, means: Means, heard: Callable[[Heard], None]) -> None:
        self._means, self._heard = means, heard
        self._topic: tuple[bytes, Question] | None = None
        self._tries: list[_Try] = []
        self._arrived: list[Heard] = []
        self._misses: dict[Endpoint, int] = {}
        self._timer: Timer | None = None
        """Of what is waited for, while somebody waits; then it is `_seconds`."""
        self._seconds = 0.0
        self._current: _Try | None = None
        """The try that is waited for; None where it is any of them."""

    def exchange(self, action: Exchange, seconds: float) -> Heard | None:
        """What has come of `action` already; or None, and `heard` is called with it within `seconds`."""
        topic = (action.zone, action.question)
        if topic != self._topic:
            if self._topic is not None:
                self.close()
            self._topic = topic
        elif self._arrived:
            return self._arrived.pop(0)
        self._current = self._send(action)
        self._seconds = seconds
        self._timer = self._means.clock.after(seconds, self._time_out)
        return None

    def listen(self, action: Listen, seconds: float) -> Heard | None:
        """What has come already of the messages that are still open; or None, and `heard` is called within `seconds`.

        What is not replied to is told as silence.
        """
        if self._arrived:
            return self._arrived.pop(0)
        if (action.zone, action.question) != self._topic:
            return Unanswered(Trouble.TIMEOUT, 0.0)
        self._seconds = seconds
        self._timer = self._means.clock.after(seconds, self._time_out)
        return None

    def close(self) -> None:
        """Nothing that still arrives is of interest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._current = None
        if self._tries:
            for attempt in self._tries:
                attempt.close()
            self._tries.clear()
        if self._arrived:
            self._arrived.clear()
        if self._misses:
            self._misses.clear()

    def end(self) -> None:
        """It is over: nobody hears anything any more."""
        self.close()
        self._heard = _unheard

    def _send(self, action: Exchange) -> _Try:
        means = self._means
        server, question, _, transport, _, rd, with_edns, _, _, upstream = action
        if means.use_0x20:
            name, rtype, cls = question
            message_id, name = drawn(name, means.entropy)
            question = _make(Question, (name, rtype, cls))
        else:
            message_id = means.entropy.bits(16)
        edns, cookie = None, b""
        if with_edns:
            options: tuple[tuple[int, bytes], ...] = ()
            if means.cookies is not None:
                option = means.cookies.option(server)
                cookie = option[1]
                options = (option,)
            if means.subnet and rd:
                options = (*options, (SUBNET_OPTION, means.subnet))
            edns = _make(Edns, (means.payload, 0, True, options))
        # A cookie that the server has given makes its datagrams believable, whichever port they come to.
        reuse = Reuse.LASTING if len(cookie) > CLIENT_SIZE else Reuse.BRIEF if upstream else Reuse.NONE
        wire = render_query(message_id, question, rd=rd, edns=edns, cd=rd and means.validates)
        attempt = _Try(action, wire, cookie, means.clock.monotonic())
        means.counters.upstream_sent += 1
        attempt.sending = means.network.send(server, wire, transport, partial(self._delivered, attempt), reuse=reuse)
        self._tries.append(attempt)
        return attempt

    def _time_out(self) -> None:
        """The time of what is waited for is over."""
        attempt = self._current
        if attempt is not None and attempt.action.transport is not _UDP and not attempt.action.upstream:
            attempt.close()  # a stream is not waited for again
        self._settle(Unanswered(Trouble.TIMEOUT, self._seconds))

    def _delivered(self, attempt: _Try, data: bytes | Trouble) -> None:
        """`data` has come of `attempt`: whoever waits hears of it if it fits, of trouble only if this is waited for."""
        waited = self._means.clock.monotonic() - attempt.began
        if type(data) is not bytes:
            assert isinstance(data, Trouble)
            self._failed(attempt, data, waited)
            return
        heard = self._judge(attempt, data, waited) or self._missed(attempt, waited)
        if heard is not None:
            attempt.close()  # one reply is all that a message gets; a duplicate is not another one
            self._tries.remove(attempt)
            self._settle(heard)

    def _failed(self, attempt: _Try, trouble: Trouble, waited: float) -> None:
        """`trouble` has come of `attempt`, which matters while that is waited for, or where it stays."""
        action = attempt.action
        if attempt is self._current:
            if action.transport is not _UDP or action.upstream:
                attempt.close()
            self._settle(Unanswered(trouble, waited))
        elif action.upstream:
            attempt.close()
            self._settle(Unanswered(trouble, waited, None, action.server))

    def came_back(self, spelled: bytes) -> bool:
        """Whether `spelled`, the name that somebody asks for now, is in the letter case that was drawn for a message
        which is still open: then the one that it was sent to asks us in turn, and is not waited for any more."""
        end = HEADER + len(spelled)
        for attempt in self._tries:
            if attempt.action.upstream and attempt.sending is not None and attempt.wire[HEADER:end] == spelled:
                self._failed(attempt, Trouble.LOOP, self._means.clock.monotonic() - attempt.began)
                return True
        return False

    def _settle(self, heard: Heard) -> None:
        if self._timer is None:
            self._arrived.append(heard)
            return
        self._timer.cancel()
        self._timer = self._current = None
        self._heard(heard)

    def _judge(self, attempt: _Try, data: bytes, waited: float) -> Heard | None:
        """What `data` is as a reply to `attempt`; None when it does not fit."""
        means, wire = self._means, attempt.wire
        # A response (QR) to a query (opcode 0), with the id: looked at as octets, since most that fails fails here.
        if len(data) < HEADER or data[:2] != wire[:2] or data[2] & 0xF8 != 0x80:
            return None
        if data[4:6] != b"\0\1":
            return self._without_question(attempt, data, waited)
        server, question, _, transport, _, _, edns, _, _, _ = attempt.action
        name = question.name
        behind = HEADER + len(name)
        end = behind + 4
        if data[HEADER:end] != wire[HEADER:end]:
            # Type and class have no letter case: theirs are the four octets behind the name.
            if data[behind:end] != wire[behind:end] or data[HEADER:behind].lower() != wire[HEADER:behind].lower():
                return None
            if means.use_0x20 and transport is _UDP:
                return Unanswered(Trouble.TIMEOUT, waited, Suspicion.CASE, server)
        data = data[:HEADER] + name + data[behind:]
        try:
            message = parse(data, means.bounds, question, whole=means.whole)
        except WireError as error:
            flags = int.from_bytes(data[2:4], "big")
            if not flags & TC or transport is not _UDP:
                return Malformed(server, str(error), isinstance(error, Oversized))
            message = Message(int.from_bytes(wire[:2], "big"), flags & 0xFFF0, flags & 0xF, question)
        else:
            cookies, sent = means.cookies, attempt.cookie
            udp = transport is _UDP
            if sent and cookies is not None and not cookies.accepts(server, sent, message.edns, forgeable=udp):
                return self._without_cookie(attempt, waited)
            if means.subnet and is_of_another(message.edns, means.subnet):
                return None
        return _make(Replied, (server, transport, message, waited, edns))

    def _without_cookie(self, attempt: _Try, waited: float) -> Heard:
        """What follows from a reply that fits in all but its cookie."""
        self._means.counters.upstream_ignored += 1
        if attempt.action.transport is not _UDP:
            return Malformed(attempt.action.server, "another cookie than ours")
        self._means.counters.upstream_suspected += 1
        return Unanswered(Trouble.TIMEOUT, waited, Suspicion.FORGERY, attempt.action.server)

    def _without_question(self, attempt: _Try, data: bytes, waited: float) -> Replied | None:
        """The reply of a server that could not read EDNS, nor therefore the question; None for all else."""
        if data[4:6] != b"\0\0" or data[3] & 0xF not in _UNREADABLE or not attempt.action.edns:
            return None
        if self._means.cookies is not None and self._means.cookies.valid(attempt.action.server):
            return None  # it has read EDNS before
        message = Message(int.from_bytes(attempt.wire[:2], "big"), QR, data[3] & 0xF, None)
        return Replied(attempt.action.server, attempt.action.transport, message, waited, True)

    def _missed(self, attempt: _Try, waited: float) -> Malformed | Unanswered | None:
        """What follows from a message that does not fit; None when the wait goes on."""
        self._means.counters.upstream_ignored += 1
        if attempt.action.transport is not _UDP:
            return Malformed(attempt.action.server, "not a reply to what was asked")
        misses = self._misses[attempt.action.server] = self._misses.get(attempt.action.server, 0) + 1
        if misses < MAX_MISSES:
            return None
        self._means.counters.upstream_suspected += 1
        for other in self._tries:
            if other.action.server == attempt.action.server and other.action.transport is _UDP:
                other.close()
        return Unanswered(Trouble.TIMEOUT, waited, Suspicion.FORGERY, attempt.action.server)


def is_of_another(edns: Edns | None, subnet: bytes) -> bool:
    """Whether a reply is for another subnet than the one that was told: family, source length and address are to be the
    same, the scope alone is the server's (RFC 7871 section 7.3)."""
    given = () if edns is None else edns.options
    return any(code == SUBNET_OPTION and data[:3] + data[4:] != subnet[:3] + subnet[4:] for code, data in given)


def _unheard(_: Heard) -> None:
    """Nobody is left to hear it."""


def drawn(name: bytes, entropy: Entropy) -> tuple[int, bytes]:
    """An id for a message, and `name` with the case of each letter drawn at random."""
    size = len(name)
    bits = entropy.bits(16 + 8 * size)
    letters = int.from_bytes(name.translate(_CASE), "big")
    return bits & 0xFFFF, (int.from_bytes(name, "big") ^ letters & bits >> 16).to_bytes(size, "big")
