"""Which member a client keeps: the one that it was given once, as long as that takes questions.

Rules
* A client is its network, by the prefixes that `client-hash` has. It keeps its member for `seconds` after its last
  question. One whose member takes no questions any more is given another, and keeps that.
* Where its member is only passed over once (it was asked already, or lets in only some while it starts), the client is
  sent elsewhere for that question and keeps its member.
* A store that several daemons share is told of each client that is given a member, and tells what others have given.
  Nobody waits for it: who is new here and known there may be sent elsewhere once. While it is away the table of this
  daemon goes on.

* A store is told of no more than `maximum` new clients in `seconds`, all that one table has room for: who makes up
  addresses must not fill what others share.

Limits: `maximum` clients; who asked least lately is forgotten first. In a pool of which one member alone takes
questions, nobody is remembered, as there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from resolver.balance.hashing import Prefixes
from resolver.balance.pool import Key, Member, Policy, State
from resolver.cache.table import Table
from resolver.network.base import Clock

AGAIN: Final = 0.25
"""After this part of its time a client that still asks is told to the store again, which would forget it."""


class Store(Protocol):
    """A table that daemons share."""

    dropped: int
    """Clients that it was not told of, since too many waited, or were new."""

    @property
    def is_there(self) -> bool:
        """Whether it answers."""
        ...

    def begin(self) -> None:
        """It is told of clients from now on. Calling it again does nothing."""
        ...

    def claim(self, client: bytes, member: str) -> None:
        """Unless the store has another member for `client`, it has `member` from now on; it tells which."""
        ...

    def move(self, client: bytes, member: str) -> None:
        """The store has `member` for `client`, whoever it had before."""
        ...

    def close(self) -> None:
        """Nothing is told any more."""
        ...


class Sticky:
    """A policy that asks another one for clients that it does not know."""

    __slots__ = (
        *("_counted_from", "_maximum", "_members", "_monotonic", "_new", "_prefixes", "_seconds", "_table"),
        *("policy", "store"),
    )

    def __init__(self, policy: Policy, prefixes: Prefixes, clock: Clock, *, seconds: float, maximum: int) -> None:
        self.policy = policy
        self.store: Store | None = None
        self._prefixes = prefixes
        self._seconds = seconds
        self._monotonic = clock.monotonic
        self._table: Table[bytes, tuple[str, float]] = Table(maximum, clock)
        self._members: dict[str, Member] = {}
        self._maximum, self._counted_from, self._new = maximum, clock.monotonic(), 0

    def __len__(self) -> int:
        return len(self._table)

    def pick(self, among: Sequence[Member], key: Key) -> Member:
        """Who the client keeps; or who the policy picks, who is kept from now on."""
        client = self._prefixes.of(key.client)
        if not client:
            return self.policy.pick(among, key)
        known = self._table.get(client)
        kept = None if known is None else self._members.get(known[0])
        if known is None or kept is None:
            return self._given(client, self.policy.pick(among, key), moved=False)
        if kept in among:
            self._table.put(client, self._told(client, known), self._seconds)
            return kept
        picked = self.policy.pick(among, key)
        if kept.state in (State.UP, State.STARTING):
            return picked
        return self._given(client, picked, moved=True)

    def chance(self, key: Key) -> float:
        """As the policy has it."""
        return self.policy.chance(key)

    def changed(self, members: Sequence[Member]) -> None:
        """Whoever was given one that is no member any more is given another."""
        self._members = {each.name: each for each in members}
        self.policy.changed(members)

    def learn(self, client: bytes, member: str) -> None:
        """The store says that `client` has `member`."""
        if member in self._members:
            self._table.put(client, (member, self._monotonic()), self._seconds)

    def close(self) -> None:
        """The store is left alone."""
        if self.store is not None:
            self.store.close()

    def _told(self, client: bytes, known: tuple[str, float]) -> tuple[str, float]:
        """`known`, which the store is told again when it is time."""
        if self.store is None or (now := self._monotonic()) - known[1] < AGAIN * self._seconds:
            return known
        self.store.claim(client, known[0])
        return known[0], now

    def _given(self, client: bytes, member: Member, *, moved: bool) -> Member:
        self._table.put(client, (member.name, self._monotonic()), self._seconds)
        store = self.store
        if store is None:
            return member
        if moved:
            store.move(client, member.name)
        elif self._may_tell():
            store.claim(client, member.name)
        else:
            store.dropped += 1
        return member

    def _may_tell(self) -> bool:
        """Whether the store has room for a client that is new; it counts."""
        now = self._monotonic()
        if now - self._counted_from >= self._seconds:
            self._counted_from, self._new = now, 0
        self._new += 1
        return self._new <= self._maximum
