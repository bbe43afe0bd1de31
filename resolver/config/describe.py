"""How a setting is described to people: its type, unit and range, the same in messages and in the
reference."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from resolver.config.environment import parts_of

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

UNITS: Final = {"_per_s": "per second", "_ms": "milliseconds", "_s": "seconds", "_kb": "KiB", "_mb": "MiB"}
WORDS: Final[dict[Any, str]] = {
    int: "an integer",
    float: "a number",
    bool: "`true` or `false`",
    str: "a text",
    Path: "a path",
}


def kind(field: FieldInfo) -> str:
    """What is to be written for `field`, without its bounds."""
    for one in field.metadata:
        if getattr(one, "form", ""):
            return str(one.form)
    words = []
    for part in parts_of(field.annotation):
        if get_origin(part) is Literal:
            words += [f'`"{choice}"`' for choice in get_args(part)]
        elif part is not types.NoneType:
            words.append(WORDS[part])
    return " or ".join(words)


def bounds(field: FieldInfo) -> str:
    """The range of `field`, or nothing if it has none."""
    low = high = above = None
    for one in _metadata(field):
        low, high, above = getattr(one, "ge", low), getattr(one, "le", high), getattr(one, "gt", above)
    if high is None or (low is None and above is None):
        return ""
    return f"{low} to {high}" if above is None else f"above {above}, at most {high}"


def _metadata(field: FieldInfo) -> Iterator[object]:
    """What is said of `field`, and of what it is where it may be missing."""
    yield from field.metadata
    for part in get_args(field.annotation):
        for one in getattr(part, "__metadata__", ()):
            yield from getattr(one, "metadata", (one,))


def unit(key: str, field: FieldInfo) -> str:
    """The unit of `field`, or nothing if it has none."""
    for one in _metadata(field):
        told = getattr(one, "unit", "")
        if told:
            return str(told)
    return next((name for suffix, name in UNITS.items() if key.endswith(suffix)), "")


def allowed(field: FieldInfo) -> str:
    """What may be written for `field`, with its bounds."""
    text = kind(field).replace("`", "")
    limits = bounds(field)
    return f"{text}, {limits}" if limits else text
