"""Decides how much is left to whom: a token bucket for each key, in a table that does not grow.

Rules
* A bucket holds a number of tokens and fills at a rate. Kept is one number for each key: the time at which its bucket
  will be full again. A bucket that is full, as nobody has asked for long, needs no entry at all.
* With a *debt*, what is asked of an empty bucket counts against its owner too: then a flood that goes on gets nothing,
  and `debt_s` after its end at the latest all is forgiven.
* The table has two generations. Whoever is asked about becomes young again; when the young are half of what may be
  held, they become the old, and the old ones are forgotten.

Limits: at most `most` keys, some 150 octets each. Who can ask under more keys than that makes those forgotten that are
asked about less often, with what they owe. Time is handed in, in seconds that never go back.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable, Iterable
from typing import Final, Generic, TypeVar

from resolver.message import Client, Transport
from resolver.network.base import Clock

K = TypeVar("K", bound=Hashable)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REMEMBERED: Final = 10_000
"""Hosts whose prefix is remembered, some 100 octets each; then all are forgotten and worked out again."""

_EPSILON: Final = 1e-9
"""Seconds by which sums of floats may be wrong."""


class Buckets(Generic[K]):
    """Token buckets by key."""

    __slots__ = ("_debt_s", "_depth", "_half", "_old", "_step", "_young")

    def __init__(self, per_s: float, burst: float, most: int, debt_s: float = 0.0) -> None:
        """Each fills with `per_s` tokens a second and holds `burst`, at least one; at most `most` are kept."""
        self._step = 1.0 / per_s
        self._depth = max(burst - 1.0, 0.0) * self._step + _EPSILON
        self._debt_s = debt_s
        self._half = max(1, most // 2)
        self._young: dict[K, float] = {}
        self._old: dict[K, float] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def take(self, key: K, now: float) -> bool:
        """Whether there was a token in the bucket of `key`; if so it is taken."""
        young = self._young
        full_at = young.get(key)
        if full_at is None:
            full_at = self._old.pop(key, now)
            if len(young) >= self._half:
                self._old = young
                self._young = young = {}
        if full_at < now:
            full_at = now
        if full_at - now <= self._depth:
            young[key] = full_at + self._step
            return True
        young[key] = min(full_at + self._step, max(full_at, now + self._debt_s)) if self._debt_s else full_at
        return False


class Prefixes:
    """The networks that clients are taken together by."""

    __slots__ = ("_exempt", "_four", "_known", "_six")

    def __init__(self, four: int, six: int, exempt: Iterable[Network] = ()) -> None:
        """Addresses are cut to `four` and `six` bits; those in `exempt` belong to none."""
        self._four, self._six = four, six
        self._exempt = tuple(exempt)
        self._known: dict[str, int | None] = {}

    def key(self, host: str) -> int | None:
        """What `host`, an address as text, has in common with others of its network; None if it is exempt."""
        try:
            return self._known[host]
        except KeyError:
            pass
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        found = self._known[host] = self._work_out(host)
        return found

    def text(self, key: int) -> str:
        """The network of `key`, as people write it."""
        number, six = divmod(key, 2)
        length, bits = (self._six, 128) if six else (self._four, 32)
        base = number << bits - length
        return f"{ipaddress.IPv6Address(base) if six else ipaddress.IPv4Address(base)}/{length}"

    def _work_out(self, host: str) -> int | None:
        address = ipaddress.ip_address(host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self._exempt if network.version == address.version):
            return None
        six = address.version == 6
        return int(address) >> (128 - self._six if six else 32 - self._four) << 1 | six


class RateClass:
    """A rate of its own for some of the queries, for each network that sends them."""

    __slots__ = ("_buckets", "_monotonic", "_prefixes", "granted", "refused")

    def __init__(self, buckets: Buckets[tuple[int, bool]], prefixes: Prefixes, clock: Clock) -> None:
        self._buckets, self._prefixes, self._monotonic = buckets, prefixes, clock.monotonic
        self.granted = 0
        """Queries that were within the rate."""
        self.refused = 0
        """Queries that were not."""

    def take(self, client: Client) -> bool:
        """Whether one more query of `client` is within the rate; then it is counted. Datagrams, which anybody can send
        in its name, have a bucket of their own."""
        key = self._prefixes.key(client.host)
        forgeable = client.transport is Transport.UDP
        if key is None or self._buckets.take((key, forgeable), self._monotonic()):
            self.granted += 1
            return True
        self.refused += 1
        return False
