"""Decides which faults are in force, when, and how often they were applied.

Rules
* Rules (`rules`) come from two sides: those that the world declares, and those that are added at run time. Both
  outlive a change of the world and a reload; a declared one ends when the world does not declare it any more.
* All chance comes from the one seed of the table: each rule draws from a sequence of its own, so that what happens to
  one server depends on nothing that happens to others.

Limits: `MAX_RULES` rules. What a fault does to a message is `faulty`'s. Who asks is told by addresses: on sockets, a
client of this machine which binds the address of a server is taken for that server.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from resolver.errors import InputError
from resolver.message import Client, Question
from resolver.network.base import Clock
from resolver.network.entropy import SeededEntropy
from resolver.network.faults.matching import InForce, Place, check, meets
from resolver.network.faults.rules import Rule
from resolver.network.faults.values import CLIENTS, RESOLVER

MAX_RULES: Final = 10_000
"""Rules in force, declared ones included: each query of a faulty server looks at all of its own."""

SEED: Final = 1
"""The seed of those who give none: the same faults in each run."""

RESOLVER_HOST: Final = "127.54.0.1"
"""The address from which the resolver asks simulated servers, beside theirs, so that the two are told apart."""

NOBODY: Final = "127.0.0.1"
"""The address from which those ask who are neither: what recursing servers have in common."""


class Hit(NamedTuple):
    """A rule was applied to a query that `client` sent to `server` (its name, which has the `addresses`)."""

    number: int
    rule: Rule
    server: str
    addresses: tuple[str, ...]
    client: Client
    query: bytes
    question: Question | None
    """None for a query that cannot be read."""
    declared: bool = False
    """Whether the world declares the rule."""


class FaultTable:
    """The rules that are in force, each under its number."""

    def __init__(self, seed: int = SEED) -> None:
        """All chance is drawn from `seed`."""
        self.seed = seed
        self.version = 0
        """Grows when a rule comes or goes."""
        self.applied = 0
        """How often any rule was applied."""
        self.overflowed = 0
        """Replies that were lost because too many waited."""
        self._clock: Clock | None = None
        self._rules: dict[int, InForce] = {}
        self._numbers = 0
        self._places: tuple[Place, ...] = ()
        self._signed: frozenset[str] = frozenset()
        self._hosts: dict[str, str] = {}
        self._watchers: list[Callable[[Hit], None]] = []

    def begin(self, clock: Clock) -> None:
        """`clock` is the time that rules are counted by; those that are there are counted from now."""
        self._clock = clock
        for each in self._rules.values():
            if each.since is None:
                each.since = clock.monotonic()

    def add(self, rule: Rule) -> int:
        """`rule` is in force from now on; its number. Raises `InputError` where there are too many."""
        if len(self._rules) >= MAX_RULES:
            raise InputError(f"{MAX_RULES} faults are the most", instead="clear those that are over")
        return self._put(rule, f"{self.seed} {_said(rule)} added {self._numbers}", declared=False)

    def check(self, rule: Rule) -> None:
        """Raises `InputError` where `rule` names a server, or a zone for a fault of DNSSEC, that is not in the world,
        with the nearest."""
        check(rule, self._places, self._signed)

    def declare(self, places: Iterable[Place], rules: Iterable[Rule], signed: Iterable[str] = ()) -> None:
        """The world has servers at `places` and zones that are `signed` (apexes as text, folded), and declares `rules`.
        Those that it declared before go on as they are."""
        self._places, self._signed = tuple(places), frozenset(signed)
        self._hosts = {host: place.name for place in self._places for host in place.addresses}
        before: dict[str, list[InForce]] = {}
        for each in self._rules.values():
            if each.declared:
                before.setdefault(each.said, []).append(each)
        equal: Counter[str] = Counter()
        for declared in rules:
            said = _said(declared)
            same = before.get(said)
            if same:
                same.pop(0)
            else:
                # It draws by what it says, so that a reload with more rules before it changes nothing.
                self._put(declared, f"{self.seed} {said} {equal[said]}", declared=True)
            equal[said] += 1
        for gone in itertools.chain.from_iterable(before.values()):
            del self._rules[gone.number]
        self.version += 1

    def listed(self) -> list[dict[str, object]]:
        """The rules, each as `rule` takes it, with its `id`, how often it was `applied`, its `state` (`waiting`, `in
        force` or `over`), and whether the world `declared` it."""
        now = self._now()
        return [
            {
                "id": each.number,
                **each.rule.as_data(),
                "applied": each.applied,
                "state": each.state(now),
                "declared": each.declared,
            }
            for each in self._rules.values()
        ]

    def clear(self, number: int | None = None) -> int:
        """That rule, or each that was added at run time, is in force no more: how many. Raises `InputError` for a
        number that is none.

        One that the world declares is listed as over, until the world does not declare it any more.
        """
        if number is None:
            gone = [each for each in self._rules.values() if not each.declared]
        elif number in self._rules:
            gone = [self._rules[number]]
        else:
            there = ", ".join(map(str, self._rules)) or "none"
            raise InputError(f"there is no fault {number}", where="id", instead=f"those that are there: {there}")
        for each in gone:
            each.ended = True
            if not each.declared:
                del self._rules[each.number]
        self.version += 1
        return len(gone)

    def added(self) -> tuple[Rule, ...]:
        """The rules that were added at run time and are not over."""
        now = self._now()
        return tuple(each.rule for each in self._rules.values() if not each.declared and each.state(now) != "over")

    def restore(self, rules: Iterable[Rule]) -> None:
        """`rules`, as `added` gave them, are in force anew, and no others that were added."""
        self.clear()
        for each in rules:
            self.add(each)

    def watch(self, watcher: Callable[[Hit], None]) -> None:
        """`watcher` is told of each rule that is applied, while its query is being handled."""
        self._watchers.append(watcher)

    def counts(self) -> dict[str, int]:
        """Counters and a gauge under the names of `resolver stats`."""
        return {
            "faults.rules": len(self._rules),
            "faults.applied": self.applied,
            "faults.overflowed": self.overflowed,
        }

    # -- for `faulty`

    def concerning(self, place: Place) -> tuple[InForce, ...]:
        """Those that may be applied to queries to `place`, by number."""
        now = self._now()
        return tuple(each for each in self._rules.values() if each.state(now) != "over" and meets(each, place))

    def on(self, each: InForce) -> bool:
        """Whether `each` may be applied now; one that is over is looked at no more."""
        state = each.state(self._now())
        if state == "over":
            each.ended = True
            self.version += 1
        return state == "in force"

    def who(self, host: str) -> frozenset[str]:
        """What the one at `host` is called in rules."""
        name = self._hosts.get(host)
        role = RESOLVER if host == RESOLVER_HOST else CLIENTS
        return frozenset((host, role if name is None else name))

    def apply(self, each: InForce, place: Place, client: Client, query: bytes, question: Question | None) -> bool:
        """Whether `each` is applied to the `query` of `client`, which meets its conditions: counted and told."""
        if not each.happens():
            return False
        self.applied += 1
        if each.rule.count is not None and each.applied >= each.rule.count:
            each.ended = True
            self.version += 1
        if self._watchers:
            hit = Hit(each.number, each.rule, place.name, place.addresses, client, query, question, each.declared)
            for watcher in self._watchers:
                watcher(hit)
        return True

    # -- parts

    def _put(self, rule: Rule, seed: str, *, declared: bool) -> int:
        self._numbers += 1
        number = self._numbers
        since = None if self._clock is None else self._clock.monotonic()
        entropy = SeededEntropy(zlib.crc32(seed.encode()))
        self._rules[number] = InForce(number, rule, _said(rule), entropy, since, declared=declared)
        self.version += 1
        return number

    def _now(self) -> float:
        return 0.0 if self._clock is None else self._clock.monotonic()


def _said(rule: Rule) -> str:
    """What equal rules have in common."""
    return json.dumps(rule.as_data(), sort_keys=True)
