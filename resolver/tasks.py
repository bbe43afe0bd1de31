"""Who owns what is under way in the background: one object, so that nothing is lost and all has ended when the program
has.

Rules
* What is under way is no task and no coroutine: a task and the turns of the loop that it takes cost a third of
  answering a question. What it waits for calls it.
* It ends by itself, or is cancelled; in both cases it has told whoever waits for it once it has ended.
"""

from __future__ import annotations

from typing import Protocol


class Running(Protocol):
    """What has something under way, and can end all of it."""

    @property
    def flights(self) -> int:
        """How much is under way."""
        ...

    def cancel(self) -> None:
        """Nothing is under way any more, and whoever waits has been told."""
        ...


class Tasks:
    """All that have something under way; its length is how much that is."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[Running] = set()

    def __len__(self) -> int:
        return sum(running.flights for running in self._running)

    def own(self, running: Running) -> None:
        """`running` is ended by `cancel`, until it is let go."""
        self._running.add(running)

    def let_go(self, running: Running) -> None:
        """`running` has nothing under way."""
        self._running.discard(running)

    def cancel(self) -> None:
        """Nothing is under way any more."""
        while self._running:  # who waited for what has been ended may have begun something else
            self._running.pop().cancel()
