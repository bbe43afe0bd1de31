from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.cache.cookies import Cookies
from resolver.engine.actions import Exchange, Listen, Malformed, Replied, Suspicion, Unanswered
from resolver.message import CD, QR, TC, Edns, Message, Question, RRset, Transport, Type
from resolver.network.base import Endpoint, Reuse, Trouble
from resolver.network.entropy import SeededEntropy
from resolver.observe.counters import Counters
from resolver.pipeline.conversation import Conversation, Means, drawn
from resolver.testing.virtual_time import VirtualClock
from resolver.wire import names
from resolver.wire.parse import Bounds, parse
from resolver.wire.render import render
from tests.support.messages import name, reply
from tests.support.strict import run_strictly

WWW = Question(name("www.example.com."), Type.A)
ZONE = name("example.com.")
ONE, TWO = Endpoint("192.0.2.1", 53), Endpoint("192.0.2.2", 53)
UDP, TCP = Transport.UDP, Transport.TCP
A = "www.example.com. 300 IN A 192.0.2.80"


class Wire:
    """A `Network` in which a test delivers by hand."""

    def __init__(self) -> None:
        self.sent: list[_Sent] = []

    def send(self, to, wire, transport, deliver, *, reuse=Reuse.NONE):
        self.sent.append(_Sent(to, wire, transport, deliver))
        self.sent[-1].reuse = reuse
        return self.sent[-1]


class _Sent:
    def __init__(self, to, wire, transport, deliver: Callable[[bytes | Trouble], None]) -> None:
        self.to, self.wire, self.transport, self._deliver = to, wire, transport, deliver
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def deliver(self, what: bytes | Trouble) -> None:
        if not self.closed:
            self._deliver(what)

    @property
    def query(self) -> Message:
        return parse(self.wire)

    def answer(self, *lines: str, **changes) -> bytes:
        """A reply to this message, with `changes` to its fields."""
        query = self.query
        message = reply(query.question, lines, id=query.id)
        return render(message._replace(**changes))


class Talk:
    """A conversation in virtual time, with what a test does at a time."""

    def __init__(self, **options) -> None:
        self.clock = VirtualClock()
        self.wire = Wire()
        self.counters = Counters()
        options.setdefault("use_0x20", True)
        self._means = Means(self.wire, self.clock, SeededEntropy(3), self.counters, **options)
        self._heard: asyncio.Future | None = None
        self.conversation = Conversation(self._means, self._hear)

    def use(self, cookies: Cookies) -> None:
        """What is said from now on is said with `cookies`."""
        self.cookies = cookies
        self.conversation = Conversation(replace(self._means, cookies=cookies), self._hear)

    def _hear(self, heard) -> None:
        self._heard.set_result(heard)

    async def hear(self, begin):
        """What comes of what `begin` begins."""
        self._heard = asyncio.get_running_loop().create_future()
        return begin() or await self._heard

    def later(self, seconds: float, number: int, what) -> None:
        """After `seconds`, the `number`th message gets `what`, or what `what(message)` makes."""

        def act() -> None:
            sent = self.wire.sent[number]
            sent.deliver(what(sent) if callable(what) else what)

        self.clock.after(seconds, act)

    async def ask(
        self, server=ONE, *, seconds=1.0, question=WWW, zone=ZONE, transport=UDP, edns=True, rd=False, upstream=""
    ):
        action = Exchange(server, question, zone, transport, seconds, rd, edns, upstream=upstream)
        return await self.hear(lambda: self.conversation.exchange(action, seconds))


def talk(main, **options):
    async def go():
        return await main(Talk(**options))

    return run_strictly(go())


def good(sent: _Sent) -> bytes:
    return sent.answer(A)


# -- what is sent


def test_a_query_has_a_drawn_id_a_drawn_case_rd_as_told_and_edns():
    async def main(t: Talk):
        for _ in range(4):
            await t.ask(seconds=0.1)
        await t.ask(seconds=0.1, edns=False)
        return [sent.query for sent in t.wire.sent], t.counters

    queries, counters = talk(main)
    assert len({query.id for query in queries}) == 5
    spelled = [query.question.name for query in queries]
    assert len(set(spelled)) > 1
    assert {each.lower() for each in spelled} == {WWW.name}
    assert [query.edns is not None for query in queries] == [True] * 4 + [False]
    assert all(not query.flags for query in queries)
    assert counters.upstream_sent == 5


