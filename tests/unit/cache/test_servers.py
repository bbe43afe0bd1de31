from __future__ import annotations

import pytest

from resolver.cache import servers as module
from resolver.cache.servers import MAX_TIMEOUT_S, MIN_TIMEOUT_S, UNKNOWN_TIMEOUT_S, Servers
from resolver.network.base import Endpoint
from resolver.network.entropy import SeededEntropy
from tests.support.clocks import ManualClock

ZONE = b"\x04test\x00"
NEAR, FAR, NEW = (Endpoint(f"192.0.2.{last}", 53) for last in (1, 2, 3))


def made() -> tuple[Servers, ManualClock]:
    clock = ManualClock()
    return Servers(clock, SeededEntropy(1)), clock


def test_the_server_with_the_lowest_smoothed_time_is_asked_first():
    servers, _ = made()
    servers.replied(FAR, 0.2)
    servers.replied(NEAR, 0.05)
    assert servers.ordered([FAR, NEAR], ZONE) == [NEAR, FAR]
    assert servers.ordered([], ZONE) == []


def test_a_server_never_tried_is_tried_before_those_that_are_known_to_be_far():
    servers, _ = made()
    servers.replied(FAR, 0.2)
    servers.replied(NEAR, 0.05)
    assert servers.ordered([FAR, NEAR, NEW], ZONE)[0] == NEW


def test_servers_never_tried_are_tried_in_an_order_drawn_at_random():
    orders = set()
    for seed in range(30):
        servers = Servers(ManualClock(), SeededEntropy(seed))
        orders.add(tuple(servers.ordered([NEAR, FAR, NEW], ZONE)))
    assert len(orders) == 6


@pytest.mark.rfc(6298, "2")
def test_times_are_smoothed_with_their_variance():
    servers, _ = made()
    servers.replied(NEAR, 0.1)
    assert servers.timeout(NEAR) == pytest.approx(0.1 + 4 * 0.05)
    servers.replied(NEAR, 0.18)
    variance = 0.05 + (0.08 - 0.05) / 4
    assert servers.state(NEAR).smoothed == pytest.approx(0.11)
    assert servers.timeout(NEAR) == pytest.approx(0.11 + 4 * variance)


def test_timeouts_have_bounds_and_one_for_servers_never_heard_of():
    servers, _ = made()
    assert servers.timeout(NEW) == UNKNOWN_TIMEOUT_S
    servers.silent(NEW, UNKNOWN_TIMEOUT_S)
    assert servers.timeout(NEW) == UNKNOWN_TIMEOUT_S
    servers.replied(NEAR, 0.0)
    assert servers.timeout(NEAR) == MIN_TIMEOUT_S
    servers.replied(FAR, 1.9)
    assert servers.timeout(FAR) == MAX_TIMEOUT_S


def test_a_server_that_is_passed_over_ages_until_it_is_tried_again():
    servers, _ = made()
    servers.replied(NEAR, 0.1)
    servers.replied(FAR, 0.2)
    asked = []
    for _ in range(60):
        first = servers.ordered([NEAR, FAR], ZONE)[0]
        servers.replied(first, 0.1 if first == NEAR else 0.2)
        asked.append(first)
    assert asked[:20] == [NEAR] * 20
    assert 1 <= asked.count(FAR) <= 15


def test_a_server_that_has_become_faster_is_found():
    servers, _ = made()
    servers.replied(NEAR, 0.1)
    servers.replied(FAR, 0.5)
    times = {NEAR: 0.1, FAR: 0.01}
    for _ in range(200):
        first = servers.ordered([NEAR, FAR], ZONE)[0]
        servers.replied(first, times[first])
    assert servers.ordered([NEAR, FAR], ZONE)[0] == FAR


def test_silence_counts_as_a_long_time():
    servers, _ = made()
    servers.replied(NEAR, 0.05)
    servers.replied(FAR, 0.2)
    servers.silent(NEAR, 0.4)
    assert servers.ordered([NEAR, FAR], ZONE) == [FAR, NEAR]


