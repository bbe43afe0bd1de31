"""Who owns what runs in the background: one object, so that nothing is lost and all has ended when the program has.

Rules
* A coroutine that is handed over begins at once, in the call that hands it over, and no task is made for it: a task and
  the turns of the loop that it takes cost a third of answering a question.
* What it waits for wakes it up directly. That is a `Pending` value, which costs a fifth of a future, or any future.
* It ends by itself, or is cancelled as a task is: `CancelledError` is raised where it waits.

Limits: code that asks which task is running (`asyncio.timeout`, `TaskGroup`) is not for such coroutines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar, cast

T = TypeVar("T")

_NOTHING: Final = object()
"""What a value is before it is there."""


class Pending(Generic[T]):
    """A value that somebody will have: `await` gives it, within `settle` to what `Tasks` runs. One may wait for it."""

    __slots__ = ("_asyncio_future_blocking", "_resume", "_value")

    def __init__(self) -> None:
        self._value: object = _NOTHING
        self._resume: Callable[[], object] | None = None
        self._asyncio_future_blocking = False

    def done(self) -> bool:
        """Whether the value is there."""
        return self._value is not _NOTHING

    def settle(self, value: T) -> None:
        """The value is there; the first one counts."""
        if self._value is _NOTHING:
            self._value = value
            resume, self._resume = self._resume, None  # nothing may be left of who waited
            if resume is not None:
                resume()

    def __await__(self) -> Generator[Any, None, T]:
        if self._value is _NOTHING:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def when_settled(self, resume: Callable[[], object]) -> None:
        """`resume` is called within `settle`."""
        self._resume = resume

    # What a task asks of a future

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Any = None) -> None:
        """`callback` is called in the next turn of the loop once the value is there."""
        resume = partial(asyncio.get_running_loop().call_soon, callback, self, context=context)
        if self._value is _NOTHING:
            self._resume = resume
        else:
            resume()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        return asyncio.get_running_loop()

    def result(self) -> T:
        """The value. Raises `CancelledError` when nobody wants it any more."""
        if isinstance(self._value, asyncio.CancelledError):
            raise self._value
        return cast(T, self._value)

    def cancel(self, msg: object = None) -> bool:
        """Whoever waits is told that it does so in vain; True if there was no value yet."""
        if self._value is not _NOTHING:
            return False
        self.settle(cast(T, asyncio.CancelledError()))
        return True


class Ending(Protocol):
    """What runs until it ends, and can be ended."""

    def cancel(self) -> None:
        """It ends soon; what it promised to do at its end is done."""
        ...


class Tasks:
    """What runs until it ends or `cancel` is called. Its `spawn` is a `message.Spawn`."""

    __slots__ = ("_emptied", "_running")

    def __init__(self) -> None:
        self._running: set[Ending] = set()
        self._emptied: Pending[None] | None = None

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """`work` runs, from now on, until it ends."""
        run = _Run(work, self)
        self._running.add(run)
        run.go_on()

    def own(self, running: Ending) -> None:
        """`running` is ended by `cancel`, until it is let go."""
        self._running.add(running)

    def let_go(self, running: Ending) -> None:
        """`running` has ended."""
        self._running.discard(running)
        if self._emptied is not None and not self._running:
            self._emptied.settle(None)

    async def cancel(self) -> None:
        """Nothing runs any more, and all has done what it promised to do at its end."""
        told: set[Ending] = set()
        while left := self._running - told:  # who waited for what has been ended may have begun something else
            told |= left
            for running in left:
                if running in self._running:  # it may have waited for one that has been ended
                    running.cancel()
        if self._running:
            self._emptied = Pending()
            await self._emptied
            self._emptied = None


class _Run:
    """A coroutine on its way, without a task."""

    __slots__ = ("_owner", "_stepping", "_unwelcome", "_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], owner: Tasks) -> None:
        self._work, self._owner = work, owner
        self._waits_for: Any = None
        self._stepping = self._unwelcome = False

    def go_on(self, _: object = None) -> None:
        """`work` has run until it waits again, or has ended."""
        self._step(self._work.send, None)

    def cancel(self) -> None:
        """`CancelledError` is raised where `work` waits; where it does not wait, once it does."""
        if self._stepping:
            self._unwelcome = True
            return
        waits_for = self._waits_for
        if isinstance(waits_for, Pending):
            waits_for.when_settled(_ignore)
        elif isinstance(waits_for, asyncio.Handle):
            waits_for.cancel()
        elif waits_for is not None:
            waits_for.remove_done_callback(self.go_on)
        self._step(self._work.throw, asyncio.CancelledError())

    def _step(self, step: Callable[[Any], Any], what: object) -> None:
        self._stepping = True
        self._waits_for = None
        try:
            waits_for = step(what)
        except (StopIteration, asyncio.CancelledError):
            self._owner.let_go(self)
            return
        except Exception as error:
            self._owner.let_go(self)
            context = {"message": "work in the background broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return
        finally:
            self._stepping = False
        self._waits_for = waits_for
        if self._unwelcome:
            self._unwelcome = False
            self.cancel()
        elif type(waits_for) is Pending:
            waits_for.when_settled(self.go_on)
        elif waits_for is None:  # `asyncio.sleep(0)`
            self._waits_for = asyncio.get_running_loop().call_soon(self.go_on)
        else:
            waits_for._asyncio_future_blocking = False
            waits_for.add_done_callback(self.go_on)


def _ignore() -> None:
    """Nobody waits any more."""
