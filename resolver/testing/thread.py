"""Decides where the internet of a test runs: in a thread with a loop of its own, so that whoever asks it may have a
loop of theirs.

Rules
* The thread begins with the first coroutine that is handed in, and ends with `close`.
* While the loop is virtual it runs only as long as a coroutine does that was handed in: between two of them no time
  passes, and what was begun waits where it is. They run one after the other.
* From `become_real` on it runs all the time, and coroutines run beside one another, those included that had to wait
  for their turn until then.
* Whoever waits may be interrupted; what was handed in is cancelled by `close`.

Limits: a process that is forked has no such thread. `close` waits `CLOSE_S` at most: what does not end by then is left
to end with the process.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

from resolver.testing.virtual_time import MovableLoop

T = TypeVar("T")

CLOSE_S: Final = 10.0
"""Longer than any question takes."""

_CLOSED: Final = "this internet is closed: its test is over"
_TOO_LATE: Final = "this internet was closed before the answer came"


class _Job(NamedTuple):
    """A coroutine that waits for its turn, and where what comes of it is told."""

    main: Coroutine[Any, Any, Any]
    told: concurrent.futures.Future[Any]


class LoopThread:
    """A `MovableLoop` in a thread of its own."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._loop: MovableLoop | None = None
        self._thread: threading.Thread | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._broke: BaseException | None = None
        self._closed = False
        self._beside = self._runs = False
        """Coroutines are handed to the loop, and not to the queue; the loop runs until it is stopped."""
        self._process = os.getpid()

    @property
    def loop(self) -> MovableLoop:
        """The loop, made when it is first asked for. Raises RuntimeError once it is closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError(_CLOSED)
            if self._loop is None:
                self._loop = MovableLoop()
                self._thread = threading.Thread(target=self._main, args=(self._loop,), name="resolver-dns", daemon=True)
                self._thread.start()
            return self._loop

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._closed

    @property
    def elsewhere(self) -> bool:
        """Whether this process was forked from the one that the thread is in."""
        return os.getpid() != self._process

    def submit(self, main: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """`main` runs in the thread; what comes of it is told there. Raises RuntimeError once it is closed, and where
        the thread would wait for itself, or there is none."""
        try:
            if self.elsewhere:  # before the lock, which whoever forked may have held
                raise RuntimeError("this internet is in the process that was forked: ask it there, or its nameserver")
            loop = self.loop
            if threading.current_thread() is self._thread:
                raise RuntimeError("an internet cannot be asked from within its own thread")
            told: concurrent.futures.Future[T] = concurrent.futures.Future()
            with self._lock:  # so that it is not handed to a queue that nobody looks into any more
                if self._closed:
                    raise RuntimeError(_CLOSED)
                if self._beside:
                    loop.call_soon_threadsafe(self._begin, loop, main, told)
                else:
                    self._jobs.put(_Job(main, told))
        except RuntimeError:
            main.close()
            raise
        return told

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """What `main` returns or raises, which whoever calls this waits for."""
        __tracebackhide__ = True
        return self.submit(main).result()

    def become_real(self) -> None:
        """The loop waits for sockets from now on, and time passes by itself."""

        async def real() -> None:
            self.loop.become_real()

        if not self.loop.is_real:
            self.run(real())

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """What runs is cancelled, what `last` gives has run, and thread and loop are gone, whatever it raises. Calling
        it again does nothing."""
        with self._lock:
            closed, self._closed = self._closed, True
            runs = self._runs
        if closed or self._loop is None or self._thread is None:
            return
        loop = self._loop
        ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        loop.call_soon_threadsafe(self._cancel)
        self._jobs.put(lambda: self._end(loop, last, ended))
        self._jobs.put(None)
        if runs:
            loop.call_soon_threadsafe(loop.stop)
        self._thread.join(CLOSE_S)
        if ended.done():
            ended.result()

    # -- in the thread

    def _main(self, loop: MovableLoop) -> None:
        while (job := self._jobs.get()) is not None:
            if not isinstance(job, _Job):
                job()
            elif self._closed:
                job.main.close()
                if not job.told.done():
                    job.told.set_exception(RuntimeError(_TOO_LATE))
            elif self._beside:
                self._begin(loop, *job)  # it was handed in before the loop was real
            else:
                self._complete(loop, *job)
            if loop.is_real and self._goes_on_beside():
                loop.run_forever()

    def _goes_on_beside(self) -> bool:
        """Whether the loop is to run by itself from now on: coroutines go there, and none waits in the queue."""
        with self._lock:
            self._beside = True
            self._runs = self._jobs.empty() and not self._closed
            return self._runs

    def _complete(self, loop: MovableLoop, main: Coroutine[Any, Any, T], told: concurrent.futures.Future[T]) -> None:
        """`main` has run, alone."""
        task = self._begin(loop, main, told)
        try:
            loop.run_until_complete(task)
        except BaseException as error:
            if not task.done():  # the loop itself broke, as in a deadlock
                self._broke = error
                task.cancel()
                with contextlib.suppress(BaseException):
                    loop.run_until_complete(task)
                self._broke = None

    def _begin(
        self, loop: MovableLoop, main: Coroutine[Any, Any, T], told: concurrent.futures.Future[T]
    ) -> asyncio.Task[T]:
        task = loop.create_task(main)
        self._running.add(task)

        def ended(task: asyncio.Task[T]) -> None:
            self._running.discard(task)
            if told.done():  # whoever waited has given up
                return
            if task.cancelled():
                told.set_exception(self._broke or RuntimeError(_TOO_LATE))
            elif (error := task.exception()) is not None:
                told.set_exception(error)
            else:
                told.set_result(task.result())

        task.add_done_callback(ended)
        return task

    def _cancel(self) -> None:
        for task in tuple(self._running):
            task.cancel()

    def _end(
        self,
        loop: MovableLoop,
        last: Callable[[], Coroutine[Any, Any, None]] | None,
        ended: concurrent.futures.Future[None],
    ) -> None:
        try:
            if last is not None:
                loop.run_until_complete(last())
            ended.set_result(None)
        except BaseException as error:
            ended.set_exception(error)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
