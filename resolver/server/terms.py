"""Decides on which terms HTTPS is answered, and keeps count of whom they were held against.

It stands apart from `https.py` so that who does not answer HTTPS does not load what does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

STREAMS: Final = 100
"""Requests under way on one connection (RFC 9113 section 6.5.2 advises no less)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """At which `paths` DNS is answered, with so many `streams` of a connection at a time.

    `fields` are the header fields that are told of a query, in lower case: those that rules look at.
    """

    paths: frozenset[bytes] = frozenset({b"/dns-query"})
    streams: int = STREAMS
    fields: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class Https:
    """What all listeners for HTTPS of a program share."""

    terms: Terms = field(default_factory=Terms)
    """Those from the next request on."""
    refused: int = 0
    """Requests that asked nothing, or not as RFC 8484 has it: told one of the 4xx."""
    reset: int = 0
    """Requests that were beyond a limit, or are told nothing: their streams were reset."""
    calmed: int = 0
    """Connections that were ended because of what the client sent beside requests, or of how it sent them."""
    put_off: int = 0
    """Reads of which a rest waited for a later turn of the loop, since it asked for too much work at once."""
    cut: int = 0
    """Requests that were refused, and whose bodies went on and on: their streams were ended."""

    def counts(self) -> dict[str, int]:
        """What has been counted, by public name."""
        return {
            "https.refused": self.refused,
            "https.reset": self.reset,
            "https.calmed": self.calmed,
            "https.put_off": self.put_off,
            "https.bodies_cut": self.cut,
        }
