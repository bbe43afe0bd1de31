"""Servers that misbehave in every way that a seed can say: wrappers around good ones, and one that only lies.

All that they invent is poison: addresses in 66.66.0.0/16 and 6666::/16, and names below `poison`. So what came from a
liar is known wherever it turns up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from resolver.errors import BadName, WireError
from resolver.message import AA, AD, QR, RA, TC, Client, Edns, Message, Question, Respond, RRset, Transport, Type
from resolver.network.base import Clock
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.unit.wire import corpus

EVIL = ("66.66.0.1", "66.66.0.2")
"""Where a liar's other servers are."""
MARK = b"\x06poison"
"""The first label of every name that a liar invents as the target of something."""

BEHAVIOURS = (
    "silent",
    "slow",
    "garbage",
    "cut",
    "damaged",
    "truncated",
    "rcode",
    "wrong id",
    "wrong question",
    "wrong case",
    "no question",
    "empty",
    "huge",
    "lie",
)

_TYPES = (1, 28, 2, 5, 6, 39, 16, 15, 43, 46, 255, 65280)
_RCODES = (0, 0, 0, 0, 3, 3, 1, 2, 4, 5, 6, 9, 11, 16, 23)

Send = Callable[[bytes | None], None]


def poisoned(rdata: bytes) -> bool:
    """Whether `rdata` is a liar's."""
    return rdata[:2] == bytes((66, 66)) or MARK in rdata


