"""Decides how a test moves the time of its internet."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NoReturn

from resolver.errors import InputError
from resolver.network.faults import values
from resolver.testing.calling import at_the_callers_line
from resolver.testing.tried import not_there
from resolver.testing.virtual_time import LONGEST_ADVANCE_S

if TYPE_CHECKING:
    from resolver.testing.inside import Inside

Duration = str | float | datetime.timedelta
"""A time like `250ms`, `30s`, `5m`, `2h`, `1d`; a number of seconds; or a timedelta."""

_HINT: Final = 'write seconds, or a time like "250ms", "30s", "5m", "2h", "1d"'
_read: Final = values.seconds(0, LONGEST_ADVANCE_S)


def seconds(duration: Duration) -> float:
    """`duration` in seconds. Raises `InputError` for what is none, and for less than 0."""
    given = duration.total_seconds() if isinstance(duration, datetime.timedelta) else duration
    if isinstance(given, int | float) and given < 0:
        raise InputError(f"time does not go back: {duration!r} is less than 0", instead=_HINT)
    try:
        made: float = _read(given)
    except values.Unfit as unfit:
        raise InputError(str(unfit), instead=_HINT) from None
    return made


class TestClock:
    """The time of an internet. It stands between two questions, until the internet is real: then it passes."""

    __test__ = False  # or pytest would look for tests in it

    def __init__(self, run: Callable[[Callable[[Inside], Coroutine[Any, Any, Any]]], Any]) -> None:
        """`run` runs what it is given in the internet's thread."""
        self._run = run

    @at_the_callers_line
    def advance(self, duration: Duration) -> None:
        """So much time has passed: TTLs have run down, and what was due has happened. Raises `InputError`."""
        passed = seconds(duration)
        self._run(lambda inside: inside.clock.advance(passed))

    def freeze(self) -> None:
        """TTLs and the wall clock stand still; timeouts go on."""

        async def freeze(inside: Inside) -> None:
            inside.clock.freeze()

        self._run(freeze)

    def thaw(self) -> None:
        """They go on from where they stood."""

        async def thaw(inside: Inside) -> None:
            inside.clock.thaw()

        self._run(thaw)

    @property
    def frozen(self) -> bool:
        """Whether they stand still."""

        async def frozen(inside: Inside) -> bool:
            return inside.clock.frozen

        found: bool = self._run(frozen)
        return found

    @property
    def now(self) -> datetime.datetime:
        """What the wall clock of this internet says, in UTC."""

        async def now(inside: Inside) -> float:
            return inside.clock.wall()

        return datetime.datetime.fromtimestamp(self._run(now), datetime.UTC)

    def time(self) -> float:
        """The same in seconds since 1970: what stands in for `time.time` in code under test."""

        async def wall(inside: Inside) -> float:
            return inside.clock.wall()

        found: float = self._run(wall)
        return found

    def monotonic(self) -> float:
        """Seconds that have passed, from some moment on, frozen or not: what stands in for `time.monotonic` in code
        under test, such as a pool that keeps answers for their TTL."""

        async def monotonic(inside: Inside) -> float:
            return inside.clock.monotonic()

        found: float = self._run(monotonic)
        return found

    if not TYPE_CHECKING:

        def __getattr__(self, word: str) -> NoReturn:
            """Raises AttributeError, which says what was meant."""
            __tracebackhide__ = True
            raise not_there(self, word, dir(type(self)))

    def __repr__(self) -> str:
        return f"<clock at {self.now:%Y-%m-%dT%H:%M:%SZ}{', frozen' if self.frozen else ''}>"
