from __future__ import annotations

import gc

import pytest

from resolver.cache.answers import AnswerStore
from resolver.message import Edns, Question, Type
from resolver.wire.parse import parse
from resolver.wire.render import render, render_query
from tests.support.clocks import ManualClock
from tests.support.messages import name, reply, soa

QUESTION = Question(name("www.example.com."), Type.A)


def query(question: Question = QUESTION, id: int = 7, edns: Edns | None = None) -> bytes:
    return render_query(id, question, rd=True, edns=edns)


def served(answers: AnswerStore, wire: bytes) -> bytes | None:
    """What a listener answers to a datagram now."""
    answers.begin()
    return answers.datagram(wire)


def answered(question: Question = QUESTION, ttl: int = 300) -> bytes:
    return render(
        reply(question, ["www.example.com. 900 IN CNAME web.example.com.", f"web.example.com. {ttl} IN A 192.0.2.1"])
    )


def made(limit: int = 1 << 20) -> tuple[AnswerStore, ManualClock]:
    clock = ManualClock()
    return AnswerStore(limit, clock), clock


def test_an_answer_comes_back_with_the_id_and_spelling_of_the_query_and_the_ttls_of_now():
    answers, clock = made()
    answers.keep(query(), answered())
    clock.advance(100.9)
    spelled = Question(name("WwW.eXample.com."), Type.A)
    out = served(answers, query(spelled, id=0xABCD))
    assert out is not None
    message = parse(out)
    assert (message.id, message.question) == (0xABCD, spelled)
    assert [each.ttl for each in message.answer] == [800, 200]


def test_an_answer_is_held_for_as_long_as_its_maker_says_if_its_ttl_is_not_lower():
    for ttl, again_s, held in ((300, 270, 270), (300, None, 300), (300, 900, 300)):
        answers, clock = made()
        wire = query()
        answers.keep(wire, answered(ttl=ttl), None, again_s)
        clock.advance(held - 0.1)
        assert served(answers, wire) is not None
        clock.advance(0.1)
        assert served(answers, wire) is None


def test_an_answer_that_is_large_is_held_for_a_second():
    clock = ManualClock()
    wire = query()
    for large, held in ((len(answered()), True), (len(answered()) - 1, False)):
        answers = AnswerStore(1 << 20, clock, large)
        answers.keep(wire, answered())
        clock.advance(0.9)
        assert served(answers, wire) is not None
        clock.advance(0.1)
        assert (served(answers, wire) is not None) is held


def test_an_answer_is_held_until_its_lowest_ttl_has_run_down():
    answers, clock = made()
    wire = query()
    answers.keep(wire, answered(ttl=5))
    clock.advance(4.9)
    assert served(answers, wire) is not None
    clock.suspend(0.1)
    assert served(answers, wire) is None


def test_what_may_not_be_served_again_is_not_kept():
    answers, _ = made()
    wire = query()
    answers.keep(wire, answered(ttl=0))
    answers.keep(wire, render(reply(QUESTION, tc=True)))
    answers.keep(wire, render(reply(QUESTION)))
    assert (len(answers), served(answers, wire)) == (0, None)


@pytest.mark.rfc(2308, "5")
def test_a_negative_answer_is_held_by_the_ttl_of_its_soa():
    answers, clock = made()
    wire = query()
    answers.keep(wire, render(reply(QUESTION, authority=soa("example.com.", ttl=300), rcode=3)))
    clock.advance(299)
    out = served(answers, wire)
    assert out is not None
    assert parse(out).authority[0].ttl == 1
    clock.advance(1)
    assert served(answers, wire) is None


def test_the_limit_in_bytes_is_honoured():
    answers, _ = made(20_000)
    for number in range(1000):
        question = Question(name(f"n{number}.example.com."), Type.A)
        answers.keep(query(question), answered(question))
        assert answers.bytes_held() <= 20_000
    assert 20 < len(answers) < 100
    answers.clear()
    assert (len(answers), answers.bytes_held()) == (0, 0)


def test_an_answer_whose_making_began_before_everything_was_forgotten_is_not_kept():
    answers, _ = made()
    wire = query()
    generation = answers.generation
    answers.clear()
    answers.keep(wire, answered(), generation)
    assert served(answers, wire) is None
    answers.keep(wire, answered(), answers.generation)
    assert served(answers, wire) is not None


def test_ttls_are_counted_down_once_in_a_second_and_right_whoever_asks_in_between():
    answers, clock = made()
    answers.keep(query(), answered(ttl=300))
    for seconds, ttl in ((0.4, 300), (0.5, 300), (0.2, 299), (0.3, 299), (10.0, 289), (0.0, 289), (188.0, 101)):
        clock.advance(seconds)
        for name_asked in ("www.example.com.", "WWW.example.com."):
            out = served(answers, query(Question(name(name_asked), Type.A)))
            assert out is not None
            assert [each.ttl for each in parse(out).answer] == [600 + ttl, ttl]


def test_what_is_served_is_as_old_as_the_beginning_of_the_turn():
    answers, clock = made()
    answers.keep(query(), answered(ttl=300))
    clock.advance(5)
    out = answers.datagram(query())
    assert out is not None
    assert parse(out).answer[1].ttl == 300
    answers.begin()
    out = answers.datagram(query())
    assert out is not None
    assert parse(out).answer[1].ttl == 295


