"""Decides what can be changed, and seen, of a program while it runs: its world, its faults, its time, its history.

One object for all who do so: the fixtures of tests (`testing/`) and the routes of the control socket and of the admin
listener (`control/`). All of it is to be used in the program's loop.

Rules
* The plan of a world that stands in a directory is read when it is first needed, so that it costs nothing before. A
  reload reads the directory again: what was changed is gone, and so is the plan that said it. Snapshots stay.
* A change is in force when it has been applied, whole or not at all. TTLs are what they are: the cache goes on, but for
  names that are to be forgotten. Where the root's key is another one, nothing that was held can be believed any more.

Limits: `MAX_SNAPSHOTS` in memory. A plan is read in the loop, and a large world takes seconds.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from resolver.errors import ConfigError, InputError, ListenError, ZoneError
from resolver.network.faults import FaultTable, Rule
from resolver.text import nearest
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.auth.plan import Plan
    from resolver.auth.planned import Saved
    from resolver.observe.history import History
    from resolver.program import Program

MAX_SNAPSHOTS: Final = 32
"""Snapshots that are kept at a time; each shares with the others what is the same in them."""
MAX_SNAPSHOT_NAME: Final = 100
"""Characters of a snapshot's name."""


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


class _Snapshot(NamedTuple):
    """What is kept: the plan as it was at `time` (wall), and the faults that were added at run time."""

    time: float
    plan: Saved
    faults: tuple[Rule, ...]


class Laboratory:
    """A running program whose world can be changed. `clock` is None where time cannot be moved."""

    def __init__(self, program: Program, clock: MovableClock | None = None, plan: Plan | None = None) -> None:
        """Without a `plan`, which the program's world was made of, it is read when it is first needed."""
        self.program, self.clock = program, clock
        self._given = plan is not None
        self._plan = plan
        self._applied = None if plan is None else plan.save()
        self._reloads = program.reloads
        self._snapshots: dict[str, _Snapshot] = {}
        self._turn = asyncio.Lock()
        if program.lab.lines is not None:
            program.lab.lines.plan = lambda: self.plan

    @property
    def plan(self) -> Plan:
        """What the world is to be. Raises `ConfigError` where none is served, or where nobody knows how it was
        declared, and `ZoneError`."""
        if self._plan is None or (not self._given and self._reloads != self.program.reloads):
            self._plan = self._read()
            self._applied, self._reloads = self._plan.save(), self.program.reloads
        return self._plan

    @property
    def faults(self) -> FaultTable:
        """What goes wrong on purpose."""
        return self.program.lab.faults

    @property
    def history(self) -> History | None:
        """What was asked and answered; None where it is not kept."""
        return self.program.lab.history

    async def apply(self, forget: Iterable[bytes] = ()) -> None:
        """What has been changed of the plan is in force. The resolver's cache is kept, but for the folded names
        `forget`, and what is below those that are zones. Raises `ZoneError` and `ListenError`; then nothing has
        changed, and the plan is what it was."""
        async with self._turn:
            plan, before = self.plan, self._applied
            assert before is not None
            wanted = plan.save()
            try:
                if wanted is not before:
                    await self.program.change(plan.world())
            except (ZoneError, ListenError):
                plan.restore(before)
                raise
            self._applied = wanted
        for name in forget:
            self._forget(name, {*before.zones, *wanted.zones})

    def save(self, name: str) -> Mapping[str, Any]:
        """The zones and faults as they are now are kept under `name`, in place of what was. Raises `InputError` for
        what is no name, or where there are too many."""
        if not name.isprintable() or not 0 < len(name) <= MAX_SNAPSHOT_NAME:
            instead = f"write 1 to {MAX_SNAPSHOT_NAME} printable characters"
            raise InputError(f"{name!r} is no name of a snapshot", instead=instead)
        if name not in self._snapshots and len(self._snapshots) >= MAX_SNAPSHOTS:
            known = ", ".join(sorted(self._snapshots))
            instead = f"drop one, or save over one of: {known}"
            raise InputError(f"{MAX_SNAPSHOTS} snapshots are the most", where=name, instead=instead)
        self._snapshots.pop(name, None)
        self._snapshots[name] = _Snapshot(self.program.clock.wall(), self.plan.save(), self.faults.added())
        return self._told(name)

    async def restore(self, name: str) -> Mapping[str, Any]:
        """The zones and faults are those kept under `name`, and the cache is empty. Faults begin to count anew. Raises
        `InputError` where there are none, and what `apply` raises; then nothing has changed."""
        snapshot = self._snapshot(name)
        self.plan.restore(snapshot.plan)
        await self.apply()
        self.faults.restore(snapshot.faults)
        self.program.flush(names.ROOT, subtree=True)
        return self._told(name)

    def drop(self, name: str) -> Mapping[str, Any]:
        """Nothing is kept under `name` any more: what was. Raises `InputError` where there was nothing."""
        self._snapshot(name)
        told = self._told(name)
        del self._snapshots[name]
        return told

    def saved(self) -> list[Mapping[str, Any]]:
        """What is kept, and since when, the oldest first."""
        return [self._told(name) for name in self._snapshots]

    def _read(self) -> Plan:
        from resolver.auth.plan import Plan

        if not self.program.config.world_served:
            raise ConfigError("no world is served that could be changed", instead='set resolver.roots = "simulated"')
        directory = self.program.directory
        if directory is None:
            what = "the world was handed in as an object, and how it was declared is not known"
            raise ConfigError(what, instead="hand over the plan that it was made of, too")
        return Plan.read(directory)

    def _forget(self, name: bytes, zones: Collection[bytes]) -> None:
        """Nothing is held of `name`, nor that what is above it in its zone does not exist."""
        if name.startswith(names.WILDCARD):
            self.program.flush(names.parent(name), subtree=True)
        self.program.flush(name, subtree=name in zones)
        for above in itertools.takewhile(lambda above: above not in zones, names.ancestors(name)):
            self.program.flush(above, subtree=False)

    def _snapshot(self, name: str) -> _Snapshot:
        snapshot = self._snapshots.get(name)
        if snapshot is None:
            instead = nearest(name, self._snapshots) or "save one first"
            raise InputError("there is no such snapshot", where=name, instead=instead)
        return snapshot

    def _told(self, name: str) -> Mapping[str, Any]:
        snapshot = self._snapshots[name]
        faults = len(snapshot.faults)
        return {"name": name, "time": round(snapshot.time, 3), "zones": len(snapshot.plan.zones), "faults": faults}
