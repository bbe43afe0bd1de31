"""What a person may have meant by a section, a key or a variable that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from resolver.config import environment
from resolver.config.layers import fields_of, written
from resolver.config.sections import LISTED, NAMED, SECTIONS, Fields

_CALLED: Final = {"dot": "tls", "doh": "https"}
"""What others call the transports that keys are named after."""


def nearest_section(section: str) -> str:
    """What to write in the place of an unknown `section`."""
    homes = [name for name, fields in SECTIONS.items() if section in fields]
    if homes:
        return f"'{section}' belongs below [{homes[0]}]"
    nearest = _nearest(section.lower(), _all())
    if nearest:
        return f"did you mean {header(nearest)}?"
    return f"the sections are {', '.join(_all())}"


def nearest_key(label: str, key: str) -> str:
    """What to write in the place of an unknown `key` under `label`."""
    known = fields_of(label)
    ours = "_".join(_CALLED.get(word, word) for word in key.lower().split("_"))
    nearest = _nearest(ours, known)
    homes = [name for name, fields in _all().items() if key in fields]
    if homes:
        return f"'{key}' belongs below {header(homes[0])}"
    return f"did you mean '{nearest}'?" if nearest else f"its keys are {', '.join(known)}"


def nearest_variable(name: str) -> str:
    """What to write in the place of the unknown variable `name`."""
    known = [environment.variable(section, key) for section, fields in SECTIONS.items() for key in fields]
    own_part = len(environment.PREFIX)  # compared without what all have in common
    nearest = _nearest(name[own_part:], [one[own_part:] for one in known])
    return f"did you mean {environment.PREFIX}{nearest}?" if nearest else f"known are {known[0]} and the like"


def header(section: str) -> str:
    """How a table of `section` begins, in general."""
    return f"[{section}.NAME]" if section in NAMED else written(section)


def _nearest(word: str, known: Iterable[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), 1, 0.6)), None)


def _all() -> dict[str, Fields]:
    """The keys of all sections."""
    return {**SECTIONS, **NAMED, **LISTED}