# -- what is believed


def test_a_reply_that_fits_comes_back_with_its_round_trip_time_and_the_spelling_that_was_meant():
    async def main(t: Talk):
        t.later(0.03, 0, good)
        return await t.ask()

    heard = talk(main)
    assert isinstance(heard, Replied)
    assert (heard.server, heard.transport, heard.edns) == (ONE, UDP, True)
    assert heard.rtt == pytest.approx(0.03)
    assert heard.message.question == WWW
    assert heard.message.answer[0].name == WWW.name


WRONG = {
    "id": lambda sent: sent.answer(A, id=sent.query.id ^ 1),
    "no response": lambda sent: sent.answer(A, flags=0),
    "opcode": lambda sent: sent.answer(A, flags=QR | 0x2000),
    "name": lambda sent: sent.answer(A, question=Question(name("other.example.com."), Type.A)),
    "type": lambda sent: sent.answer(A, question=sent.query.question._replace(type=Type.AAAA)),
    "class": lambda sent: sent.answer(A, question=sent.query.question._replace(cls=3)),
    "no question": lambda sent: sent.answer(question=None),
    "no question, no such name": lambda sent: sent.answer(question=None, rcode=3),
    "no question, name too long": lambda sent: sent.answer(A, question=None, rcode=6),
    "no question, server failure": lambda sent: sent.answer(question=None, rcode=2),
    "the query itself": lambda sent: sent.wire,
    "a few octets": lambda sent: sent.wire[:2] + b"\x80",
    "nothing": b"",
}


@pytest.mark.rfc(5452, "9.1")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_ignored_and_counted_while_the_wait_goes_on(wrong):
    async def main(t: Talk):
        t.later(0.01, 0, wrong)
        t.later(0.05, 0, good)
        return await t.ask(), t.counters

    heard, counters = talk(main)
    assert isinstance(heard, Replied)
    assert heard.rtt == pytest.approx(0.05)
    assert counters.upstream_ignored == 1


@pytest.mark.rfc(5452, "9.1")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_three_that_do_not_fit_move_the_question_to_tcp_and_close_its_sockets(wrong):
    async def main(t: Talk):
        for number in range(5):
            t.later(0.01 * (number + 1), 0, wrong)
        heard = await t.ask()
        return heard, t.counters, t.wire.sent[0].closed

    heard, counters, closed = talk(main)
    assert heard == Unanswered(Trouble.TIMEOUT, pytest.approx(0.03), Suspicion.FORGERY, ONE)
    assert (counters.upstream_ignored, counters.upstream_suspected) == (3, 1)
    assert closed


def test_misses_count_for_a_question_and_its_server_over_all_tries():
    async def main(t: Talk):
        miss = WRONG["id"]
        t.later(0.01, 0, miss)
        t.later(0.02, 0, miss)
        silent = await t.ask(seconds=0.4)
        t.later(0.01, 1, miss)
        of_another = await t.ask(TWO, seconds=0.4)
        t.later(0.01, 2, miss)
        third = await t.ask(seconds=0.4)
        t.later(0.01, 3, miss)
        t.later(0.02, 3, miss)
        return silent, of_another, third, await t.ask(seconds=0.4, zone=names.ROOT), t.wire.sent

    silent, of_another, third, other_topic, sent = talk(main)
    assert silent == of_another == other_topic == Unanswered(Trouble.TIMEOUT, 0.4)
    assert (third.suspicion, third.server) == (Suspicion.FORGERY, ONE)
    assert sent[0].closed, "an earlier try must not be answered by the next guess"
    assert sent[2].closed


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_stream_that_brings_something_else_is_not_waited_for(wrong):
    async def main(t: Talk):
        t.later(0.01, 0, wrong)
        return await t.ask(transport=TCP), t.clock.monotonic()

    heard, now = talk(main)
    assert heard == Malformed(ONE, "not a reply to what was asked")
    assert now == pytest.approx(1000.01)


