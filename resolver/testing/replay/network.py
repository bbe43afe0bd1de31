"""Decides what comes back from a world that a scenario describes.

Rules
* A query is replied to at once by the first entry that fits, of the ranges that cover the present moment and have its
  address. A query that none fits stays open: a later moment or a REPLY step may still answer it; until then its server
  is silent, as is every address that the script does not name.
* The addresses of name servers that the script used as glue are filled in (`filled` says which) where no entry of the
  whole script answers that question: a real server has them; the resolver for which the script was written never asked.
* A name that no entry answers, at or above one that the server has entries for, is a minimised name, of which the
  script does not know: where the resolver minimises it is filled in, too. Where the server refers to the NS set of that
  very name, it refers; else it has no such data there.
* What a referral of the script says of a zone's DS, the records or the denial, is told to whom asks its server for the
  DS, where no entry of the whole script answers that question: a real server does (RFC 4035 section 3.1.4.1).
* What cannot be sent to is said by the script, too (`do-ip6: no`): `Trouble.NO_ROUTE`.

Limits: datagrams have no size here, ports no meaning.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from resolver.errors import WireError
from resolver.message import AA, QR, Message, Question, RRset, Transport, Type
from resolver.network.base import Clock, Deliver, Endpoint, Reuse, Sending, Trouble
from resolver.network.undelivered import Undelivered
from resolver.testing.replay.matching import fits, reply
from resolver.testing.replay.script import Entry, Scenario
from resolver.testing.replay.settings import Arrangement
from resolver.wire import names, types
from resolver.wire.parse import parse

MAX_SENT: Final = 20_000
"""Messages that one scenario may make the resolver send. A loop ends here, and the scenario fails."""

_COPY: Final = frozenset(("copy_id", "copy_query"))

_Key = tuple[bytes, int]


@dataclass(slots=True, eq=False)
class Sent:
    """A message that the resolver sent, at the monotonic time `at`; `open` while a reply can still be of use."""

    to: Endpoint
    transport: Transport
    query: Message
    deliver: Deliver
    at: float
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

    def __init__(self, scenario: Scenario, clock: Clock, arrangement: Arrangement, changed: Callable[[], None]) -> None:
        """`changed` is called after a message was sent or replied to. The moment begins before the first."""
        self._scenario = scenario
        self._clock = clock
        self._families = arrangement.families
        self._minimises = arrangement.config.resolver.qname_minimisation
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

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`."""
        if ipaddress.ip_address(to.host).version not in self._families:
            return Undelivered(self._clock, deliver, Trouble.NO_ROUTE)
        try:
            query = parse(wire)
        except WireError as wrong:
            raise AssertionError(f"the resolver sent what is no query: {wrong}") from wrong
        if len(self.sent) >= MAX_SENT:
            raise AssertionError(f"the resolver sent more than {MAX_SENT} messages")
        sent = Sent(to, transport, query, deliver, self._clock.monotonic())
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
        entries = [
            entry
            for one in self._scenario.ranges
            if one.first <= self.moment <= one.last and (not one.addresses or sent.to.host in one.addresses)
            for entry in one.entries
        ]
        for entry in entries:
            if fits(entry, sent.query, sent.transport):
                self.reply(sent, entry)
                return
        question = sent.query.question
        if question is not None and entries and (names.fold(question.name), question.type) not in self._answered:
            made, gist = self._filled(question, entries)
            if made is not None:
                self._note_filled(f"{_text(question)} at {sent.to.host}: {gist}")
                self.reply(sent, made)

    def _filled(self, question: Question, entries: list[Entry]) -> tuple[Entry | None, str]:
        """What a server that has `entries` replies where the script does not say it, and what that is."""
        if (made := self._of_glue(question)) is not None:
            return made, "the glue" if made.answer else "no such data"
        if (made := _of_a_referral(question, entries)) is not None:
            return made, "the DS of the referral" if made.answer else "the denial of the referral"
        if self._minimises and (made := _of_a_minimised_name(question, entries)) is not None:
            return made, "the referral" if made.authority else "no such data"
        return None, ""

    def _note_filled(self, text: str) -> None:
        if text not in self.filled:
            self.filled.append(text)

    def _of_glue(self, question: Question) -> Entry | None:
        """The reply to the question for an address that was glue."""
        if question.type not in (Type.A, Type.AAAA):
            return None
        name = names.fold(question.name)
        other = Type.AAAA if question.type == Type.A else Type.A
        found = self._glue.get((name, question.type), ())
        if not (found or (name, other) in self._glue):
            return None
        return Entry(0, adjust=_COPY, flags=QR | AA, answer=found)


def _of_a_minimised_name(question: Question, entries: list[Entry]) -> Entry | None:
    """What a server that has `entries` says about a name that only a resolver that minimises asks for (RFC 9156)."""
    name = names.fold(question.name)
    if question.type != Type.A:
        return None
    below = False
    for entry in entries:
        if entry.question is None or entry.raw is not None:
            continue
        owner = names.fold(entry.question.name)
        below = below or (names.is_below(owner, name) and (owner, entry.question.type) != (name, Type.A))
        cut = [each for each in entry.authority if each.type == Type.NS and names.fold(each.name) == name]
        if cut and not entry.answer and not entry.flags & AA:
            return replace(entry, adjust=_COPY)
    return Entry(0, adjust=_COPY, flags=QR | AA) if below else None


def _of_a_referral(question: Question, entries: list[Entry]) -> Entry | None:
    """What a server that has `entries` says of the DS of a zone to which one of them refers."""
    name = names.fold(question.name)
    if question.type != Type.DS:
        return None
    for entry in entries:
        said = entry.authority
        if entry.raw is not None or not any(each.type == Type.NS and names.fold(each.name) == name for each in said):
            continue
        if listed := [each for each in _signed(said, Type.DS) if names.fold(each.name) == name]:
            return Entry(0, adjust=_COPY, flags=QR | AA, answer=tuple(listed))
        if denied := (*_signed(said, Type.NSEC), *_signed(said, Type.NSEC3)):
            return Entry(0, adjust=_COPY, flags=QR | AA, authority=(*_soa(name, entries), *denied))
    return None


def _soa(name: bytes, entries: list[Entry]) -> tuple[RRset, ...]:
    """The SOA with its signatures of the closest zone above `name` that one of `entries` has."""
    found: list[tuple[RRset, ...]] = []
    for entry in entries:
        for section in (entry.answer, entry.authority):
            held = _signed(section, Type.SOA)
            if held and names.fold(held[0].name) != name and names.is_below(name, names.fold(held[0].name)):
                found.append(held)
    return max(found, key=lambda held: names.depth(held[0].name), default=())


def _signed(section: tuple[RRset, ...], rtype: int) -> tuple[RRset, ...]:
    """The records of `rtype`, and the signatures over such records."""
    covers = rtype.to_bytes(2, "big")
    return tuple(
        each for each in section if each.type == rtype or (each.type == Type.RRSIG and each.rdatas[0][:2] == covers)
    )


def _text(question: Question) -> str:
    return f"{names.to_text(names.fold(question.name))} {types.to_text(question.type)}"


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
