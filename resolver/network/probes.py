"""Decides how a server is checked with a DNS query, and when its reply is good.

Rules: a query like any other with a new id is sent as the server's clients send theirs (RFC 1035 section 4.1.1; with
EDNS, RFC 6891). What does not answer it, by its id and question, is passed over, as it may be forged. A reply is good
if its rcode is one of those that are wanted and, where a record is wanted, that is in the answer. A truncated reply
(TC) that lacks the record is asked for again over TCP.

Limits: one query, no second try; when a check has taken too long is decided by who makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from resolver.errors import WireError
from resolver.message import QR, TC, Edns, Message, Question, Transport
from resolver.network.base import Endpoint, Entropy, Network, Sending, Trouble
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.rdata import canonical
from resolver.wire.render import render_query

_EDNS: Final = Edns()

NOT_ITS_FAULT: Final = (Trouble.LOCAL, Trouble.BUSY)
"""Trouble that says nothing of the server."""

Done = Callable[[str | None], None]
"""Takes why a check has failed; an empty text if it has not, None if it could not be made from here."""


class Wanted(NamedTuple):
    """What is asked, and what makes a reply good; without `rdatas` any answer does, else one of these, in
    canonical form, must be in it."""

    question: Question
    rcodes: Collection[int]
    rdatas: Collection[bytes] = ()


class DnsProbe:
    """Checks the server at one endpoint, over one transport."""

    def __init__(self, network: Network, entropy: Entropy, to: Endpoint, transport: Transport, wanted: Wanted) -> None:
        self._network, self._entropy = network, entropy
        self._to, self._transport, self._wanted = to, transport, wanted

    def begin(self, done: Done) -> Sending:
        """A query is on its way; `done` is called once, unless it is closed before."""
        return _Asked(self._network, self._entropy.bits(16), self._to, self._transport, self._wanted, done)


class _Asked:
    """One query, and over TCP the same again."""

    def __init__(
        self, network: Network, ident: int, to: Endpoint, transport: Transport, wanted: Wanted, done: Done
    ) -> None:
        self._network, self._to, self._transport, self._wanted = network, to, transport, wanted
        self._ident = ident
        self._done: Done | None = done
        self._sending = self._send()

    def close(self) -> None:
        """`done` is not called any more. Calling it again does nothing."""
        self._done = None
        self._sending.close()

    def _send(self) -> Sending:
        wire = render_query(self._ident, self._wanted.question, rd=True, edns=_EDNS)
        return self._network.send(self._to, wire, self._transport, self._deliver)

    def _deliver(self, came: bytes | Trouble) -> None:
        if isinstance(came, Trouble):
            self._end(None if came in NOT_ITS_FAULT else str(came))
            return
        reply = _reply(came, self._ident, self._wanted.question)
        if reply is None:
            return
        why = unwanted(reply, self._wanted)
        if why and reply.flags & TC and self._transport is Transport.UDP:
            self._sending.close()
            self._transport = Transport.TCP
            self._sending = self._send()
            return
        self._end(why)

    def _end(self, why: str | None) -> None:
        done, self._done = self._done, None
        self._sending.close()
        if done is not None:
            done(why)


def unwanted(reply: Message, wanted: Wanted) -> str:
    """Why `reply` is not good; an empty text if it is."""
    if reply.rcode not in wanted.rcodes:
        return f"it answers {types.rcode_to_text(reply.rcode)}"
    if not wanted.rdatas:
        return ""
    rtype = wanted.question.type
    there = {canonical(rtype, rdata) for each in reply.answer if each.type == rtype for rdata in each.rdatas}
    return "" if there.intersection(wanted.rdatas) else "its answer lacks the record"


def _reply(wire: bytes, ident: int, asked: Question) -> Message | None:
    """What answers the query with that id; None for what does not."""
    if int.from_bytes(wire[:2], "big") != ident:
        return None
    try:
        reply = parse(wire)
    except WireError:
        return None
    question = reply.question
    if not reply.flags & QR or question is None:
        return None
    same = names.fold(question.name) == names.fold(asked.name) and question[1:] == asked[1:]
    return reply if same else None
