"""What comes back for odd queries: one table, a row per oddity, each with the section that decides it.

A response is written `RCODE flags question/answer/authority OPT size options`. The whole program answers, over its
simulated world.
"""

from __future__ import annotations

import asyncio

import pytest

from resolver.message import (
    AA,
    AD,
    CD,
    QR,
    RA,
    RD,
    TC,
    Client,
    Edns,
    Message,
    Question,
    Transport,
    Type,
)
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.support.messages import sets
from tests.support.whole import Whole, whole

UDP = Client("127.0.0.1", 4242, Transport.UDP)
TCP = Client("127.0.0.1", 4242, Transport.TCP)

HEADER = 12
FLAGS = ((QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"), (0x40, "z"), (AD, "ad"), (CD, "cd"))
COOKIE, KEEPALIVE, EDE, UNKNOWN = 10, 11, 15, 65_001
OURS = b"clients!"
THEIRS = b"\1" + bytes(15)
SOA = sets("example.com. 60 IN SOA ns.example.com. admin.example.com. 1 2 3 4 5")
DATA = sets("www.example.com. 60 IN A 192.0.2.80")


def query(
    name: str = "www.example.com.", rtype: int = Type.A, cls: int = 1, *, flags: int = RD, **parts: object
) -> bytes:
    """A query, with the `parts` of a message."""
    return render(Message(7, flags, 0, Question(names.from_text(name), rtype, cls), **parts))  # type: ignore[arg-type]


def edns(*options: tuple[int, bytes], **fields: int | bool) -> Edns:
    return Edns(options=options, **fields)  # type: ignore[arg-type]


def named(name: bytes) -> bytes:
    """A query whose question has these octets for a name."""
    return query()[:HEADER] + name + b"\0\1\0\1"


def counted(wire: bytes, *counts: int) -> bytes:
    """`wire` with other counts in its header."""
    return wire[:4] + b"".join(count.to_bytes(2, "big") for count in counts) + wire[HEADER:]


def placed(section: int) -> bytes:
    """A query whose OPT stands in another section than the additional one."""
    return counted(query(edns=edns()), 1, *(int(number == section) for number in range(3)))


PLAIN = query()
WITH_OPT = query(edns=edns())
OPT = WITH_OPT[-11:]
EMPTY = render(Message(7, RD, 0, None))


def without_question(*options: tuple[int, bytes]) -> bytes:
    return render(Message(7, RD, 0, None, edns=edns(*options)))


def told(response: bytes | None) -> str:
    """A response in one line."""
    if response is None:
        return "nothing"
    message = parse(response)
    assert message.id == 7
    assert message.flags & QR
    flags = " ".join(text for bit, text in FLAGS if message.flags & bit and bit != QR)
    sections = "/".join(
        str(count)
        for count in (
            int(message.question is not None),
            *(sum(len(each.rdatas) for each in section) for section in (message.answer, message.authority)),
        )
    )
    parts = [types.rcode_to_text(message.rcode), flags, sections]
    if message.edns is not None:
        assert message.edns.version == 0
        parts += [f"OPT {message.edns.payload}", *(["do"] if message.edns.do else [])]
        parts += [option(*each) for each in message.edns.options]
    return " ".join(parts)


def option(code: int, data: bytes) -> str:
    if code == COOKIE:
        assert data.startswith(OURS)
        return f"cookie({len(data)})"
    return f"ede({data[-6:].decode()})" if code == EDE else f"{code}:{data.hex()}"


async def put(made: Whole, wire: bytes, client: Client) -> bytes | None:
    """The response to some octets."""
    waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    made.program.respond(wire, client, waiting.set_result)
    return await waiting


GOOD = "NOERROR rd ra 1/1/0"
FORMERR = "FORMERR rd ra 1/0/0"
UNREAD = "FORMERR rd ra 0/0/0"


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        # EDNS
        pytest.param(query(edns=edns(version=1)), "BADVERS rd ra 1/0/0 OPT 1232", marks=pytest.mark.rfc(6891, "6.1.3")),
        pytest.param(
            query(edns=edns((COOKIE, b"short"), (UNKNOWN, b"x"), version=255)),
            "BADVERS rd ra 1/0/0 OPT 1232",
            marks=pytest.mark.rfc(6891, "6.1.3"),
        ),
        pytest.param(query(edns=edns((UNKNOWN, b"x"))), f"{GOOD} OPT 1232", marks=pytest.mark.rfc(6891, "6.1.2")),
        pytest.param(
            WITH_OPT[:-4] + b"\x7f\xff" + WITH_OPT[-2:], f"{GOOD} OPT 1232", marks=pytest.mark.rfc(6891, "6.1.4")
        ),
        pytest.param(query(edns=edns(do=True)), "NOERROR rd ra ad 1/2/0 OPT 1232 do", marks=pytest.mark.rfc(3225, "3")),
        pytest.param(
            query(edns=edns(do=True, version=1)),
            "BADVERS rd ra 1/0/0 OPT 1232 do",
            marks=pytest.mark.rfc(3225, "3"),
        ),
        pytest.param(counted(WITH_OPT + OPT, 1, 0, 0, 2), UNREAD, marks=pytest.mark.rfc(6891, "6.1.1")),
        pytest.param(placed(0), UNREAD, marks=pytest.mark.rfc(6891, "6.1.1")),
        pytest.param(placed(1), UNREAD, marks=pytest.mark.rfc(6891, "6.1.1")),
        pytest.param(
            WITH_OPT[:-11] + b"\1x" + WITH_OPT[-11:], UNREAD, marks=pytest.mark.rfc(6891, "6.1.2")
        ),  # an owner other than the root
        pytest.param(WITH_OPT[:-2] + b"\0\1", UNREAD, marks=pytest.mark.rfc(6891, "6.1.2")),
        pytest.param(
            query("medium.example.com.", Type.TXT, edns=edns(payload=0)),
            "NOERROR tc rd ra 1/0/0 OPT 1232",
            marks=pytest.mark.rfc(6891, "6.2.3"),
        ),
        pytest.param(
            query("medium.example.com.", Type.TXT), "NOERROR tc rd ra 1/0/0", marks=pytest.mark.rfc(1035, "4.2.1")
        ),
        pytest.param(
            query("medium.example.com.", Type.TXT, edns=edns()),
            "NOERROR rd ra 1/8/0 OPT 1232",
            marks=pytest.mark.rfc(6891, "6.2.5"),
        ),
        pytest.param(
            query("big.example.com.", Type.TXT, edns=edns(payload=65_535)),
            "NOERROR tc rd ra 1/0/0 OPT 1232",
            marks=pytest.mark.rfc(9715, "3.1"),
        ),
        pytest.param(
            query(edns=edns((KEEPALIVE, b"xyz"))), f"{GOOD} OPT 1232", marks=pytest.mark.rfc(7828, "3.3.1")
        ),  # ignored over UDP, whatever it is
        # cookies
        pytest.param(
            query(edns=edns((COOKIE, OURS))), f"{GOOD} OPT 1232 cookie(24)", marks=pytest.mark.rfc(7873, "5.2.3")
        ),
        pytest.param(
            query(edns=edns((COOKIE, OURS + THEIRS))),
            f"{GOOD} OPT 1232 cookie(24)",
            marks=pytest.mark.rfc(7873, "5.2.4"),
        ),
        pytest.param(
            query(edns=edns((COOKIE, OURS), (COOKIE, b"second"))),
            f"{GOOD} OPT 1232 cookie(24)",
            marks=pytest.mark.rfc(7873, "5.2"),
        ),
        *(
            pytest.param(
                query(edns=edns((COOKIE, bytes(size)))), f"{FORMERR} OPT 1232", marks=pytest.mark.rfc(7873, "5.2.2")
            )
            for size in (0, 1, 7, 9, 15, 41)
        ),
        pytest.param(
            without_question((COOKIE, OURS)),
            "NOERROR rd ra 0/0/0 OPT 1232 cookie(24)",
            marks=pytest.mark.rfc(7873, "5.4"),
        ),
        pytest.param(
            without_question((COOKIE, OURS + THEIRS)),
            "BADCOOKIE rd ra 0/0/0 OPT 1232 cookie(24)",
            marks=pytest.mark.rfc(7873, "5.4"),
        ),
        # counts of the question
        pytest.param(EMPTY, UNREAD, marks=pytest.mark.rfc(9619, "4")),
        pytest.param(without_question(), f"{UNREAD} OPT 1232", marks=pytest.mark.rfc(9619, "4")),
        pytest.param(counted(PLAIN + PLAIN[HEADER:], 2, 0, 0, 0), UNREAD, marks=pytest.mark.rfc(9619, "4")),
        # flags and sections
        pytest.param(query(flags=RD | 0x40), GOOD, marks=pytest.mark.rfc(8906, "3.1.3")),
        pytest.param(query(flags=RD | AA | RA), GOOD, marks=pytest.mark.rfc(8906, "3.1.3")),
        pytest.param(query(flags=RD | AD), "NOERROR rd ra ad 1/1/0", marks=pytest.mark.rfc(6840, "5.7")),
        pytest.param(query(flags=RD | CD), "NOERROR rd ra cd 1/1/0", marks=pytest.mark.rfc(6840, "5.9")),
        pytest.param(query(flags=RD | CD | TC), "FORMERR rd ra cd 1/0/0", marks=pytest.mark.rfc(1035, "4.1.1")),
        pytest.param(query(flags=QR | RD), "nothing", marks=pytest.mark.rfc(1035, "7.3")),
        pytest.param(query(answer=DATA), FORMERR, marks=pytest.mark.rfc(1035, "4.1")),
        pytest.param(query(authority=DATA), FORMERR, marks=pytest.mark.rfc(1035, "4.1")),
        pytest.param(query(flags=0), "REFUSED ra 1/0/0", marks=pytest.mark.rfc(1035, "4.1.1")),
        # classes and types
        *(
            pytest.param(
                query(cls=cls, edns=edns()),
                f"REFUSED rd ra 1/0/0 OPT 1232 ede([{tag}])",
                marks=pytest.mark.rfc(6895, "3.2"),
            )
            for cls, tag in ((3, "CHAO"), (4, "CLSS"), (254, "CLSS"), (255, "CLSS"), (65_280, "CLSS"))
        ),
        *(
            pytest.param(query(rtype=rtype), "NOTIMP rd ra 1/0/0", marks=pytest.mark.rfc(6895, "3.1"))
            for rtype in (129, 249, Type.TSIG, Type.MAILB, Type.MAILA)
        ),
        *(
            pytest.param(query(rtype=rtype), FORMERR, marks=pytest.mark.rfc(6895, "3.1"))
            for rtype in (0, Type.OPT, 128)
        ),
        pytest.param(query(rtype=65_280), "NOERROR rd ra 1/0/1", marks=pytest.mark.rfc(8906, "3.1.2")),
        pytest.param(
            query(rtype=Type.AXFR, edns=edns()),
            "REFUSED rd ra 1/0/0 OPT 1232 ede([NXFR])",
            marks=pytest.mark.rfc(5936, "2.2.1"),
        ),
        pytest.param(
            query(rtype=Type.IXFR, authority=SOA, edns=edns()),
            "REFUSED rd ra 1/0/0 OPT 1232 ede([NXFR])",
            marks=pytest.mark.rfc(1995, "3"),
        ),
        # octets
        *(pytest.param(PLAIN[:size], "nothing", marks=pytest.mark.rfc(1035, "4.1.1")) for size in (0, 1, 11)),
        pytest.param(PLAIN + b"\0", UNREAD, marks=pytest.mark.rfc(1035, "4.1")),
        pytest.param(PLAIN[:-1], UNREAD, marks=pytest.mark.rfc(1035, "4.1.2")),
        pytest.param(PLAIN[:20], UNREAD, marks=pytest.mark.rfc(1035, "4.1.2")),
        pytest.param(counted(PLAIN, 1, 0, 0, 0xFFFF), UNREAD, marks=pytest.mark.rfc(1035, "4.1.1")),
        pytest.param(named(b"\xc0\x0c"), UNREAD, marks=pytest.mark.rfc(1035, "4.1.4")),  # a pointer to itself
        pytest.param(named(b"\1a\xc0\x0c"), UNREAD, marks=pytest.mark.rfc(1035, "4.1.4")),  # a loop
        pytest.param(named(b"\xc0\x20"), UNREAD, marks=pytest.mark.rfc(1035, "4.1.4")),  # ahead
        pytest.param(named(b"\xc0\x00"), UNREAD, marks=pytest.mark.rfc(1035, "4.1.4")),  # into the header
        pytest.param(named(b"\x41" + b"a" * 65 + b"\0"), UNREAD, marks=pytest.mark.rfc(6891, "5")),
        pytest.param(named(b"\x80a\0"), UNREAD, marks=pytest.mark.rfc(1035, "4.1.4")),
        pytest.param(named(b"\x3f" + b"a" * 63), UNREAD, marks=pytest.mark.rfc(1035, "3.1")),  # without an end
        pytest.param(named(4 * (b"\x3f" + b"a" * 63) + b"\0"), UNREAD, marks=pytest.mark.rfc(1035, "2.3.4")),
    ],
)
def test_a_datagram_is_answered(wire: bytes, expected: str) -> None:
    assert told(whole(lambda made: put(made, wire, UDP))) == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param(
            query("big.example.com.", Type.TXT, edns=edns(payload=512)),
            "NOERROR rd ra 1/24/0 OPT 1232",
            marks=pytest.mark.rfc(6891, "6.2.3"),
        ),
        *(
            pytest.param(
                query(edns=edns((KEEPALIVE, data))), f"{GOOD} OPT 1232 11:0064", marks=pytest.mark.rfc(7828, "3.3.2")
            )
            for data in (b"", b"\0\1")
        ),
        *(
            pytest.param(query(edns=edns((KEEPALIVE, data))), f"{FORMERR} OPT 1232", marks=pytest.mark.rfc(7828, "3.1"))
            for data in (b"\0", b"\0\0\0")
        ),
        pytest.param(
            query(edns=edns((KEEPALIVE, b""), (COOKIE, OURS))),
            f"{GOOD} OPT 1232 11:0064 cookie(24)",
            marks=pytest.mark.rfc(7828, "3.3.2"),
        ),
        pytest.param(query(edns=edns()), f"{GOOD} OPT 1232", marks=pytest.mark.rfc(7828, "3.3.2")),
        *(
            pytest.param(
                query(rtype=rtype, edns=edns()),
                "REFUSED rd ra 1/0/0 OPT 1232 ede([NXFR])",
                marks=pytest.mark.rfc(5936, "2.2.1"),
            )
            for rtype in (Type.AXFR, Type.IXFR)
        ),
        pytest.param(query(flags=QR | RD), "nothing", marks=pytest.mark.rfc(1035, "7.3")),
        pytest.param(PLAIN[:5], "nothing", marks=pytest.mark.rfc(1035, "4.1.1")),
        pytest.param(EMPTY, UNREAD, marks=pytest.mark.rfc(9619, "4")),
    ],
)
def test_a_message_over_tcp_is_answered(wire: bytes, expected: str) -> None:
    assert told(whole(lambda made: put(made, wire, TCP))) == expected


