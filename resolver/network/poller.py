"""Decides how the sockets that lead to other servers are watched: all of them by one epoll object.

Rules:
* The loop watches that object alone, by one reader; a socket costs one `epoll_ctl`, where a reader of the loop costs a
  handle, a callback and two calls. A closed socket leaves the object by itself.
* Of one wake-up at most `BATCH` sockets are handled, so that timers and other readers have their turn. What is left is
  reported again: nothing is edge-triggered, so an error in a handler loses nothing either.
* A file number that was closed is given away again, perhaps while events for it are still to be handled. So whom an
  event is for is settled before the first is handled, and who has been closed meanwhile knows it: `Watched.ready`.
* Where there is no epoll (macOS, BSD) each socket is a reader of the loop's.

Limits: a copy of a socket in another process keeps it in the object; this process never forks while it has any.
"""

from __future__ import annotations

import asyncio
import select
from functools import partial
from typing import Final, Protocol

BATCH: Final = 32
"""Sockets handled per wake-up: at 0.1 ms for what follows from a reply, others wait for 3 ms."""

READ: Final = 1
"""There is something to read, or an error (EPOLLIN)."""

WRITE: Final = 4
"""There is room to write (EPOLLOUT)."""


class Watched(Protocol):
    """Who is told when its socket is ready."""

    def ready(self, events: int) -> None:
        """Bits of `READ`, `WRITE` and of errors are set. It may be called once more after the socket was closed."""
        ...

    def close(self) -> None:
        """The socket is closed and no longer watched; nothing is delivered. Calling it again does nothing."""
        ...


class Poller(Protocol):
    """Watches sockets, and tells each one's owner."""

    watched: dict[int, Watched]
    """Who has which file, by its number."""

    def add(self, fd: int, owner: Watched, events: int = READ) -> None:
        """`owner` is told of `events` at `fd`. Raises OSError when no more can be watched."""
        ...

    def change(self, fd: int, events: int) -> None:
        """From now on its owner is told of `events` at `fd`."""
        ...

    def remove(self, fd: int) -> None:
        """`fd`, which must be watched, no longer is. To be called just before it is closed."""
        ...

    def close(self) -> None:
        """Nothing is watched. Calling it again does nothing; adding begins anew."""
        ...


class EpollPoller:
    """A `Poller` with one epoll object, which is opened with the first socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll: select.epoll | None = None
        self.watched: dict[int, Watched] = {}

    def add(self, fd: int, owner: Watched, events: int = READ) -> None:
        """`owner` is told of `events` at `fd`. Raises OSError when no more can be watched."""
        epoll = self._epoll
        if epoll is None:
            epoll = self._epoll = select.epoll()
            self._loop.add_reader(epoll.fileno(), self._wake)
        epoll.register(fd, events)
        self.watched[fd] = owner

    def change(self, fd: int, events: int) -> None:
        """From now on its owner is told of `events` at `fd`."""
        assert self._epoll is not None
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """`fd`, which must be watched, no longer is. To be called just before it is closed."""
        del self.watched[fd]

    def close(self) -> None:
        """Nothing is watched. Calling it again does nothing; adding begins anew."""
        epoll, self._epoll = self._epoll, None
        self.watched.clear()
        if epoll is not None:
            self._loop.remove_reader(epoll.fileno())
            epoll.close()

    def _wake(self) -> None:
        if self._epoll is None:  # closed earlier in this turn of the loop
            return
        find = self.watched.get
        for owner, events in [(find(fd), events) for fd, events in self._epoll.poll(0, BATCH)]:
            if owner is not None:
                owner.ready(events)


class LoopPoller:
    """A `Poller` that has the loop watch each socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: dict[int, int] = {}
        self.watched: dict[int, Watched] = {}

    def add(self, fd: int, owner: Watched, events: int = READ) -> None:
        """`owner` is told of `events` at `fd`."""
        self.watched[fd] = owner
        self._events[fd] = 0
        self.change(fd, events)

    def change(self, fd: int, events: int) -> None:
        """From now on its owner is told of `events` at `fd`."""
        ready, before = self.watched[fd].ready, self._events[fd]
        self._events[fd] = events
        if events & ~before & READ:
            self._loop.add_reader(fd, partial(ready, READ))
        elif before & ~events & READ:
            self._loop.remove_reader(fd)
        if events & ~before & WRITE:
            self._loop.add_writer(fd, partial(ready, WRITE))
        elif before & ~events & WRITE:
            self._loop.remove_writer(fd)

    def remove(self, fd: int) -> None:
        """`fd`, which must be watched, no longer is. To be called just before it is closed."""
        self.change(fd, 0)
        del self.watched[fd], self._events[fd]

    def close(self) -> None:
        """Nothing is watched. Calling it again does nothing; adding begins anew."""
        for fd in tuple(self.watched):
            self.remove(fd)


def new_poller(loop: asyncio.AbstractEventLoop) -> Poller:
    """The best `Poller` that this system has, on `loop`."""
    return EpollPoller(loop) if hasattr(select, "epoll") else LoopPoller(loop)