def test_an_answer_of_the_older_generation_is_served_and_young_again():
    answers, _ = made(20_000)
    answers.keep(query(), answered())
    for number in range(1000):
        question = Question(name(f"n{number}.example.com."), Type.A)
        answers.keep(query(question), answered(question))
        if number % 10 == 0:
            assert served(answers, query()) == query()[:2] + answered()[2:]
    assert answers.bytes_held() <= 20_000


def test_datagrams_and_streams_have_answers_of_their_own():
    answers, clock = made()
    answers.keep(query(), answered(), stream=True)
    answers.begin()
    assert answers.datagram(query()) is None
    assert answers.stream(query()) == query()[:2] + answered()[2:]
    answers.keep(query(), answered(ttl=200))
    clock.advance(10)
    answers.begin()
    both = answers.datagram(query()), answers.stream(query())
    assert [out and parse(out).answer[1].ttl for out in both] == [190, 290]
    clock.advance(280)
    answers.begin()
    both = answers.datagram(query()), answers.stream(query())
    assert [out and parse(out).answer[1].ttl for out in both] == [None, 10]
    clock.advance(10)
    answers.begin()
    assert answers.stream(query()) is None


def test_no_datagram_is_answered_with_what_is_kept_for_streams_whatever_octets_it_has():
    answers, clock = made()
    answers.keep(query(), answered(), stream=True)
    for key in [key for key, _ in answers._store.items()]:
        for seconds in (0, 1):
            clock.advance(seconds)
            answers.begin()
            assert answers.datagram(b"id" + key) is None
            assert answers.stream(query()) is not None


def test_without_a_clock_nothing_grows_old():
    answers = AnswerStore(1 << 20, None)
    answers.keep(query(), answered(ttl=1))
    answers.begin()
    assert answers.datagram(query()) == query()[:2] + answered(ttl=1)[2:]


def test_what_offers_another_size_gets_the_same_answer():
    answers, _ = made()
    answers.keep(query(edns=Edns(4096)), answered())
    for payload, found in ((1232, True), (4096, True), (65_535, True), (1231, False)):
        assert (served(answers, query(edns=Edns(payload))) is not None) is found
    assert served(answers, query()) is None
    assert len(answers) == 1


def test_the_collector_of_garbage_has_nothing_to_walk_for_an_answer():
    answers, _ = made()
    answers.keep(query(), answered())
    answers.keep(query(), answered(), stream=True)
    assert served(answers, query()) is not None
    held = [*answers._store.items(), *answers._datagrams.items()]
    assert len(held) == 3
    assert not any(map(gc.is_tracked, (octets for pair in held for octets in pair)))


def test_what_is_ready_is_within_the_limit_and_what_finds_no_room_there_is_served_too():
    answers, clock = made(60_000)
    questions = [Question(name(f"n{number}.example.com."), Type.A) for number in range(100)]
    for question in questions:
        answers.keep(query(question), answered(question))
    for _ in range(3):
        clock.advance(1)
        answers.begin()
        before = answers.bytes_held()
        for question in questions:
            assert served(answers, query(question)) is not None
        assert before < answers.bytes_held() <= before + 60_000 // 8
    assert 10 < len(answers._datagrams) < 50


def test_an_answer_that_is_kept_anew_is_served_at_once():
    answers, _ = made()
    for ttl in (300, 200):
        for stream in (False, True):
            answers.keep(query(), answered(ttl=ttl), stream=stream)
        answers.begin()
        for out in (answers.datagram(query()), answers.stream(query())):
            assert out is not None
            assert parse(out).answer[1].ttl == ttl


def test_nothing_that_was_ready_is_served_when_all_is_forgotten():
    answers, _ = made()
    answers.keep(query(), answered())
    assert served(answers, query()) is not None
    answers.clear()
    assert answers.datagram(query()) is None
    assert answers.bytes_held() == 0


def test_a_view_serves_nothing_of_another_and_nothing_of_the_whole_and_all_share_one_limit():
    answers, _ = made()
    views = [answers.view(), answers.view()]
    answers.keep(query(), answered(ttl=1))
    views[0].keep(query(), answered(ttl=2))
    views[0].keep(query(), answered(ttl=3), stream=True)
    views[1].keep(query(), answered(ttl=4))

    def ttl(out: bytes | None) -> int | None:
        return None if out is None else min(each.ttl for each in parse(out).answer)

    for _ in range(2):
        assert [ttl(served(each, query())) for each in (answers, *views)] == [1, 2, 4]
        assert [ttl(each.stream(query())) for each in (answers, *views)] == [None, 3, None]
    assert len(answers) == 4
    assert answers.bytes_held() >= 4 * len(answered())


def test_a_view_ends_when_everything_is_forgotten():
    answers, _ = made()
    view = answers.view()
    generation = view.generation
    view.keep(query(), answered())
    answers.clear()
    assert served(view, query()) is None
    view.keep(query(), answered(), generation)
    assert served(view, query()) is None, "its making began before"
    assert len(answers) == 0
