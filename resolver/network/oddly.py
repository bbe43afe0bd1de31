"""Decides how a reply is handed over that does not travel as replies do.

Rules: a server still calls `send` exactly once (`message.Respond`). What it gives may be `Oddly`: octets, with how they
are to be delivered. The simulated network and the listeners of simulated servers see to that; for all others it is a
reply like any.
"""

from __future__ import annotations

import enum


class Stream(enum.StrEnum):
    """What becomes of a stream once it is open, in place of a reply."""

    RESET = "reset"
    """It is reset when the query arrives."""
    HANGING = "hanging"
    """Half of the reply comes, then nothing, and it stays open."""
    EMPTY = "empty"
    """A frame of no octets comes, which tells the sender as little as a reset: so `sockets` reads it, too."""
    CUT = "cut"
    """It ends in the middle of the reply."""


class Oddly(bytes):
    """The octets of a reply: delivered `copies` times; from another place than was asked, where `source` says `address`
    or `port`; by a stream as `stream` says, each octet `octet_ms` milliseconds after the one before."""

    copies: int = 1
    source: str = ""
    stream: Stream | None = None
    octet_ms: float = 0.0

    @classmethod
    def of(
        cls,
        octets: bytes,
        *,
        copies: int = 1,
        source: str = "",
        stream: Stream | None = None,
        octet_ms: float = 0.0,
    ) -> Oddly:
        """`octets`, to be delivered so."""
        made = cls(octets)
        made.copies, made.source, made.stream, made.octet_ms = copies, source, stream, octet_ms
        return made

    @property
    def arriving(self) -> list[bytes | None]:
        """What arrives, as it is delivered: each copy; of a stream that ends early the octets before that, None for
        nothing."""
        octets = bytes(self)
        match self.stream:
            case Stream.RESET:
                return [None]
            case Stream.EMPTY:
                return [b""]
            case Stream.HANGING | Stream.CUT:
                return [octets[: len(octets) // 2]]
            case None:
                return [octets] * self.copies
