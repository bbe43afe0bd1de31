"""Decides what runs in the thread of an internet for what a test says."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ipaddress
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar

from resolver.errors import InputError
from resolver.message import Edns, Question, Type
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


async def awaited(future: concurrent.futures.Future[T]) -> T:
    """What comes of `future`, while the loop that this is awaited in, of asyncio or of trio, goes on."""
    __tracebackhide__ = True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        trio = sys.modules.get("trio")
        if trio is None:
            raise
        return await trio.to_thread.run_sync(future.result)  # type: ignore[no-any-return]
    return await asyncio.wrap_future(future)


def question(name: str, rtype: str) -> Question:
    """The question that a test asks; a name may be written with all letters. Raises `InputError` and ValueError."""
    for given in (name, rtype):
        if not isinstance(given, str):
            raise InputError(f"{given!r} is no text", instead='write a name and a type, as ("www.shop.example", "A")')
    asked = types.from_text(rtype)
    if asked == Type.PTR and (reverse := _reverse(name)) is not None:
        raise InputError(f"{name} is an address", instead=f"write the name that PTR records have: {reverse!r}")
    return Question(names.from_text(spelled(name)), asked)


def spelled(name: Any) -> Any:
    """`name`, which may be written with all letters, in A-labels, as `socket` makes them. Raises UnicodeError, a
    ValueError, for what cannot be a name; what is no text is left for its reader to refuse."""
    return name.encode("idna").decode() if isinstance(name, str) and not name.isascii() else name


def _reverse(name: str) -> str | None:
    """The name below which the address `name` has its PTR records; None for what is no address."""
    try:
        return ipaddress.ip_address(name).reverse_pointer
    except ValueError:
        return None


def listed(values: Any) -> list[str]:
    """`values` as a list; what is neither a text nor a list is left for its reader to refuse."""
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def put(name: str, rtype: str, values: Any, ttl: int | None, *, keep: bool) -> Callable[[Inside], None]:
    """What sets the records of that name and type, or with `keep` adds to them. Raises `InputError`, and
    `UndeclaredName` where it would be the automatic zone of a top-level domain that has them."""

    def change(inside: Inside) -> None:
        owner = spelled(name)
        if isinstance(owner, str) and (mistake := inside.undeclared.mistake(names.fold(names.from_text(owner)))):
            raise UndeclaredName(mistake)
        (inside.plan.add if keep else inside.plan.put)(owner, rtype, listed(values), ttl=ttl)

    return change


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
