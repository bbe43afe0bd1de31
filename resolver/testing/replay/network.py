"""Decides what comes back from a world that a scenario describes.

Rules
* A query is replied to at once by the first entry that fits, of the ranges that cover the present moment and have its
  address. A query that none fits stays open: a later moment or a REPLY step may still answer it; until then its server
  is silent, as is every address that the script does not name.
* The addresses of name servers that the script used as glue are filled in (`filled` says which) where no entry of the
  whole script answers that question: a real server has them, and the resolver that a script was written for never asked.
* What cannot be sent to is said by the script, too (`do-ip6: no`): `Trouble.LOCAL`.

Limits: datagrams have no size here, ports no meaning.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from resolver.errors import WireError
from resolver.message import AA, QR, Message, RRset, Transport, Type
from resolver.network.base import Clock, Deliver, Endpoint, Sending, Trouble
from resolver.network.undelivered import Undelivered
from resolver.testing.replay.matching import fits, reply
from resolver.testing.replay.script import Entry, Scenario
from resolver.wire import names, types
from resolver.wire.parse import parse

MAX_SENT: Final = 20_000
"""Messages that one scenario may make the resolver send. A loop ends here, and the scenario fails."""

_Key = tuple[bytes, int]


@dataclass(slots=True, eq=False)
class Sent:
    """A message that the resolver sent; `open` while a reply can still be of use."""

    to: Endpoint
    transport: Transport
    query: Message
    deliver: Deliver
    open: bool = True
    replied: bool = False

    def close(self) -> None:
        """Deliver nothing more. Calling it again does nothing."""
        self.open = False

    @property
    def waits(self) -> bool:
        """Whether it could still be replied to."""
        return self.open and not self.replied


class ScriptedNetwork:
    """The `Network` of a scenario."""

    def __init__(self, scenario: Scenario, clock: Clock, families: frozenset[int], changed: Callable[[], None]) -> None:
        """`changed` is called after a message was sent, replied to or closed. The moment begins before the first."""
        self._scenario = scenario
        self._clock = clock
        self._families = families
        self._changed = changed
        self.moment = 0
        self.sent: list[Sent] = []
        self.used: set[int] = set()
        """The lines of the entries that replied."""
        self.filled: list[str] = []
        self._glue = _glue(scenario)
        self._answered = {
            (names.fold(entry.question.name), entry.question.type)
            for entry in scenario.entries()
            if entry.question is not None and "subdomain" not in entry.match
        }

    def send(self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`."""
        if ipaddress.ip_address(to.host).version not in self._families:
            return Undelivered(self._clock, deliver, Trouble.LOCAL)
        try:
            query = parse(wire)
        except WireError as wrong:
            raise AssertionError(f"the resolver sent what is no query: {wrong}") from wrong
        if len(self.sent) >= MAX_SENT:
            raise AssertionError(f"the resolver sent more than {MAX_SENT} messages")
        sent = Sent(to, transport, query, deliver)
        self.sent.append(sent)
        self._clock.after(0, partial(self._try, sent))
        self._changed()
        return sent

    def go_to(self, moment: int) -> None:
        """What is still open is replied to if an entry of this moment fits."""
        self.moment = moment
        for sent in self.waiting():
            self._try(sent)

    def waiting(self) -> list[Sent]:
        """The messages without a reply, oldest first."""
        return [sent for sent in self.sent if sent.waits]

    def reply(self, sent: Sent, entry: Entry) -> None:
        """`sent` has the reply of `entry`, after the time that the entry says."""
        sent.replied = True
        self.used.add(entry.line)
        if "do_not_answer" not in entry.adjust:
            self._clock.after(entry.delay_s, partial(self._deliver, sent, reply(entry, sent.query)))

    def _deliver(self, sent: Sent, wire: bytes) -> None:
        if sent.open:
            sent.deliver(wire)
        self._changed()

    def _try(self, sent: Sent) -> None:
        """`sent` is replied to if there is something to reply."""
        if not sent.waits:
            return
        covered = False
        for one in self._scenario.ranges:
            if one.first <= self.moment <= one.last and (not one.addresses or sent.to.host in one.addresses):
                covered = True
                for entry in one.entries:
                    if fits(entry, sent.query, sent.transport):
                        self.reply(sent, entry)
                        return
        if covered:
            self._fill_in(sent)

    def _fill_in(self, sent: Sent) -> None:
        """An address that was glue is replied, if that is what was asked and nobody else ever answers it."""
        question = sent.query.question
        if question is None or question.type not in (Type.A, Type.AAAA):
            return
        name = names.fold(question.name)
        other = Type.AAAA if question.type == Type.A else Type.A
        found = self._glue.get((name, question.type), ())
        if (name, question.type) in self._answered or not (found or (name, other) in self._glue):
            return
        what = f"{names.to_text(name)} {types.to_text(question.type)}"
        text = f"{what} at {sent.to.host}: {'the glue' if found else 'no such data'}"
        if text not in self.filled:
            self.filled.append(text)
        entry = Entry(0, adjust=frozenset(("copy_id", "copy_query")), flags=QR | AA, answer=found)
        self.reply(sent, entry)


@dataclass(slots=True)
class _Glue:
    found: dict[_Key, list[RRset]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        named = {names.fold(each.rdatas[0]) for each in (*entry.answer, *entry.authority) if each.type == Type.NS}
        for each in entry.additional:
            key = (names.fold(each.name), each.type)
            if key[0] in named and each.type in (Type.A, Type.AAAA):
                held = self.found.setdefault(key, [])
                if all(each.rdatas != one.rdatas for one in held):
                    held.append(each)


def _glue(scenario: Scenario) -> dict[_Key, tuple[RRset, ...]]:
    """The addresses that servers of the script give for name servers, by name and type."""
    glue = _Glue()
    for entry in scenario.entries():
        glue.add(entry)
    return {key: tuple(found) for key, found in glue.found.items()}
