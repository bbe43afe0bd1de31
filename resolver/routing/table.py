"""Decides the same as the list of rules (`rules.decide`), at a price that hardly grows with their number.

Rules: each rule is a bit. What names, types, networks and transports rule out is looked up as one number for all rules
at once, and only the bits that are left are looked at, from the first. What a host may be asked by is remembered.

Limits: `MAX_HOSTS` hosts are remembered, then all are forgotten and looked up again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from resolver.message import Client, Query, Question, Transport
from resolver.routing.actions import CHANGING
from resolver.routing.circumstances import Headers, Paths, ServerNames
from resolver.routing.matchers import Clients, Matcher, Names, Network, Transports, Types, Zones
from resolver.routing.rules import LOOSE, Decision, Rule
from resolver.routing.seen import Seen
from resolver.wire import names

MAX_HOSTS: Final = 10_000
BREATH: Final = 1000
"""Names after which others have their turn: 1 ms."""
_BY_MASK: Final = (Names, Types, Clients, Transports)
_SESSION: Final = (ServerNames, Paths, Headers)
_NOBODY: Final = Query(Question(names.ROOT, 0), Client("", 0, Transport.UDP), 0, 0.0)

Kind = tuple[int, int, int]
"""What rules tell clients apart by: those of one kind are told the same of the same question."""


class Table:
    """The rules, made ready."""

    def __init__(
        self, rules: Sequence[Rule], wall: Callable[[], float], secret: int = 0, by_name: ByName | None = None
    ) -> None:
        """`wall` gives the seconds since 1970; chance is drawn from `secret`. `by_name` are the same rules, sorted
        where that keeps nobody waiting: it takes 1 s for a million names."""
        self.rules = tuple(rules)
        self.fits = [0] * len(rules)
        """How many queries fitted each rule; who has them answered counts."""
        self._wall, self._secret = wall, secret
        self._all = (1 << len(rules)) - 1
        self._names = by_name or ByName(self.rules)
        self._types: dict[int, int] = {}
        self._other_types = self._sort_types()
        self._transports = {each: self._by_transport(each) for each in Transport}
        self._networks = _Networks(self.rules)
        self._hosts: dict[str, int] = {}
        self._rest = [_rest(rule) for rule in self.rules]
        self._usual = Decision(simple=True)
        self._plain = [self._if_plain(rule) for rule in self.rules]
        self._session = [rule for rule in self.rules if any(isinstance(each, _SESSION) for each in _all_of(rule))]
        carried = any(isinstance(each, Transports) for rule in self.rules for each in _all_of(rule))
        self.tells_clients_apart = bool(self._networks) or carried or bool(self._session)
        """Whether the same question may come to different things for different clients."""

    def decide(self, query: Query) -> Decision:
        """What the rules come to for `query`. The decision must not be changed."""
        question, client = query.question, query.client
        host = client.host
        by_host = self._hosts.get(host)
        if by_host is None:
            by_host = self._host(host)
        left = by_host & self._transports[client.transport] & self._of_question(question.name.lower(), question.type)
        if not left:
            return self._usual
        first = left & -left
        plain = self._plain[first.bit_length() - 1]
        return plain if plain is not None else self._one_by_one(query, left, by_host)

    def counts(self) -> dict[str, int]:
        """How many queries fitted each rule, under names of `resolver stats`."""
        return {f"rules.{rule.name or rule.number}": fits for rule, fits in zip(self.rules, self.fits, strict=True)}

    def kind(self, client: Client) -> Kind:
        """What `client` is to the rules."""
        by_host = self._hosts.get(client.host)
        if by_host is None:
            by_host = self._host(client.host)
        session = 0
        if self._session:
            seen = Seen(_NOBODY._replace(client=client), self._wall)
            for rule in self._session:
                wanted = all(each.fits(seen) for each in rule.matchers if isinstance(each, _SESSION))
                if wanted and not any(each.fits(seen) for each in rule.unless if isinstance(each, _SESSION)):
                    session |= 1 << rule.number - 1
        return by_host, self._transports[client.transport], session

    def _one_by_one(self, query: Query, left: int, by_host: int) -> Decision:
        """What the rules that are `left` come to."""
        decision, seen = Decision(), Seen(query, self._wall, self._secret)
        by_client = by_host & self._transports[query.client.transport]
        while left:
            at = (left & -left).bit_length() - 1
            left &= left - 1
            rule, (matchers, unless, loose) = self.rules[at], self._rest[at]
            if not _fits(matchers, unless, seen):
                continue
            if loose:
                decision.loosen(rule)
                if rule.misfit(seen, loose=True) is not None:
                    continue
            decision.fitted = (*decision.fitted, rule)
            action = rule.action
            if not isinstance(action, CHANGING):
                decision.action, decision.rule = action, rule
                break
            if decision.change(action, query.question, seen):
                behind = self._all & ~((1 << at + 1) - 1)
                left = behind & by_client & self._of_question(seen.name, seen.type)
        return decision

    def _of_question(self, name: bytes, rtype: int) -> int:
        """The rules that the question does not rule out."""
        return self._types.get(rtype, self._other_types) & self._names.mask(name)

    def _if_plain(self, rule: Rule) -> Decision | None:
        """What `rule` comes to where its bit is the first that is left; None where more must be looked at."""
        matchers, unless, loose = self._rest[rule.number - 1]
        if matchers or unless or loose or isinstance(rule.action, CHANGING):
            return None
        return Decision(rule.action, rule, (rule,), simple=True)

    def _host(self, host: str) -> int:
        made = self._networks.mask(host) if self._networks else self._all
        if len(self._hosts) >= MAX_HOSTS:
            self._hosts.clear()
        self._hosts[host] = made
        return made

    def _by_transport(self, transport: Transport) -> int:
        return _mask(
            rule
            for rule in self.rules
            if all(transport in each.values for each in rule.matchers if isinstance(each, Transports))
            and not any(transport in each.values for each in rule.unless if isinstance(each, Transports))
        )

    def _sort_types(self) -> int:
        """Each type that is named has its rules; those of all other types are returned."""
        named = {
            value for rule in self.rules for each in _all_of(rule) if isinstance(each, Types) for value in each.values
        }
        for rtype in (*named, -1):
            self._types[rtype] = _mask(
                rule
                for rule in self.rules
                if all(rtype in each.values for each in rule.matchers if isinstance(each, Types))
                and not any(rtype in each.values for each in rule.unless if isinstance(each, Types))
            )
        return self._types.pop(-1)


class ByName:
    """Which rules a name does not rule out. Once it is made it never changes."""

    def __init__(self, rules: Sequence[Rule], breathe: Callable[[], None] | None = None) -> None:
        """`breathe` is called often, where a thread that sorts many names is to let others run."""
        self._breathe = breathe
        self._exact: dict[bytes, tuple[int, int]] = {}
        """By name: the rules that want it, and those that except it."""
        self._below: dict[bytes, tuple[int, int, int]] = {}
        """By suffix: the same, and the rules that have a zone there."""
        self._without = self._zoneless = 0
        for rule in rules:
            bit = 1 << rule.number - 1
            wanted = [each for each in rule.matchers if isinstance(each, Names) and not isinstance(each, Zones)]
            zones = [each for each in rule.matchers if isinstance(each, Zones)]
            self._without |= 0 if wanted else bit
            self._zoneless |= 0 if zones else bit
            for each in wanted:
                self._add(each, bit, 0)
            for exception in rule.unless:
                if isinstance(exception, Names):
                    self._add(exception, 0, bit)
            for zone in (suffix for each in zones for suffix in each.below):
                first, second, third = self._below.get(zone, (0, 0, 0))
                self._below[zone] = first, second, third | bit
        self._deepest = max((names.depth(each) for each in self._below), default=-1)

    def _add(self, matcher: Names, wanted: int, excepted: int) -> None:
        for number, name in enumerate(matcher.exact, 1):
            self._pause(number)
            one, two = self._exact.get(name, (0, 0))
            self._exact[name] = one | wanted, two | excepted
        for number, name in enumerate(matcher.below, 1):
            self._pause(number)
            first, second, third = self._below.get(name, (0, 0, 0))
            self._below[name] = first | wanted, second | excepted, third

    def _pause(self, number: int) -> None:
        if self._breathe is not None and not number % BREATH:
            self._breathe()

    def mask(self, name: bytes) -> int:
        """The rules that `name`, folded, does not rule out."""
        wanted, excepted, zoned = self._without, 0, self._zoneless
        exact = self._exact.get(name)
        if exact is not None:
            wanted |= exact[0]
            excepted = exact[1]
        if self._deepest >= 0:
            below, pos = self._below, 0
            starts = [0]
            while length := name[pos]:
                pos += length + 1
                starts.append(pos)
            for start in starts[-self._deepest - 1 :]:  # what is longer than all of them is none of them
                node = below.get(name[start:])
                if node is not None:
                    wanted |= node[0]
                    excepted |= node[1]
                    zoned |= node[2]
        return wanted & zoned & ~excepted


class _Networks:
    """Which rules the address of a client does not rule out."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._nets: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}
        """By IP version and length of the prefix, then by prefix: the rules that want it, and that except it."""
        self._without = 0
        for rule in rules:
            bit = 1 << rule.number - 1
            wanted = [each for each in rule.matchers if isinstance(each, Clients)]
            self._without |= 0 if wanted else bit
            for each in wanted:
                for network in each.networks:
                    self._add(network, bit, 0)
            for exception in rule.unless:
                if isinstance(exception, Clients):
                    for network in exception.networks:
                        self._add(network, 0, bit)

    def __bool__(self) -> bool:
        return bool(self._nets)

    def _add(self, network: Network, wanted: int, excepted: int) -> None:
        prefixes = self._nets.setdefault((network.version, network.prefixlen), {})
        key = int(network.network_address) >> network.max_prefixlen - network.prefixlen
        one, two = prefixes.get(key, (0, 0))
        prefixes[key] = one | wanted, two | excepted

    def mask(self, host: str) -> int:
        """The rules that `host` does not rule out; what is no address is in no network."""
        wanted, excepted = self._without, 0
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return wanted
        value, most, version = int(address), address.max_prefixlen, address.version
        for (of_version, length), prefixes in self._nets.items():
            found = prefixes.get(value >> most - length) if of_version == version else None
            if found is not None:
                wanted |= found[0]
                excepted |= found[1]
        return wanted & ~excepted


def _all_of(rule: Rule) -> tuple[Matcher, ...]:
    return (*rule.matchers, *rule.unless)


def _mask(rules: Iterable[Rule]) -> int:
    return sum(1 << rule.number - 1 for rule in rules)


def _rest(rule: Rule) -> tuple[tuple[Matcher, ...], tuple[Matcher, ...], bool]:
    """What of `rule` must be looked at where its bit is left: what must fit, what must not, and whether it is loose."""
    apart = (*_BY_MASK, *LOOSE)
    matchers = tuple(each for each in rule.matchers if not isinstance(each, apart))
    unless = tuple(each for each in rule.unless if not isinstance(each, apart))
    return matchers, unless, rule.is_loose


def _fits(matchers: tuple[Matcher, ...], unless: tuple[Matcher, ...], seen: Seen) -> bool:
    for matcher in matchers:
        if not matcher.fits(seen):
            return False
    return all(not matcher.fits(seen) for matcher in unless)