class Liar:
    """A `Respond` that mostly does not do what `honest` would."""

    def __init__(
        self,
        honest: Respond,
        clock: Clock,
        seed: int,
        behaviours: Sequence[str],
        *,
        known: Sequence[bytes],
        zone: bytes = names.ROOT,
        often: float = 0.7,
    ) -> None:
        """`known` are the names that lies are about; poison stands below `zone`."""
        self._honest, self._clock, self._rng = honest, clock, random.Random(seed)
        self._behaviours, self._often = list(behaviours), often
        self._known, self._zone = list(known), zone
        self.asked: list[Question] = []

    def __call__(self, wire: bytes, client: Client, send: Send) -> None:
        """See `message.Respond`."""
        rng = self._rng
        query = parse(wire)
        assert query.question is not None, "the resolver sent a query without a question"
        self.asked.append(query.question)
        if not self._behaviours or rng.random() > self._often:
            self._honest(wire, client, send)
            return
        match rng.choice(self._behaviours):
            case "silent":
                send(None)
            case "slow":
                seconds = rng.choice((0.05, 0.3, 0.9, 2.0, 5.0))
                self._honest(wire, client, lambda said: self._later(send, said, seconds))
            case "lie":
                send(self.lie(wire, query.question))
            case behaviour:
                self._honest(wire, client, lambda said: send(self._spoilt(behaviour, wire, query, said, client)))

    def _later(self, send: Send, said: bytes | None, seconds: float) -> None:
        self._clock.after(seconds, lambda: send(said))

    def _spoilt(self, behaviour: str, wire: bytes, query: Message, said: bytes | None, client: Client) -> bytes | None:
        rng = self._rng
        if said is None:
            return None
        message = parse(said)
        match behaviour:
            case "garbage":
                return rng.choice((b"", wire[:2], wire[:2] + b"\x80" + rng.randbytes(40), rng.randbytes(12)))
            case "cut":
                return said[: rng.randrange(2, len(said))]
            case "damaged":
                return said[:2] + corpus.damaged(rng, said)[2:]
            case "truncated":
                over_tcp_too = rng.random() < 0.3
                if client.transport is Transport.UDP or over_tcp_too:
                    return render(message._replace(flags=message.flags | TC, answer=(), authority=(), additional=()))
                return said
            case "rcode":
                return render(message._replace(rcode=rng.choice(_RCODES), edns=message.edns or Edns()))
            case "wrong id":
                return rng.randbytes(2) + said[2:]
            case "wrong question":
                return render(message._replace(question=Question(rng.choice(self._known), 1)))
            case "wrong case":
                asked = message.question
                return render(message._replace(question=asked and asked._replace(name=asked.name.swapcase())))
            case "no question":
                return render(message._replace(question=None, rcode=rng.choice((0, 1, 2, 5))))
            case "empty":
                return render(
                    message._replace(answer=(), authority=(), additional=(), flags=QR | AA * rng.randrange(2))
                )
            case _:
                many = tuple(
                    bytes((66, 66)) + number.to_bytes(2, "big") for number in range(rng.choice((90, 700, 3000)))
                )
                assert query.question is not None
                return render(message._replace(answer=(RRset(query.question.name, Type.A, 1, 300, many),)))

    def lie(self, wire: bytes, question: Question) -> bytes:
        """A reply to `wire` that fits, and says whatever comes to mind, in any section."""
        rng = self._rng
        if rng.random() < 0.4:
            return self._trap(wire, question)
        sections = [tuple(self._invented(question) for _ in range(rng.choice((0, 1, 1, 2, 4)))) for _ in range(3)]
        flags = (
            QR | AA * rng.randrange(2) | RA * rng.randrange(2) | AD * (rng.random() < 0.2) | TC * (rng.random() < 0.05)
        )
        rcode = rng.choice(_RCODES)
        ident = int.from_bytes(wire[:2], "big")
        edns = Edns() if rcode > 15 or rng.random() < 0.5 else None
        try:
            return render(Message(ident, flags, rcode, question, *sections, edns))
        except WireError as error:
            raise AssertionError(f"the renderer refuses {sections}") from error

    def _trap(self, wire: bytes, question: Question) -> bytes:
        """A reply that leads to a name of somebody else by an alias or a name server, and says where that is."""
        victim = self._rng.choice(self._known)
        rtype = question.type if question.type not in (Type.NS, Type.CNAME) else int(Type.A)
        there = RRset(victim, rtype, 1, 3600, (self._rdata(rtype),))
        alias = RRset(question.name, Type.CNAME, 1, 3600, (victim,))
        ns = RRset(self._rng.choice((self._zone, question.name, victim)), Type.NS, 1, 3600, (victim,))
        glue = RRset(victim, Type.A, 1, 3600, (self._rdata(Type.A),))
        answer, authority = self._rng.choice((((alias, there), ()), ((), (ns,)), ((alias, there), (ns,))))
        ident = int.from_bytes(wire[:2], "big")
        flags = QR | AA * (not authority or self._rng.random() < 0.3)
        return render(Message(ident, flags, 0, question, answer, authority, (glue,), Edns()))

    def _invented(self, question: Question) -> RRset:
        rng = self._rng
        owner = rng.choice((question.name, question.name, *rng.choices(self._known, k=4)))
        if rng.random() < 0.2:
            owner = names.parent(owner)
        rtype = question.type if rng.random() < 0.4 else rng.choice(_TYPES)
        ttl = rng.choice((0, 1, 60, 3600, 86400, 0x7FFFFFFF))
        return RRset(
            owner, rtype, 1, ttl, tuple(dict.fromkeys(self._rdata(rtype) for _ in range(rng.choice((1, 1, 2)))))
        )

    def _rdata(self, rtype: int) -> bytes:
        rng = self._rng
        match rtype:
            case 1:
                return bytes((66, 66, 0, rng.choice((1, 2, 3))))
            case 28:
                return bytes((66, 66)) + bytes(13) + b"\1"
            case 2 | 5 | 39:
                return self._target()
            case 6:
                return self._target() + self._target() + (60).to_bytes(4, "big") * 5
            case 15:
                return b"\0\x0a" + self._target()
            case 16:
                return b"\x0apoison pie" if rng.random() < 0.5 else MARK + b"\0"
            case 43:
                return bytes((66, 66, 8, 2)) + bytes(32)
            case 46:
                return bytes((66, 66, 8, 2)) + bytes(14) + b"\0" + bytes(8)
            case _:
                return bytes((66, 66))

    def _target(self) -> bytes:
        """A name that is poison: below the liar's own zone, or anywhere."""
        below = self._zone if self._rng.random() < 0.6 else self._rng.choice(self._known)
        try:
            return names.prepend(b"poison", below)
        except BadName:
            return names.prepend(b"poison", self._zone)
