from __future__ import annotations

import pytest

from resolver.engine.actions import Exchange, Listen, Malformed, Replied, Suspicion, Unanswered
from resolver.engine.budget import Budget, Limits
from resolver.engine.forwarding import ask_pool
from resolver.engine.knowledge import Target
from resolver.engine.outcome import Answered
from resolver.errors import ResolutionFailed
from resolver.message import EDE_OPTION, Ede, Edns, Question, Rcode, Transport
from resolver.network.base import Endpoint, Trouble
from tests.support import zone_text
from tests.support.engine import Written, at, delegation
from tests.support.messages import name, reply, soa

WWW = zone_text.question("www.example.com.", "A")
GOOD = "www.example.com. 300 IN A 192.0.2.80"
UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
SILENCE = Unanswered(Trouble.TIMEOUT, 0.4)


class Scripted:
    """Upstreams that are asked in their order, and are noted: `Upstreams` and `Choice` in one."""

    def __init__(self, *members: int | Target, patience: float = 0.4, patience_s: float = 4.0) -> None:
        self.left = [each if isinstance(each, Target) else Target(at(each), UDP) for each in members]
        self.notes: list[tuple[object, ...]] = []
        self.patience_s = patience_s
        self._patience = patience

    def choose(self, question: Question, client: str, without: Endpoint | None) -> Scripted:
        self.notes.append(("chose", client, without))
        return self

    def next(self) -> Target | None:
        return self.left.pop(0) if self.left else None

    def patience(self, target: Target) -> float:
        return self._patience

    def replied(self, target: Target, seconds: float, good: bool) -> None:
        self.notes.append((target.endpoint.host[-1], "good" if good else "bad"))

    def failed(self, target: Target, trouble: Trouble, waited: float) -> None:
        self.notes.append((target.endpoint.host[-1], trouble))

    def end(self) -> None:
        self.notes.append(("ended",))


def said(last: int, *answer: str, transport: Transport = UDP, edns: bool = True, opt=None, **options) -> Replied:
    """A reply of the upstream at `last`."""
    options.setdefault("ra", True)
    return Replied(at(last), transport, reply(WWW, answer, edns=opt, **options), 0.02, edns)


class Asked:
    """What came of asking a pool, and how."""

    def __init__(self, upstreams: Scripted, *events, limits: Limits | None = None, known=None, without=None) -> None:
        self.known = known or Written()
        self.budget = Budget(limits or Limits(), 0.0, client="192.0.2.200")
        self.upstreams = upstreams
        self.actions: list[Exchange | Listen] = []
        self.tag, self.failure, self.answer = "", None, None
        steps, left = ask_pool(upstreams, delegation("."), WWW, self.known, self.budget, without), list(events)
        try:
            action = next(steps)
            while True:
                self.actions.append(action)
                action = steps.send(left.pop(0) if left else Unanswered(Trouble.TIMEOUT, 0.0))
        except StopIteration as stop:
            self.heard = stop.value
            if isinstance(self.heard.outcome, Answered):
                self.answer = [line for each in self.heard.outcome.rrsets for line in zone_text.lines([each])]
        except ResolutionFailed as failed:
            self.failure, self.tag = failed, failed.tag
        assert not left, f"never asked for: {left}"

    @property
    def whom(self) -> str:
        """Who was asked: `+` marks TCP, `-` a query without EDNS; `?` stands for listening."""
        return " ".join(
            each.server.host[-1] + "+" * (each.transport is TCP) + "-" * (not each.edns)
            if isinstance(each, Exchange)
            else "?"
            for each in self.actions
        )

    @property
    def notes(self) -> list[tuple[object, ...]]:
        """What the pool was told, apart from the beginning and the end."""
        assert self.upstreams.notes[0][0] == "chose"
        assert self.upstreams.notes[-1] == ("ended",)
        return self.upstreams.notes[1:-1]


def test_the_first_member_that_answers_is_all_that_is_asked():
    asked = Asked(Scripted(1, 2), said(1, GOOD))
    assert (asked.whom, asked.answer) == ("1", ["www.example.com. 300 A 192.0.2.80"])
    assert asked.notes == [("1", "good")]
    (sent,) = asked.actions
    assert isinstance(sent, Exchange)
    assert (sent.rd, sent.edns, sent.zone, bool(sent.upstream)) == (True, True, name("."), True)


def test_the_client_and_who_is_not_believed_reach_whoever_chooses():
    asked = Asked(Scripted(1), said(1, GOOD), without=at(7))
    assert asked.upstreams.notes[0] == ("chose", "192.0.2.200", at(7))


