from __future__ import annotations

import pytest

from resolver.engine.actions import Ended, Exchange, Found, Lookup, Unanswered, exchange, race
from resolver.engine.outcome import Answer
from resolver.message import Question, Transport, Type
from resolver.network.base import Trouble
from resolver.wire import names
from tests.support.engine import Driver, at

QUESTION = Question(names.ROOT, Type.NS)
ASKED = Exchange(at(1), QUESTION, names.ROOT, Transport.UDP, 0.4)


def test_the_helpers_hand_actions_out_and_events_in():
    silence, found = Unanswered(Trouble.TIMEOUT, 0.4), Found(Answer(0))
    driver = Driver([silence])
    assert driver.run(exchange(ASKED)) == silence
    assert driver.actions == [ASKED]
    driver = Driver([found])
    assert driver.run(race([Lookup(QUESTION)], 1.0)) == Ended(Lookup(QUESTION), found)
    assert driver.actions == [Lookup(QUESTION)]


def test_an_event_of_the_wrong_kind_is_a_mistake_of_the_driver():
    with pytest.raises(AssertionError):
        Driver([Found(Answer(0))]).run(exchange(ASKED))
    with pytest.raises(AssertionError):
        Driver([Unanswered(Trouble.TIMEOUT, 0.4)]).run(race([Lookup(QUESTION)], 1.0))
