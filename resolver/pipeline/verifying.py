"""Decides where signatures are checked: right here, or in a thread beside the loop, so that no client waits for it.

Rules
* In production one thread checks them, in the order in which they came. A check lets go of the interpreter, so the loop
  goes on meanwhile; it is told in a turn of its own.
* In virtual time, which knows no threads, they are checked within the call.
* Whoever asked may have ended by then: it is told all the same, and has to know.

Limits: at most `MAX_WAITING` signatures wait, for `LONGEST_S` at most. A further one fails at once, as the failure of
who asked (`BUSV`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final, Protocol

from resolver.engine.actions import Check, Verified
from resolver.engine.budget import OTHER
from resolver.errors import ResolutionFailed

MAX_WAITING: Final = 1_024
LONGEST_S: Final = 0.2
"""Seconds that so many take, at 25 to 190 microseconds each by their algorithm."""

Judge = Callable[[Check], bool]
"""Says whether a signature holds. It never raises, and may be called in any thread."""
Done = Callable[[Verified], None]


def cryptography(check: Check) -> bool:
    """Whether the signature holds."""
    from resolver.dnssec.algorithms import verify  # 4 MB that a resolver which proves nothing has no use for

    return verify(check)


class Verifier(Protocol):
    """Where signatures are checked."""

    def verify(self, checks: tuple[Check, ...], done: Done) -> Verified | None:
        """Which of `checks` hold; or None, and `done` is told in a later turn of the loop.

        Raises `ResolutionFailed` where too many are waiting.
        """
        ...

    def close(self) -> None:
        """Nothing more is checked, and nobody is told any more."""
        ...


class Inline:
    """Checks signatures within the call."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge or cryptography

    def verify(self, checks: tuple[Check, ...], done: Done) -> Verified:
        """Which of `checks` hold."""
        return Verified(tuple(map(self._judge, checks)))

    def close(self) -> None:
        """There is nothing to close."""


class Threaded:
    """Checks signatures in a thread of its own, which begins with the first of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, judge: Judge | None = None) -> None:
        self._judge, self._loop = judge or cryptography, loop
        # A pool of threads takes three times as long to hand a check over, which is as much as half of the check.
        self._queue: SimpleQueue[tuple[tuple[Check, ...], Done] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._waiting = 0
        self._closed = False

    def verify(self, checks: tuple[Check, ...], done: Done) -> None:
        """None; `done` is told which of `checks` hold. Raises `ResolutionFailed` where too many are waiting."""
        if self._waiting + len(checks) > MAX_WAITING:
            raise ResolutionFailed(
                "BUSV", OTHER, "too many signatures wait to be checked", label="verifier_busy", own_limit=True
            )
        self._waiting += len(checks)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="signatures", daemon=True)
            self._thread.start()
        self._queue.put((checks, done))

    def close(self) -> None:
        """Nothing more is checked; what is being checked is told to nobody."""
        self._closed = True
        self._queue.put(None)

    def _run(self) -> None:
        """In the thread, until it is closed."""
        while (asked := self._queue.get()) is not None and not self._closed:
            self._check(*asked)

    def _check(self, checks: tuple[Check, ...], done: Done) -> None:
        """What is told of some checks. A loop that has been closed meanwhile is told nothing."""
        judge = self._judge
        good = []
        for check in checks:
            try:
                good.append(judge(check))
            except Exception as error:  # a bug: what breaks the check does not hold
                good.append(False)
                self._tell(self._broke, error)
        self._tell(self._verified, len(checks), Verified(tuple(good)), done)

    def _tell(self, tell: Callable[..., None], *what: object) -> None:
        try:
            self._loop.call_soon_threadsafe(tell, *what)
        except RuntimeError:
            if not self._closed:
                raise

    def _verified(self, count: int, verified: Verified, done: Done) -> None:
        self._waiting -= count
        if not self._closed:
            done(verified)

    def _broke(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "a check of a signature broke", "exception": error})