@pytest.mark.rfc(6891, "7")
@pytest.mark.parametrize("rcode", [1, 4])
def test_a_server_that_cannot_read_edns_may_say_so_without_a_question(rcode):
    async def main(t: Talk):
        t.later(0.01, 0, lambda sent: sent.answer(question=None, rcode=rcode))
        return await t.ask()

    heard = talk(main)
    assert isinstance(heard, Replied)
    assert (heard.message.rcode, heard.edns) == (rcode, True)


@pytest.mark.rfc(5452, "9.1")
@pytest.mark.parametrize(("rcode", "edns"), [(2, True), (5, True), (1, False), (4, False), (0, True)])
def test_no_other_reply_without_a_question_is_heeded(rcode, edns):
    async def main(t: Talk):
        t.later(0.01, 0, lambda sent: sent.answer(question=None, rcode=rcode))
        return await t.ask(seconds=0.4, edns=edns)

    assert talk(main) == Unanswered(Trouble.TIMEOUT, 0.4)


@pytest.mark.rfc(9619, "4")
def test_two_questions_are_no_reply_to_one():
    def doubled(sent: _Sent) -> bytes:
        asked = sent.wire[12 : 12 + len(WWW.name) + 4]
        return sent.wire[:2] + b"\x84\0\0\2\0\0\0\0\0\0" + asked + asked

    async def main(t: Talk):
        t.later(0.01, 0, doubled)
        t.later(0.02, 0, good)
        return await t.ask()

    assert isinstance(talk(main), Replied)


def test_octets_that_are_no_message_are_not_read_where_the_question_does_not_fit():
    async def main(t: Talk):
        t.later(0.01, 0, lambda sent: sent.wire[:2] + b"\x84\0\0\1\0\1\0\0\0\0\xc0\xff" + b"x" * 40)
        t.later(0.02, 0, lambda sent: good(sent)[:20])
        t.later(0.03, 0, good)
        return await t.ask()

    assert isinstance(talk(main), Replied)


def test_octets_that_fit_and_are_no_message_are_malformed():
    async def main(t: Talk):
        t.later(0.01, 0, lambda sent: sent.answer(A)[:-3])
        return await t.ask()

    heard = talk(main)
    assert isinstance(heard, Malformed)
    assert heard.server == ONE
    assert "the message at 46" in heard.reason


def many(count: int):
    return lambda sent: sent.answer(*(f"www.example.com. 300 IN A 192.0.{n // 256}.{n % 256}" for n in range(count)))


@pytest.mark.parametrize("transport", [UDP, TCP])
def test_a_reply_with_too_many_records_is_told_as_such(transport):
    async def main(t: Talk):
        t.later(0.01, 0, many(513))
        large = await t.ask(transport=transport)
        t.later(0.01, 1, lambda sent: sent.answer(A)[:-3])
        return large, await t.ask(transport=transport)

    large, broken = talk(main)
    assert large == Malformed(ONE, "513 records; 512 are read of one message", oversized=True)
    assert isinstance(broken, Malformed)
    assert not broken.oversized


def test_how_much_of_a_reply_is_read_can_be_set():
    async def main(t: Talk):
        t.later(0.01, 0, many(20))
        return await t.ask()

    assert isinstance(talk(main), Replied)
    heard = talk(main, bounds=Bounds(records=19))
    assert isinstance(heard, Malformed)
    assert heard.oversized


@pytest.mark.rfc(1035, "4.1.3")
def test_a_reply_with_a_wrong_length_of_rdata_is_dropped_whole():
    def short(sent: _Sent) -> bytes:
        whole = sent.answer(A, "www.example.com. 300 IN TXT hello")
        at = whole.index(bytes((0, 4, 192, 0, 2, 80)))
        return whole[:at] + b"\0\3" + whole[at + 2 : at + 5] + whole[at + 6 :]

    async def main(t: Talk):
        t.later(0.01, 0, short)
        return await t.ask()

    assert isinstance(talk(main), Malformed)


