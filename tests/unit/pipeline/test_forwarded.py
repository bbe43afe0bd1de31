from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.balance.pool import Key, Member, Pool
from resolver.config.upstreams import upstream
from resolver.engine.knowledge import CONFIGURED
from resolver.message import Transport
from resolver.network.base import Trouble
from resolver.network.entropy import SeededEntropy
from resolver.observe.counters import Counters
from resolver.pipeline.forwarded import LEAST_HEDGE_S, MOST_HEDGES, Forwarded, Hedging, packed_address
from tests.support import zone_text
from tests.support.clocks import ManualClock

WWW = zone_text.question("www.Example.com.", "A")
RETRY_S = 0.8


class Made:
    """A pool of three, of which the first that is left is chosen."""

    def __init__(self, *, hedge: int = 0, listed: bool = False, by_client: bool = False) -> None:
        self.clock, self.counters = ManualClock(), Counters()
        self.keys: list[Key] = []
        urls = ("192.0.2.1", "tcp://192.0.2.2", "tls://192.0.2.3#dns.test")
        self.members = [Member(url if number else "a", upstream(url)) for number, url in enumerate(urls)]
        self.members[1].name = str(self.members[1].target)
        self.pool = Pool("office", self.members, self, self.clock)
        self.hedging = Hedging(hedge)
        self.whom = Forwarded(
            self.pool,
            self.clock,
            self.counters,
            self.hedging,
            listed=listed,
            retry_s=RETRY_S,
            patience_s=4.0,
            by_client=by_client,
        )

    def pick(self, among, key):
        """As a policy: the first, and the key is noted."""
        self.keys.append(key)
        return among[0]

    def chance(self, key):
        return 0.0

    def changed(self, members):
        """Nothing is kept."""

    def choose(self, without=None):
        return self.whom.choose(WWW, "192.0.2.77", without)

    @property
    def counts(self) -> list[tuple[int, int, int]]:
        """Of each member: what is outstanding, what it replied, what it failed."""
        return [(each.outstanding, each.replied, each.failed) for each in self.members]


def test_each_member_is_asked_once_and_then_nobody():
    choice = Made().choose()
    found = [each for _ in range(3) if (each := choice.next()) is not None]
    assert choice.next() is None
    assert [each.endpoint.host for each in found] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert [each.transport for each in found] == [Transport.UDP, Transport.TCP, Transport.TLS]


def test_who_is_not_believed_is_not_chosen():
    made = Made()
    found = made.choose(without=made.members[0].target.endpoint).next()
    assert found is not None
    assert found.endpoint.host == "192.0.2.2"
    assert made.counters.forwarded_retried == 0


def test_members_are_called_by_their_name_or_by_their_pool():
    made = Made()
    assert [made.whom.target_of(each).called for each in made.members[:2]] == [
        *('the member "a" of the pool "office"', 'a member of the pool "office"'),
    ]
    assert made.whom.target_of(made.members[0]) is made.whom.target_of(made.members[0])
    assert Made(listed=True).whom.target_of(made.members[0]).called == CONFIGURED


def test_a_policy_that_looks_at_clients_has_their_address_and_others_have_the_name_alone():
    for by_client, expected in ((True, bytes((192, 0, 2, 77))), (False, b"")):
        made = Made(by_client=by_client)
        made.choose().next()
        assert made.keys == [Key(expected, b"\x03www\x07example\x03com\x00")]
    made = Made(by_client=True)
    made.whom.choose(WWW, "", None).next()
    assert made.keys[0].client == b""


