from __future__ import annotations

import pytest

from resolver.engine.outcome import Answer
from resolver.message import Question, RRset
from resolver.observe.counters import Counters
from resolver.pipeline.prefetch import MAX_FLIGHTS, PAUSE_S, Prefetch
from tests.support import zone_text
from tests.support.clocks import ManualClock
from tests.support.messages import name, sets, soa

WWW = zone_text.question("www.example.com.", "A")
DATA = Answer(0, sets("www.example.com. 9 IN A 192.0.2.1"))
CHAIN = Answer(0, sets(("www.example.com. 9 IN CNAME web.test.", "web.test. 9 IN A 192.0.2.1")))


class Renewing:
    def __init__(self) -> None:
        self.flights = 0
        self.asked: list[Question] = []

    def refresh(self, question: Question, checked: bool) -> None:
        self.asked.append(question)


class Ageing:
    def __init__(self, *owners: str) -> None:
        self.seconds: dict[bytes, int | None] = {name(each): 0 for each in owners}

    def renewable_in(self, name: bytes, rtype: int, checked: bool) -> int | None:
        return self.seconds.get(name)


class Made:
    def __init__(self, *ageing: str) -> None:
        self.resolved, self.clock, self.counters = Renewing(), ManualClock(), Counters()
        self.known = Ageing(*ageing)
        self.prefetch = Prefetch(self.known, self.resolved, self.clock, self.counters)

    def asked(self, question: Question = WWW, held: Answer = DATA) -> int:
        self.prefetch.consider(question, held, True)
        assert self.counters.cache_prefetched == len(self.resolved.asked)
        return len(self.resolved.asked)


def test_what_is_ageing_is_renewed_and_what_is_not_is_not():
    assert Made().asked() == 0
    made = Made("www.example.com.")
    assert made.asked() == 1
    assert made.resolved.asked == [WWW]


@pytest.mark.parametrize("ageing", ["www.example.com.", "web.test."])
def test_a_chain_is_renewed_whichever_link_is_ageing(ageing):
    assert Made(ageing).asked(held=CHAIN) == 1


def test_a_denial_is_renewed_and_any_is_not():
    denial: RRset = sets(soa("example.com."))[0]
    made = Made("www.example.com.")
    assert made.asked(held=Answer(3, (), denial)) == 1
    assert Made("www.example.com.").asked(zone_text.question("www.example.com.", "ANY")) == 0


def test_a_question_is_renewed_once_in_a_while_whatever_comes_of_it():
    made = Made("www.example.com.", "WWW.example.com.")
    assert [made.asked(), made.asked(), made.asked(zone_text.question("WWW.example.com.", "A"))] == [1, 1, 1]
    assert made.asked(zone_text.question("www.example.com.", "AAAA")) == 2
    made.clock.advance(PAUSE_S)
    assert made.asked() == 3


def test_nothing_is_renewed_while_many_questions_are_asked():
    made = Made("www.example.com.")
    made.resolved.flights = MAX_FLIGHTS
    assert made.asked() == 0
    made.resolved.flights -= 1
    assert made.asked() == 1


def test_the_question_should_come_again_when_the_first_link_is_ageing_and_at_once_while_it_is_renewed():
    made = Made()
    assert made.prefetch.consider(WWW, CHAIN, True) is None
    made.known.seconds = {name("www.example.com."): 50, name("web.test."): 20}
    assert made.prefetch.consider(WWW, CHAIN, True) == 20
    made.known.seconds[name("www.example.com.")] = None
    assert made.prefetch.consider(WWW, CHAIN, True) == 20
    made.known.seconds[name("web.test.")] = 0
    assert [made.prefetch.consider(WWW, CHAIN, True) for _ in range(2)] == [0, PAUSE_S]