@pytest.mark.rfc(2181, "9")
def test_a_datagram_cut_in_a_record_with_tc_set_is_truncated_and_not_malformed():
    def cut(sent: _Sent) -> bytes:
        return sent.answer(A, flags=QR | TC)[:-3]

    async def main(t: Talk):
        t.later(0.01, 0, cut)
        over_udp = await t.ask()
        t.later(0.01, 1, cut)
        return over_udp, await t.ask(transport=TCP)

    over_udp, over_tcp = talk(main)
    assert isinstance(over_udp, Replied)
    assert over_udp.message.flags & TC
    assert over_udp.message.question == WWW
    assert isinstance(over_tcp, Malformed)


def test_silence_is_a_timeout():
    async def main(t: Talk):
        heard = await t.ask(seconds=0.4)
        return heard, t.clock.monotonic()

    heard, now = talk(main)
    assert heard == Unanswered(Trouble.TIMEOUT, 0.4)
    assert now == 1000.4


def test_trouble_ends_the_wait_at_once():
    async def main(t: Talk):
        t.later(0.1, 0, Trouble.REFUSED)
        return await t.ask()

    heard = talk(main)
    assert isinstance(heard, Unanswered)
    assert (heard.trouble, heard.suspicion, round(heard.waited, 3)) == (Trouble.REFUSED, None, 0.1)


# -- letter case


def swapped(sent: _Sent) -> bytes:
    return sent.answer(A, question=sent.query.question._replace(name=sent.query.question.name.swapcase()))


def lowered(sent: _Sent) -> bytes:
    return sent.answer(A, question=WWW)


@pytest.mark.parametrize("changed", [swapped, lowered])
def test_a_reply_in_other_letter_case_is_told_as_such(changed):
    async def main(t: Talk):
        t.later(0.01, 0, changed)
        return await t.ask()

    heard = talk(main)
    assert isinstance(heard, Unanswered)
    assert (heard.suspicion, heard.server) == (Suspicion.CASE, ONE)


def test_over_tcp_the_letter_case_does_not_matter():
    async def main(t: Talk):
        t.later(0.01, 0, lowered)
        return await t.ask(transport=TCP)

    assert isinstance(talk(main), Replied)


@pytest.mark.rfc(4343, "4.1")
def test_where_no_case_was_drawn_none_is_expected_back():
    async def main(t: Talk):
        t.later(0.01, 0, swapped)
        return await t.ask()

    heard = talk(main, use_0x20=False)
    assert isinstance(heard, Replied)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=63), max_size=3), st.integers(0, 1000))
def test_a_drawn_case_changes_letters_alone(labels, seed):
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    spelled = drawn(wire, SeededEntropy(seed))[1]
    assert spelled.lower() == wire.lower()
    assert names.labels(spelled) == tuple(
        drawn_label
        for drawn_label, label in zip(names.labels(spelled), labels, strict=True)
        if len(drawn_label) == len(label)
    )


# -- cookies


def baked(server_cookie: bytes, *, client: bytes | None = None, **changes):
    """A reply with a server cookie, and the client cookie that was sent or another."""

    def made(sent: _Sent) -> bytes:
        ((code, ours),) = sent.query.edns.options
        assert code == 10
        return sent.answer(A, edns=Edns(options=((10, (client or ours[:8]) + server_cookie),)), **changes)

    return made


def cookied(main):
    """`main` with cookies."""

    async def go():
        t = Talk()
        t.use(Cookies(t.clock, SeededEntropy(5)))
        return await main(t)

    return run_strictly(go())


def sent_cookie(sent: _Sent) -> bytes:
    return sent.query.edns.options[0][1]


@pytest.mark.rfc(7873, "5.1")
def test_a_query_has_our_cookie_and_from_then_on_that_of_the_server():
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck"))
        await t.ask()
        await t.ask(seconds=0.1, zone=names.ROOT)
        await t.ask(TWO, seconds=0.1, zone=names.ROOT)
        await t.ask(seconds=0.1, zone=names.ROOT, edns=False)
        return t.wire.sent

    sent = cookied(main)
    assert [each.reuse for each in sent] == [Reuse.NONE, Reuse.LASTING, Reuse.NONE, Reuse.NONE], (
        "a socket is shared where a cookie protects it"
    )
    client = sent_cookie(sent[0])
    assert len(client) == 8
    assert sent_cookie(sent[1]) == client + b"serverck"
    assert len(sent_cookie(sent[2])) == 8
    assert sent_cookie(sent[2]) != client
    assert sent[3].query.edns is None