def test_a_server_that_stays_silent_is_asked_last_for_a_while_that_doubles():
    servers, clock = made()
    servers.replied(FAR, 1.9)
    pauses = []
    for _ in range(2):
        servers.silent(NEAR, 0.1)
    assert servers.state(NEAR).dead_until == 0
    for _ in range(12):
        servers.silent(NEAR, 0.1)
        pauses.append(servers.state(NEAR).dead_until - clock.monotonic())
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses[-1] == 300.0
    servers.state(NEAR).handicap = servers.state(NEAR).smoothed = 0.001
    assert servers.ordered([NEAR, FAR], ZONE) == [FAR, NEAR]
    clock.advance(301)
    assert servers.ordered([NEAR, FAR], ZONE) == [NEAR, FAR]


def test_one_reply_ends_the_back_off():
    servers, _ = made()
    for _ in range(6):
        servers.silent(NEAR, 0.1)
    servers.replied(NEAR, 0.02)
    state = servers.state(NEAR)
    assert (state.silent, state.dead_until, state.smoothed) == (0, 0.0, 0.02)


def test_what_a_server_cannot_do_is_remembered_apart_from_its_times():
    servers, _ = made()
    assert servers.standing(NEAR).knows_edns
    assert servers.standing(NEAR).keeps_case
    assert not servers.has_replied(NEAR)
    servers.without_edns(NEAR)
    servers.changes_case(NEAR)
    servers.replied(NEAR, 0.1)
    assert not servers.standing(NEAR).knows_edns
    assert not servers.standing(NEAR).keeps_case
    assert servers.has_replied(NEAR)
    assert servers.standing(FAR).knows_edns


def test_silence_says_nothing_about_edns():
    servers, _ = made()
    for _ in range(10):
        servers.silent(NEAR, 0.4)
    assert servers.standing(NEAR).knows_edns


def test_what_is_known_is_forgotten_after_a_quarter_of_an_hour():
    servers, clock = made()
    servers.replied(NEAR, 0.1)
    servers.without_edns(NEAR)
    clock.advance(899)
    assert servers.has_replied(NEAR)
    clock.advance(1)
    assert not servers.has_replied(NEAR)
    assert servers.standing(NEAR).knows_edns
    servers.replied(NEAR, 0.1)
    servers.clear()
    assert not servers.has_replied(NEAR)


def test_the_number_of_servers_is_bounded():
    servers = Servers(ManualClock(), SeededEntropy(1), 50)
    for number in range(500):
        servers.replied(Endpoint("192.0.2.1", number), 0.1)
    assert len(servers) == 50


def test_a_server_that_was_given_up_no_longer_counts_as_one_that_replies():
    servers, clock = made()
    servers.replied(NEAR, 0.02)
    for _ in range(3):
        assert servers.has_replied(NEAR)
        servers.silent(NEAR, 0.1)
    assert not servers.has_replied(NEAR)
    clock.advance(3)
    assert servers.has_replied(NEAR)


def test_what_a_server_cannot_do_is_tried_again_after_a_quarter_of_an_hour_though_it_replies_all_the_time():
    servers, clock = made()
    servers.without_edns(NEAR)
    servers.changes_case(NEAR)
    for _ in range(10):
        servers.replied(NEAR, 0.1)
        assert not servers.standing(NEAR).knows_edns
        assert not servers.standing(NEAR).keeps_case
        clock.advance(90)
    assert servers.standing(NEAR).knows_edns
    assert servers.standing(NEAR).keeps_case


def test_a_server_that_is_lame_for_a_zone_is_asked_last_for_that_zone_alone_and_for_a_time():
    servers, clock = made()
    servers.replied(NEAR, 0.01)
    servers.replied(FAR, 0.2)
    servers.lame(NEAR, ZONE)
    assert servers.ordered([NEAR, FAR], ZONE) == [FAR, NEAR]
    assert servers.ordered([NEAR, FAR], b"\0") == [NEAR, FAR]
    clock.advance(900)
    servers.replied(NEAR, 0.01)
    servers.replied(FAR, 0.2)
    assert servers.ordered([NEAR, FAR], ZONE) == [NEAR, FAR]


