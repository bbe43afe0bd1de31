"""Decides how moments of wall time are written by people: RFC 3339, in seconds, with an offset; shown in UTC.

Limits: the years 1970 to 9999.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from resolver.text import quoted

_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d))?")
_YEAR_10000: Final = 253_402_300_800
"""Seconds since 1970 from which on a moment has no form in RFC 3339."""


def read(text: str) -> float:
    """The seconds since 1970 that `text` says; a date alone is its first moment in UTC. Raises ValueError."""
    try:
        if _WRITTEN.fullmatch(text) is not None:
            found = datetime.fromisoformat(text.upper())
            seconds = (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
            if 0 <= seconds < _YEAR_10000:
                return seconds
    except ValueError:
        pass  # a month of 13
    raise ValueError(f"{quoted(text[:40])} is no time; write one as in 2026-12-24T00:00:00Z")


def written(seconds: float) -> str:
    """`seconds` since 1970, of the years 1970 to 9999, as RFC 3339 writes them in UTC, without their fraction."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