@pytest.mark.rfc(7873, "5.3")
@pytest.mark.parametrize("forged", [good, baked(b"serverck", client=b"notours!"), baked(b"short")])
def test_a_datagram_without_the_cookie_that_is_due_moves_the_question_to_tcp(forged):
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck"))
        await t.ask()
        t.later(0.01, 1, forged)
        return await t.ask(zone=names.ROOT), t.counters

    heard, counters = cookied(main)
    assert (heard.suspicion, heard.server) == (Suspicion.FORGERY, ONE)
    assert (counters.upstream_ignored, counters.upstream_suspected) == (1, 1)


def test_a_server_that_has_stopped_giving_cookies_is_believed_over_tcp_and_then_over_udp():
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck"))
        await t.ask()
        t.later(0.01, 1, good)
        over_tcp = await t.ask(zone=names.ROOT, transport=TCP)
        t.later(0.01, 2, good)
        return over_tcp, await t.ask(zone=name("com."))

    over_tcp, over_udp = cookied(main)
    assert isinstance(over_tcp, Replied)
    assert isinstance(over_udp, Replied)


def test_another_cookie_than_ours_in_a_stream_is_malformed():
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck", client=b"notours!"))
        return await t.ask(transport=TCP)

    assert cookied(main) == Malformed(ONE, "another cookie than ours")


@pytest.mark.rfc(7873, "5.3")
def test_a_bad_cookie_is_told_and_its_new_one_is_sent_next():
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck", rcode=23))
        heard = await t.ask()
        await t.ask(seconds=0.1)
        return heard, t.wire.sent

    heard, sent = cookied(main)
    assert (heard.message.rcode, sent_cookie(sent[1])[8:]) == (23, b"serverck")


def test_a_server_that_has_given_a_cookie_can_read_edns_whatever_a_forger_says():
    async def main(t: Talk):
        t.later(0.01, 0, baked(b"serverck"))
        await t.ask()
        t.later(0.01, 1, lambda sent: sent.answer(question=None, rcode=1))
        return await t.ask(seconds=0.1, zone=names.ROOT)

    assert cookied(main) == Unanswered(Trouble.TIMEOUT, 0.1)


# -- earlier tries


def test_an_earlier_try_stays_open_and_its_reply_counts_for_its_server():
    async def main(t: Talk):
        first = await t.ask(ONE, seconds=0.4)
        t.later(0.1, 0, good)
        return first, await t.ask(TWO, seconds=0.4)

    first, second = talk(main)
    assert isinstance(first, Unanswered)
    assert isinstance(second, Replied)
    assert second.server == ONE
    assert second.rtt == pytest.approx(0.5)


def test_a_reply_that_comes_while_nobody_waits_is_there_for_the_next_wait_and_nothing_is_sent():
    async def main(t: Talk):
        await t.ask(ONE, seconds=0.4)
        t.later(0.1, 0, good)
        await t.clock.advance(1.0)
        return await t.ask(TWO), len(t.wire.sent)

    heard, sent = talk(main)
    assert isinstance(heard, Replied)
    assert (heard.server, sent) == (ONE, 1)


def test_two_replies_at_the_same_moment_are_both_heard():
    async def main(t: Talk):
        await t.ask(ONE, seconds=0.4)

        def both() -> None:
            t.wire.sent[0].deliver(t.wire.sent[0].answer(rcode=2))
            t.wire.sent[1].deliver(good(t.wire.sent[1]))

        t.clock.after(0.1, both)
        return await t.ask(TWO), await t.ask(ONE), len(t.wire.sent)

    first, second, sent = talk(main)
    assert (first.server, first.message.rcode) == (ONE, 2)
    assert (second.server, second.message.rcode) == (TWO, 0)
    assert sent == 2


def test_a_message_gets_one_reply_and_a_duplicate_is_not_another():
    async def main(t: Talk):
        t.later(0.01, 0, good)
        await t.ask(ONE)
        t.later(0.01, 0, good)
        return await t.ask(TWO, seconds=0.4), t.wire.sent[0].closed

    heard, closed = talk(main)
    assert heard == Unanswered(Trouble.TIMEOUT, 0.4)
    assert closed


