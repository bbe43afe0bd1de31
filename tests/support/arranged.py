"""A laboratory without a program: the plan, the faults and the history are real, and what is applied is kept."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from resolver.auth.hierarchy import World
from resolver.auth.plan import Plan
from resolver.config import Config, Loaded
from resolver.control.challenges import Challenges
from resolver.control.routes import routes
from resolver.control.table import Inside, Table
from resolver.control.turns import Turns
from resolver.errors import ConfigError, InputError, ListenError, ResolverdError
from resolver.laboratory import Laboratory, MovableClock
from resolver.network.faults import FaultTable
from resolver.observe.history import History
from resolver.observe.log import Log


class Pools:
    """A double of the pools of a program: one with one member."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def listed(self) -> list[dict[str, object]]:
        """It."""
        return [{"name": "office", "members": [{"name": "left", "state": "up"}]}]

    def drain(self, pool: str, member: str) -> str:
        """It is told."""
        return self._tell("drain", pool, member)

    def undrain(self, pool: str, member: str) -> str:
        """It is told."""
        return self._tell("undrain", pool, member)

    def _tell(self, what: str, pool: str, member: str) -> str:
        if pool != "office":
            raise InputError(f'there is no pool "{pool}"', instead="did you mean 'office'?")
        self.told.append((what, pool, member))
        return "left"


class Program:
    """A double of the running program."""

    def __init__(self) -> None:
        self.pools = Pools()
        self.flushed: list[tuple[bytes, bool]] = []

    def stats(self) -> Mapping[str, int | float | str]:
        """Two of them."""
        return {"queries.udp": 3, "mode": "iterative"}

    def cache_entries(self, limit: int) -> Sequence[Mapping[str, object]]:
        """As many as are asked for, to 200."""
        return [{"name": "www.example.com.", "type": "A", "ttl": 30, "records": 1}] * min(limit, 200)

    def flush(self, name: bytes, subtree: bool) -> int:
        """Two, always; `boom.` is a bug."""
        self.flushed.append((name, subtree))
        if name == b"\x04boom\0":
            raise RuntimeError("boom")
        return 2


class Arranged:
    """A double of `Laboratory`."""

    def __init__(self, clock: MovableClock | None = None, messages: int = 0) -> None:
        self.plan_or_none: Plan | None = Plan()
        self.faults = FaultTable()
        self.history = History(messages) if messages else None
        self.clock = clock
        self.applied: list[tuple[World, tuple[bytes, ...]]] = []
        self.fails: ResolverdError | None = None
        self.kept: dict[str, Any] = {}

    @property
    def plan(self) -> Plan:
        """What the world is to be."""
        if self.plan_or_none is None:
            raise ConfigError("no world is served", instead="set world.serve = true")
        return self.plan_or_none

    async def apply(self, forget: Iterable[bytes] = ()) -> None:
        """It is, but where it fails."""
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        self.applied.append((self.plan.world(), tuple(forget)))

    @property
    def forgotten(self) -> tuple[bytes, ...]:
        """What was forgotten with the last change."""
        return self.applied[-1][1]

    def save(self, name: str) -> Mapping[str, Any]:
        """It is kept."""
        self.kept[name] = self.plan.save()
        return {"name": name}

    async def restore(self, name: str) -> Mapping[str, Any]:
        """It is back."""
        self.plan.restore(self.kept[name])
        await self.apply()
        return {"name": name}

    def drop(self, name: str) -> Mapping[str, Any]:
        """It is not kept."""
        del self.kept[name]
        return {"name": name}

    def saved(self) -> list[Mapping[str, Any]]:
        """All that is."""
        return [{"name": name} for name in self.kept]


class Asked:
    """The table of a daemon, and what it answers; changes take their turn at once."""

    def __init__(
        self, laboratory: Arranged | None = None, program: Program | None = None, config: Config | None = None
    ) -> None:
        self.laboratory, self.program = laboratory or Arranged(), program or Program()
        self.config = config or Config()
        self.turns = Turns(lambda: None)
        self.log = io.StringIO()
        self.inside = Inside(
            self.program,
            cast(Laboratory, self.laboratory),
            lambda: Loaded(self.config, {"cache.size_mb": "default"}, None),
            Challenges(),
        )
        self.table = Table(routes(self.inside, self.turns), Log(self.log, lambda: 0.0))

    async def __call__(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        """Status and value; what the value was before it was JSON cannot be told."""
        said: list[tuple[int, Any]] = []
        octets = b"" if body is None else json.dumps(body).encode()
        self.table.answer(method, target, octets, lambda status, _, value: said.append((status, value)))
        await self.turns.run()
        await asyncio.sleep(0)
        ((status, value),) = said
        return status, json.loads(json.dumps(value))

    async def done(self, method: str, target: str, body: object = None) -> Any:
        """The value of what succeeds."""
        status, value = await self(method, target, body)
        assert status == 200, value
        return value

    async def refused(self, method: str, target: str, body: object = None) -> tuple[int, str]:
        """Status and line of what is refused."""
        status, value = await self(method, target, body)
        assert status >= 400, value
        assert "\n" not in value["error"]
        return status, value["error"]


BUSY = ListenError("cannot listen on 127.53.2.1:53 (UDP): port 53 is taken", "stop it")
