from __future__ import annotations

import pytest

from resolver.errors import ResolutionFailed
from resolver.filters.blocking import Blocking, Telling
from resolver.filters.kinds import BlockAnswer
from resolver.filters.names import Names
from resolver.message import Client, Query, Question, Rcode, Reply, Transport, Type
from resolver.wire import types
from tests.support.messages import name, sets, told

OURS = {Type.A: (bytes((192, 0, 2, 1)),)}


def blocking(*blocked: str, allowed: tuple[str, ...] = (), telling: Telling | None = None) -> Blocking:
    both = Names(), Names()
    for held, listed in zip(both, (blocked, allowed), strict=True):
        held.add_all([each.encode() for each in listed])
    return Blocking(*both, ["ads.txt"], telling or Telling())


def query(qname: str, rtype: str = "A") -> Query:
    return Query(Question(name(qname), types.from_text(rtype)), Client("192.0.2.9", 5, Transport.UDP), 1, 0.0)


def test_a_listed_name_and_all_below_it_are_blocked_and_the_list_is_named():
    policy = blocking("ads.test")
    for qname in ("ads.test", "A.b.ADS.test"):
        verdict = policy.before(query(qname))
        assert verdict.cause == ("blocked", "ads.test.", "ads.txt")
        assert verdict.reply.rcode == Rcode.NXDOMAIN
        assert [(each.code, each.text) for each in verdict.reply.ede] == [
            (15, "ads.test. is blocked by ads.txt [BLKD]")
        ]
        assert told(*verdict.reply.authority) == ["ads.test. 60 SOA ads.test. nobody.invalid. 1 3600 1200 604800 60"]
        assert not verdict.reply.storable
    assert policy.before(query("bads.test")) is None


@pytest.mark.parametrize("allowed", ["test", "ads.test", "good.ads.test"])
def test_what_is_allowed_is_not_blocked(allowed):
    assert blocking("ads.test", allowed=(allowed,)).before(query("a.good.ads.test")) is None
    assert blocking("ads.test", "bad.good.ads.test", allowed=(allowed,)).before(query("bad.good.ads.test")) is None


@pytest.mark.parametrize(
    ("telling", "rtype", "rcode", "answer"),
    [
        (Telling(BlockAnswer.NXDOMAIN), "A", Rcode.NXDOMAIN, []),
        (Telling(BlockAnswer.NODATA), "A", Rcode.NOERROR, []),
        (Telling(BlockAnswer.NULL, ttl_s=5), "A", Rcode.NOERROR, ["ads.test. 5 A 0.0.0.0"]),
        (Telling(BlockAnswer.NULL, ttl_s=5), "AAAA", Rcode.NOERROR, ["ads.test. 5 AAAA ::"]),
        (Telling(BlockAnswer.NULL, ttl_s=5), "ANY", Rcode.NOERROR, ["ads.test. 5 A 0.0.0.0"]),
        (Telling(BlockAnswer.NULL), "MX", Rcode.NOERROR, []),
        (Telling(BlockAnswer.NODATA, OURS, 5), "A", Rcode.NOERROR, ["ads.test. 5 A 192.0.2.1"]),
        (Telling(BlockAnswer.NODATA, OURS), "AAAA", Rcode.NOERROR, []),
    ],
)
def test_what_is_told_of_a_blocked_name(telling, rtype, rcode, answer):
    reply = blocking("ads.test", telling=telling).before(query("ads.test", rtype)).reply
    assert (reply.rcode, told(*reply.answer)) == (rcode, answer)
    assert bool(reply.authority) != bool(answer)
    assert reply.ede[0].code == 15


def test_a_refusal_has_nothing_but_its_reason():
    reply = blocking("ads.test", telling=Telling(BlockAnswer.REFUSED)).before(query("ads.test")).reply
    assert reply == Reply(Rcode.REFUSED, ra=True, ede=reply.ede)
    assert len(reply.ede) == 1


CLOAKED = Reply(0, sets(["x.shop.test. 9 IN CNAME Track.ADS.test.", "track.ads.test. 9 IN A 192.0.2.1"]))


def test_an_alias_that_leads_to_a_blocked_name_is_blocked():
    verdict = blocking("ads.test").after(query("x.shop.test"), CLOAKED)
    assert verdict.cause.trigger == "ads.test."
    assert verdict.reply.rcode == Rcode.NXDOMAIN


@pytest.mark.parametrize("allowed", ["shop.test", "track.ads.test"])
def test_an_alias_that_leads_to_a_blocked_name_is_told_if_either_is_allowed(allowed):
    assert blocking("ads.test", allowed=(allowed,)).after(query("x.shop.test"), CLOAKED) is None


def test_answers_without_such_aliases_failures_and_questions_for_the_alias_are_left():
    policy = blocking("ads.test")
    assert policy.after(query("a.test"), Reply(0, sets("a.test. 9 IN CNAME b.test."))) is None
    assert policy.after(query("a.test"), Reply(3)) is None
    assert policy.after(query("a.test"), ResolutionFailed("TEST", 22, "x")) is None
    assert policy.after(query("x.shop.test", "CNAME"), Reply(0, CLOAKED.answer[:1])) is None