@pytest.mark.rfc(8906, "3.1.4")
@pytest.mark.parametrize("client", [UDP, TCP])
def test_no_opcode_but_that_of_a_query_is_implemented(client: Client) -> None:
    async def main(made: Whole) -> list[tuple[str, int]]:
        answers = []
        for opcode in range(1, 16):
            for wire in (PLAIN, WITH_OPT, EMPTY, PLAIN[:HEADER], PLAIN[:20]):
                response = await put(made, wire[:2] + bytes((opcode << 3 | 1,)) + wire[3:], client)
                answers.append((told(response), parse(response or b"").opcode))
        return answers

    expected = [
        (f"NOTIMP rd ra {sections}", opcode)
        for opcode in range(1, 16)
        for sections in ("1/0/0", "1/0/0 OPT 1232", "0/0/0", "0/0/0", "0/0/0")
    ]
    assert whole(main) == expected


@pytest.mark.rfc(8906, "3.2.3")
def test_what_is_stored_is_said_to_odd_queries_as_well() -> None:
    """A query that no stored response fits is answered from the records, without asking anyone again."""

    async def main(made: Whole) -> tuple[list[str], int, int]:
        await put(made, PLAIN, UDP)
        sent = made.program.stats()["upstream.sent"]
        wires = (
            query(edns=edns((COOKIE, OURS))),
            query(edns=edns((UNKNOWN, b""))),
            query(edns=edns(payload=512)),
            query(flags=0),
        )
        answers = [told(await put(made, wire, UDP)) for wire in wires]
        return answers, int(sent), int(made.program.stats()["upstream.sent"])

    answers, before, after = whole(main)
    assert answers == [f"{GOOD} OPT 1232 cookie(24)", f"{GOOD} OPT 1232", f"{GOOD} OPT 1232", "NOERROR ra 1/1/0"]
    assert before == after
