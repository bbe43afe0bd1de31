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
    TC,
    Ede,
    Edns,
    Message,
    Query,
    Reply,
    Transport,
)
from resolver.server.options import NONE, Options, padded, written
from resolver.wire.names import fold
from resolver.wire.parse import parse
from resolver.wire.render import render

_MAX_MESSAGE: Final = 65_535
_PLAIN_UDP: Final = 512
_UDP: Final = Transport.UDP

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__


def full(wire: bytes, query: Query, reply: Reply, told: Options, payload: int) -> bytes:
    """The response to `wire`, read as `query`, that says `reply`, with the options `told`.

    `payload` is how long a datagram may be for our part.
    """
    rcode, answer, authority, additional, aa, ra, ad, ede, _, _, tc = reply
    flags = QR | (wire[2] << 8 | wire[3]) & (RD | CD)
    if ra:
        flags |= RA
    if aa:
        flags |= AA
    if ad:
        flags |= AD
    if tc:
        flags |= TC
    limit = _PLAIN_UDP
    edns, options = query.edns, told
    if edns is not None:
        offered = edns.payload
        limit = _PLAIN_UDP if offered < _PLAIN_UDP else offered if offered < payload else payload
        if ede or told:
            options = written(told, ede)
        edns = _make(Edns, (payload, 0, edns.do, options))
    if query.client.transport is not _UDP:
        limit = _MAX_MESSAGE
    message_id = wire[0] << 8 | wire[1]
    parts = (message_id, flags, rcode, query.question, answer, authority, additional, edns)
    response = render(_make(Message, parts), limit)
    return padded(response, options) if options else response


def for_all(response: bytes, wire: bytes, query: Query, reply: Reply, payload: int) -> bytes | None:
    """The response that may be stored for all whose queries have the key of `wire`: in lower case.

    None where it would not fit each of them, those who offer `EDNS_PAYLOAD` only.
    """
    question = query.question
    folded = fold(question.name)
    if folded != question.name:
        # Names are compressed against the question where they are spelled alike: so it is made as if asked that way.
        response = full(wire, query._replace(question=question._replace(name=folded)), reply, (), payload)
    return response if len(response) <= EDNS_PAYLOAD or query.client.transport is not _UDP else None


def brief(
    wire: bytes, rcode: int, ede: tuple[Ede, ...], heard: Callable[[Edns], Options], payload: int, *, ra: bool
) -> bytes:
    """The response to `wire` that says `rcode` and has no records: id, opcode, RD and CD, question and OPT of `wire`.

    What cannot be parsed gets a header alone (RFC 8906 section 3, RFC 6891 section 6.1.1). `heard` gives the
    options that those of the message are answered; where it raises `WireError` there are none.
    """
    flags = QR | int.from_bytes(wire[2:4], "big") & (OPCODE_MASK | RD | CD) | RA * ra
    try:
        message = parse(wire)
    except WireError:
        return wire[:2] + (flags | rcode & 0xF).to_bytes(2, "big") + bytes(8)
    edns, options = None, NONE
    if message.edns is not None:
        try:
            told = heard(message.edns)
        except WireError:
            told = ()
        options = written(told, ede)
        edns = Edns(payload, do=message.edns.do, options=options)
    return padded(render(Message(message.id, flags, rcode, message.question, edns=edns), _PLAIN_UDP), options)
