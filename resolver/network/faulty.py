"""Decides how a server misbehaves: slow, lossy, silent, lame, or lying; the same on sockets and in memory.

Rules: `Faulty` stands before a server and is a server itself. Each word of `Fault` is a failure that
resolvers meet (RFC 8906, RFC 4697), told apart so that each can be diagnosed: a query that is no message
goes on to the server, which knows what to say to it.

Limits: latency is put on the reply, so a connection to a slow server is made at once. Loss is of datagrams;
a stream loses nothing. At most `MAX_DELAYED` replies wait for their time; more are lost, as on a link whose
queue is full.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from resolver.errors import WireError
from resolver.message import (
    AA,
    OPCODE_MASK,
    QR,
    RD,
    TC,
    Class,
    Client,
    Edns,
    Message,
    Question,
    Rcode,
    Respond,
    RRset,
    Transport,
    Type,
)
from resolver.network.base import Clock, Entropy
from resolver.wire.names import ROOT
from resolver.wire.parse import parse
from resolver.wire.render import render

MAX_DELAYED: Final = 4096
"""Replies of one server that wait for their time; at 20 ms each that is 200,000 a second."""

ROOT_NS_TTL: Final = 518_400
"""Seconds; the TTL of `. NS` in the real root zone."""

GARBAGE: Final = 64
"""Octets of a garbage datagram."""

_OTHER_NAME: Final = b"\x05other\x07invalid\x00"


class Fault(enum.StrEnum):
    """What a server does instead of answering."""

    SILENT = "silent"
    """Never replies; on TCP it accepts and never answers."""
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    """Over UDP nothing but TC; over TCP the answer."""
    LAME = "lame"
    """NOERROR with nothing in it, without AA: not its zone (RFC 9499 section 7)."""
    UPWARD = "upward"
    """A referral to the root (RFC 4697 section 2.3)."""
    GARBAGE = "garbage"
    """Octets that are no message."""
    WRONG_ID = "wrong_id"
    WRONG_QUESTION = "wrong_question"


@dataclass(frozen=True, slots=True)
class Faults:
    """How well a server works. Raises ValueError for a word that is none, or a number out of its range."""

    latency_ms: float = 0.0
    """Milliseconds by which each reply is late."""
    loss: float = 0.0
    """The share of datagrams that get no reply, 0 to 1."""
    fault: str | None = None
    """One of `Fault`."""
    jitter_ms: float = 0.0
    """Up to so many milliseconds more, evenly spread."""
    root_servers: tuple[bytes, ...] = ()
    """Names of the root servers, for `upward`."""

    def __post_init__(self) -> None:
        if self.latency_ms < 0 or self.jitter_ms < 0:
            raise ValueError("latency_ms and jitter_ms are 0 or more")
        if not 0 <= self.loss <= 1:
            raise ValueError("loss is a share from 0 to 1")
        if self.fault is not None and self.fault not in set(Fault):
            raise ValueError(f"fault {self.fault!r} is none of: {', '.join(Fault)}")

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.latency_ms or self.loss or self.fault or self.jitter_ms)


class Faulty:
    """A `Respond` that is `respond` with `faults`."""

    def __init__(self, respond: Respond, clock: Clock, entropy: Entropy, faults: Faults) -> None:
        self._respond, self._clock, self._entropy, self._faults = respond, clock, entropy, faults
        self._delayed = 0

    def __call__(self, wire: bytes, client: Client, send: Callable[[bytes | None], None]) -> None:
        """See `message.Respond`."""
        faults = self._faults
        if faults.fault == Fault.SILENT or self._lost(client) or self._delayed >= MAX_DELAYED:
            send(None)
            return
        delay = faults.latency_ms
        if faults.jitter_ms:
            delay += faults.jitter_ms * self._entropy.fraction()
        later = partial(self._later, send, delay / 1000) if delay else send
        try:
            forged = self._forged(wire, client)
        except WireError:
            forged = None
        if forged is not None:
            later(forged)
        elif faults.fault in (Fault.WRONG_ID, Fault.WRONG_QUESTION):
            self._respond(wire, client, partial(self._lie, later))
        else:
            self._respond(wire, client, later)

    def _lost(self, client: Client) -> bool:
        loss = self._faults.loss
        return bool(loss) and client.transport is Transport.UDP and self._entropy.fraction() < loss

    def _forged(self, wire: bytes, client: Client) -> bytes | None:
        """The reply that the server itself never sees the query for; None when it does."""
        match self._faults.fault:
            case Fault.SERVFAIL:
                return _bare(wire, rcode=Rcode.SERVFAIL)
            case Fault.REFUSED:
                return _bare(wire, rcode=Rcode.REFUSED)
            case Fault.LAME:
                return _bare(wire)
            case Fault.UPWARD:
                root = RRset(ROOT, Type.NS, Class.IN, ROOT_NS_TTL, self._faults.root_servers)
                return _bare(wire, authority=(root,) if root.rdatas else ())
            case Fault.TRUNCATED if client.transport is Transport.UDP:
                return _bare(wire, flags=AA | TC)
            case Fault.GARBAGE:
                return garbage(self._entropy)
            case _:
                return None

    def _lie(self, send: Callable[[bytes | None], None], response: bytes | None) -> None:
        if response is not None:
            forge = wrong_id if self._faults.fault == Fault.WRONG_ID else wrong_question
            response = forge(response)
        send(response)

    def _later(self, send: Callable[[bytes | None], None], seconds: float, response: bytes | None) -> None:
        self._delayed += 1
        self._clock.after(seconds, partial(self._arrive, send, response))

    def _arrive(self, send: Callable[[bytes | None], None], response: bytes | None) -> None:
        self._delayed -= 1
        send(response)


def garbage(entropy: Entropy) -> bytes:
    """`GARBAGE` random octets."""
    return b"".join(entropy.bits(64).to_bytes(8, "big") for _ in range(GARBAGE // 8))


def wrong_id(response: bytes) -> bytes:
    """`response` with an id that nobody asked with; what is too short to have one comes back as it is."""
    if len(response) < 2:
        return response
    return bytes((response[0] ^ 0x5A, response[1] ^ 0xA5)) + response[2:]


def wrong_question(response: bytes) -> bytes:
    """`response` as if another name had been asked; what cannot be read comes back as it is."""
    try:
        message = parse(response)
    except WireError:
        return response
    if message.question is None:
        return response
    _, rtype, cls = message.question
    return render(message._replace(question=Question(_OTHER_NAME, rtype, cls)))


def _bare(wire: bytes, *, flags: int = 0, rcode: int = 0, authority: tuple[RRset, ...] = ()) -> bytes | None:
    """A response to the query `wire` with no answer; None for a response. Raises WireError for no message."""
    query = parse(wire)
    if query.flags & QR:
        return None
    echoed = query.flags & (OPCODE_MASK | RD)
    edns = None if query.edns is None else Edns()
    return render(Message(query.id, QR | echoed | flags, rcode, query.question, (), authority, (), edns))


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that goes wrong: `kind` says what, the others with whom, with which questions, how often and when."""

    kind: str

    def as_data(self) -> dict[str, object]:
        """The same as JSON can carry it: what `rule` takes."""
        raise NotImplementedError


def rule(given: Mapping[str, object]) -> Rule:
    """The rule that `given` says, with the words of hierarchy.toml, the fixtures, the command and the API alike. Raises
    `InputError` with the right spelling."""
    raise NotImplementedError


class FaultTable:
    """The rules that are in force, each under its number."""

    def add(self, rule: Rule) -> int:
        """`rule` is in force from now on; its number."""
        raise NotImplementedError

    def listed(self) -> list[dict[str, object]]:
        """The rules with their `id`, how often each was `applied`, and whether it is over."""
        raise NotImplementedError

    def clear(self, number: int | None = None) -> int:
        """That rule, or each that was added at run time, is in force no more: how many. Raises `InputError` for a
        number that is none."""
        raise NotImplementedError
