"""Decides in which order causes are looked for: what happened before anybody was asked, what failed, what was held,
what was answered. The last applies to everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from resolver.explain.case import Case
from resolver.explain.cause import Explanation, Said


class Cause(NamedTuple):
    """A cause, and what says so where it applies."""

    name: str
    applies: Callable[[Case], Said | None]


def _unknown(case: Case) -> Said | None:
    """Nothing is known of it."""
    return Said(f"{case.asked} was answered as it is told, and nothing more is known of that.")


CAUSES: Final[tuple[Cause, ...]] = (Cause("unknown", _unknown),)


def first_of(case: Case) -> Explanation:
    """The first cause that applies to `case`."""
    for name, applies in CAUSES:
        said = applies(case)
        if said is not None:
            return Explanation(name, *said)
    raise AssertionError("the last cause applies to everything")
