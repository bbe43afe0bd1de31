"""Decides what is noted of the messages between the resolver and the servers that it asks.

Rules: everything goes through unchanged. Each reply is noted when it arrives, in that order, so that what a note rests
on (who serves which zone) stands before it; what was never replied to comes last. The letter case in which a question
was sent is chance, and gone: its name is in lower case, and so is what a reply points to in it.

Limits: `Noting.full` says when there are more than `MAX_NOTES`, or `MAX_OCTETS` of replies; then no more questions
should be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from resolver.errors import WireError
from resolver.message import Message, Question, Transport
from resolver.network.base import Clock, Deliver, Endpoint, Network, Reuse, Sending, Trouble
from resolver.wire import names
from resolver.wire.compression import HEADER
from resolver.wire.parse import parse

MAX_NOTES: Final = 20_000
"""Messages of one recording: some thousand names of the Internet, whose replies are some 30 MiB."""

MAX_OCTETS: Final = 64 << 20
"""Octets of all replies together: whoever answers with 64 KB each time does not fill the memory."""


@dataclass(frozen=True, slots=True)
class Note:
    """One exchange. `reply` is None where nothing came; `seconds` is how long it took; `octets` its size."""

    host: str
    transport: Transport
    question: Question
    reply: Message | Trouble | WireError | None
    seconds: float = 0.0
    octets: int = 0


class Noting:
    """A `Network` that is `network`, and remembers what passes."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self._network, self._clock = network, clock
        self._notes: list[Note] = []
        self._open: dict[int, Note] = {}
        self._sent = self._octets = 0

    @property
    def full(self) -> bool:
        """Whether no more questions should be asked."""
        return self._sent >= MAX_NOTES or self._octets >= MAX_OCTETS

    @property
    def notes(self) -> list[Note]:
        """What has been exchanged: the replies in the order in which they came, then what nobody replied to."""
        return [*self._notes, *self._open.values()]

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """See `base.Network`."""
        question = parse(wire).question
        assert question is not None  # the resolver's own
        number, self._sent = self._sent, self._sent + 1
        asked = Note(to.host, transport, question._replace(name=names.fold(question.name)), None)
        self._open[number] = asked
        came = partial(self._came, number, asked, self._clock.monotonic(), wire, deliver)
        return self._network.send(to, wire, transport, came, reuse=reuse)

    def _came(
        self, number: int, asked: Note, began: float, query: bytes, deliver: Deliver, reply: bytes | Trouble
    ) -> None:
        self._open.pop(number, None)
        seconds = self._clock.monotonic() - began
        read = reply if isinstance(reply, Trouble) else _read(query, reply, asked.question)
        octets = 0 if isinstance(reply, Trouble) else len(reply)
        self._octets += octets
        self._notes.append(Note(asked.host, asked.transport, asked.question, read, seconds, octets))
        deliver(reply)


def _read(query: bytes, reply: bytes, asked: Question) -> Message | WireError:
    """What `reply` says; an error for what is no message, or none to that query."""
    end = HEADER + len(asked.name)
    # Names in a reply point to those of its question, whose letter case was drawn at random.
    if names.fold(reply[HEADER:end]) == asked.name:
        reply = reply[:HEADER] + asked.name + reply[end:]
    try:
        message = parse(reply)
    except WireError as error:
        return error
    if reply[:2] != query[:2]:
        return WireError("another id")
    # Who refuses a query may leave its question out; who answers may not.
    if message.question != asked and (message.question is not None or not message.rcode):
        return WireError("another question")
    return message
