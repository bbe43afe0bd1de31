"""Decides how what was asked and answered is shown, where a history is kept.

Rules: a history is long, so it is looked through in pieces, and clients are answered between them.

Limits: `running.MAX_ENTRIES` messages in one answer, and `MAX_OCTETS` of them, the newest.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from resolver.control import schemas
from resolver.control.running import LIMIT, limit_of
from resolver.control.table import Answers, Ask, Inside, OfProgram, Refused, Shape
from resolver.observe.wanted import WORDS, matcher, wanted
from resolver.workers import aggregation

if TYPE_CHECKING:
    from resolver.observe.history import History

MAX_OCTETS: Final = 4 << 20
"""Octets of the messages in one answer, whose JSON is five times as long: 10,000 of usual size, or 64 of 64 KB."""

PIECE: Final = 50
"""Messages that are looked at in one go: some 7 ms of the loop, where all of them are told."""

NOT_KEPT: Final = "no messages are remembered; set history.messages, as in 1000, and start the daemon again"


def history_of(inside: Inside) -> History:
    """What was asked and answered. Raises `Refused` where it is not kept."""
    history = inside.laboratory.history
    if history is None:
        raise Refused(HTTPStatus.CONFLICT, NOT_KEPT)
    return history


async def _select(inside: Inside, ask: Ask) -> object:
    history, limit = history_of(inside), limit_of(ask)
    holds = matcher(wanted({word: ask.query[word] for word in WORDS if word in ask.query}))
    found: list[dict[str, Any]] = []
    octets = 0
    for number, each in enumerate(reversed(tuple(history))):
        if number % PIECE == PIECE - 1:
            await asyncio.sleep(0)
        if len(found) == limit:
            break
        if holds(each):
            octets += each.octets
            if found and octets > MAX_OCTETS:
                break
            found.append(each.as_data())
    return {"messages": found[::-1], "forgotten": history.forgotten}


def _all_selected(ask: Ask, answers: Answers) -> dict[str, Any]:
    return aggregation.messages(answers, limit_of(ask))


async def _clear(inside: Inside, _: Ask) -> object:
    return {"cleared": history_of(inside).clear()}


def _all_cleared(_: Ask, answers: Answers) -> dict[str, Any]:
    return {"cleared": sum(answer["cleared"] for answer in answers)}


_SAYS: Final = {
    "side": "`client` for what the resolver was asked, `server` for what simulated servers were.",
    "server": "A simulated server, by name or address; `*.gtld.test.` is any below gtld.test.",
    "name": "What was asked for; `*.example.com` is any below example.com.",
    "zone": "What was asked for is at or below this name.",
    "type": "The type that was asked for.",
    "rcode": "What was replied; `none` for nothing.",
    "transport": "`udp`, `tcp` or `tls`.",
    "client": "Who asked: an address or a network.",
    "fault": "A fault that was applied.",
    "since": "From this time on: RFC 3339, or seconds since 1970.",
    "until": "Before this time.",
    "after": "Messages with a greater number.",
}
_WORDS: Final = {word: schemas.text(_SAYS[word], most=1024) for word in WORDS}
_MESSAGES: Final = schemas.listed(
    "Oldest first; docs/history.md says what each says.", schemas.table("", schemas.ANYTHING), most=1 << 20
)

ROUTES: Final = (
    OfProgram(
        "GET",
        "/history",
        "what was asked and answered: the newest that all parameters hold of",
        _select,
        _all_selected,
        Shape(
            query={**_WORDS, "limit": LIMIT},
            answer=schemas.record(
                "",
                {
                    "messages": _MESSAGES,
                    "forgotten": schemas.integer("Older ones that are not remembered any more.", 0, 1 << 53),
                },
            ),
            target="/history?side=client&zone=shop.example&limit=10",
        ),
    ),
    OfProgram(
        "POST",
        "/history/clear",
        "nothing is remembered any more",
        _clear,
        _all_cleared,
        Shape(answer=schemas.record("", {"cleared": schemas.integer("Messages.", 0, 1 << 53)})),
    ),
)