@pytest.mark.parametrize(
    ("text", "packed"),
    [("192.0.2.1", bytes((192, 0, 2, 1))), ("2001:db8::1", b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\1"), ("", b"")],
)
def test_addresses_are_packed(text, packed):
    assert packed_address(text) == packed


def test_an_answer_is_to_the_credit_of_who_gave_it_and_nobody_is_left_outstanding():
    made = Made()
    choice = made.choose()
    target = choice.next()
    assert made.counts[0] == (1, 0, 0)
    made.clock.advance(0.03)
    choice.replied(target, 0.03, True)
    choice.end()
    choice.end()
    assert made.counts == [(0, 1, 0), (0, 0, 0), (0, 0, 0)]
    assert made.members[0].rtt == pytest.approx(0.03)


def test_what_is_of_no_use_counts_against_a_member_only_where_another_had_an_answer():
    for others, blamed in ((True, 1), (False, 0)):
        made = Made()
        choice = made.choose()
        choice.replied(choice.next(), 0.01, False)
        if others:
            choice.replied(choice.next(), 0.01, True)
        choice.end()
        assert made.counts[0] == (0, 0, blamed)


def test_trouble_is_a_failure_at_once_unless_it_is_on_this_side():
    made = Made()
    choice = made.choose()
    choice.failed(choice.next(), Trouble.REFUSED, 0.0)
    choice.failed(choice.next(), Trouble.LOCAL, 0.0)
    choice.end()
    assert made.counts == [(0, 0, 1), (0, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(("waited", "failed"), [(RETRY_S - 0.05, 0), (RETRY_S, 1)])
def test_who_was_overtaken_has_failed_only_if_it_had_its_time(waited, failed):
    made = Made()
    choice = made.choose()
    choice.next()
    made.clock.advance(waited)
    choice.replied(choice.next(), 0.0, True)
    choice.end()
    assert made.counts[:2] == [(0, 0, failed), (0, 1, 0)]


def test_a_reply_that_comes_twice_or_from_nobody_changes_nothing():
    made = Made()
    choice, other = made.choose(), made.choose()
    target = choice.next()
    choice.replied(target, 0.01, True)
    choice.replied(target, 0.01, False)
    choice.failed(target, Trouble.RESET, 0.1)
    other.replied(target, 0.01, True)
    choice.end()
    other.end()
    assert made.counts[0] == (0, 1, 0)


def test_the_first_is_waited_for_as_long_as_nearly_all_replies_take_and_the_next_for_longer():
    made = Made(hedge=5)
    choice = made.choose()
    assert choice.patience(choice.next()) == made.hedging.after_s < RETRY_S
    assert choice.patience(choice.next()) == RETRY_S
    assert (made.counters.forwarded_hedged, made.counters.forwarded_retried) == (1, 0)


def test_once_what_may_be_spent_is_spent_members_have_the_time_that_they_may_be_silent():
    made = Made(hedge=5)
    spent = made.choose()
    spent.patience(spent.next())
    spent.next()
    choice = made.choose()
    assert choice.patience(choice.next()) == RETRY_S
    choice.next()
    assert (made.counters.forwarded_hedged, made.counters.forwarded_retried) == (1, 1)


def test_no_second_is_hurried_where_there_is_none_or_it_is_not_wanted():
    alone = Made(hedge=5)
    alone.pool.become(alone.members[:1])
    for made in (alone, Made(hedge=0)):
        choice = made.choose()
        assert choice.patience(choice.next()) == RETRY_S


def test_another_after_what_was_of_no_use_is_not_paid_for():
    made = Made(hedge=5)
    choice = made.choose()
    target = choice.next()
    choice.patience(target)
    choice.replied(target, 0.01, False)
    choice.next()
    assert (made.counters.forwarded_hedged, made.counters.forwarded_retried) == (0, 1)
    assert made.hedging.may


def test_members_that_have_left_are_forgotten():
    made = Made()
    for _ in range(10):
        made.pool.become([Member("x", upstream("192.0.2.9"))])
        choice = made.choose()
        choice.next()
        choice.end()
    assert len(made.whom._targets) <= 2 * len(made.pool.members) + 1


@pytest.mark.parametrize("percent", [1, 5, 20, 50])
def test_the_wait_follows_the_share_of_replies_that_take_longer(percent):
    hedging, drawn = Hedging(percent), SeededEntropy(percent)
    times = [-0.05 * math.log(1.0 - drawn.fraction()) for _ in range(6000)]
    slower = 0
    for number, seconds in enumerate(times):
        slower += number >= 2000 and seconds > hedging.after_s
        hedging.took(seconds)
    assert slower / 4000 == pytest.approx(percent / 100, abs=0.02)


@given(st.integers(1, 50), st.lists(st.booleans(), max_size=2000))
def test_no_more_is_spent_than_the_share_and_what_was_saved(percent, wanted):
    hedging, spent = Hedging(percent), 0
    for wants in wanted:
        hedging.began()
        if wants and hedging.may:
            hedging.spend()
            spent += 1
    assert spent <= len(wanted) * percent / 100 + MOST_HEDGES


def test_the_wait_is_never_so_short_that_every_reply_loses():
    hedging = Hedging(5)
    for _ in range(5000):
        hedging.took(0.0)
    assert hedging.after_s == LEAST_HEDGE_S
