"""Whether a member is up, by what is heard of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.balance.health import LONGEST_DOWN_S, WINDOW, Health, Rules, Verdict

CHECKED = Rules(rise=2, fall=3, passive_fall=5, passive_percent=50)
UNCHECKED = CHECKED._replace(checked=False)
ALONE = CHECKED._replace(confirm=False)


def settled(rules: Rules = CHECKED) -> Health:
    """A member that a first check has found up."""
    health = Health(rules)
    assert health.checked(True, 0.0) is Verdict.SAME
    return health


def after_failures(rules: Rules, now: float = 0.0) -> tuple[Health, Verdict]:
    """A member of which five exchanges in a row have failed, and the last verdict."""
    health = settled(rules) if rules.checked else Health(rules)
    verdicts = [health.served(False, now) for _ in range(5)]
    assert verdicts[:4] == [Verdict.SAME] * 4
    return health, verdicts[4]


def test_a_member_is_up_before_anything_is_heard() -> None:
    assert Health(CHECKED).up


def test_the_first_check_alone_takes_a_member_down() -> None:
    health = Health(CHECKED)
    assert health.checked(False, 0.0) is Verdict.DOWN
    assert not health.up


def test_so_many_failed_checks_in_a_row_take_a_member_down() -> None:
    health = settled()
    heard = [health.checked(False, now) for now in (1.0, 2.0, 3.0, 4.0)]
    assert heard == [Verdict.SAME, Verdict.SAME, Verdict.DOWN, Verdict.SAME]


def test_a_good_check_between_failed_ones_begins_the_count_anew() -> None:
    health = settled()
    for good in (False, False, True, False, False):
        assert health.checked(good, 1.0) is Verdict.SAME
    assert health.checked(False, 2.0) is Verdict.DOWN


def test_so_many_good_checks_in_a_row_bring_it_back() -> None:
    health = Health(CHECKED)
    health.checked(False, 0.0)
    heard = [health.checked(good, 1.0) for good in (True, False, True, True)]
    assert heard == [Verdict.SAME, Verdict.SAME, Verdict.SAME, Verdict.UP]
    assert health.up


def test_failures_of_traffic_ask_for_a_check_once() -> None:
    health, verdict = after_failures(CHECKED)
    assert verdict is Verdict.SUSPECT
    assert health.up
    assert health.suspect
    assert health.served(False, 0.0) is Verdict.SAME


def test_one_failed_check_takes_a_suspect_down() -> None:
    health, _ = after_failures(CHECKED)
    assert health.checked(False, 0.1) is Verdict.DOWN


def test_a_good_check_acquits_a_suspect() -> None:
    health, _ = after_failures(CHECKED)
    assert health.checked(True, 0.1) is Verdict.SAME
    assert not health.suspect
    assert health.checked(False, 0.2) is Verdict.SAME
    assert [health.served(False, 0.3) for _ in range(5)][-1] is Verdict.SUSPECT


def test_a_member_that_fails_every_second_time_is_suspect() -> None:
    health = settled()
    heard = [health.served(bool(number % 2), 0.0) for number in range(WINDOW)]
    assert heard.index(Verdict.SUSPECT) == WINDOW - 2, "the sixteenth failure of the last 32"


def test_a_member_that_fails_seldom_is_not_suspect() -> None:
    health = settled()
    assert {health.served(number % 3 != 0, 0.0) for number in range(10 * WINDOW)} == {Verdict.SAME}


def test_traffic_says_nothing_where_it_is_not_heard() -> None:
    health = settled(CHECKED._replace(passive_fall=0, passive_percent=0))
    assert {health.served(False, 0.0) for _ in range(100)} == {Verdict.SAME}


def test_without_checks_traffic_alone_takes_a_member_down_and_time_brings_it_back() -> None:
    health, verdict = after_failures(UNCHECKED, now=100.0)
    assert verdict is Verdict.DOWN
    assert health.down_until == 110.0
    assert health.due(109.9) is Verdict.SAME
    assert health.due(110.0) is Verdict.UP


def test_on_trial_the_next_failure_is_the_last_and_it_is_down_for_twice_as_long() -> None:
    health, _ = after_failures(UNCHECKED, now=100.0)
    health.due(110.0)
    assert health.served(False, 111.0) is Verdict.DOWN
    assert health.down_until == 131.0


def test_on_trial_a_good_reply_acquits_it() -> None:
    health, _ = after_failures(UNCHECKED, now=100.0)
    health.due(110.0)
    assert health.served(True, 111.0) is Verdict.SAME
    assert [health.served(False, 112.0) for _ in range(4)] == [Verdict.SAME] * 4


@pytest.mark.parametrize("rules", [UNCHECKED._replace(passive_fall=0), UNCHECKED._replace(passive_percent=0)])
def test_on_trial_one_failure_is_enough_whatever_it_is_that_traffic_says(rules: Rules) -> None:
    health = Health(rules)
    while health.served(False, 100.0) is Verdict.SAME:
        pass
    assert health.due(110.0) is Verdict.UP
    assert not health.spotless
    assert health.served(False, 111.0) is Verdict.DOWN


def test_who_is_not_judged_by_its_traffic_is_not_tried_by_it_either() -> None:
    health = settled()
    for _ in range(3):
        health.checked(False, 1.0)
    health.rules = UNCHECKED._replace(passive_fall=0, passive_percent=0)
    assert health.due(2.0) is Verdict.UP
    assert {health.served(False, 3.0) for _ in range(WINDOW)} == {Verdict.SAME}


@pytest.mark.parametrize("rules", [UNCHECKED, ALONE])
def test_a_suspect_that_no_check_will_confirm_any_more_is_judged_by_its_traffic_alone(rules: Rules) -> None:
    health, verdict = after_failures(CHECKED)
    assert verdict is Verdict.SUSPECT
    health.rules = rules
    assert health.served(False, 1.0) is Verdict.DOWN


def test_what_was_well_for_long_enough_is_down_for_the_shortest_time_again() -> None:
    health, _ = after_failures(UNCHECKED, now=100.0)
    health.due(110.0)
    health.served(False, 130.0)
    assert health.down_until == 140.0


def test_no_time_down_is_longer_than_the_longest() -> None:
    health, _ = after_failures(UNCHECKED)
    for _ in range(20):
        now = health.down_until
        health.due(now)
        health.served(False, now)
        assert health.down_until - now <= LONGEST_DOWN_S


def test_while_all_are_down_good_replies_bring_back_who_is_not_checked() -> None:
    health, _ = after_failures(UNCHECKED)
    assert health.served(True, 1.0) is Verdict.SAME
    assert health.served(False, 1.0) is Verdict.SAME
    assert health.served(True, 1.0) is Verdict.SAME
    assert health.served(True, 1.0) is Verdict.UP


def test_while_all_are_down_good_replies_do_not_bring_back_who_is_checked() -> None:
    health = Health(CHECKED)
    health.checked(False, 0.0)
    assert {health.served(True, 1.0) for _ in range(10)} == {Verdict.SAME}
    assert not health.up


def test_what_traffic_took_down_alone_is_not_brought_back_by_checks_too_soon() -> None:
    health, verdict = after_failures(ALONE, now=100.0)
    assert verdict is Verdict.DOWN
    assert [health.checked(True, 105.0) for _ in range(3)] == [Verdict.SAME] * 3
    assert health.checked(True, 110.0) is Verdict.UP


@pytest.mark.parametrize("rules", [CHECKED, UNCHECKED, ALONE])
@given(st.lists(st.tuples(st.sampled_from(["check", "serve", "wait"]), st.booleans(), st.floats(0, 50)), max_size=60))
def test_verdicts_tell_each_change_once(rules: Rules, heard: list[tuple[str, bool, float]]) -> None:
    health, now = Health(rules), 0.0
    for what, good, seconds in heard:
        now += seconds
        before = health.up
        match what:
            case "check":
                verdict = health.checked(good, now) if rules.checked else Verdict.SAME
            case "serve":
                verdict = health.served(good, now)
            case _:
                verdict = health.due(now)
        assert (verdict is Verdict.UP) == (not before and health.up)
        assert (verdict is Verdict.DOWN) == (before and not health.up)
