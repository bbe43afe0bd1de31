from __future__ import annotations

import pytest

from resolver.engine.actions import Check, Ended, Found, Lookup, Unanswered, Undecided, Verified, Verify, race, verify
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


def test_a_look_up_that_must_be_proven_is_another_one():
    assert Lookup(QUESTION) == Lookup(QUESTION, checked=False) != Lookup(QUESTION, checked=True)


def test_checks_are_handed_out_together_and_which_of_them_hold_in():
    checks = [Check(13, b"key", signature, b"data") for signature in (b"good", b"bad")]
    steps = verify(checks)
    assert next(steps) == Verify(tuple(checks))
    with pytest.raises(StopIteration) as ended:
        steps.send(Verified((True, False)))
    assert ended.value.value == (True, False)
    with pytest.raises(AssertionError):
        Driver([Undecided()]).run(verify(checks))