@pytest.mark.parametrize("waiting", [True, False])
def test_trouble_of_an_earlier_try_is_not_that_of_a_later_one(waiting):
    async def main(t: Talk):
        await t.ask(ONE, seconds=0.4)
        t.later(0.1, 0, Trouble.REFUSED)
        if not waiting:
            await t.clock.advance(1)
        t.later(0.2, 1, good)
        return await t.ask(TWO, seconds=0.4)

    heard = talk(main)
    assert isinstance(heard, Replied)
    assert heard.server == TWO


@pytest.mark.parametrize("topic", [{"question": WWW._replace(type=Type.MX)}, {"zone": names.ROOT}])
def test_another_question_or_zone_closes_what_is_open(topic):
    async def main(t: Talk):
        await t.ask(ONE, seconds=0.4)
        t.later(0.1, 0, good)
        return await t.ask(TWO, seconds=0.4, **topic), t.wire.sent[0].closed

    heard, closed = talk(main)
    assert isinstance(heard, Unanswered)
    assert closed


def test_a_stream_without_a_reply_is_not_waited_for_again():
    async def main(t: Talk):
        await t.ask(ONE, seconds=0.4, transport=TCP)
        return t.wire.sent[0].closed

    assert talk(main)


def test_a_stream_interrupted_by_a_late_datagram_stays_open():
    async def main(t: Talk):
        await t.ask(TWO, seconds=0.1)
        t.later(0.1, 0, lambda sent: sent.answer(rcode=2))
        t.later(0.2, 1, good)
        await t.ask(ONE, transport=TCP)
        return await t.ask(TWO, seconds=1.0)

    heard = talk(main)
    assert isinstance(heard, Replied)
    assert (heard.server, heard.transport) == (ONE, TCP)


def test_closing_closes_everything():
    async def main(t: Talk):
        for _ in range(3):
            await t.ask(seconds=0.1)
        t.conversation.close()
        return [sent.closed for sent in t.wire.sent]

    assert talk(main) == [True] * 3


# -- whatever arrives


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.data())
def test_whatever_octets_arrive_nothing_is_raised_and_a_wait_ends(data):
    wires: list[object] = []

    async def main():
        t = Talk()
        for _ in range(data.draw(st.integers(0, 5))):
            kind = data.draw(st.integers(0, 2))
            noise = data.draw(st.binary(max_size=80))
            where = data.draw(st.integers(2, 60))

            def spoil(sent: _Sent, kind=kind, noise=noise, where=where) -> bytes:
                if kind == 0:
                    return noise
                whole = sent.answer(A, edns=Edns())
                return sent.wire[:2] + noise if kind == 1 else whole[:where] + noise + whole[where + len(noise) :]

            t.later(data.draw(st.floats(0.001, 0.5)), 0, spoil)
        wires.append(await t.ask(seconds=0.4))
        return t.clock.monotonic() - 1000

    assert run_strictly(main()) <= 0.4001
    assert isinstance(wires[0], Replied | Unanswered | Malformed)


def test_servers_are_offered_the_payload_that_is_set():
    async def main(t: Talk):
        t.later(0.01, 0, good)
        await t.ask()
        return t.wire.sent[0].query.edns

    assert talk(main, payload=512) == Edns(512, do=True)
    assert talk(main) == Edns(1232, do=True)


@pytest.mark.rfc(4035, "3.2.1")
def test_signatures_are_asked_for_wherever_edns_is_used():
    async def main(t: Talk):
        t.later(0.01, 0, good)
        t.later(0.02, 1, good)
        await t.ask()
        await t.ask(TWO, edns=False)
        return [sent.query.edns for sent in t.wire.sent]

    assert talk(main) == [Edns(1232, do=True), None]


@pytest.mark.rfc(6840, "5.9")
@pytest.mark.parametrize(("rd", "validates", "expected"), [(True, True, CD), (False, True, 0), (True, False, 0)])
def test_servers_that_recurse_leave_the_checking_to_us_where_we_check(rd, validates, expected):
    async def main(t: Talk):
        t.later(0.01, 0, good)
        await t.ask(rd=rd)
        return t.wire.sent[0].query.flags & CD

    assert talk(main, validates=validates) == expected


