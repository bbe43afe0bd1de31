"""Decides what a worker that is started again is told of what the others were told before.

Rules: members of pools that an operator has drained get no questions from it either. What the settings do not name any
more it refuses, and nobody minds.

Limits: for the moment between its start and the telling it sends them some. All else that was changed it does not have
(`speaking.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from resolver.control.pools import DRAIN, UNDRAIN

if TYPE_CHECKING:
    from resolver.workers.link import Link

TOLD_S: Final = 10.0
"""Seconds for its answer, which nobody waits for."""

MAX_DRAINED: Final = 4096
"""Members that are remembered; the oldest makes room."""


class Repeating:
    """The members that are drained, by pool and name."""

    def __init__(self) -> None:
        self._drained: dict[tuple[str, str], None] = {}

    def heard(self, path: str, value: Mapping[str, Any]) -> bool:
        """Whether the change at the route `path`, of which a worker says `value`, is one that is repeated."""
        if path == DRAIN:
            self._drained[value["pool"], value["drained"]] = None
            if len(self._drained) > MAX_DRAINED:
                del self._drained[next(iter(self._drained))]
            return True
        if path == UNDRAIN:
            self._drained.pop((value["pool"], value["undrained"]), None)
            return True
        return False

    def tell(self, link: Link) -> None:
        """The worker behind `link` is told."""
        for pool, member in self._drained:
            target = DRAIN.replace("{pool}", quote(pool, safe=""))
            link.ask("POST", target, json.dumps({"member": member}).encode(), TOLD_S)
