"""Decides what can be changed, and seen, of a program while it runs: its world, its faults, its time, its history.

One object for all who do so: the fixtures of tests (`testing/`) and the routes of the control socket and of the admin
listener (`control/`). All of it is to be used in the program's loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from resolver.auth.plan import Plan
    from resolver.network.faults import FaultTable
    from resolver.observe.history import History
    from resolver.program import Program


class Lab(NamedTuple):
    """What a test arranges and a reload keeps: what goes wrong on purpose, and where messages are remembered, if
    anywhere."""

    faults: FaultTable
    history: History | None = None


class MovableClock(Protocol):
    """A clock that can be moved: `testing.virtual_time.VirtualClock` over a `MovableLoop`."""

    def wall(self) -> float:
        """Seconds since 1970."""
        ...

    async def advance(self, seconds: float) -> None:
        """`seconds` have passed, and all that fell due in them has happened, in its order. Raises ValueError for less
        than 0."""
        ...

    def freeze(self) -> None:
        """TTLs and the wall clock stand still; timeouts go on."""
        ...

    def thaw(self) -> None:
        """They go on from where they stood."""
        ...

    @property
    def frozen(self) -> bool:
        """Whether they stand still."""
        ...


class Laboratory:
    """A running program whose world can be changed. `clock` is None where time cannot be moved."""

    def __init__(self, program: Program, clock: MovableClock | None = None, plan: Plan | None = None) -> None:
        """Without a `plan` it is read from the program's world when it is first needed."""
        self.program, self.clock = program, clock

    @property
    def plan(self) -> Plan:
        """What the world is to be. Raises `ConfigError` where none is served, and `ZoneError`."""
        raise NotImplementedError

    @property
    def faults(self) -> FaultTable:
        """What goes wrong on purpose."""
        raise NotImplementedError

    @property
    def history(self) -> History | None:
        """What was asked and answered; None where it is not kept."""
        raise NotImplementedError

    async def apply(self, forget: Iterable[bytes] = ()) -> None:
        """What has been changed of the plan is in force. The resolver's cache is kept, but for the folded names
        `forget`. Raises `ZoneError`; then nothing has changed."""
        raise NotImplementedError

    def save(self, name: str) -> Mapping[str, Any]:
        """The zones and faults as they are now are kept under `name`."""
        raise NotImplementedError

    async def restore(self, name: str) -> Mapping[str, Any]:
        """The zones and faults are those kept under `name`, and the cache is empty. Raises `InputError` where there are
        none."""
        raise NotImplementedError

    def saved(self) -> list[Mapping[str, Any]]:
        """What is kept, and since when."""
        raise NotImplementedError