@pytest.mark.parametrize("replied", [True, False])
def test_what_a_message_was_sent_by_is_freed_with_it_and_not_by_a_search_for_cycles(replied):
    async def main(t: Talk):
        if replied:
            t.later(0.01, 0, good)
        await t.ask(seconds=0.1)
        sent = weakref.ref(t.wire.sent.pop())
        t.conversation.end()
        return sent()

    gc.disable()
    try:
        assert talk(main) is None
    finally:
        gc.enable()


# -- how much is read of it


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_engine_has_no_use_for_is_read_where_somebody_looks_at_it(whole: bool):
    async def main(t: Talk):
        beside = RRset(ZONE, Type.NS, 1, 300, (b"\2ns" + ZONE,))
        t.later(0.1, 0, lambda sent: sent.answer(A, authority=(beside,)))
        return (await t.ask()).message, beside

    message, beside = talk(main, whole=whole)
    assert len(message.answer) == 1
    assert message.authority == ((beside,) if whole else ())


# -- members of pools, of which two may be asked


@pytest.mark.rfc(5452, "9.2")
def test_what_goes_to_an_upstream_may_share_a_socket_for_a_moment_and_nothing_else_may():
    async def main(t: Talk):
        await t.ask(seconds=0.1, upstream="a", rd=True)
        await t.ask(seconds=0.1, rd=True)
        await t.ask(seconds=0.1)
        return [each.reuse for each in t.wire.sent]

    assert talk(main) == [Reuse.BRIEF, Reuse.NONE, Reuse.NONE]


@pytest.mark.parametrize("transport", [TCP, Transport.TLS, Transport.HTTPS])
def test_a_stream_to_an_upstream_stays_open_when_its_time_is_over(transport):
    async def main(talk):
        first = await talk.ask(transport=transport, seconds=0.1, upstream="a")
        talk.later(0.05, 0, good)
        second = await talk.ask(TWO, transport=transport, seconds=1.0, upstream="b")
        return first, second, [each.closed for each in talk.wire.sent]

    first, second, closed = talk(main)
    assert first == Unanswered(Trouble.TIMEOUT, 0.1)
    assert isinstance(second, Replied)
    assert second.server == ONE
    assert closed == [True, False]


def test_trouble_with_an_upstream_is_told_while_another_is_waited_for_and_that_goes_on():
    async def main(talk):
        await talk.ask(transport=TCP, seconds=0.1, upstream="a")
        talk.later(0.05, 0, Trouble.RESET)
        second = await talk.ask(TWO, transport=TCP, seconds=1.0, upstream="b")
        talk.later(0.05, 1, good)
        third = await talk.hear(lambda: talk.conversation.listen(Listen(WWW, ZONE, 1.0), 1.0))
        return second, third

    second, third = talk(main)
    assert second == Unanswered(Trouble.RESET, pytest.approx(0.15), None, ONE)
    assert third.server == TWO


def test_who_asks_in_the_letter_case_that_was_drawn_has_it_from_the_upstream_that_it_was_sent_to():
    async def main(talk):
        await talk.ask(seconds=0.1, upstream="a")
        drawn_for = [each.query.question.name for each in talk.wire.sent]
        lower = talk.conversation.came_back(WWW.name)
        seen = []
        talk.clock.after(0.05, lambda: seen.append(talk.conversation.came_back(drawn_for[0])))
        second = await talk.ask(TWO, seconds=1.0, upstream="b")
        return lower, seen, second, talk.conversation.came_back(drawn_for[0]), talk.wire.sent[0].closed

    lower, seen, second, again, closed = talk(main)
    assert (lower, seen, again, closed) == (False, [True], False, True)
    assert second == Unanswered(Trouble.LOOP, pytest.approx(0.15), None, ONE)


def test_a_server_that_is_no_upstream_is_not_suspected_of_asking_us():
    async def main(talk):
        await talk.ask(seconds=0.1)
        return talk.conversation.came_back(talk.wire.sent[0].query.question.name)

    assert talk(main) is False