def test_a_silent_member_is_not_given_up_when_another_is_asked():
    asked = Asked(Scripted(1, 2), SILENCE, said(1, GOOD))
    assert (asked.whom, asked.notes) == ("1 2", [("1", "good")])


def test_silent_members_are_sent_it_again_in_turn_and_more_patiently():
    asked = Asked(Scripted(1, 2), *[SILENCE] * 4, said(2, GOOD))
    assert asked.whom == "1 2 1 2 1"
    assert [each.timeout for each in asked.actions if isinstance(each, Exchange)] == [0.4, 0.4, 0.8, 0.8, 1.6]


def test_streams_are_waited_for_and_not_sent_it_again():
    asked = Asked(Scripted(Target(at(1), TCP), Target(at(2), TLS)), SILENCE, SILENCE, said(2, GOOD, transport=TLS))
    assert asked.whom == "1+ 2 ?"
    (waits,) = [each for each in asked.actions if isinstance(each, Listen)]
    assert waits.seconds == pytest.approx(3.2)


def test_a_pool_that_is_silent_for_as_long_as_it_may_be_has_failed():
    asked = Asked(Scripted(1, 2, patience_s=1.0), SILENCE, SILENCE, Unanswered(Trouble.TIMEOUT, 0.2))
    assert (asked.whom, asked.tag) == ("1 2 1", "PLMU")
    assert not asked.failure.own_limit


@pytest.mark.parametrize(("rcode", "label"), [(Rcode.SERVFAIL, "servfail"), (Rcode.REFUSED, "refused"), (7, "rcode")])
def test_what_is_unusable_leaves_the_next(rcode, label):
    asked = Asked(Scripted(1, 2), said(1, rcode=rcode), said(2, GOOD))
    assert (asked.whom, asked.notes) == ("1 2", [("1", "bad"), ("2", "good")])
    failed = Asked(Scripted(1), said(1, rcode=rcode))
    assert (failed.tag, failed.failure.label, failed.failure.rcode) == ("PLSF", label, Rcode.SERVFAIL)


def test_who_is_slow_may_answer_after_all_others_were_of_no_use():
    asked = Asked(Scripted(Target(at(1), TCP), 2), SILENCE, said(2, rcode=2), said(1, GOOD, transport=TCP))
    assert (asked.whom, asked.answer is not None) == ("1+ 2 ?", True)


def test_a_referral_is_of_no_use():
    ns = ["com. 300 IN NS ns.com."]
    asked = Asked(Scripted(1, 2), said(1, authority=ns, ra=False), said(2, GOOD))
    assert (asked.whom, asked.notes) == ("1 2", [("1", "bad"), ("2", "good")])


def test_a_denial_is_an_answer():
    asked = Asked(Scripted(1, 2), said(1, authority=soa("com."), rcode=3))
    assert (asked.whom, asked.notes) == ("1", [("1", "good")])


def test_truncation_and_another_letter_case_mean_tcp_to_the_same_member_at_once():
    truncated = Asked(Scripted(1, 2), said(1, tc=True), said(1, GOOD, transport=TCP))
    assert (truncated.whom, truncated.notes) == ("1 1+", [("1", "good")])
    other = Asked(Scripted(1, 2), Unanswered(Trouble.TIMEOUT, 0.1, Suspicion.CASE, at(1)), said(1, GOOD, transport=TCP))
    assert other.whom == "1 1+"
    assert ("changes_case", at(1)) in other.known.servers.notes
    forged = Asked(Scripted(1), Unanswered(Trouble.TIMEOUT, 0.1, Suspicion.FORGERY), said(1, GOOD, transport=TCP))
    assert forged.whom == "1 1+"


def test_truncation_over_a_stream_is_of_no_use():
    asked = Asked(Scripted(1, 2), said(1, tc=True), said(1, tc=True, transport=TCP), said(2, GOOD))
    assert asked.whom == "1 1+ 2"


def test_who_does_not_know_edns_is_asked_without_and_remembered():
    asked = Asked(Scripted(1), said(1, rcode=1), said(1, GOOD, edns=False))
    assert asked.whom == "1 1-"
    assert ("without_edns", at(1)) in asked.known.servers.notes
    known = Written()
    known.servers.no_edns.add(at(1))
    known.servers.no_case.add(at(1))
    assert Asked(Scripted(1), said(1, GOOD, transport=TCP, edns=False), known=known).whom == "1+-"


