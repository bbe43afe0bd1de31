"""Decides how pools are listed, and their members drained, while a daemon runs.

Rules: of several workers each has members of its own: what is counted is added, and a member that is not in the same
state for all of them is "mixed". What one is told all are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from resolver.control import schemas
from resolver.control.changing import agreed
from resolver.control.table import Answers, Ask, Inside, OfProgram, Shape
from resolver.workers import aggregation

PATH: Final = "/pools"
DRAIN: Final = "/pools/{pool}/drain"
UNDRAIN: Final = "/pools/{pool}/undrain"
MAX_COUNT: Final = 1 << 53


def _listed(inside: Inside, _: Ask) -> object:
    return {"pools": inside.program.pools.listed()}


def _all_listed(_: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.pools(answers)


async def _drain(inside: Inside, ask: Ask) -> object:
    pool = ask.path["pool"]
    return {"pool": pool, "drained": inside.program.pools.drain(pool, ask.body["member"])}


async def _undrain(inside: Inside, ask: Ask) -> object:
    pool = ask.path["pool"]
    return {"pool": pool, "undrained": inside.program.pools.undrain(pool, ask.body["member"])}


def _count(says: str) -> Mapping[str, Any]:
    return schemas.integer(says, 0, MAX_COUNT)


def _known(says: str, of: Mapping[str, Any]) -> Mapping[str, Any]:
    return schemas.either(says, of, {"type": "null"})


_MEMBER: Final = schemas.record(
    "A server.",
    {
        "name": schemas.text("By which it is drained."),
        "upstream": schemas.text("Where it is, and how it is spoken to."),
        "state": schemas.word("Whether it takes questions.", "up", "starting", "down", "drained", "mixed"),
        "since_s": _known("Seconds in this state; null since the start.", schemas.number("Seconds.", 0)),
        "weight": schemas.integer("Its weight.", 1, 1000),
        "outstanding": _count("Questions that it has not answered yet."),
        "rtt_ms": _known("Its smoothed response time.", schemas.number("Milliseconds.", 0)),
        "picked": _count("How often it was chosen."),
        "replied": _count("Questions with a reply that was of use."),
        "failed": _count("Questions without."),
        "checks": _count("Checks that were made."),
        "checks_failed": _count("Those that failed."),
        "check": _known("What the last one said: `ok`, or why it failed.", schemas.text("In words.")),
    },
)
_POOL: Final = schemas.record(
    "A pool.",
    {
        "name": schemas.text("Of `[pools.NAME]`."),
        "mode": schemas.word("What is done with questions.", "forward", "relay"),
        "policy": schemas.text("How a member is chosen."),
        "check": schemas.text("How members are checked."),
        "when_all_down": schemas.word("Whom questions go to then.", "open", "closed"),
        "members": schemas.listed("In the order of the settings.", _MEMBER),
    },
)
_NAMED: Final = schemas.text("Its name, or the address where there is only one of it.", most=512, least=1)
_OF_POOL: Final = {"pool": schemas.text("The name of a pool.", most=64)}


def _shape(done: str) -> Shape:
    return Shape(
        path=_OF_POOL,
        body=schemas.record("", {"member": _NAMED}),
        answer=schemas.record("", {"pool": schemas.text("Its name."), done: schemas.text("The name of the member.")}),
        example={"member": "192.0.2.1"},
        target=f"/pools/office/{done.removesuffix('ed')}",
    )


ROUTES: Final[Sequence[OfProgram]] = (
    OfProgram(
        "GET",
        PATH,
        "pools, and how their members are",
        _listed,
        _all_listed,
        Shape(answer=schemas.record("", {"pools": schemas.listed("", _POOL)})),
    ),
    OfProgram("POST", DRAIN, "a member gets no new questions", _drain, agreed, _shape("drained")),
    OfProgram("POST", UNDRAIN, "it gets them again, if it is up", _undrain, agreed, _shape("undrained")),
)
