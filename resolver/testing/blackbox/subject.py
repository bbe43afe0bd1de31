"""Decides how a daemon in a process of its own plays the part of the resolver.

Rules
* Time is real. A step that waits, waits for an event, `PATIENCE_S` at most; nothing sleeps but TIME_PASSES.
* What can happen without time passing has happened when every client is answered, or when no message has come or gone
  for `PAUSE_S`. Traffic has stopped when that is so for `QUIET_S`.
* Times that a script wants may be off by `TOLERANCE_S`, since messages and processes take a while. TTLs may be lower by
  one for any part of a second that has passed, since daemons count whole seconds of the machine's clock.
* A client whose octets are no query may get no answer, and is not waited for but by a step that checks it. Between
  two steps there are `PACE_S` at least, so that many such octets overflow no buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from resolver.errors import WireError
from resolver.message import QR, Transport
from resolver.network.base import Endpoint
from resolver.network.clock import RealClock
from resolver.observe.transcript import Node
from resolver.testing.blackbox.clients import Clients
from resolver.testing.blackbox.daemon import Daemon
from resolver.testing.blackbox.servers import Servers, addresses
from resolver.testing.replay.network import ScriptedNetwork
from resolver.testing.replay.script import Scenario, Step
from resolver.testing.replay.settings import Arrangement
from resolver.testing.replay.subject import Answered, octets
from resolver.wire.parse import parse

PATIENCE_S: Final = 20.0
"""Seconds that a step waits for what must come."""

PAUSE_S: Final = 0.05
"""Seconds without a message after which nothing more happens by itself, as far as a further step is concerned."""

QUIET_S: Final = 0.25
"""Seconds without a message after which traffic has stopped."""

TOLERANCE_S: Final = 0.25
"""Seconds by which AFTER and WITHIN may be missed."""

PACE_S: Final = 0.001
"""Seconds between two steps."""

FIRST_ID: Final = 1
"""Of the clients' queries, which are numbered."""


class Outside:
    """A daemon at `where`, as a `Subject`. `daemon` is its process, once it runs and is ours to watch.

    What it sends before the first step, to find the root servers, is answered as in the first step.
    """

    patience_s = PATIENCE_S
    tolerance_s = TOLERANCE_S
    unseen_s = 0.0

    def __init__(self, scenario: Scenario, where: Endpoint) -> None:
        self._loop = asyncio.get_running_loop()
        self._scenario = scenario
        self.daemon: Daemon | None = None
        self._clock = RealClock(self._loop)
        self.changed = asyncio.Event()
        self.network = ScriptedNetwork(scenario, self._clock, Arrangement(), self._happened)
        self._servers = Servers(self.network, self._happened)
        self._clients = Clients(where)
        self._moved = self._loop.time()
        self._asked = self._answered = 0

    async def bind(self) -> None:
        """The servers of the script are there. Raises OSError."""
        self.network.go_to(self._scenario.steps[0].number)
        await self._servers.bind(addresses(self._scenario))

    @property
    def clock(self) -> RealClock:
        """The time of this machine."""
        return self._clock

    def ask(self, step: Step, transport: Transport, answered: Answered) -> None:
        """The daemon has been sent the query."""
        assert step.entry is not None
        wire = octets(step.entry, FIRST_ID + self._asked)
        self._asked += 1
        odd = not _is_query(wire)

        def heard(answer: bytes) -> None:
            self._answered += not odd
            answered(answer)
            self._happened()

        self._clients.ask(wire, step.address, transport, heard, odd=odd)
        self._happened()
        if odd:
            self._answered += 1
            answered(None)

    async def pause(self) -> None:
        """Every client is answered, or nothing moves."""
        await asyncio.sleep(PACE_S)
        await self._until_quiet(PAUSE_S, unless_answered=True)

    async def settle(self) -> None:
        """No message has come or gone for a while."""
        await self._until_quiet(QUIET_S, unless_answered=False)

    async def advance(self, step: Step) -> None:
        """The seconds of `step` have really passed."""
        await self.settle()
        await asyncio.sleep(step.seconds)

    def broken(self) -> tuple[str, list[str]] | None:
        """The end of the daemon, or a message that cannot be played."""
        if self.daemon is not None and (ended := self.daemon.ended()) is not None:
            return ended, []
        return (self._servers.trouble, []) if self._servers.trouble else None

    def nodes(self) -> list[Node]:
        """None: how the daemon thinks is not known."""
        return []

    async def stop(self) -> None:
        """The daemon and all that was bound are gone."""
        self._clients.close()
        self._servers.close()
        if self.daemon is not None:
            self.daemon.stop()

    def _happened(self) -> None:
        self._moved = self._loop.time()
        self.changed.set()

    async def _until_quiet(self, seconds: float, *, unless_answered: bool) -> None:
        while not (unless_answered and self._answered == self._asked):
            left = self._moved + seconds - self._loop.time()
            if left <= 0:
                return
            self.changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), left)


def _is_query(wire: bytes) -> bool:
    try:
        message = parse(wire)
    except WireError:
        return False
    return message.question is not None and not message.flags & QR
