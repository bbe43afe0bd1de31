"""Decides when a question that needs work is begun: a few in each turn of the loop.

Whatever comes in during a turn waits for its end, and so does what is answered at once. To begin many questions in one
turn would make all answers late; to begin `PER_TURN` makes a burst take some turns more, of which an idle loop has
thousands a second. Under a flood the turns become longer and fewer questions are begun, which is all that can be done.

Rules:
* Clients take turns, and each has its questions begun in their order.
* When too many wait, the client with the most gives up its youngest, of equals the one that came last; so a flood
  costs others little.

Limits: as many wait as the caller says at each `put`; to make room looks at each client that waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from resolver.network.base import Clock

Job = TypeVar("Job")

PER_TURN: Final = 16
"""Questions begun in a turn. At 0.1 ms each, who has a stored answer waits for 2 ms at most; one in a turn would spend
two fifths of a busy processor on turning."""


class Waiting(Generic[Job]):
    """Jobs that wait to be begun, by client."""

    def __init__(self, clock: Clock, begin: Callable[[Job], None], per_turn: int | None = None) -> None:
        """`begin` is called with each job, once, unless it is given up; `per_turn` of them in a turn."""
        self._clock, self._begin = clock, begin
        self._per_turn = PER_TURN if per_turn is None else per_turn
        self._of: dict[str, deque[Job]] = {}
        self._turning = False
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, host: str, job: Job, most: int) -> Job | None:
        """`job` of the client at `host` is begun, now or in a later turn. Returns the one that is given up for it.

        At most `most` wait; the one that is given up may be `job` itself.
        """
        if not self._turning:
            self._turning = True
            self._clock.after(0, self._turn)
            self._begin(job)
            return None
        queue = self._of.get(host)
        if queue is None:
            self._of[host] = deque((job,))
        else:
            queue.append(job)
        self._count += 1
        return self._give_up_one(host) if self._count > most else None

    def clear(self) -> Iterator[Job]:
        """All that wait, given up."""
        jobs = [job for queue in self._of.values() for job in queue]
        self._of.clear()
        self._count = 0
        return iter(jobs)

    def _turn(self) -> None:
        of = self._of
        if not of:
            self._turning = False
            return
        self._clock.after(0, self._turn)
        begun = 0
        while of and begun < self._per_turn:
            host = next(iter(of))
            queue = of[host]
            job = queue.popleft()
            if not queue:
                del of[host]
            elif len(of) > 1:
                of[host] = of.pop(host)  # behind the others
            self._count -= 1
            begun += 1
            self._begin(job)

    def _give_up_one(self, newcomer: str) -> Job:
        host = max(self._of, key=lambda each: (len(self._of[each]), each == newcomer))
        queue = self._of[host]
        job = queue.pop()
        if not queue:
            del self._of[host]
        self._count -= 1
        return job
