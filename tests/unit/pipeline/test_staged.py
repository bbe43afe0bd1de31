from __future__ import annotations

import pytest

from resolver.message import Client, Query, Question, Reply, Transport, Type
from resolver.pipeline.staged import Staged
from tests.support.messages import name, sets

FIRST, SECOND, WORKED = Reply(0, aa=True), Reply(3), Reply(2)
GIVEN = sets(("www.test. 9 IN TXT text", "www.test. 9 IN MX 1 mx.test.", "www.test. 9 IN AAAA ::"))


def query(rtype: int = Type.A) -> Query:
    return Query(Question(name("www.test."), rtype), Client("192.0.2.1", 0, Transport.UDP), 1, 0.0)


class Works:
    def __init__(self, reply: Reply = WORKED) -> None:
        self.reply, self.asked = reply, 0

    async def answer(self, query: Query) -> Reply:
        self.asked += 1
        return self.reply


def test_the_first_stage_that_has_a_reply_at_hand_gives_it_and_nobody_works(run):
    works, looked = Works(), []

    def look(reply: Reply | None):
        return lambda query: looked.append(reply) or reply

    stages = Staged((look(None), look(FIRST), look(SECOND)), works)
    assert stages.peek(query()) is FIRST
    assert run(stages.answer(query())) is FIRST
    assert looked == [None, FIRST] * 2
    assert works.asked == 0


def test_what_nobody_has_at_hand_is_worked_on_and_not_looked_for_again(run):
    looked = []
    works = Works()
    stages = Staged((looked.append,), works)
    assert stages.peek(query()) is None
    assert run(stages.work(query())) is WORKED
    assert len(looked) == 1
    assert run(stages.answer(query())) is WORKED
    assert (len(looked), works.asked) == (2, 2)


@pytest.mark.rfc(8482, "4.1")
def test_of_what_there_is_for_any_one_rrset_is_told(run):
    given = Reply(0, GIVEN)
    one = sets("www.test. 9 IN MX 1 mx.test.")
    assert run(Staged((), Works(given)).work(query(Type.ANY))).answer == one
    assert Staged((lambda _: given,), Works()).peek(query(Type.ANY)).answer == one
    assert run(Staged((), Works(Reply(0, GIVEN[:2]))).work(query(Type.ANY))).answer == one, "of two as well"
    assert run(Staged((), Works(given)).work(query())) is given
    assert run(Staged((), Works()).work(query(Type.ANY))) is WORKED
