from __future__ import annotations

import pytest

from resolver.cache.answers import AnswerStore
from resolver.message import Question, Type
from resolver.wire import stored
from resolver.wire.parse import parse
from resolver.wire.render import render, render_query
from tests.support.clocks import ManualClock
from tests.support.messages import name, reply, soa

QUESTION = Question(name("www.example.com."), Type.A)


def query(question: Question = QUESTION, id: int = 7) -> tuple[bytes, bytes]:
    """A query and its key."""
    wire = render_query(id, question, rd=True, edns=None)
    key = stored.key(wire, False)
    assert key is not None
    return key, wire


def answered(question: Question = QUESTION, ttl: int = 300) -> bytes:
    return render(
        reply(question, ["www.example.com. 900 IN CNAME web.example.com.", f"web.example.com. {ttl} IN A 192.0.2.1"])
    )


def made(limit: int = 1 << 20) -> tuple[AnswerStore, ManualClock]:
    clock = ManualClock()
    return AnswerStore(limit, clock), clock


def test_an_answer_comes_back_with_the_id_and_spelling_of_the_query_and_the_ttls_of_now():
    answers, clock = made()
    key, _ = query()
    answers.keep(key, answered())
    clock.advance(100.9)
    spelled = Question(name("WwW.eXample.com."), Type.A)
    same_key, wire = query(spelled, id=0xABCD)
    assert same_key == key
    out = answers.answer(key, wire)
    assert out is not None
    message = parse(out)
    assert (message.id, message.question) == (0xABCD, spelled)
    assert [each.ttl for each in message.answer] == [800, 200]
    assert answers.hits == 1


def test_an_answer_is_held_for_as_long_as_its_maker_says_if_its_ttl_is_not_lower():
    for ttl, again_s, held in ((300, 270, 270), (300, None, 300), (300, 900, 300)):
        answers, clock = made()
        key, wire = query()
        answers.keep(key, answered(ttl=ttl), None, again_s)
        clock.advance(held - 0.1)
        assert answers.answer(key, wire) is not None
        clock.advance(0.1)
        assert answers.answer(key, wire) is None


def test_an_answer_that_is_large_is_held_for_a_second():
    clock = ManualClock()
    key, wire = query()
    for large, held in ((len(answered()), True), (len(answered()) - 1, False)):
        answers = AnswerStore(1 << 20, clock, large)
        answers.keep(key, answered())
        clock.advance(0.9)
        assert answers.answer(key, wire) is not None
        clock.advance(0.1)
        assert (answers.answer(key, wire) is not None) is held


def test_an_answer_is_held_until_its_lowest_ttl_has_run_down():
    answers, clock = made()
    key, wire = query()
    answers.keep(key, answered(ttl=5))
    clock.advance(4.9)
    assert answers.answer(key, wire) is not None
    clock.suspend(0.1)
    assert answers.answer(key, wire) is None
    assert answers.hits == 1


def test_what_may_not_be_served_again_is_not_kept():
    answers, _ = made()
    key, wire = query()
    answers.keep(key, answered(ttl=0))
    answers.keep(key, render(reply(QUESTION, tc=True)))
    answers.keep(key, render(reply(QUESTION)))
    assert (len(answers), answers.answer(key, wire)) == (0, None)


@pytest.mark.rfc(2308, "5")
def test_a_negative_answer_is_held_by_the_ttl_of_its_soa():
    answers, clock = made()
    key, wire = query()
    answers.keep(key, render(reply(QUESTION, authority=soa("example.com.", ttl=300), rcode=3)))
    clock.advance(299)
    out = answers.answer(key, wire)
    assert out is not None
    assert parse(out).authority[0].ttl == 1
    clock.advance(1)
    assert answers.answer(key, wire) is None


def test_the_limit_in_bytes_is_honoured():
    answers, _ = made(20_000)
    for number in range(1000):
        question = Question(name(f"n{number}.example.com."), Type.A)
        answers.keep(query(question)[0], answered(question))
        assert answers.bytes_held() <= 20_000
    assert 20 < len(answers) < 100
    answers.clear()
    assert (len(answers), answers.bytes_held()) == (0, 0)


def test_an_answer_whose_making_began_before_everything_was_forgotten_is_not_kept():
    answers, _ = made()
    key, wire = query()
    generation = answers.generation
    answers.clear()
    answers.keep(key, answered(), generation)
    assert answers.answer(key, wire) is None
    answers.keep(key, answered(), answers.generation)
    assert answers.answer(key, wire) is not None
