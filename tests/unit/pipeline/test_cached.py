from __future__ import annotations

import pytest

from resolver.answering import awaited
from resolver.engine.outcome import Alias, Answered, Denied
from resolver.errors import ResolutionFailed
from resolver.message import Client, Query, Rcode, Reply, Transport, Type
from resolver.observe.counters import Counters
from resolver.pipeline.cached import Cached
from resolver.pipeline.staged import Staged
from tests.support import zone_text
from tests.support.answering import Always
from tests.support.engine import Written
from tests.support.messages import name, rrset, sets, soa

BELOW = Reply(Rcode.NOERROR, aa=True)
ALIAS = "www.example.com. 30 IN CNAME web.example.net."
DATA = "web.example.net. 20 IN A 192.0.2.80"
WWW, WEB = name("www.example.com."), name("web.example.net.")


def asked(run, known, *, rd: bool = True, rtype: str = "A", below: Reply = BELOW, **options):
    counters = Counters()
    stage = Staged((Cached(known, counters, **options).peek,), Always(below))
    question = zone_text.question("www.example.com.", rtype)
    query = Query(question, Client("192.0.2.1", 0, Transport.UDP), 1, 0.0, rd=rd)
    reply = run(awaited(stage, query))
    return reply, counters.answers_cached


def test_what_is_held_is_the_answer_with_the_chain_that_leads_to_it(run):
    known = Written()
    known.recalled = {(WWW, Type.A): Alias(sets(ALIAS), WEB, False), (WEB, Type.A): Answered((), sets(DATA), False)}
    reply, cached = asked(run, known)
    assert reply == Reply(0, (*sets(ALIAS), *sets(DATA)), (), ra=True, storable=True)
    assert cached == 1


@pytest.mark.rfc(2308, "5")
@pytest.mark.parametrize("rcode", [Rcode.NXDOMAIN, Rcode.NOERROR])
def test_a_denial_that_is_held_is_told_with_its_soa(run, rcode):
    known = Written()
    denial = rrset(soa("example.net."))
    known.recalled = {
        (WWW, Type.A): Alias(sets(ALIAS), WEB, False),
        (WEB, Type.A): Denied((), WEB, rcode, denial, False),
    }
    reply, _ = asked(run, known)
    assert reply == Reply(rcode, sets(ALIAS), (denial,), ra=True, storable=True)


def test_what_is_not_complete_goes_to_the_stage_below(run):
    known = Written()
    assert asked(run, known) == (BELOW, 0)
    known.recalled = {(WWW, Type.A): Alias(sets(ALIAS), WEB, False)}
    assert asked(run, known) == (BELOW, 0)


@pytest.mark.rfc(1035, "4.1.1")
def test_without_rd_what_is_not_held_is_refused(run):
    reply, _ = asked(run, Written(), rd=False)
    assert (reply.rcode, reply.ra) == (Rcode.REFUSED, True)
    assert reply.ede[0].code == 20
    known = Written()
    known.recalled = {(WWW, Type.A): Answered((), sets("www.example.com. 9 IN A 192.0.2.1"), False)}
    assert asked(run, known, rd=False)[0].rcode == Rcode.NOERROR


def test_a_loop_or_a_chain_that_is_too_long_goes_to_the_stage_below(run):
    known = Written()
    known.recalled = {(WWW, Type.A): Alias(sets("www.example.com. 9 IN CNAME www.example.com."), WWW, False)}
    assert asked(run, known) == (BELOW, 0)
    known.recalled = {
        (name(f"{text}.") if number else WWW, Type.A): Alias(
            sets(f"x. 9 IN CNAME n{number + 1}."), name(f"n{number + 1}."), False
        )
        for number, text in enumerate(["www", *(f"n{each}" for each in range(1, 4))])
    }
    known.recalled[name("n4."), Type.A] = Answered((), sets("n4. 9 IN A 192.0.2.1"), False)
    assert asked(run, known, max_aliases=3) == (BELOW, 0)
    assert len(asked(run, known, max_aliases=4)[0].answer) == 5


def test_what_needs_no_work_can_be_had_without_waiting():
    known = Written()
    known.recalled = {(WWW, Type.A): Answered((), sets(DATA), False)}
    counters = Counters()
    stage = Cached(known, counters)

    def peek(rtype: str, rd: bool = True) -> Reply | None:
        question = zone_text.question("www.example.com.", rtype)
        return stage.peek(Query(question, Client("192.0.2.1", 0, Transport.UDP), 1, 0.0, rd=rd))

    assert peek("A") == Reply(0, sets(DATA), (), ra=True, storable=True)
    assert peek("AAAA") is None
    refused = peek("AAAA", rd=False)
    assert refused is not None
    assert refused.rcode == Rcode.REFUSED
    assert counters.answers_cached == 1


class Considered:
    def __init__(self) -> None:
        self.seen: list[object] = []

    def consider(self, question, held, checked) -> int | None:
        self.seen.append((question, held.rrsets))
        return len(self.seen) - 1


def test_what_was_told_from_records_is_considered_for_renewal_if_recursion_is_desired(run):
    known, prefetch = Written(), Considered()
    asked(run, known, prefetch=prefetch)
    known.recalled = {(WWW, Type.A): Answered((), sets("www.example.com. 9 IN A 192.0.2.1"), False)}
    asked(run, known, rd=False, prefetch=prefetch)
    assert prefetch.seen == []
    replies = [asked(run, known, prefetch=prefetch)[0] for _ in range(2)]
    assert [(reply.storable, reply.again_s) for reply in replies] == [(False, 0), (True, 1)]
    assert prefetch.seen[:1] == [
        (zone_text.question("www.example.com.", "A"), sets("www.example.com. 9 IN A 192.0.2.1"))
    ]


class Showing:
    """Lets one client look, and shows it a referral."""

    referred = Reply(Rcode.NOERROR, (), sets("example.com. 60 IN NS ns.example.com."), ra=True)

    def may(self, host: str) -> bool:
        return host == "192.0.2.1"

    def referral(self, query: Query, checked: bool) -> Reply | None:
        return self.referred


def test_who_may_look_into_the_cache_is_told_answers_before_failures_before_delegations(run):
    known, failure = Written(), ResolutionFailed("TEST", 22, "nobody replied")
    options = {"rd": False, "snoops": Showing()}
    assert asked(run, known, **options) == (Showing.referred, 0)
    reply, _ = asked(run, known, failed=lambda question, checked: failure, **options)
    assert (reply.rcode, reply.authority) == (Rcode.SERVFAIL, ())
    known.recalled = {(WWW, Type.A): Answered((), sets("www.example.com. 9 IN A 192.0.2.1"), False)}
    reply, cached = asked(run, known, failed=lambda question, checked: failure, **options)
    assert (reply.rcode, len(reply.answer), reply.storable, cached) == (Rcode.NOERROR, 1, False, 1)


def test_what_the_cache_shows_to_some_is_no_matter_to_who_asks_for_recursion(run):
    assert asked(run, Written(), snoops=Showing()) == (BELOW, 0)
    known = Written()
    known.recalled = {(WWW, Type.A): Answered((), sets("www.example.com. 9 IN A 192.0.2.1"), False)}
    assert asked(run, known, snoops=Showing())[0].storable
