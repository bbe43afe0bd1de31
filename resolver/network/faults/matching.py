"""Decides to which queries a rule for a fault applies.

Rules: a query must meet all conditions. Then `skip` counts, `probability` is drawn, and `count` counts, in this order.
`at` and `for` count from when the rule was added, in monotonic time.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from typing import NamedTuple

from resolver.errors import InputError
from resolver.message import Question
from resolver.network.base import Entropy
from resolver.network.faults.rules import Rule
from resolver.network.faults.values import CLIENTS, RESOLVER
from resolver.network.faults.words import DNSSEC, WORDS
from resolver.text import nearest
from resolver.wire import names, types


class Place(NamedTuple):
    """A simulated server: its name, absolute and folded, and the addresses that lead to it."""

    name: str
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, name: bytes, *addresses: str | None) -> Place:
        """The server `name` at those of `addresses` that it has."""
        return cls(names.to_text(names.fold(name)), tuple(each for each in addresses if each is not None))


class InForce:
    """A rule under its number, and what has become of it."""

    __slots__ = (
        "_names",
        "_networks",
        "_types",
        "_zones",
        "applied",
        "declared",
        "ended",
        "entropy",
        "matched",
        "number",
        "rule",
        "said",
        "since",
    )

    def __init__(
        self, number: int, rule: Rule, said: str, entropy: Entropy, since: float | None, *, declared: bool
    ) -> None:
        """`said` is what equal rules have in common."""
        self.number, self.rule, self.said, self.entropy = number, rule, said, entropy
        self.since, self.declared = since, declared
        self.matched = 0
        """Queries that met its conditions while it was on."""
        self.applied = 0
        self.ended = False
        """It will never be applied again."""
        self._zones = tuple(map(names.from_text, rule.zone))
        self._names = tuple(map(names.from_text, rule.name))
        self._types = tuple(map(types.from_text, rule.type))
        self._networks = {each: ipaddress.ip_network(each) for each in _hosts_of(rule) if _is_network(each)}

    def state(self, now: float) -> str:
        """`waiting`, `in force` or `over` at the monotonic time `now`."""
        passed = 0.0 if self.since is None else now - self.since
        begins, lasts = self.rule.at, self.rule.for_
        if self.ended or (lasts is not None and passed >= begins + lasts):
            return "over"
        return "waiting" if passed < begins else "in force"

    def asks(self, question: Question | None) -> bool:
        """Whether `question` is one that it is about; None for a query that cannot be read."""
        if not (self._zones or self._names or self._types):
            return True
        if question is None:
            return False
        name = names.fold(question.name)
        return (
            (not self._zones or any(names.is_below(name, zone) for zone in self._zones))
            and (not self._names or any(_is_named(name, pattern) for pattern in self._names))
            and (not self._types or question.type in self._types)
        )

    def among(self, group: Iterable[str], who: frozenset[str]) -> bool:
        """Whether the one who is called by each word of `who`, an address among them, is in `group`."""
        for each in group:
            if each in who:
                return True
            network = self._networks.get(each)
            if network is not None and any(_is_in(host, network) for host in who):
                return True
        return False

    def happens(self) -> bool:
        """Whether it is applied to a query that meets its conditions, which counts."""
        rule = self.rule
        self.matched += 1
        if self.matched <= rule.skip or (rule.probability < 1 and self.entropy.fraction() >= rule.probability):
            return False
        self.applied += 1
        return True


def check(rule: Rule, places: Iterable[Place], signed: Collection[str]) -> None:
    """Raises `InputError`, whose `where` is the key, for a server in `rule` that is at none of `places`, or for a zone
    of a DNSSEC fault that is none of those `signed`."""
    there = list(places)
    called = {each for place in there for each in (place.name, *place.addresses)}
    for key, said in (("server", rule.server), ("source", rule.source), ("between", partitioned(rule))):
        for each in said:
            elsewhere = key != "server" and (each in (RESOLVER, CLIENTS) or is_address(each))
            if each not in called and not elsewhere:
                hint = nearest(each, (place.name for place in there))
                raise InputError(f"no server {each} is in this world", where=key, instead=hint)
    for each in rule.zone if WORDS[rule.kind].group == DNSSEC else ():
        if each not in signed:
            raise InputError(f"no signed zone {each} is in this world", where="zone", instead=nearest(each, signed))


def meets(each: InForce, place: Place) -> bool:
    """Whether `place` is one of the servers that the rule concerns."""
    called = frozenset((place.name, *place.addresses))
    return (not each.rule.server or not called.isdisjoint(each.rule.server)) and (
        each.rule.kind != "partition" or each.among(partitioned(each.rule), called)
    )


def partitioned(rule: Rule) -> tuple[str, ...]:
    """All who stand in the groups of a partition."""
    return tuple(each for group in rule.parameters.get("between", ()) for each in group)


def _hosts_of(rule: Rule) -> tuple[str, ...]:
    return (*rule.source, *partitioned(rule))


def _is_named(name: bytes, pattern: bytes) -> bool:
    if pattern.startswith(names.WILDCARD):
        above = pattern[len(names.WILDCARD) :]
        return name != above and names.is_below(name, above)
    return name == pattern


def _is_in(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]) in network
    except ValueError:
        return False


def _is_network(word: str) -> bool:
    """Whether `word` is a network, and not the name of a server that has a `/` in it (RFC 2317)."""
    return "/" in word and is_address(word)


def is_address(word: str) -> bool:
    """Whether `word` is an address or a network."""
    try:
        ipaddress.ip_network(word)
    except ValueError:
        return False
    return True
