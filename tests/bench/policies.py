"""`python -m tests.bench.policies`: the policies of pools beside one another, under the same load with one slow member.

Rules
* It runs in virtual time over the simulated network, from a seed: the same figures each time and everywhere, so that
  docs/balancing.md holds them and a test notices when they are stale.
* Questions arrive at random (a Poisson process), from clients and for names of which few ask and are asked most (Zipf).
* A member works on one question at a time, for a time that is drawn (exponential); others wait in its queue.
* Members weigh the same, but for the weighted policies, where the slow one is known to be slow.

Limits: what the first `WARM_S` seconds bring is not counted. Nobody gives up waiting and nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import Final, NamedTuple

from resolver.balance.choosing import POLICIES, Means
from resolver.balance.hashing import Prefixes
from resolver.balance.pool import Key, Member, Pool
from resolver.message import Client, Transport
from resolver.network.base import Clock, Endpoint
from resolver.network.entropy import SeededEntropy
from resolver.network.simulated import Link, SimulatedNetwork
from resolver.testing.virtual_time import VirtualClock, run

MEMBERS: Final = 4
SLOW: Final = "d"
SERVICE_MS: Final = 0.2
SLOW_MS: Final = 1.9
ROUND_TRIP_MS: Final = 5.0
PER_SECOND: Final = 2000
WARM_S: Final = 0.4
LASTS_S: Final = 2.4
CLIENTS: Final = 300
NAMES: Final = 2000
WEIGHTS: Final = {"weighted-round-robin": 10, "weighted-random": 10}
"""Of the fast members, where the slow one weighs 1."""
SEED: Final = 7


class Outcome(NamedTuple):
    """What came of one policy: shares of all questions, and response times in milliseconds."""

    policy: str
    slow_share: float
    most_share: float
    p50: float
    p99: float


class _Server:
    """A member at work: one question after the other."""

    def __init__(self, clock: Clock, entropy: SeededEntropy, service_ms: float) -> None:
        self._clock, self._entropy, self._service_s = clock, entropy, service_ms / 1000
        self._free_at = 0.0

    def __call__(self, wire: bytes, client: Client, done: Callable[[bytes | None], None]) -> None:
        now = self._clock.monotonic()
        takes = -math.log(1.0 - self._entropy.fraction()) * self._service_s
        self._free_at = max(now, self._free_at) + takes
        self._clock.after(self._free_at - now, partial(done, wire))


class _Zipf:
    """Draws numbers below `count`, the lower the more often."""

    def __init__(self, count: int, entropy: SeededEntropy) -> None:
        self._sums = list(accumulate(1 / (rank + 1) for rank in range(count)))
        self._entropy = entropy

    def __call__(self) -> int:
        return bisect(self._sums, self._entropy.fraction() * self._sums[-1])


def outcome(policy: str) -> Outcome:
    """What comes of `policy` under the load."""
    return run(_measured(policy))


async def _measured(policy: str) -> Outcome:
    clock, chance = VirtualClock(), SeededEntropy(SEED)
    names = [chr(ord("a") + number) for number in range(MEMBERS)]
    weight = WEIGHTS.get(policy, 1)
    members = [
        Member(each, Endpoint(f"192.0.2.{at}", 53), weight=1 if each == SLOW else weight)
        for at, each in enumerate(names, 1)
    ]
    network = SimulatedNetwork({}, clock, chance, link=Link(latency_ms=ROUND_TRIP_MS), history=1)
    for number, member in enumerate(members):
        work = SLOW_MS if member.name == SLOW else SERVICE_MS
        network.declare(member.target.host, _Server(clock, SeededEntropy(SEED + 10 + number), work))
    pool = Pool(policy, members, POLICIES[policy](Means(SeededEntropy(SEED + 1), clock, Prefixes())), clock)
    times: list[float] = []
    shares: Counter[str] = Counter()
    begin, over = clock.monotonic(), asyncio.Event()

    def ask(key: Key) -> None:
        member = pool.pick(key)
        assert member is not None
        at = clock.monotonic()
        pool.began(member)
        network.send(member.target, bytes(12), Transport.UDP, partial(answered, member, at))

    def answered(member: Member, at: float, _: object) -> None:
        took = clock.monotonic() - at
        pool.ended(member, took, True)
        if at - begin >= WARM_S:
            times.append(took * 1000)
            shares[member.name] += 1
        if sum(each.replied for each in members) == len(load):
            over.set()

    load = list(_load(SeededEntropy(SEED + 2)))
    for due, key in load:
        clock.after(due, partial(ask, key))
    await over.wait()
    times.sort()
    total = len(times)
    most = max(shares.values())
    return Outcome(policy, shares[SLOW] / total, most / total, times[total // 2], times[total * 99 // 100])


def _load(chance: SeededEntropy) -> Iterator[tuple[float, Key]]:
    """When each question arrives, in seconds, and whose it is."""
    clients, names = _Zipf(CLIENTS, chance), _Zipf(NAMES, chance)
    due = 0.0
    while (due := due - math.log(1.0 - chance.fraction()) / PER_SECOND) < LASTS_S:
        yield due, Key(bytes((10, 0, *divmod(clients(), 256))), b"\x06n%05d\x04test\x00" % names())


def table() -> str:
    """All policies, as the table of docs/balancing.md."""
    rows = ["| policy | share of the slow member | largest share | p50, ms | p99, ms |", "|---|---|---|---|---|"]
    for each in map(outcome, POLICIES):
        shares = f"{each.slow_share:.0%} | {each.most_share:.0%}"
        rows.append(f"| `{each.policy}` | {shares} | {each.p50:.1f} | {each.p99:.1f} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")
