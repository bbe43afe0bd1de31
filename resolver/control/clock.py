"""Decides how the time of a daemon is moved, frozen and thawed, where it was started with `--test-clock`.

Limits: the clock only goes forward. Nothing moves the time of clients, nor of what else runs on this machine.
"""

from __future__ import annotations

import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from resolver.control import schemas
from resolver.control.changing import agreed
from resolver.control.table import Ask, Inside, OfProgram, Refused, Shape
from resolver.errors import InputError
from resolver.network.faults.values import Unfit, seconds

if TYPE_CHECKING:
    from resolver.laboratory import MovableClock

LONGEST_S: Final = 10 * 365 * 86_400.0
"""Ten years in one step: no TTL is longer than 68, and no signature that anybody makes lasts for one."""

NOT_MOVABLE: Final = "the time of this daemon cannot be moved; start it with `resolver serve --test-clock`"

_by = seconds(0, LONGEST_S)


def _clock(inside: Inside) -> MovableClock:
    if inside.laboratory.clock is None:
        raise Refused(HTTPStatus.CONFLICT, NOT_MOVABLE)
    return inside.laboratory.clock


def _shown(clock: MovableClock) -> dict[str, object]:
    wall = clock.wall()
    time = datetime.datetime.fromtimestamp(wall, datetime.UTC).isoformat(timespec="milliseconds")
    return {"time": time.replace("+00:00", "Z"), "wall": round(wall, 3), "frozen": clock.frozen}


def _show(inside: Inside, _: Ask) -> object:
    return _shown(_clock(inside))


async def _advance(inside: Inside, ask: Ask) -> object:
    clock = _clock(inside)
    try:
        step = _by(ask.body["by"])
    except Unfit as wrong:
        raise InputError(str(wrong), where="by", instead=wrong.instead) from None
    try:
        await clock.advance(step)
    except ValueError as wrong:
        raise InputError(str(wrong), where="by", instead="start the daemon again") from None
    return _shown(clock)


async def _freeze(inside: Inside, _: Ask) -> object:
    clock = _clock(inside)
    clock.freeze()
    return _shown(clock)


async def _thaw(inside: Inside, _: Ask) -> object:
    clock = _clock(inside)
    clock.thaw()
    return _shown(clock)


_TIME: Final = schemas.record(
    "",
    {
        "time": schemas.text("The wall clock of the daemon, as in RFC 3339."),
        "wall": schemas.number("The same in seconds since 1970."),
        "frozen": schemas.flag("Whether TTLs and the wall clock stand still."),
    },
)
_STEP: Final = schemas.record(
    "",
    {
        "by": schemas.either(
            "How much time passes.", schemas.text("As `90s`, `5m`, `2h`, `1d`.", most=32), schemas.number("Seconds.")
        )
    },
)

ROUTES: Final = (
    OfProgram("GET", "/clock", "what time it is for the daemon", _show, agreed, Shape(answer=_TIME)),
    OfProgram(
        "POST",
        "/clock/advance",
        "time passes, and what falls due happens",
        _advance,
        agreed,
        Shape(body=_STEP, answer=_TIME, example={"by": "5m"}),
    ),
    OfProgram(
        "POST",
        "/clock/freeze",
        "TTLs and the wall clock stand still; timeouts go on",
        _freeze,
        agreed,
        Shape(answer=_TIME),
    ),
    OfProgram("POST", "/clock/thaw", "they go on from where they stood", _thaw, agreed, Shape(answer=_TIME)),
)
