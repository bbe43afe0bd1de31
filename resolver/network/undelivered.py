"""Decides how trouble known before anything is sent reaches the sender: from the loop, once.

Rules: `Network.send` never calls `deliver` itself, so that a caller's code after `send` always runs first.

Limits: one timer per message, freed when it fires or is closed.
"""

from __future__ import annotations

from functools import partial

from resolver.network.base import Clock, Deliver, Trouble


class Undelivered:
    """A `Sending` that never left: `trouble` is delivered in the loop's next turn, unless closed before."""

    __slots__ = ("_timer",)

    def __init__(self, clock: Clock, deliver: Deliver, trouble: Trouble) -> None:
        self._timer = clock.after(0, partial(deliver, trouble))

    def close(self) -> None:
        """Deliver nothing any more. Calling it again does nothing."""
        self._timer.cancel()
