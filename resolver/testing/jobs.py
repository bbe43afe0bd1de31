"""Decides what runs in the thread of an internet for what a test says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar

from resolver.errors import InputError
from resolver.message import Edns, Question
from resolver.testing.inside import Inside, Told
from resolver.testing.undeclared import UndeclaredName
from resolver.wire import names, types

T = TypeVar("T")
Job: TypeAlias = Callable[[Inside], Coroutine[Any, Any, T]]


def asks(
    asked: Question, *, tcp: bool = False, dnssec: bool = False, cd: bool = False, checked: bool = True
) -> Job[Told]:
    """What asks for `asked`, and if `checked` raises `UndeclaredName` for mistakes."""

    async def ask(inside: Inside) -> Told:
        mistake = inside.undeclared.mistake(names.fold(asked.name)) if checked else None
        if mistake is not None:
            raise UndeclaredName(mistake)
        told = await inside.ask(asked, tcp=tcp, edns=Edns(do=dnssec), cd=cd)
        mistake = inside.undeclared.dangling(told.message.answer) if checked else None
        if mistake is not None:
            inside.undeclared.found.pop(mistake, None)
            raise UndeclaredName(mistake)
        return told

    return ask


def question(name: str, rtype: str) -> Question:
    """The question that a test asks; a name may be written with all letters. Raises `InputError` and ValueError."""
    for given in (name, rtype):
        if not isinstance(given, str):
            raise InputError(f"{given!r} is no text", instead='write a name and a type, as ("www.shop.example", "A")')
    return Question(names.from_text(name if name.isascii() else name.encode("idna").decode()), types.from_text(rtype))


def listed(values: Any) -> list[str]:
    """`values` as a list; what is neither a text nor a list is left for its reader to refuse."""
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def saved(name: str) -> Job[None]:
    """What keeps zones and faults under `name`."""

    async def save(inside: Inside) -> None:
        (await inside.laboratory()).save(name)

    return save


def restored(name: str) -> Job[None]:
    """What brings back those kept under `name`."""

    async def restore(inside: Inside) -> None:
        await (await inside.laboratory()).restore(name)
        inside.taken()

    return restore
