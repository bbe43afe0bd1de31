"""What is served from stored octets is octet for octet what the whole way through the program would give.

The program is the one that `app.build` makes, over a simulated network, while records are learnt, run down, are
replaced and flushed. No record is replaced while it is good, for then what is stored is the older of two good answers,
until its own end: renewal is off (`tests/scenarios/test_prefetch.py` is about that), and an alias leads to another zone
(what one reply of a zone renews, `tests/scenarios/test_eventual_consistency.py` looks at).
"""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resolver.message import AD, CD, RD, TC, Client, Edns, Message, Question, Transport, Type
from resolver.observe.counters import Counters
from resolver.server.respond import Responder
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.properties.profiles import examples
from tests.support.composed import Composed, composed
from tests.support.internet import ROOT_SERVER, delegate, leaf, root_with

SHOP, OTHER = "10.0.0.2", "10.0.0.3"
NAMES = (
    "www.shop.",
    "www.other.",
    "alias.shop.",
    "many.shop.",
    "long.shop.",
    "mail.shop.",
    "none.shop.",
    "a.wild.shop.",
    "brief.shop.",
)
TYPES = (Type.A, Type.A, Type.A, Type.AAAA, Type.MX, Type.TXT, Type.HTTPS, 97, Type.ANY)
DENIED = Question(names.from_text("none.shop."), Type.A)
CLIENT = "127.0.0.1"


def change(made: Composed, version: int) -> None:
    """The zone has other data, and other TTLs."""
    made.internet.zones(ROOT_SERVER, root_with(*delegate("shop.", SHOP), *delegate("other.", OTHER)))
    made.internet.zones(OTHER, leaf("other.", OTHER, f"www.other. {5 + version} IN A 192.0.2.{version}"))
    made.internet.zones(
        SHOP,
        leaf(
            "shop.",
            SHOP,
            f"www.shop. {5 + version} IN A 192.0.2.{version}",
            f"alias.shop. {30 - version} IN CNAME www.Other.",
            *(f"many.shop. 20 IN A 192.0.{version}.{last}" for last in range(40)),
            *(f'long.shop. 25 IN TXT "{str(last) * 100}"' for last in range(1, 6 + version)),
            f"mail.shop. 60 IN MX {version} mail.shop.",
            f"mail.shop. 40 IN A 192.0.2.{version}",
            f"*.wild.shop. 12 IN A 192.0.2.{version}",
            f"brief.shop. {version} IN A 192.0.2.9",
        ),
    )


FLAGS = (RD, 0, RD | AD, RD | CD, CD, RD | AD | CD, RD | 0x40, RD | TC)
PLAIN = (None, Edns(), Edns(4096), Edns(do=True))
ODD = (Edns(1231), Edns(512), Edns(version=1), *(Edns(options=(each,)) for each in ((10, b"12345678"), (12, bytes(9)))))


def query(id: int, question: Question, flags: int, edns: Edns | None) -> bytes:
    wire = render_query(id, question, rd=True, edns=edns)
    return wire[:2] + flags.to_bytes(2, "big") + wire[4:]


@st.composite
def queries(draw: st.DrawFn) -> tuple[bytes, Transport, Question]:
    """A query as octets, most often a plain one."""
    name = names.from_text(draw(st.sampled_from(NAMES)))
    case = draw(st.one_of(st.just(0), st.just(0), st.integers(0, (1 << len(name)) - 1)))
    spelled = bytes(
        octet ^ 0x20 if case >> at & 1 and 0x61 <= octet <= 0x7A else octet for at, octet in enumerate(name)
    )
    question = Question(spelled, draw(st.sampled_from(TYPES)), draw(st.sampled_from([1, 1, 1, 1, 1, 3])))
    edns = draw(st.sampled_from([*PLAIN, *PLAIN, *ODD]))
    wire = query(draw(st.integers(0, 0xFFFF)), question, draw(st.sampled_from([RD, RD, *FLAGS])), edns)
    return wire, draw(st.sampled_from(Transport)), question


