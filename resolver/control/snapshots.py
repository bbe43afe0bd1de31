"""Decides how all zones and faults are kept under a name, and put back.

Limits: snapshots are in memory, and end with the daemon. They are `laboratory.MAX_SNAPSHOTS` at a time.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from resolver.control import schemas
from resolver.control.changing import agreed, plan_of
from resolver.control.table import Ask, Inside, OfProgram, Refused, Shape
from resolver.laboratory import MAX_SNAPSHOT_NAME, MAX_SNAPSHOTS


def _listed(inside: Inside, _: Ask) -> object:
    return {"snapshots": [dict(each) for each in inside.laboratory.saved()]}


async def _save(inside: Inside, ask: Ask) -> object:
    plan_of(inside)
    said = dict(inside.laboratory.save(ask.body["name"]))
    inside.challenges.save(ask.body["name"])
    return said


async def _restore(inside: Inside, ask: Ask) -> object:
    name = _known(inside, ask.body["name"])
    plan_of(inside)
    said = dict(await inside.laboratory.restore(name))
    inside.challenges.restore(inside, name)
    return said


async def _delete(inside: Inside, ask: Ask) -> object:
    name = _known(inside, ask.path["name"])
    said = dict(inside.laboratory.drop(name))
    inside.challenges.drop(name)
    return said


def _known(inside: Inside, name: str) -> str:
    there = [str(each["name"]) for each in inside.laboratory.saved()]
    if name not in there:
        instead = f"there are {', '.join(map(schemas.shown, there))}" if there else "POST /snapshots/save makes one"
        raise Refused(HTTPStatus.NOT_FOUND, f"there is no snapshot {schemas.shown(name)}; {instead}")
    return name


_NAME: Final = schemas.text("The name of a snapshot.", most=MAX_SNAPSHOT_NAME, least=1)
_BODY: Final = schemas.record("", {"name": _NAME})
_SNAPSHOT: Final = schemas.table("Its `name`, and what is in it.", schemas.ANYTHING)

ROUTES: Final = (
    OfProgram(
        "POST",
        "/snapshots/save",
        "all zones and faults are kept under a name",
        _save,
        agreed,
        Shape(body=_BODY, answer=_SNAPSHOT, example={"name": "before"}),
    ),
    OfProgram(
        "GET",
        "/snapshots",
        "what is kept",
        _listed,
        agreed,
        Shape(answer=schemas.record("", {"snapshots": schemas.listed("", _SNAPSHOT, most=MAX_SNAPSHOTS)})),
    ),
    OfProgram(
        "POST",
        "/snapshots/restore",
        "all zones and faults are as they were then, and the cache is empty",
        _restore,
        agreed,
        Shape(body=_BODY, answer=_SNAPSHOT, example={"name": "before"}),
    ),
    OfProgram(
        "DELETE",
        "/snapshots/{name}",
        "a snapshot is gone",
        _delete,
        agreed,
        Shape(path={"name": _NAME}, answer=_SNAPSHOT, target="/snapshots/before"),
    ),
)
