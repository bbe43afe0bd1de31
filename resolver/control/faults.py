"""Decides how what goes wrong on purpose is listed and changed while a daemon runs.

Rules: a rule is written here as in hierarchy.toml (docs/faults.md); `network/faults.py` reads it and says what is wrong
with it. Those that the world declares are listed, too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from resolver.control import schemas
from resolver.control.changing import agreed
from resolver.control.table import Answers, Ask, Inside, OfProgram, Refused, Shape
from resolver.errors import InputError
from resolver.network.faults import rule
from resolver.network.faults.words import CONDITIONS, WORDS
from resolver.workers import aggregation

MAX_ID: Final = 1 << 53


def _listed(inside: Inside, _: Ask) -> object:
    return {"faults": inside.laboratory.faults.listed()}


def _all_listed(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.faults(answers)


async def _add(inside: Inside, ask: Ask) -> object:
    table, wanted = inside.laboratory.faults, rule(ask.body)
    table.check(wanted)
    return {"id": table.add(wanted), **wanted.as_data()}


async def _clear(inside: Inside, _: Ask) -> object:
    return {"cleared": inside.laboratory.faults.clear()}


async def _clear_one(inside: Inside, ask: Ask) -> object:
    number = ask.path["id"]
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise InputError(
            f"{schemas.shown(number)} is no id of a fault",
            instead="write its number",
        )
    try:
        return {"cleared": inside.laboratory.faults.clear(int(number))}
    except InputError as wrong:
        raise Refused(HTTPStatus.NOT_FOUND, str(wrong)) from None


def _said(does: str, takes: str) -> dict[str, str]:
    return {"description": f"{does[:1].upper()}{does[1:]}: {takes}." if takes else f"{does}."}


_RULE: Final = {
    "type": "object",
    "description": "A rule: `kind`, the parameters of that word (docs/faults.md), and conditions.",
    "properties": {
        "kind": schemas.text("What goes wrong; one of " + ", ".join(f"`{word}`" for word in WORDS) + ".", most=64),
        **{each.word: _said(each.does, each.takes) for each in CONDITIONS.values()},
    },
}
_LISTED: Final = schemas.table(
    "The rule, with its `id`, how often it was `applied`, its `state`, and whether the world has `declared` it.",
    schemas.ANYTHING,
)
_CLEARED: Final = schemas.record("", {"cleared": schemas.integer("Rules that are in force no more.", 0, MAX_ID)})

ROUTES: Final = (
    OfProgram(
        "POST",
        "/faults",
        "something goes wrong from now on",
        _add,
        agreed,
        Shape(
            body=_RULE,
            answer=schemas.table("The rule, with its `id`.", schemas.ANYTHING),
            example={"kind": "silent", "zone": "shop.example", "count": 3},
        ),
    ),
    OfProgram(
        "GET",
        "/faults",
        "what goes wrong on purpose",
        _listed,
        _all_listed,
        Shape(answer=schemas.record("", {"faults": schemas.listed("", _LISTED, most=1 << 20)})),
    ),
    OfProgram(
        "DELETE",
        "/faults/{id}",
        "one of them does not any more",
        _clear_one,
        agreed,
        Shape(path={"id": schemas.text("The id of a fault.", most=16)}, answer=_CLEARED, target="/faults/1"),
    ),
    OfProgram(
        "DELETE",
        "/faults",
        "nothing that was added here goes wrong any more",
        _clear,
        agreed,
        Shape(answer=_CLEARED),
    ),
)
