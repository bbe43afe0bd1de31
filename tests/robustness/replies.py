"""Attacks by replies: streams that go wrong behind a TC, octets that are no message, and far too much of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from resolver.message import AA, QR, TC, Class, Message, RRset, Transport, Type
from resolver.network.simulated import Link, Stream
from resolver.wire import names
from resolver.wire.render import render
from tests.robustness.world import ROUND_TRIP_MS, Attack, Hostile, Said, only_by_stream
from tests.support.messages import reply

LATENCY: Final = ROUND_TRIP_MS


def _answer(query: Message, transport: Transport) -> Said:
    assert query.question is not None
    return reply(query.question, f"{names.to_text(query.question.name)} 300 IN A 192.0.2.66")


def _stream(link: Link) -> Callable[[Hostile], None]:
    """One server says TC, and its streams go wrong."""

    def build(internet: Hostile) -> None:
        internet.weapon("evil.", only_by_stream(_answer), servers=1, link=link)

    return build


def _closed(internet: Hostile) -> None:
    """TC from a server that says nothing but TC, by TCP too."""
    script = lambda query, transport: Message(0, QR | AA | TC, 0, query.question)  # noqa: E731
    internet.weapon("evil.", script, servers=1)


def _malformed(spoil: Callable[[bytes, int], bytes]) -> Callable[[Hostile], None]:
    """Two servers whose replies are spoiled: `spoil(octets, end of the question)`."""

    def build(internet: Hostile) -> None:
        def script(query: Message, transport: Transport) -> Said:
            message = _answer(query, transport)
            assert isinstance(message, Message)
            assert query.question is not None
            return spoil(render(message._replace(id=query.id)), 12 + len(query.question.name) + 4)

        internet.weapon("evil.", script)

    return build


def _counts(wire: bytes, *counts: int) -> bytes:
    return wire[:4] + b"".join(each.to_bytes(2, "big") for each in counts) + wire[12:]


def _record(wire: bytes, end: int, record: bytes) -> bytes:
    """The question, and `record` as the one answer."""
    return _counts(wire, 1, 1, 0, 0)[:end] + record


def _fixed(rtype: int, rdata: bytes, size: int | None = None) -> bytes:
    """Type, class IN, TTL and length, and the rdata."""
    length = len(rdata) if size is None else size
    return rtype.to_bytes(2, "big") + b"\0\1\0\0\1\x2c" + length.to_bytes(2, "big") + rdata


_ASKED: Final = b"\xc0\x0c"
"""A pointer to the name of the question."""

_LONG: Final = b"".join(b"\x3f" + b"x" * 63 for _ in range(5)) + b"\0"
_OPT: Final = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"

MALFORMED: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "no records where one is announced": lambda wire, end: _counts(wire[:end], 1, 1, 0, 0),
    "65,535 records announced": lambda wire, end: _counts(wire, 1, 65535, 65535, 65535),
    "cut in a record": lambda wire, end: wire[: end + 14],
    "octets behind the end": lambda wire, end: wire + b"\0\0\0",
    "an address of 3 octets": lambda wire, end: _record(wire, end, _ASKED + _fixed(1, b"\1\2\3")),
    "a length beyond the end": lambda wire, end: _record(wire, end, _ASKED + _fixed(1, b"\1\2\3\4", 4000)),
    "a pointer to itself": lambda wire, end: _record(wire, end, bytes((0xC0, end)) + _fixed(1, b"\1\2\3\4")),
    "a pointer forwards": lambda wire, end: _record(wire, end, b"\xc0\xff" + _fixed(1, b"\1\2\3\4")),
    "an unknown label type": lambda wire, end: _record(wire, end, b"\x41x\0" + _fixed(1, b"\1\2\3\4")),
    "a name of 320 octets": lambda wire, end: _record(wire, end, _LONG + _fixed(1, b"\1\2\3\4")),
    "an alias with octets behind its name": lambda wire, end: _record(wire, end, _ASKED + _fixed(5, _ASKED + b"\0")),
    "an OPT in the answer": lambda wire, end: _record(wire, end, _OPT),
    "two OPT": lambda wire, end: _counts(wire, 1, 0, 0, 2)[:end] + _OPT + _OPT,
    "an EDNS option longer than its OPT": lambda wire, end: (
        _counts(wire, 1, 0, 0, 1)[:end] + _OPT[:-2] + b"\0\4\0\3\xff\xff"
    ),
    "33 EDNS options": lambda wire, end: _counts(wire, 1, 0, 0, 1)[:end] + _OPT[:-2] + b"\0\x84" + 33 * b"\0\3\0\0",
    "noise": lambda wire, end: wire[:end] + bytes((each * 37 + 11) & 0xFF for each in range(200)),
}
"""What is wrong, and how it is made of a good reply and the end of its question."""


UNFIT: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "another id": lambda wire, end: bytes((wire[0] ^ 1,)) + wire[1:],
    "another name": lambda wire, end: wire[:13] + b"x" + wire[14:],
    "another type": lambda wire, end: wire[: end - 3] + b"\x1c" + wire[end - 2 :],
    "two questions": lambda wire, end: _counts(wire, 2, 1, 0, 0)[:end] + wire[12:],
    "no question": lambda wire, end: _counts(wire[:12], 0, 0, 0, 0),
    "a query": lambda wire, end: wire[:2] + bytes((wire[2] & 0x7F,)) + wire[3:],
    "another opcode": lambda wire, end: wire[:2] + bytes((wire[2] | 0x20,)) + wire[3:],
    "11 octets": lambda wire, end: wire[:11],
}
"""What does not fit the query, so that it may come from anybody, and is passed over while the wait goes on."""


def _huge(transport_tc: bool, servers: int) -> Callable[[Hostile], None]:
    """4,000 addresses for one name: 64 KB."""

    def build(internet: Hostile) -> None:
        def script(query: Message, transport: Transport) -> Said:
            assert query.question is not None
            rdatas = tuple(number.to_bytes(4, "big") for number in range(0x0A000000, 0x0A000000 + 4000))
            rrset = RRset(query.question.name, Type.A, Class.IN, 300, rdatas)
            return Message(0, QR | AA, 0, query.question, (rrset,))

        internet.weapon("evil.", only_by_stream(script) if transport_tc else script, servers=servers)

    return build


STREAMS: Final = "TC over UDP"
HUGE: Final = "64 KB answer with 4,000 records"

ATTACKS: Final = (
    *(
        Attack(STREAMS, variant, 4, _stream(link), "www.evil.", servers="1", rcodes=rcodes)
        for variant, link, rcodes in (
            ("TCP reset", Link(LATENCY, stream=Stream.RESET), ("SERVFAIL",)),
            ("TCP hanging", Link(LATENCY, stream=Stream.HANGING), ("SERVFAIL",)),
            ("TCP with a frame of no octets", Link(LATENCY, stream=Stream.EMPTY), ("SERVFAIL",)),
            ("TCP that ends early", Link(LATENCY, stream=Stream.CUT), ("SERVFAIL",)),
            ("TCP byte by byte, for a minute", Link(LATENCY, octet_ms=1000.0), ("SERVFAIL",)),
            ("TCP byte by byte, for half a second", Link(LATENCY, octet_ms=10.0), ("NOERROR",)),
        )
    ),
    Attack(STREAMS, "TC over TCP too", 4, _closed, "www.evil.", servers="1"),
    *(Attack("malformed reply", kind, 4, _malformed(spoil), "www.evil.") for kind, spoil in MALFORMED.items()),
    *(
        Attack("reply that does not fit", kind, 6, _malformed(spoil), "www.evil.", ours=True)
        for kind, spoil in UNFIT.items()
    ),
    Attack(HUGE, "over TCP, after TC", 4, _huge(True, 2), "www.evil."),
    Attack(HUGE, "in a datagram", 4, _huge(False, 2), "www.evil."),
)
"""In the order of the table."""
