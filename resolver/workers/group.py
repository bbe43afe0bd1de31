"""Decides which sockets each worker has: one of each kind for each address, all on the same ports.

Rules: the supervisor binds them before any worker starts, so that a port which is taken is one clear error, and a
port 0 is the same for all. The first socket of an address is bound alone and opened to the others only then: two
daemons cannot come to share a port, at no instant. A socket outlives its worker, so that what waits in it is answered
by the next one; while a worker has to wait for its next life its sockets are closed, and before its first it has none,
so that the kernel sends clients to others.

Limits: while one is closed and opened again a datagram may reach another worker than the one before it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from resolver.errors import ListenError
from resolver.listeners import Bound, Kind, bind_all, bind_front, bind_one
from resolver.network.base import Endpoint
from resolver.observe.log import Log

Place = tuple[Endpoint, Kind]
"""The endpoint that was asked for, and what is spoken there: several may ask for port 0 of an address."""


class Group:
    """The sockets of all workers, by their place."""

    def __init__(self, held: dict[Place, dict[int, Bound]] | None = None, buffer: int = 0) -> None:
        self._held: Final = held or {}
        self._buffer: Final = buffer

    def endpoints(self, kind: Kind) -> list[Endpoint]:
        """Where clients are answered that speak it, with the ports that were really taken."""
        return [next(iter(workers.values())).endpoint for place, workers in self._held.items() if place[1] is kind]

    def of(self, worker: int) -> list[Bound]:
        """What `worker` has."""
        return [workers[worker] for workers in self._held.values() if worker in workers]

    def changed(
        self, wanted: Mapping[Kind, Sequence[Endpoint]], workers: Iterable[int], buffer: int, log: Log
    ) -> Group:
        """A group for the endpoints that are `wanted` and for `workers`, which takes over what it can of this one.

        Raises `ListenError`, and this one is as it was. When the new one is in force, `close_but` ends what is left.
        """
        places = [(each, kind) for kind, endpoints in wanted.items() for each in endpoints]
        numbers = list(workers)
        held = {place: dict(self._held[place]) for place in places if place in self._held}
        opened: list[Bound] = []
        try:
            for kind, endpoints in wanted.items():
                missing = [each for each in endpoints if (each, kind) not in self._held]
                opened += bind_front(missing, buffer, kind, bind_all, log) if missing else []
            for first in tuple(opened):
                first.share()
                held[first.asked, first.kind] = {numbers[0]: first}
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
        return Group({place: held[place] for place in places if place in held}, buffer)

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

    def forget_closed(self) -> None:
        """What another group has closed meanwhile, such as that of a worker which rests, is opened by `wake`."""
        for workers in self._held.values():
            for worker in [each for each, bound in workers.items() if bound.tcp.fileno() < 0]:
                del workers[worker]

    def close_but(self, kept: Group) -> None:
        """What is not in `kept`, too, is closed."""
        still = {id(each) for workers in kept._held.values() for each in workers.values()}
        for workers in self._held.values():
            for each in workers.values():
                if id(each) not in still:
                    each.close()


def _joined(first: Bound, buffer: int) -> Bound:
    endpoint = first.endpoint
    joined = bind_one(endpoint, buffer, first.kind, joins=True)
    return replace(joined, asked=first.asked)
