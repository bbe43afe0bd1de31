"""Decides which sockets each worker has: one of each kind for each address, all on the same ports.

Rules: the supervisor binds them before any worker starts, so that a port which is taken is one clear error, and a
port 0 is the same for all. The first socket of an address is bound alone and opened to the others only then: two
daemons cannot come to share a port, at no instant. A socket outlives its worker, so that what waits in it is answered
by the next one; while a worker has to wait for its next life its sockets are closed, so that the kernel sends clients
to others.

Limits: while one is closed and opened again a datagram may reach another worker than the one before it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from resolver.errors import ListenError
from resolver.listeners import Bound, bind, bind_all, bind_front
from resolver.network.base import Endpoint
from resolver.observe.log import Log


class Group:
    """The sockets of all workers, by the endpoint that was asked for."""

    def __init__(self, held: dict[Endpoint, dict[int, Bound]] | None = None, buffer: int = 0) -> None:
        self._held: Final = held or {}
        self._buffer: Final = buffer

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where clients are answered, with the ports that were really taken."""
        return [next(iter(workers.values())).endpoint for workers in self._held.values()]

    def of(self, worker: int) -> list[Bound]:
        """What `worker` has."""
        return [workers[worker] for workers in self._held.values() if worker in workers]

    def changed(self, endpoints: Sequence[Endpoint], workers: Iterable[int], buffer: int, log: Log) -> Group:
        """A group for these `endpoints` and `workers`, which takes over what it can of this one.

        Raises `ListenError`, and this one is as it was. When the new one is in force, `close_but` ends what is left.
        """
        wanted = [each for each in endpoints if each not in self._held]
        opened = bind_front(wanted, buffer, bind_all, log)
        numbers = list(workers)
        held = {asked: dict(self._held[asked]) for asked in endpoints if asked in self._held}
        for first in opened:
            first.share()
            held[first.asked] = {numbers[0]: first}
        try:
            for of_all in held.values():
                for number in numbers:
                    if number not in of_all:
                        joined = _joined(next(iter(of_all.values())), buffer)
                        of_all[number] = joined
                        opened.append(joined)
        except ListenError:
            for each in opened:
                each.close()
            raise
        for of_all in held.values():
            for number in set(of_all) - set(numbers):
                del of_all[number]
        order = [asked for asked in endpoints if asked in held]
        return Group({asked: held[asked] for asked in order}, buffer)

    def without(self, other: Group, worker: int) -> list[Bound]:
        """What `worker` has here and not in `other`."""
        known = other.of(worker)
        return [each for each in self.of(worker) if each not in known]

    def rest(self, worker: int) -> None:
        """`worker` has no sockets until `wake`, unless nobody else has any."""
        for workers in self._held.values():
            if worker in workers and len(workers) > 1:
                workers.pop(worker).close()

    def wake(self, worker: int) -> None:
        """`worker` has its sockets again. Raises `ListenError`."""
        for workers in self._held.values():
            if worker not in workers:
                workers[worker] = _joined(next(iter(workers.values())), self._buffer)

    def close_but(self, kept: Group) -> None:
        """What is not in `kept`, too, is closed."""
        still = {id(each) for workers in kept._held.values() for each in workers.values()}
        for workers in self._held.values():
            for each in workers.values():
                if id(each) not in still:
                    each.close()


def _joined(first: Bound, buffer: int) -> Bound:
    return replace(bind(first.endpoint, buffer, joins=True), asked=first.asked)
