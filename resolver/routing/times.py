"""Decides which minutes of a week a text such as `mon-fri 08:00-18:00` means, and which one it is now somewhere.

Rules: a text is days, hours, or both; what is left out is all. A span of hours that ends before it begins goes on after
midnight, on the day after. Days and hours are those of a time zone of the IANA database.

Limits: whole minutes. Where clocks are put forward, minutes are left out; where they are put back, they come twice.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
MINUTES: Final = 7 * _DAY
WEEK: Final = (1 << MINUTES) - 1
"""All minutes of a week."""
_HOURS: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_INSTEAD: Final = 'write one as in "mon-fri 08:00-18:00", "sat,sun" or "22:00-06:00"'


def minutes_of(text: str) -> int:
    """The minutes that `text` means, a bit for each. Raises `ValueError`."""
    words = text.lower().split()
    hours = next((word for word in words if _HOURS.fullmatch(word)), None)
    days = [word for word in words if word != hours]
    if not words or len(days) > 1 or len(words) > 2 or (hours is not None and words[-1] != hours):
        raise ValueError(f'"{text}" is no time of the week; {_INSTEAD}')
    begin, length = _span(hours, text)
    span = (1 << length) - 1
    made = 0
    for day in _days(days[0], text) if days else range(7):
        shifted = span << day * _DAY + begin
        made |= shifted & WEEK | shifted >> MINUTES  # what goes on after Sunday is Monday's
    return made


def _span(hours: str | None, text: str) -> tuple[int, int]:
    """Where in a day the span begins, and how many minutes it has."""
    if hours is None:
        return 0, _DAY
    found = _HOURS.fullmatch(hours)
    assert found is not None
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    begin, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or begin >= _DAY or end > _DAY:
        raise ValueError(f'"{text}" has no such time of day; write 00:00 to 24:00')
    if begin == end:
        raise ValueError(f'"{text}" begins where it ends; leave the hours out for the whole day')
    return begin, (end - begin) % _DAY or _DAY


def _days(word: str, text: str) -> list[int]:
    found: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f'"{text}" has a day that is none of {", ".join(DAYS)}; {_INSTEAD}')
        begin = DAYS.index(first)
        count = (DAYS.index(last) - begin) % 7 + 1 if dash else 1
        found += [(begin + each) % 7 for each in range(count)]
    return found


@lru_cache(64)
def zone_of(name: str) -> ZoneInfo:
    """The time zone `name`. Raises `ValueError` where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; a directory is an OSError
        raise ValueError(f'"{name}" is no time zone; write one of the IANA database, as in "Europe/Zurich"') from None


def minute_of(wall: float, zone: str) -> int:
    """Which minute of the week it is in `zone`, `wall` seconds after 1970."""
    return _minute(int(wall // 60), zone)


@lru_cache(64)
def _minute(minutes: int, zone: str) -> int:
    there = datetime.fromtimestamp(minutes * 60, zone_of(zone))
    return there.weekday() * _DAY + there.hour * 60 + there.minute
