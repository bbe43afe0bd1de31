"""Decides which octets tell a client what became of its query: how long they are, which flags they copy, whether they
have an OPT.

Rules: OPT is sent exactly when it was received, and could be read (RFC 6891 section 7). RD and CD are copied (RFC 1035
section 4.1.1, RFC 6840 section 5.9), DO as well (RFC 3225 section 3), other flags and unknown ones are not (RFC 8906
section 3.1.3). A datagram has at most the octets that client and server both allow, 512 without EDNS.

Limits: what does not fit is left out in whole RRsets, with TC (`wire.render`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.errors import WireError
from resolver.message import (
    AA,
    AD,
    CD,
    EDNS_PAYLOAD,
    OPCODE_MASK,
    QR,
    RA,
    RD,
    Ede,
    Edns,
    Message,
    Query,
    Reply,
    Transport,
)
from resolver.server.options import NONE, Options, padded, written
from resolver.wire.parse import parse
from resolver.wire.render import render

_MAX_MESSAGE: Final = 65_535
_PLAIN_UDP: Final = 512


def full(wire: bytes, query: Query, reply: Reply, told: Options, payload: int) -> bytes:
    """The response to `wire`, read as `query`, that says `reply`, with the options `told`.

    `payload` is how long a datagram may be for our part.
    """
    flags = QR | AA * reply.aa | RA * reply.ra | AD * reply.ad | RD * query.rd | CD * query.cd
    edns, options = None, NONE
    if query.edns is not None:
        options = written(told, reply.ede)
        edns = Edns(payload, do=query.edns.do, options=options)
    if query.client.transport is not Transport.UDP:
        limit = _MAX_MESSAGE
    else:
        limit = _PLAIN_UDP if query.edns is None else min(max(query.edns.payload, _PLAIN_UDP), payload)
    message_id = int.from_bytes(wire[:2], "big")
    sections = (reply.answer, reply.authority, reply.additional)
    return padded(render(Message(message_id, flags, reply.rcode, query.question, *sections, edns), limit), options)


def brief(
    wire: bytes, rcode: int, ede: tuple[Ede, ...], heard: Callable[[Message], Options], payload: int, *, ra: bool
) -> bytes:
    """The response to `wire` that says `rcode` and has no records: id, opcode, RD and CD, question and OPT of `wire`.

    What cannot be parsed gets a header alone (RFC 8906 section 3, RFC 6891 section 6.1.1). `heard` gives the
    options that the message is answered; where it raises `WireError` there are none.
    """
    flags = QR | int.from_bytes(wire[2:4], "big") & (OPCODE_MASK | RD | CD) | RA * ra
    try:
        message = parse(wire)
    except WireError:
        return wire[:2] + (flags | rcode & 0xF).to_bytes(2, "big") + bytes(8)
    edns, options = None, NONE
    if message.edns is not None:
        try:
            told = heard(message)
        except WireError:
            told = ()
        options = written(told, ede)
        edns = Edns(payload, do=message.edns.do, options=options)
    return padded(render(Message(message.id, flags, rcode, message.question, edns=edns), _PLAIN_UDP), options)


def fits_all(response: bytes, query: Query) -> bool:
    """Whether `response` fits each client whose query has the same key: those that offer at least `EDNS_PAYLOAD`."""
    return len(response) <= EDNS_PAYLOAD or query.client.transport is not Transport.UDP
