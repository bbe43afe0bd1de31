"""Which replies are believed to be replies: the messages that one question sends, and what may answer them.

Rules
* A reply fits when id, source (the socket is connected), QR, opcode and question fit those of a message that
  is still open (RFC 5452 section 9.1). Anything else is ignored and counted while the wait goes on.
* The letter case of the name is drawn at random (draft-vixie-dnsext-dns0x20) and must come back; a reply that
  fits in all else is told as `miscased`.
* Before it is read, the question's name in a reply gets back the spelling that was meant: the owners of the records
  point to it, and the drawn case must not be cached.
* Earlier tries of the same question to the same zone stay open, so a late reply still counts, also one that comes
  while nobody waits. Another zone or question closes them. Trouble counts only for the try that is waited for.
* A datagram with TC set that was cut in the middle of a record is a truncated reply, not a malformed one.
* A reply without a question is accepted only with an error rcode: servers that could not read it send that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from resolver.engine.actions import Exchange, Malformed, Replied, Unanswered
from resolver.errors import WireError
from resolver.message import EDNS_PAYLOAD, OPCODE_MASK, TC, Edns, Message, Question, Rcode, Transport
from resolver.network.base import Clock, Endpoint, Entropy, Network, Sending, Trouble
from resolver.observe.counters import Counters
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query

Heard = Replied | Unanswered | Malformed

HEADER: Final = 12


@dataclass(slots=True)
class _Try:
    """A message on its way."""

    id: int
    server: Endpoint
    transport: Transport
    question: Question
    sent_name: bytes
    began: float
    edns: bool
    sending: Sending | None = None


class Conversation:
    """The exchanges of one question, one after the other."""

    __slots__ = (
        "_arrived",
        "_clock",
        "_counters",
        "_current",
        "_edns",
        "_entropy",
        "_network",
        "_randomises_case",
        "_topic",
        "_tries",
        "_waiting",
    )

    def __init__(
        self,
        network: Network,
        clock: Clock,
        entropy: Entropy,
        counters: Counters,
        *,
        use_0x20: bool,
        payload: int = EDNS_PAYLOAD,
    ) -> None:
        """`payload` is how many octets of a datagram servers are offered."""
        self._edns = Edns(payload)
        self._network = network
        self._clock = clock
        self._entropy = entropy
        self._counters = counters
        self._randomises_case = use_0x20
        self._topic: tuple[bytes, Question] | None = None
        self._tries: list[_Try] = []
        self._arrived: list[Heard] = []
        self._waiting: asyncio.Future[Heard] | None = None
        self._current: _Try | None = None

    async def exchange(self, action: Exchange, seconds: float) -> Heard:
        """What came of `action` within `seconds`."""
        topic = (action.zone, action.question)
        if topic != self._topic:
            self.close()
            self._topic = topic
        if self._arrived:
            return self._arrived.pop(0)
        attempt = self._current = self._send(action)
        waiting: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        timer = self._clock.after(seconds, lambda: self._give_up_on(attempt, Trouble.TIMEOUT, seconds))
        try:
            return await waiting
        finally:
            timer.cancel()
            self._waiting = self._current = None

    def close(self) -> None:
        """Nothing that still arrives is of interest."""
        for attempt in self._tries:
            if attempt.sending is not None:
                attempt.sending.close()
        self._tries.clear()
        self._arrived.clear()

    def _send(self, action: Exchange) -> _Try:
        question, name = action.question, action.question.name
        if self._randomises_case:
            name = randomised_case(name, self._entropy)
        message_id, now = self._entropy.bits(16), self._clock.monotonic()
        attempt = _Try(message_id, action.server, action.transport, question, name, now, action.edns)
        edns = self._edns if action.edns else None
        wire = render_query(message_id, Question(name, question.type, question.cls), rd=action.rd, edns=edns)
        self._tries.append(attempt)
        self._counters.upstream_sent += 1
        attempt.sending = self._network.send(
            action.server, wire, action.transport, lambda data: self._deliver(attempt, data)
        )
        return attempt

    def _deliver(self, attempt: _Try, data: bytes | Trouble) -> None:
        waited = self._clock.monotonic() - attempt.began
        if isinstance(data, Trouble):
            self._give_up_on(attempt, data, waited)
            return
        heard = self._judge(attempt, data, waited)
        if heard is None:
            self._counters.upstream_ignored += 1
            return
        if attempt.sending is not None:  # one reply is all that a message gets; a duplicate is not another one
            attempt.sending.close()
        self._settle(heard)

    def _judge(self, attempt: _Try, data: bytes, waited: float) -> Heard | None:
        """What `data` is as a reply to `attempt`; None when it does not fit."""
        if len(data) < 12 or int.from_bytes(data[:2], "big") != attempt.id or not data[2] & 0x80:
            return None
        end = HEADER + len(attempt.sent_name)
        same_case = data[HEADER:end] == attempt.sent_name
        if same_case:
            data = data[:HEADER] + attempt.question.name + data[end:]
        try:
            message = parse(data)
        except WireError as error:
            cut = _cut_in_a_record(data, attempt)
            if cut is None:
                return Malformed(attempt.server, str(error))
            message = cut
        if message.flags & OPCODE_MASK:
            return None
        if message.question is None:
            if message.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN):
                return None
        elif message.question != attempt.question and _folded(message.question) != _folded(attempt.question):
            return None
        elif not same_case and self._randomises_case and attempt.transport is Transport.UDP:
            return Unanswered(Trouble.TIMEOUT, waited, miscased=True, server=attempt.server)
        return Replied(attempt.server, attempt.transport, message, waited, attempt.edns)

    def _settle(self, heard: Heard) -> None:
        if self._waiting is None or self._waiting.done():
            self._arrived.append(heard)
        else:
            self._waiting.set_result(heard)

    def _give_up_on(self, attempt: _Try, trouble: Trouble, waited: float) -> None:
        """`attempt` got no reply; of interest only while it is waited for. A stream is not waited for again."""
        if attempt is self._current and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Unanswered(trouble, waited))
            if attempt.transport is Transport.TCP and attempt.sending is not None:
                attempt.sending.close()


def _cut_in_a_record(data: bytes, attempt: _Try) -> Message | None:
    """The truncated reply that a datagram is which was cut without regard to records; None when it is none."""
    name, rtype, cls = attempt.question
    question = name + rtype.to_bytes(2, "big") + cls.to_bytes(2, "big")
    flags = int.from_bytes(data[2:4], "big")
    if attempt.transport is Transport.UDP and flags & TC and data[HEADER : HEADER + len(question)] == question:
        return Message(attempt.id, flags & 0xFFF0, flags & 0xF, attempt.question)
    return None


def randomised_case(name: bytes, entropy: Entropy) -> bytes:
    """`name` with the case of each letter drawn at random; length octets are below 64 and no letters."""
    size = len(name)
    lower = int.from_bytes(name.lower(), "big")
    letters = lower ^ int.from_bytes(name.upper(), "big")
    return (lower ^ letters & entropy.bits(8 * size)).to_bytes(size, "big")


def _folded(question: Question) -> Question:
    return question._replace(name=names.fold(question.name))