def test_one_question_finds_out_whether_a_dead_server_is_back():
    servers, clock = made()
    servers.replied(FAR, 0.2)
    for _ in range(3):
        servers.silent(NEAR, 0.1)
    clock.advance(2.5)
    servers.state(NEAR).handicap = servers.state(NEAR).smoothed = 0.001
    assert servers.ordered([NEAR, FAR], ZONE) == [NEAR, FAR]
    servers.state(NEAR).handicap = servers.state(NEAR).smoothed = 0.001
    assert servers.ordered([NEAR, FAR], ZONE) == [FAR, NEAR], "the first is still finding out"


def test_while_the_network_is_silent_no_back_off_grows():
    servers, clock = made()
    assert not servers.network_works
    for _ in range(20):
        servers.silent(NEAR, 0.4)
    assert servers.state(NEAR).dead_until - clock.monotonic() == 2.0


def test_the_network_works_for_a_while_after_anybody_replied():
    servers, clock = made()
    servers.replied(FAR, 0.1)
    assert servers.network_works
    clock.advance(29)
    assert servers.network_works
    clock.advance(1)
    assert not servers.network_works


SIX = [Endpoint(f"2001:db8::{last}", 53) for last in range(1, 4)]


def test_a_family_to_which_nothing_can_be_sent_is_asked_last_for_a_while():
    servers, clock = made()
    servers.replied(NEAR, 0.5)
    servers.no_route(SIX[0])
    assert servers.ordered([SIX[1], NEAR], ZONE)[0] == NEAR
    clock.advance(10)
    assert servers.ordered([SIX[1], NEAR], ZONE)[0] == SIX[1]


def test_a_family_that_leads_nowhere_is_asked_last_while_others_reply():
    servers, _ = made()
    servers.replied(NEAR, 0.5)
    for number in range(8):
        assert servers.ordered([SIX[1], NEAR], ZONE)[0] == SIX[1], number
        servers.silent(Endpoint(f"2001:db8:1::{number}", 53), 0.376)
    assert servers.ordered([SIX[1], NEAR], ZONE)[0] == NEAR
    alone, _ = made()
    for number in range(20):
        alone.silent(Endpoint(f"2001:db8:1::{number}", 53), 0.376)
    assert alone.ordered([SIX[1], NEW], ZONE) == sorted([SIX[1], NEW], key=lambda each: alone.state(each).smoothed)


def test_a_server_with_as_many_messages_on_their_way_as_it_may_have_is_passed_over():
    servers, _ = made()
    servers.max_in_flight = 2
    servers.replied(NEAR, 0.01)
    servers.replied(FAR, 0.2)
    assert servers.enter(NEAR)
    assert servers.enter(NEAR)
    assert not servers.enter(NEAR)
    assert servers.ordered([NEAR, FAR], ZONE) == [FAR, NEAR]
    servers.leave(NEAR)
    assert servers.enter(NEAR)


def test_a_lost_datagram_does_not_make_the_next_reply_waited_for_longer():
    servers, _ = made()
    for _ in range(5):
        servers.replied(NEAR, 0.1)
    before = servers.timeout(NEAR)
    servers.silent(NEAR, before)
    assert servers.timeout(NEAR) == before
    servers.replied(NEAR, 0.1)
    assert servers.state(NEAR).handicap == 0


def test_a_server_was_heard_lately_for_a_while_after_its_last_reply():
    servers, clock = made()
    assert not servers.heard_lately(NEAR)
    servers.replied(NEAR, 0.1)
    clock.advance(module.ALIVE_S - 0.1)
    assert servers.heard_lately(NEAR)
    clock.advance(0.2)
    assert not servers.heard_lately(NEAR)


def test_each_reply_prolongs_what_is_known_of_a_server():
    servers, clock = made()
    servers.replied(NEAR, 0.1)
    clock.advance(800)
    servers.replied(NEAR, 0.1)
    clock.advance(800)
    assert servers.state(NEAR).replies == 2
    clock.advance(101)
    assert servers.state(NEAR).replies == 0