STEPS = st.lists(
    st.one_of(
        queries(),
        queries(),
        queries(),
        st.sampled_from([0.1, 0.5, 1.0, 2.5, 7.0]),
        st.integers(1, 9),
        st.sampled_from([*NAMES, "."]),
    ),
    min_size=5,
    max_size=30,
)


def folded(wire: bytes) -> Message:
    """A response, whose names beside the question have no case."""
    message = parse(wire)
    fold = [
        tuple(each._replace(name=each.name.lower(), rdatas=tuple(r.lower() for r in each.rdatas)) for each in section)
        for section in (message.answer, message.authority, message.additional)
    ]
    return message._replace(answer=fold[0], authority=fold[1], additional=fold[2])


class Twice:
    """A program, and a second responder in front of its stages that stores nothing."""

    def __init__(self, made: Composed, seen: Counter[str]) -> None:
        self.made, self.seen, self.later = made, seen, False
        program = made.program
        self.unstored = Responder(
            program.responder.answerer,
            clock=made.clock,
            counters=Counters(),
            log=program.log,
            conduct=program.responder.conduct,
            cookies=program.responder._reading.cookies,
        )

    async def ask(self, wire: bytes, transport: Transport) -> None:
        """The query is asked twice, the second time when something may be stored."""
        for _ in range(2):
            self.compare(wire, transport)
            waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
            self.made.program.respond(wire, Client(CLIENT, 4242, transport), waiting.set_result)
            await waiting

    def compare_others(self, question: Question) -> None:
        """All the ways in which the same may be asked."""
        for other in (question, question._replace(name=question.name.swapcase())):
            for flags in FLAGS:
                for edns in (*PLAIN, *ODD):
                    for transport in Transport:
                        self.compare(query(7, other, flags, edns), transport)
        letters = question.type ^ 0x20  # what folding the case of a type's octets would make of it
        self.compare(query(7, question._replace(type=letters), RD, None), Transport.UDP)

    def compare(self, wire: bytes, transport: Transport) -> None:
        """If something is stored for the query it is what would be made, at once, of what is held."""
        respond = self.made.program.responder
        hits = respond._hits(transport)
        serve = hits.begin()
        stored = None if serve is None else serve(wire)
        if stored is None:
            return
        full: list[bytes | None] = []
        self.unstored.fresh(wire, Client(CLIENT, 4242, transport), full.append)
        assert full, "what is stored outlives what it was made of"
        made = full[0]
        assert made is not None
        asked = wire[12 : wire.index(0, 12)]
        if asked == asked.lower():
            assert stored == made
        else:
            assert folded(stored) == folded(made)
            assert stored[12 : 12 + len(asked)] == asked
            self.seen["spelled"] += 1
        self.seen[str(transport)] += 1
        self.seen["edns" if wire[11] else "plain"] += 1
        self.seen["denied" if made[3] & 0xF == 3 else "found"] += 1
        self.seen["later"] += self.later


def test_what_is_stored_is_what_the_whole_way_gives() -> None:
    """Flags, EDNS, transports and spellings at random, over a cache that changes."""
    seen: Counter[str] = Counter()

    @examples(2)
    @given(STEPS)
    def shown(steps: list[tuple[bytes, Transport, Question] | float | int | str]) -> None:
        async def main(made: Composed) -> None:
            change(made, 1)
            twice = Twice(made, seen)
            asked: list[Question] = []
            for step in steps:
                match step:
                    case (wire, transport, question):
                        asked.append(question)
                        await twice.ask(wire, transport)
                    case float(seconds):
                        await made.clock.advance(seconds)
                        twice.later = True
                    case int(version):
                        change(made, version)
                    case str(name):
                        made.program.flush(names.from_text(name), subtree=True)
                await twice.ask(query(7, DENIED, RD, None), Transport.UDP)  # one name of many, but a kind of its own
                for question in (*asked[-3:], DENIED):
                    twice.compare_others(question)

        composed(main, {"cache": {"prefetch": False}})

    shown()
    assert min(seen[each] for each in ("udp", "tcp", "edns", "plain", "denied", "found", "spelled", "later")) > 50, seen
