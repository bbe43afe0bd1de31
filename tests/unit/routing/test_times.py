from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resolver.routing.times import DAYS, MINUTES, WEEK, minute_of, minutes_of


def minutes(text: str) -> set[int]:
    made = minutes_of(text)
    return {each for each in range(MINUTES) if made >> each & 1}


def at(day: str, hour: int, minute: int = 0) -> int:
    return DAYS.index(day) * 1440 + hour * 60 + minute


def test_hours_alone_are_those_of_each_day():
    assert minutes("08:00-08:02") == {at(day, 8, minute) for day in DAYS for minute in (0, 1)}


def test_days_alone_are_whole():
    assert minutes("sat,sun") == set(range(at("sat", 0), MINUTES))
    assert minutes("sun-mon") == {*range(at("sun", 0), MINUTES), *range(at("tue", 0))}
    assert minutes_of("mon-sun") == WEEK


def test_a_night_goes_on_into_the_next_day_and_from_sunday_into_monday():
    assert minutes("sun 23:59-00:01") == {at("sun", 23, 59), at("mon", 0)}
    assert minutes("fri 22:00-02:00") == set(range(at("fri", 22), at("sat", 2)))


def test_midnight_may_be_written_as_the_end_of_a_day():
    assert minutes("mon 23:58-24:00") == {at("mon", 23, 58), at("mon", 23, 59)}
    assert minutes("mon 00:00-24:00") == set(range(1440))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "mon-fry",
        "25:00-26:00",
        "08:00",
        "08:00-08:00",
        "08:60-09:00",
        "08:00-09:00 mon",
        "mon tue",
        "-",
        "mon-",
    ],
)
def test_what_is_no_time_of_the_week_is_refused(text: str):
    with pytest.raises(ValueError, match=r"time of the week|time of day|begins where|none of mon"):
        minutes_of(text)


def test_the_minute_is_that_of_the_clocks_of_a_zone():
    summer = datetime(2026, 7, 6, 23, 30, tzinfo=UTC).timestamp()  # a Monday
    assert minute_of(summer, "UTC") == at("mon", 23, 30)
    assert minute_of(summer + 59, "Europe/Zurich") == at("tue", 1, 30)
    assert minute_of(summer - 180 * 86_400, "Europe/Zurich") == at("thu", 0, 30), "winter"
