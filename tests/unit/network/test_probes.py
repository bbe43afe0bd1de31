"""Checks with queries, over a network that says what the test says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resolver.message import QR, TC, Edns, Message, Question, Rcode, RRset, Transport, Type
from resolver.network.base import Deliver, Endpoint, Reuse, Trouble
from resolver.network.entropy import SeededEntropy
from resolver.network.probes import DnsProbe, Wanted
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render

MEMBER = Endpoint("192.0.2.1", 53)
NAME = names.from_text("www.example.com")
ASKED = Question(NAME, Type.A)
THERE = bytes((192, 0, 2, 80))
ANY = Wanted(ASKED, (Rcode.NOERROR, Rcode.NXDOMAIN))
EXACTLY = ANY._replace(rdatas=(THERE,))


class World:
    """A network in which a message waits until the test answers it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Endpoint, Message, Transport]] = []
        self.deliver: Deliver = lambda _: None
        self.closed = 0

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> World:
        """It is on its way."""
        self.sent.append((to, parse(wire), transport))
        self.deliver = deliver
        return self

    def close(self) -> None:
        """Deliver nothing more."""
        self.closed += 1

    def answer(self, change: Callable[[Message], Message] = lambda each: each) -> None:
        """A reply to the last query is there, `change`d."""
        query = self.sent[-1][1]
        answer = (RRset(NAME, Type.A, 1, 60, (THERE,)),)
        reply = Message(query.id, QR, Rcode.NOERROR, query.question, answer, edns=Edns())
        self.deliver(render(change(reply)))


class Scene:
    """A check of one member, and what came of it."""

    def __init__(self, wanted: Wanted, transport: Transport = Transport.UDP) -> None:
        self.world, self.came = World(), list[str | None]()
        self.sending = DnsProbe(self.world, SeededEntropy(7), MEMBER, transport, wanted).begin(self.came.append)


def test_a_query_is_sent_as_questions_of_clients_are() -> None:
    scene = Scene(ANY, Transport.TLS)
    to, query, transport = scene.world.sent[0]
    assert (to, transport) == (MEMBER, Transport.TLS)
    assert query.question == ASKED
    assert query.flags & 0x0100, "RD"
    assert query.edns is not None
    assert scene.came == []


def test_a_reply_with_a_wanted_rcode_is_good() -> None:
    for rcode in ANY.rcodes:
        scene = Scene(ANY)
        scene.world.answer(lambda reply, rcode=rcode: reply._replace(rcode=rcode))
        assert scene.came == [""]
        assert scene.world.closed == 1


def test_a_reply_with_another_rcode_is_not() -> None:
    scene = Scene(ANY)
    scene.world.answer(lambda reply: reply._replace(rcode=Rcode.SERVFAIL))
    assert scene.came == ["it answers SERVFAIL"]


def test_the_record_that_is_wanted_must_be_in_the_answer() -> None:
    scene = Scene(EXACTLY)
    scene.world.answer()
    assert scene.came == [""]
    scene = Scene(EXACTLY)
    scene.world.answer(lambda reply: reply._replace(answer=(RRset(NAME, Type.A, 1, 60, (b"\1\2\3\4",)),)))
    assert scene.came == ["its answer lacks the record"]


def test_a_record_is_the_same_in_another_letter_case() -> None:
    wanted = Wanted(Question(NAME, Type.NS), (0,), (names.from_text("ns.example.com"),))
    scene = Scene(wanted)
    shouted = RRset(NAME, Type.NS, 1, 60, (names.from_text("NS.Example.COM"),))
    scene.world.answer(lambda reply: reply._replace(answer=(shouted,)))
    assert scene.came == [""]


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: reply._replace(id=reply.id ^ 1),
        lambda reply: reply._replace(flags=0),
        lambda reply: reply._replace(question=Question(names.from_text("other.example"), Type.A)),
        lambda reply: reply._replace(question=Question(NAME, Type.AAAA)),
        lambda reply: reply._replace(question=None, answer=()),
    ],
    ids=["id", "a query", "name", "type", "no question"],
)
def test_what_does_not_answer_the_query_is_passed_over(change: Callable[[Message], Message]) -> None:
    scene = Scene(ANY)
    scene.world.answer(change)
    assert scene.came == []
    scene.world.answer()
    assert scene.came == [""]


def test_what_is_no_message_is_passed_over() -> None:
    scene = Scene(ANY)
    ident = scene.world.sent[0][1].id.to_bytes(2, "big")
    for octets in (b"", b"\0", ident, ident + b"\x80\0\0\1\0\0\0\0\0\0\x0bwww"):
        scene.world.deliver(octets)
    assert scene.came == []


def test_a_question_in_another_letter_case_is_the_same() -> None:
    scene = Scene(ANY)
    scene.world.answer(lambda reply: reply._replace(question=Question(NAME.upper(), Type.A)))
    assert scene.came == [""]


def test_trouble_of_the_network_is_told_in_its_words() -> None:
    scene = Scene(ANY)
    scene.world.deliver(Trouble.REFUSED)
    assert scene.came == ["connection refused"]


@pytest.mark.parametrize("trouble", [Trouble.LOCAL, Trouble.BUSY])
def test_trouble_of_our_own_says_nothing_of_the_server(trouble: Trouble) -> None:
    scene = Scene(ANY)
    scene.world.deliver(trouble)
    assert scene.came == [None]


def test_a_truncated_reply_without_the_record_is_asked_for_again_over_tcp() -> None:
    scene = Scene(EXACTLY)
    scene.world.answer(lambda reply: reply._replace(answer=(), flags=QR | TC))
    assert scene.came == []
    assert [transport for _, _, transport in scene.world.sent] == [Transport.UDP, Transport.TCP]
    scene.world.answer(lambda reply: reply._replace(answer=(), flags=QR | TC))
    assert scene.came == ["its answer lacks the record"]


def test_a_truncated_reply_is_good_where_no_record_is_wanted() -> None:
    scene = Scene(ANY)
    scene.world.answer(lambda reply: reply._replace(answer=(), flags=QR | TC))
    assert scene.came == [""]


def test_nothing_is_told_once_it_was_closed() -> None:
    scene = Scene(ANY)
    scene.sending.close()
    scene.sending.close()
    scene.world.answer()
    assert scene.came == []