def test_a_new_cookie_is_used_once_and_then_tcp():
    bad = said(1, rcode=Rcode.BADCOOKIE)
    assert Asked(Scripted(1), bad, said(1, GOOD)).whom == "1 1"
    assert Asked(Scripted(1), bad, bad, said(1, GOOD, transport=TCP)).whom == "1 1 1+"


def test_a_malformed_reply_is_of_no_use():
    asked = Asked(Scripted(1, 2), Malformed(at(1), "a pointer into nowhere"), said(2, GOOD))
    assert (asked.whom, asked.notes) == ("1 2", [("1", "bad"), ("2", "good")])
    assert "a pointer into nowhere" in Asked(Scripted(1), Malformed(at(1), "a pointer into nowhere")).failure.text


def test_who_cannot_be_reached_leaves_the_next_and_is_told_of():
    asked = Asked(Scripted(1, 2), Unanswered(Trouble.REFUSED, 0.0), said(2, GOOD))
    assert (asked.whom, asked.notes) == ("1 2", [("1", Trouble.REFUSED), ("2", "good")])
    failed = Asked(Scripted(1, 2), Unanswered(Trouble.REFUSED, 0.0), Unanswered(Trouble.RESET, 0.0))
    assert (failed.tag, failed.failure.label) == ("PLUN", "unreachable")
    assert "the configured server 192.0.2.1:53: connection refused" in failed.failure.text


def test_trouble_with_the_first_is_told_while_the_second_is_waited_for():
    asked = Asked(
        Scripted(Target(at(1), TCP), Target(at(2), TCP)),
        SILENCE,
        Unanswered(Trouble.RESET, 0.5, None, at(1)),
        said(2, GOOD, transport=TCP),
    )
    assert (asked.whom, asked.notes) == ("1+ 2+ ?", [("1", Trouble.RESET), ("2", "good")])


def test_what_cannot_be_sent_from_here_costs_nothing_and_is_nobodys_failure():
    asked = Asked(Scripted(1), Unanswered(Trouble.LOCAL, 0.0))
    assert (asked.tag, asked.failure.own_limit, asked.failure.label) == ("PLUN", True, "local")
    assert asked.budget.sends == 0


def test_a_member_that_asks_us_in_turn_is_named_before_all_else():
    asked = Asked(Scripted(1, 2), Unanswered(Trouble.LOOP, 0.1, None, at(1)), said(2, rcode=2))
    assert (asked.tag, asked.failure.label) == ("PLLP", "loop")
    assert "192.0.2.1:53 asks us in turn" in asked.failure.text


def test_a_member_is_called_by_the_name_that_its_pool_has_for_it():
    named = Target(at(1), UDP, 'the member "a" of the pool "office"')
    asked = Asked(Scripted(named), said(1, rcode=2))
    assert 'the member "a" of the pool "office" (192.0.2.1:53) answered SERVFAIL' in asked.failure.text
    assert asked.actions[0].upstream == named.called


def test_nobody_to_ask_is_a_failure_of_its_own():
    asked = Asked(Scripted())
    assert (asked.whom, asked.tag, asked.failure.label) == ("", "PLNO", "no_upstream")


def test_extended_errors_are_told_on_with_an_answer_and_with_a_failure():
    opt = Edns(options=((EDE_OPTION, b"\x00\x0fad list"), (10, b"x" * 8)))
    assert Asked(Scripted(1), said(1, GOOD, opt=opt)).budget.told == (Ede(15, "ad list"),)
    assert Asked(Scripted(1), said(1, GOOD, opt=Edns(options=((10, b"x" * 8),)))).budget.told == ()
    failure = Asked(Scripted(1, 2), said(1, rcode=2, opt=opt), said(2, rcode=2, opt=opt)).failure
    assert failure.heard == (Ede(15, "ad list"),)


def test_messages_are_paid_from_the_budget_and_the_pool_hears_of_the_end():
    asked = Asked(Scripted(1, 2), SILENCE, limits=Limits(sends=1))
    assert asked.tag == "BUDX"
    assert asked.upstreams.notes[-1] == ("ended",)


def test_the_end_is_told_when_nobody_wants_to_know_any_more():
    upstreams = Scripted(1)
    steps = ask_pool(upstreams, delegation("."), WWW, Written(), Budget(Limits(), 0.0))
    next(steps)
    steps.close()
    assert upstreams.notes[-1] == ("ended",)
