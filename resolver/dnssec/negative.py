"""Decides which zones are taken for unsigned although they are not: negative trust anchors (RFC 7646).

Rules
* A negative trust anchor covers its zone and all below, and holds until its end, of wall time: an exception that nobody
  remembers would switch validation off for good (RFC 7646 section 2).
* Of trust anchors and negative ones at or above a name the closest decides, so that a signed zone below an excepted one
  can have an anchor of its own; where both stand at one name the negative one does: a person wrote it for a reason.

Limits: whether the zone has been repaired meanwhile is not found out; the end is there for that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from resolver.dnssec import moments
from resolver.errors import BadName
from resolver.text import quoted
from resolver.wire import names

MAX_LISTED: Final = 1000
"""Negative trust anchors of one configuration: they are looked up by name, so this bounds memory alone."""

INSTEAD: Final = 'write "ZONE", or "ZONE until TIME" as in "example.com until 2026-12-24T00:00:00Z"'

_WRITTEN: Final = re.compile(r"(\S+)(?:\s+until\s+(\S+))?")


class NegativeAnchor(NamedTuple):
    """A zone, folded, that is taken for unsigned until `until`, in seconds since 1970; None is for ever."""

    zone: bytes
    until: float | None = None

    def __str__(self) -> str:
        zone = names.to_text(self.zone)
        return zone if self.until is None else f"{zone} until {moments.written(self.until)}"

    def holds(self, wall: float) -> bool:
        """Whether it is in force at `wall`, in seconds since 1970."""
        return self.until is None or wall < self.until


class NegativeAnchors:
    """The negative trust anchors of a configuration. Of two for one zone the one that holds longer counts."""

    def __init__(self, listed: Iterable[NegativeAnchor] = ()) -> None:
        self._at: dict[bytes, NegativeAnchor] = {}
        for one in listed:
            known = self._at.get(one.zone)
            if known is None or (known.until is not None and (one.until is None or one.until > known.until)):
                self._at[one.zone] = one

    def __len__(self) -> int:
        return len(self._at)

    def above(self, name: bytes, wall: float) -> NegativeAnchor | None:
        """The closest one at or above `name`, folded, that holds at `wall`; None when there is none."""
        if self._at:
            for zone in names.ancestors(name):
                found = self._at.get(zone)
                if found is not None and found.holds(wall):
                    return found
        return None

    def beginning(self, name: bytes, anchored: Collection[bytes], wall: float) -> bytes | NegativeAnchor | None:
        """Where the chain of trust to `name`, folded, begins: the closest zone of `anchored`, which have a trust
        anchor.

        A `NegativeAnchor` when that is as close or closer: the name is insecure by configuration. None when there is
        neither: nothing can be said (indeterminate, RFC 4035 section 4.3).
        """
        for zone in names.ancestors(name):
            negative = self._at.get(zone)
            if negative is not None and negative.holds(wall):
                return negative
            if zone in anchored:
                return zone
        return None


def read(text: str) -> NegativeAnchor:
    """The negative trust anchor that "ZONE" or "ZONE until TIME" names, with a time of RFC 3339 or a date, which is its
    first moment in UTC. Raises ValueError with what is wrong and what to write instead."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"{quoted(text)} is no negative trust anchor; {INSTEAD}")
    try:
        zone = names.fold(names.from_text(written[1]))
    except BadName as wrong:
        raise ValueError(f"{quoted(text)} names no zone ({wrong}); {INSTEAD}") from None
    try:
        return NegativeAnchor(zone, None if written[2] is None else moments.read(written[2]))
    except ValueError:
        raise ValueError(f"{quoted(text)} has no time behind until; {INSTEAD}") from None
