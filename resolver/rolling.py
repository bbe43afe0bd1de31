"""Asks for the keys of the zones that are followed when they are due, and hands on what is believed of them (RFC 5011).

Rules
* A zone is asked at the time that RFC 5011 section 2.3 says, of wall time: the timer is looked at every `LOOK_S`, since
  a wall clock may be set. Two questions are never under way, nor less than `PAUSE_S` apart.
* The set is asked for unchecked and anew: what is held of it may be older than the interval, and who judges it is the
  trust point (`dnssec.keyset`).
* A change is logged, handed on at once and kept. That it could not be kept is logged, and nothing else: it is tried
  again with the next question.

Limits: each of several workers does this for itself, as they see the same keys; the first one alone keeps it, so that
what one has seen later is not overwritten by what another saw before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from resolver.dnssec.following import Following
from resolver.dnssec.rollover import State
from resolver.engine.outcome import Answer
from resolver.errors import ResolutionFailed
from resolver.message import Question, Type
from resolver.network.base import Clock, Timer
from resolver.observe.log import Log
from resolver.wire import names

LOOK_S: Final = 600.0
"""Seconds after which the wall clock is looked at again: a sixth of the shortest interval (RFC 5011 section 2.3)."""
PAUSE_S: Final = 1.0
"""Seconds between two questions, so that an error here can never make a loop of them."""

Done = Callable[[Answer | ResolutionFailed], None]
AskAnew = Callable[[Question, Done], None]
"""Asks a question unchecked, whatever is held of it, and tells what came of it."""


class Rolling:
    """The questions for the keys of the zones of one file of anchors."""

    def __init__(
        self,
        following: Following,
        ask: AskAnew,
        believe: Callable[[], None],
        *,
        clock: Clock,
        log: Log,
        loop: asyncio.AbstractEventLoop | None,
        keeps: bool = True,
    ) -> None:
        """`believe` is called when `following.anchors` have changed. Files are written in a thread of `loop`; without
        one, here, as virtual time demands. Where others follow the same zones, one of them `keeps` what is known."""
        self._following, self._ask, self._believe = following, ask, believe
        self._clock, self._log, self._loop = clock, log, loop
        self._timer: Timer | None = None
        self._keeps, self._ended = keeps, False
        self.flights = 0
        """Questions under way: none or one."""

    def begin(self) -> None:
        """The zones are asked when they are due, from now on. Those that have never been are due at once."""
        self._wait(PAUSE_S)

    def cancel(self) -> None:
        """Nothing is asked any more, and nothing believed of what is still told."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, least: float) -> None:
        if not self._ended:
            left = self._following.next_at - self._clock.wall()
            self._timer = self._clock.after(min(LOOK_S, max(least, left)), self._look)

    def _look(self) -> None:
        if self._following.next_at > self._clock.wall():
            self._wait(PAUSE_S)
            return
        zone = self._following.next_zone
        self.flights = 1
        self._ask(Question(zone, Type.DNSKEY), lambda told: self._told(zone, told))

    def _told(self, zone: bytes, told: Answer | ResolutionFailed) -> None:
        self.flights = 0
        if self._ended:
            return
        wall = self._clock.wall()
        keys = None
        if isinstance(told, Answer):
            listed = (each for each in told.rrsets if each.type == Type.DNSKEY and names.fold(each.name) == zone)
            keys = next(listed, None)
        if keys is None:
            self._following.failed(zone, wall)
            reason = str(told) if isinstance(told, ResolutionFailed) else "there are none"
            self._log.warning("trust_anchor_not_refreshed", zone=names.to_text(zone), reason=reason)
        else:
            changes = self._following.seen(keys, () if keys.proof is None else keys.proof.signatures, wall)
            for key, state in changes:
                report = self._log.warning if state in (State.REVOKED, State.MISSING) else self._log.info
                report("trust_anchor", zone=names.to_text(zone), key=key.tag, state=state or "forgotten")
            if changes:
                self._believe()
        if self._keeps:
            self._save()
        self._wait(PAUSE_S)

    def _save(self) -> None:
        saving = self._following.saving()
        if self._loop is None:
            self._saved(_tried(saving))
        else:
            self._loop.run_in_executor(None, _tried, saving).add_done_callback(lambda done: self._saved(done.result()))

    def _saved(self, wrong: OSError | None) -> None:
        if wrong is not None:
            self._log.warning("trust_anchor_state_not_kept", file=str(self._following.state), reason=wrong.strerror)


def _tried(saving: Callable[[], None]) -> OSError | None:
    """What went wrong with `saving`, if anything."""
    try:
        saving()
    except OSError as wrong:
        return wrong
    return None
