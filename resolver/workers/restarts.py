"""Decides when a worker that has died is started again, and when the daemon gives up.

Rules: at once the first time, so that the queries which wait in its sockets are answered; then after a time that
doubles, for what kills it may be what it is asked. One that has lived for `STEADY_S` begins anew. After `MOST` deaths
in a row that came too soon the daemon ends with an error: its own supervisor, or a person, is better placed to
decide. One that cannot even be started, while others answer, says nothing of what clients ask: it is tried every
`UNABLE_S` then, until what it reads is in order again, or there is room for one more process.

Limits: each worker is counted by itself.
"""

from __future__ import annotations

from typing import Final

STEADY_S: Final = 30.0
"""Seconds after which a worker's earlier deaths are forgotten."""

FIRST_S: Final = 0.25
"""The wait after the second death in a row; each further one doubles it."""

MOST: Final = 6
"""Deaths in a row, each before `STEADY_S`, with which the daemon ends."""

UNABLE_S: Final = 30.0
"""The wait for one that could not be started so often, while others answer."""


class Restarts:
    """The deaths of one worker."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def died(self, lived_s: float) -> float | None:
        """Seconds until it is started again, now that it has died after `lived_s`; None when it is not any more."""
        self._in_a_row = 1 if lived_s >= STEADY_S else self._in_a_row + 1
        if self._in_a_row >= MOST:
            return None
        return 0.0 if self._in_a_row == 1 else FIRST_S * 2.0 ** (self._in_a_row - 2)
