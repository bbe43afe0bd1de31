from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from resolver.errors import ResolutionFailed
from resolver.filters.policy import Cause, Dropped, Left, Redirected, Settled, Truncated, Verdict
from resolver.message import UNTOLD, Class, Client, Query, Question, Rcode, Reply, Transport, Type
from resolver.pipeline.filtered import Filtered
from resolver.pipeline.staged import Staged
from tests.support.answering import Always
from tests.support.messages import name, rrset, sets

WHY = Cause("test", "www.test.", "here")
FOUND = Reply(0, sets("www.test. 9 IN A 192.0.2.1"), ra=True, ad=True, storable=True)
SETTLED = Settled(WHY, Reply(Rcode.NXDOMAIN))
LINK = rrset("www.test. 9 IN CNAME other.test.")
LED = Redirected(WHY, (LINK,), name("other.test."))
FAILED = ResolutionFailed("TEST", 22, "nothing")


@dataclass
class Saying:
    """A policy that says the same of all."""

    first: Verdict | None = None
    then: Verdict | None = None
    by_client: bool = False
    looks_back: bool = True
    seen: list[object] = field(default_factory=list)

    def before(self, query):
        self.seen.append(query.question.name)
        return self.first

    def after(self, query, result):
        self.seen.append(result)
        return self.then


class Stages:
    """A filter over what is at hand, or has to be worked on."""

    def __init__(self, *policies: Saying, at_hand: bool = True, found: Reply | ResolutionFailed = FOUND) -> None:
        self.noted: list[Verdict] = []
        self.works = Always(found)
        below = Staged((lambda _: found if at_hand and isinstance(found, Reply) else None,), self.works)
        self.stage = Filtered(below, policies, lambda _, verdict: self.noted.append(verdict))

    def asked(self, transport: Transport = Transport.UDP, cls: int = Class.IN) -> Reply | ResolutionFailed:
        query = Query(Question(name("www.test."), Type.A, cls), Client("192.0.2.7", 9, transport), 1, 0.0)
        told: list[Reply | ResolutionFailed] = []
        self.stage.answer(query, told.append)
        (result,) = told
        return result


@pytest.fixture(params=[True, False], ids=["at hand", "worked on"])
def at_hand(request) -> bool:
    return request.param


def test_what_no_policy_has_a_word_on_is_told_as_it_is(at_hand):
    policy = Saying()
    stages = Stages(policy, at_hand=at_hand)
    assert stages.asked() is FOUND
    assert FOUND in policy.seen
    assert not stages.noted


@pytest.mark.parametrize("policy", [Saying(SETTLED), Saying(None, SETTLED)], ids=["before", "after"])
def test_a_verdict_is_told_in_the_place_of_what_was_found_and_noted_once(policy, at_hand):
    stages = Stages(policy, at_hand=at_hand)
    assert stages.asked() is SETTLED.reply
    assert stages.noted == [SETTLED]


def test_of_a_failure_a_policy_may_have_a_word_too():
    stages = Stages(Saying(None, SETTLED), found=FAILED)
    assert stages.asked() is SETTLED.reply
    assert Stages(Saying(), found=FAILED).asked() is FAILED


def test_the_first_policy_decides():
    assert Stages(Saying(), Saying(SETTLED), Saying(Dropped(WHY))).asked() is SETTLED.reply


def test_who_is_asked_before_comes_before_who_looks_back():
    assert Stages(Saying(None, Dropped(WHY)), Saying(SETTLED)).asked() is SETTLED.reply


def test_what_is_left_as_it_is_is_seen_by_the_policies_in_front_alone(at_hand):
    in_front, behind = Saying(), Saying(SETTLED, SETTLED)
    stages = Stages(in_front, Saying(Left(WHY)), behind, at_hand=at_hand)
    assert stages.asked() is FOUND
    assert not behind.seen
    assert FOUND in in_front.seen
    assert Stages(Saying(SETTLED), Saying(Left(WHY))).asked() is SETTLED.reply


def test_an_answer_that_is_left_as_it_is_is_not_looked_at_by_those_behind():
    assert Stages(Saying(None, Left(WHY)), Saying(None, SETTLED)).asked() is FOUND


def test_nothing_is_told_of_what_is_dropped(at_hand):
    assert Stages(Saying(Dropped(WHY)), at_hand=at_hand).asked() is UNTOLD


@pytest.mark.parametrize("policy", [Saying(Truncated(WHY)), Saying(None, Truncated(WHY))], ids=["before", "after"])
def test_what_is_to_be_asked_over_tcp_is_told_there_alone(policy, at_hand):
    stages = Stages(policy, Saying(SETTLED, looks_back=False) if policy.first else Saying(), at_hand=at_hand)
    assert stages.asked().tc
    assert stages.asked(Transport.TCP) is FOUND


@pytest.mark.parametrize("policy", [Saying(LED), Saying(None, LED)], ids=["before", "after"])
def test_who_is_led_elsewhere_is_told_the_alias_and_what_is_there(policy, at_hand):
    stages = Stages(policy, at_hand=at_hand)
    reply = stages.asked()
    assert reply == FOUND._replace(answer=(LINK, *FOUND.answer), ad=False, storable=False)
    assert stages.noted == [LED]
    if not at_hand:
        assert stages.works.queries[-1].question == Question(name("other.test."), Type.A)


def test_a_failure_behind_an_alias_is_told():
    assert Stages(Saying(LED), at_hand=False, found=FAILED).asked() is FAILED


def test_nothing_is_stored_for_all_where_a_policy_looks_at_who_asks(at_hand):
    reply = Stages(Saying(by_client=True), at_hand=at_hand).asked()
    assert reply == FOUND._replace(storable=False)


def test_a_policy_that_does_not_look_back_is_not_made_to():
    policy = Saying(looks_back=False)
    Stages(policy).asked()
    assert policy.seen == [name("www.test.")]


def test_only_the_class_of_the_internet_is_filtered():
    assert Stages(Saying(SETTLED, SETTLED)).asked(cls=Class.CH) is FOUND
