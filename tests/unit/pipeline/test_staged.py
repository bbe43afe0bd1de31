from __future__ import annotations

from collections.abc import Callable

import pytest

from resolver.answering import Told
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Question, Reply, Transport, Type
from resolver.pipeline.staged import Staged
from tests.support.answering import Always
from tests.support.messages import name, sets

FIRST, SECOND, WORKED = Reply(0, aa=True), Reply(3), Reply(2)
GIVEN = sets(("www.test. 9 IN TXT text", "www.test. 9 IN MX 1 mx.test.", "www.test. 9 IN AAAA ::"))


def query(rtype: int = Type.A) -> Query:
    return Query(Question(name("www.test."), rtype), Client("192.0.2.1", 0, Transport.UDP), 1, 0.0)


def asked(answer: Callable[[Query, Told], None], rtype: int = Type.A) -> Reply | ResolutionFailed:
    """What is told, which must be told once."""
    said: list[Reply | ResolutionFailed] = []
    answer(query(rtype), said.append)
    (result,) = said
    return result


def test_the_first_stage_that_has_a_reply_at_hand_gives_it_and_nobody_works():
    works, looked = Always(WORKED), []

    def look(reply: Reply | None):
        return lambda query: looked.append(reply) or reply

    stages = Staged((look(None), look(FIRST), look(SECOND)), works)
    assert stages.peek(query()) is FIRST
    assert asked(stages.answer) is FIRST
    assert looked == [None, FIRST] * 2
    assert not works.queries


def test_what_nobody_has_at_hand_is_worked_on_and_not_looked_for_again():
    looked = []
    works = Always(WORKED)
    stages = Staged((looked.append,), works)
    assert stages.peek(query()) is None
    assert asked(stages.work) is WORKED
    assert len(looked) == 1
    assert asked(stages.answer) is WORKED
    assert (len(looked), len(works.queries)) == (2, 2)


def test_what_is_told_where_there_is_no_room_comes_from_the_stage_that_works():
    class Spares(Always):
        def spare(self, query):
            return Reply(0, GIVEN)

    assert Staged((), Always(WORKED)).spare(query()) is None
    assert Staged((), Spares(WORKED)).spare(query()).answer == GIVEN
    assert len(Staged((), Spares(WORKED)).spare(query(Type.ANY)).answer) == 1


@pytest.mark.rfc(8482, "4.1")
def test_of_what_there_is_for_any_one_rrset_is_told():
    given = Reply(0, GIVEN)
    one = sets("www.test. 9 IN MX 1 mx.test.")
    assert asked(Staged((), Always(given)).work, Type.ANY).answer == one
    assert Staged((lambda _: given,), Always(WORKED)).peek(query(Type.ANY)).answer == one
    assert asked(Staged((), Always(Reply(0, GIVEN[:2]))).work, Type.ANY).answer == one, "of two as well"
    assert asked(Staged((), Always(given)).work) is given
    assert asked(Staged((), Always(WORKED)).work, Type.ANY) is WORKED
    failed = ResolutionFailed("TEST", 0, "nobody")
    assert asked(Staged((), Always(failed)).work, Type.ANY) is failed


SIGNED = sets(
    (
        "www.test. 9 IN TXT text",
        "www.test. 9 IN RRSIG TXT 13 2 9 20300101000000 20260101000000 1 test. AQID",
        "other.test. 9 IN RRSIG AAAA 13 2 9 20300101000000 20260101000000 1 test. AQID",
    )
)


@pytest.mark.rfc(8482, "4.1")
def test_the_one_rrset_that_is_told_for_any_keeps_its_signatures():
    whole = (SIGNED[0], SIGNED[1], *sets("www.test. 9 IN SPF text"))
    assert asked(Staged((), Always(Reply(0, whole))).work, Type.ANY).answer == SIGNED[:2]
    assert asked(Staged((), Always(Reply(0, (GIVEN[1], *SIGNED[:2])))).work, Type.ANY).answer == GIVEN[1:2]
    assert asked(Staged((), Always(Reply(0, SIGNED[1:]))).work, Type.ANY).answer == SIGNED[1:2], "they are all there is"
