"""Decides what the octets of replies are that no sound server would send.

Rules: a forgery changes one thing of what it is given, and the rest is as good as before, so that what becomes of it is
put down to that one thing. What cannot be read, or is too short to be changed, comes back as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Final

from resolver.errors import WireError
from resolver.message import EDE_OPTION, OPCODE_MASK, QR, RD, Class, Edns, Message, Question, RRset, Type
from resolver.network.base import Entropy
from resolver.wire.compression import HEADER
from resolver.wire.parse import parse
from resolver.wire.render import render

GARBAGE: Final = 64
"""Octets of a garbage message."""

TRAILING: Final = 8
"""Octets behind the end of a message."""

_OTHER_NAME: Final = b"\x05other\x07invalid\x00"
_PADDING: Final = b"\x07padding\x07invalid\x00"
_HEADER: Final = Struct("!6H")
_RECORD: Final = Struct("!HHIH")
_OPT: Final = b"\0" + _RECORD.pack(Type.OPT, 1232, 0, 0)
_QUESTION: Final = b"\xc0\x0c"
"""A pointer to the name of the question."""


def bare(
    query: Message,
    *,
    flags: int = 0,
    rcode: int = 0,
    authority: tuple[RRset, ...] = (),
    ede: tuple[int, str] | None = None,
) -> bytes:
    """A response to `query` with no answer. The extended error `ede`, its code and text, is for who asks with EDNS."""
    echoed = query.flags & (OPCODE_MASK | RD)
    options = () if ede is None else ((EDE_OPTION, ede[0].to_bytes(2, "big") + ede[1].encode()),)
    edns = None if query.edns is None else Edns(options=options)
    return render(Message(query.id, QR | echoed | flags, rcode, query.question, (), authority, (), edns))


def garbage(entropy: Entropy) -> bytes:
    """`GARBAGE` random octets."""
    return b"".join(entropy.bits(64).to_bytes(8, "big") for _ in range(GARBAGE // 8))


def wrong_id(response: bytes) -> bytes:
    """An id that nobody asked with."""
    if len(response) < 2:
        return response
    return bytes((response[0] ^ 0x5A, response[1] ^ 0xA5)) + response[2:]


def wrong_question(response: bytes) -> bytes:
    """Another name, as if that had been asked."""
    try:
        message = parse(response)
    except WireError:
        return response
    if message.question is None:
        return response
    _, rtype, cls = message.question
    return render(message._replace(question=Question(_OTHER_NAME, rtype, cls)))


def wrong_case(response: bytes) -> bytes:
    """The name of the question in the other letter case."""
    question = _question(response)
    return response[:HEADER] + question.swapcase()[:-4] + question[-4:] + response[HEADER + len(question) :]


def oversize(response: bytes, octets: int) -> bytes:
    """A message of so many octets, by a record that says nothing; one that is as large as that as it is."""
    rest = octets - len(response) - len(_PADDING) - _RECORD.size
    if rest <= 0:
        return response
    strings = [b"\xff" + bytes(255)] * (rest // 256)
    if rest % 256:
        strings.append(bytes((rest % 256 - 1,)) + bytes(rest % 256 - 1))
    try:
        message = parse(response)
    except WireError:
        return response
    filling = RRset(_PADDING, Type.TXT, Class.IN, 0, (b"".join(strings),))
    return render(message._replace(additional=(*message.additional, filling)))


def header_only(response: bytes) -> bytes:
    """Nothing but the header."""
    return response[:HEADER]


def cut_short(response: bytes) -> bytes:
    """The first half of what is behind the header."""
    return response[: HEADER + (len(response) - HEADER) // 2] if len(response) > HEADER else response


def wrong_counts(response: bytes) -> bytes:
    """One record more in the answer than there is."""
    return _counted(response, answers=1)


def two_opts(response: bytes) -> bytes:
    """One OPT record more than one."""
    try:
        missing = 2 if parse(response).edns is None else 1
    except WireError:
        return response
    return _counted(response, additionals=missing) + _OPT * missing


def two_questions(response: bytes) -> bytes:
    """The question twice, and nothing else."""
    question = _question(response)
    if not question:
        return response
    return _with_counts(response, 2, 0) + question * 2


def compression_loop(response: bytes) -> bytes:
    """A record whose owner points to itself."""
    return _owned(response, lambda at: _pointer(at))


def forward_pointer(response: bytes) -> bytes:
    """A record whose owner points to where there is nothing."""
    return _owned(response, lambda at: _pointer(at + 0x1000))


def bad_label(response: bytes) -> bytes:
    """A record whose owner has a label of the type that was for extensions."""
    return _owned(response, lambda _: b"\x41\x08example\0")


def long_name(response: bytes) -> bytes:
    """A record whose owner has 257 octets."""
    return _owned(response, lambda _: (b"\x3f" + b"x" * 63) * 4 + b"\0")


def bad_length(response: bytes) -> bytes:
    """A record that claims to have more data than follow."""
    return _owned(response, lambda _: _QUESTION, claimed=1024)


LIES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    each.__name__: each
    for each in (
        wrong_id,
        wrong_question,
        wrong_case,
        header_only,
        cut_short,
        wrong_counts,
        two_opts,
        two_questions,
        compression_loop,
        forward_pointer,
        bad_label,
        long_name,
        bad_length,
    )
}
"""What becomes of the reply that a sound server has made, by the word of the fault."""


def trailing_octets(response: bytes, entropy: Entropy) -> bytes:
    """Random octets behind the end."""
    return response + entropy.bits(8 * TRAILING).to_bytes(TRAILING, "big")


def _question(response: bytes) -> bytes:
    """The octets of the only question; none where there is none, or another number of them."""
    if len(response) < HEADER or response[4:6] != b"\0\x01":
        return b""
    at = HEADER
    while at < len(response) and 0 < response[at] < 0x40:
        at += 1 + response[at]
    end = at + 5
    return response[HEADER:end] if end <= len(response) and response[at] == 0 else b""


def _owned(response: bytes, owner: Callable[[int], bytes], claimed: int = 4) -> bytes:
    """A response to the same question whose answer is one address, with the `owner` that stands at an offset."""
    question = _question(response)
    if not question:
        return response
    fixed = _RECORD.pack(Type.A, Class.IN, 300, claimed)
    return _with_counts(response, 1, 1) + question + owner(HEADER + len(question)) + fixed + b"\xc0\0\x02\x01"


def _pointer(at: int) -> bytes:
    return (0xC000 | at).to_bytes(2, "big")


def _counted(response: bytes, *, answers: int = 0, additionals: int = 0) -> bytes:
    """`response` with so many more in its header."""
    if len(response) < HEADER:
        return response
    ident, flags, questions, answered, authorities, more = _HEADER.unpack_from(response)
    counts = (answered + answers & 0xFFFF, authorities, more + additionals & 0xFFFF)
    return _HEADER.pack(ident, flags, questions, *counts) + response[HEADER:]


def _with_counts(response: bytes, questions: int, answers: int) -> bytes:
    """The header of `response` with these counts."""
    return response[:4] + Struct("!4H").pack(questions, answers, 0, 0)
