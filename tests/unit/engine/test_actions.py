from __future__ import annotations

import pytest

from resolver.engine.actions import Ended, Found, Lookup, Unanswered, race
from resolver.engine.outcome import Answer
from resolver.message import Question, Type
from resolver.network.base import Trouble
from resolver.wire import names
from tests.support.engine import Driver

QUESTION = Question(names.ROOT, Type.NS)


def test_a_race_hands_its_look_ups_out_and_what_came_of_them_in():
    found = Found(Answer(0))
    driver = Driver([found])
    assert driver.run(race([Lookup(QUESTION)], 1.0)) == Ended(Lookup(QUESTION), found)
    assert driver.actions == [Lookup(QUESTION)]


def test_an_event_of_the_wrong_kind_is_a_mistake_of_the_driver():
    with pytest.raises(AssertionError):
        Driver([Unanswered(Trouble.TIMEOUT, 0.4)]).run(race([Lookup(QUESTION)], 1.0))
