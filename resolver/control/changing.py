"""Decides how a change of the world is made: whole, or not at all; and what of it the resolver's own cache forgets.

Rules: what cannot be leaves the plan, and what runs, as they were. What was changed is forgotten, so that the next
question sees it: names, and zones that came or went with all below them, the automatic ones included. `"forget": false`
keeps all, and then TTLs decide, as they do on the Internet.

Limits: what other resolvers hold is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resolver.control import schemas
from resolver.control.table import Answers, Ask, Inside, Refused
from resolver.errors import ConfigError
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.auth.plan import Plan

T = TypeVar("T")

NAME: Final = schemas.text("A domain name.", most=1024, least=1)
TTL: Final = schemas.integer("Seconds.", 0, (1 << 31) - 1)
FORGET: Final = schemas.flag("Whether the resolver's own cache forgets what was changed; true unless said.")


def plan_of(inside: Inside) -> Plan:
    """What the world is to be. Raises `Refused` where none is served, and `ZoneError`."""
    try:
        return inside.laboratory.plan
    except ConfigError as wrong:
        raise Refused(HTTPStatus.CONFLICT, str(wrong)) from None


async def change(inside: Inside, edit: Callable[[Plan], T], forget: Iterable[bytes]) -> T:
    """What `edit` gives, which has changed the plan; that is in force, and `forget` (folded names) forgotten, with the
    zones that came or went; nothing is, if those are none.

    Raises `ZoneError` and `ListenError`; then nothing has changed.
    """
    plan = plan_of(inside)
    before = plan.save()
    try:
        value, changed = edit(plan), set(forget)
        if changed:
            changed |= before.zones.keys() ^ plan.save().zones.keys()
        await inside.laboratory.apply(sorted(changed))
    except BaseException:
        plan.restore(before)
        raise
    return value


def folded(text: str) -> bytes:
    """The name that `text` says. Raises `BadName`."""
    return names.fold(names.from_text(text))


def forgotten(ask: Ask, *changed: bytes) -> tuple[bytes, ...]:
    """Those of `changed` that are to be forgotten."""
    return changed if ask.body.get("forget", True) and ask.query.get("forget") != "false" else ()


def agreed(_: Ask, answers: Answers) -> Any:
    """What all say who were told the same."""
    return answers[0]
