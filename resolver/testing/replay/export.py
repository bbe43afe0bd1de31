"""Decides which scenario a history is: what each server is to say, what clients ask, and what they must be told.

Rules
* Each query of a client is a step, its answer another one, and the time between them passes (`TIME_PASSES`).
* A server says in each *phase*, from one query of a client to the next, what it said then; before it was asked, what it
  says first, and afterwards what it said last. Of several replies to the same question within a phase the last counts.
* Which of a zone's servers is asked is drawn by lot. So a server that was not asked something says what another one of
  the same zone did, the best of them: an answer rather than an error, an error rather than nothing.
* What a resolver takes for no reply to its query (another id) is silence; other octets that are malformed stay as they
  are. A server that took its time takes it again.

Limits: a scenario begins with an empty cache, so that what was held before the history began is missing in it. Of one
question and phase a script knows one reply over each transport. Settings that have no word in a scenario are left out.
"""

from __future__ import annotations

import ipaddress
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from resolver.config import Config
from resolver.errors import InputError
from resolver.message import EDNS_PAYLOAD, TC, Message, Question, RRset, Transport, Type
from resolver.observe.history import CLIENT, SERVER, Seen
from resolver.testing.replay import writing
from resolver.wire import names
from resolver.wire.special import special_above

MAX_QUERIES: Final = 10_000
"""Queries of clients in one scenario: more than anyone reads."""

LEAST_S: Final = 0.002
"""Seconds from which on the time of a server is told, and that between two queries."""

_Key = tuple[bytes, int, int]
_SIGNS: Final = frozenset((Transport.TCP, Transport.TLS))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario needs besides messages: the resolver's `config`, the addresses of the `roots`, and trust
    `anchors` as records."""

    config: Config = field(default_factory=Config)
    roots: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()


class _Reply(NamedTuple):
    """What a server said: a message, octets that are none, or nothing; and after how many seconds."""

    said: Message | bytes | None
    seconds: float = 0.0

    @property
    def rank(self) -> int:
        """How good it is."""
        if isinstance(self.said, Message):
            return 3 if self.said.rcode in (0, 3) else 2
        return 0 if self.said is None else 1


class _Kind(NamedTuple):
    """How a query came: over a stream or not, with an OPT or without."""

    stream: bool
    edns: bool


Timeline = dict[int, _Reply]
"""What was said last in each phase."""


class _Told(NamedTuple):
    """An entry of a server in some moments."""

    first: int
    last: int
    question: Question
    words: tuple[str, ...]
    reply: _Reply


def scenario(
    seen: Iterable[Seen], setting: Setting, title: str = "exported from a history", *, ttl: bool = True
) -> str:
    """The text of a scenario in which clients ask what they did, and are told the same. With `ttl` the TTLs of answers
    count. Raises `InputError` for a history that is none."""
    ordered = sorted(seen, key=lambda each: (each.time, each.number))
    clients = [each for each in ordered if each.side == CLIENT and each.ms is not None]
    if not clients:
        raise InputError("no client has asked anything", instead="ask the resolver first, then export what came of it")
    if len(clients) > MAX_QUERIES:
        raise InputError(
            f"{len(clients)} queries of clients; {MAX_QUERIES} are exported", instead="clear the history before"
        )
    steps = _Steps(clients, ttl=ttl)
    servers = _Servers([each for each in ordered if each.side == SERVER], setting.roots, clients)
    lines = [
        *_configuration(setting, servers, math.floor(clients[0].time)),
        "CONFIG_END",
        "",
        f"SCENARIO_BEGIN {' '.join(title.split()) or 'exported'}",
        "",
        *servers.ranges(steps),
        *steps.lines,
        "SCENARIO_END",
    ]
    return "\n".join(lines) + "\n"


def _configuration(setting: Setting, servers: _Servers, wall: int) -> Iterator[str]:
    """The words that make the resolver one of `setting`."""
    resolver, cache, dnssec = setting.config.resolver, setting.config.cache, setting.config.dnssec
    yes = {True: "yes", False: "no"}
    yield "server:"
    yield f'\tval-override-date: "{wall}"'
    yield f"\tqname-minimisation: {yes[resolver.qname_minimisation]}"
    yield f"\tserve-expired: {yes[cache.serve_stale]}"
    if cache.serve_stale:
        yield f"\tserve-expired-ttl: {cache.stale_max_age_s}"
        yield f"\tserve-expired-reply-ttl: {cache.stale_ttl_s}"
        yield f"\tserve-expired-client-timeout: {cache.stale_client_timeout_ms}"
    yield f"\tprefetch: {yes[cache.prefetch]}"
    yield "\tunblock-lan-zones: no"
    yield from (f"\tlocal-zone: {names.to_text(each)} nodefault" for each in servers.special)
    if dnssec.validation:
        yield from (f'\ttrust-anchor: "{each}"' for each in (*setting.anchors, *dnssec.trust_anchors))
        yield from (f'\tdomain-insecure: "{names.to_text(each.zone)}"' for each in dnssec.negative_trust_anchors)
        yield f"\taggressive-nsec: {yes[dnssec.aggressive]}"
    for clause, addresses in (("stub", servers.roots), ("forward", servers.forwarders)):
        if addresses:
            yield f"{clause}-zone:"
            yield '\tname: "."'
            yield from (f"\t{clause}-addr: {each}" for each in addresses)


class _Steps:
    """What clients do, one after the other."""

    def __init__(self, clients: Sequence[Seen], *, ttl: bool) -> None:
        self.lines: list[str] = []
        self.first: dict[int, int] = {}
        """The number of the step that asks, by the place of the query among `clients`."""
        self.last = 0
        events = [(each.time, place, 0) for place, each in enumerate(clients)]
        events += [(each.time + (each.ms or 0) / 1000, place, 1) for place, each in enumerate(clients)]
        now = float(math.floor(clients[0].time))
        for time, place, answered in sorted(events):
            seen = clients[place]
            if answered:
                if seen.response is not None:
                    self._check(seen, seen.response, ttl=ttl)
            else:
                if time - now >= LEAST_S:
                    self._step(f"TIME_PASSES ELAPSE {time - now:.6f}".rstrip("0").rstrip("."), [])
                self.first[place] = self.last + 1
                self._query(seen)
            now = max(now, time)

    def _step(self, what: str, entry: Iterable[str]) -> None:
        self.last += 1
        self.lines += [f"STEP {self.last} {what}", *entry, ""]

    def _query(self, seen: Seen) -> None:
        head = ["MATCH TCP"] if seen.transport in _SIGNS else []
        message = writing.read(seen.query)
        said = writing.read(seen.response)
        short = message is not None and message.edns is not None and message.edns.payload < EDNS_PAYLOAD
        if message is not None and not (short and said is not None and said.flags & TC):
            edns = message.edns
            text = message._replace(edns=None if edns is None else edns._replace(options=_lasting(edns.options)))
            try:
                self._step("QUERY", writing.entry(head, text))
            except writing.Unwritable:
                pass
            else:
                return
        self._step("QUERY", writing.entry(head, seen.query, seen.question))

    def _check(self, seen: Seen, response: bytes, *, ttl: bool) -> None:
        message = writing.read(response)
        words = ["MATCH", "all", *(["ttl"] if ttl else [])]
        if message is not None:
            words += [f"ede={code}" for code in writing.errors(message)[:1]]
            try:
                self._step("CHECK_ANSWER", writing.entry([" ".join(words)], writing.said_to_client(message)))
            except writing.Unwritable:
                pass
            else:
                return
        self._step("CHECK_ANSWER", writing.entry([" ".join(words)], response, seen.question))


_COOKIE: Final = 10


def _lasting(options: tuple[tuple[int, bytes], ...]) -> tuple[tuple[int, bytes], ...]:
    """The options of a query that mean the same another time."""
    return tuple(each for each in options if each[0] != _COOKIE)


class _Servers:
    """What simulated servers said."""

    def __init__(self, seen: Sequence[Seen], roots: Sequence[str], clients: Sequence[Seen]) -> None:
        self._said: dict[str, dict[_Key, dict[_Kind, Timeline]]] = defaultdict(lambda: defaultdict(dict))
        self._zones = _Zones()
        self.special: list[bytes] = []
        forwarders: dict[str, None] = {}
        begins = [(each.time, each.number) for each in clients]
        for each in seen:
            query, question = writing.read(each.query), each.question
            if query is None or question is None or query.opcode or not each.address:
                continue
            reply = _reply(each, query)
            if isinstance(reply.said, Message):
                self._zones.learn(reply.said)
            self._zones.serves(each.server, each.address)
            key = (names.fold(question.name), question.type, question.cls)
            special = special_above(key[0])
            if special is not None and special not in self.special:
                self.special.append(special)
            if query.flags & 0x0100:
                forwarders[each.address] = None
            phase = max(0, bisect_right(begins, (each.time, each.number)) - 1)
            kind = _Kind(each.transport is not Transport.UDP, query.edns is not None)
            self._said[each.address][key].setdefault(kind, {})[phase] = reply
        self.forwarders = tuple(forwarders)
        self.roots = tuple(roots) or self._zones.roots(self._said)
        self._zones.add_roots(self.roots)

    def ranges(self, steps: _Steps) -> Iterator[str]:
        """What each server says, and when."""
        told: dict[_Told, set[str]] = defaultdict(set)
        for address, said in self._shared().items():
            for key, kinds in said.items():
                for each in _entries(Question(*key), kinds, steps):
                    told[each].add(address)
        blocks: dict[tuple[int, int, tuple[str, ...]], list[_Told]] = defaultdict(list)
        for entry, addresses in told.items():
            blocks[entry.first, entry.last, tuple(sorted(addresses))].append(entry)
        for (first, last, where), entries in sorted(blocks.items(), key=lambda each: each[0]):
            yield f"RANGE_BEGIN {first} {last}"
            yield from (f"\tADDRESS {address}" for address in where)
            for entry in sorted(entries, key=lambda each: -len(each.words)):
                yield from _entry(entry)
            yield "RANGE_END"
            yield ""

    def _shared(self) -> Mapping[str, Mapping[_Key, Mapping[_Kind, Timeline]]]:
        """What each server says; those that were not asked something say it, too."""
        shared: dict[str, dict[_Key, Mapping[_Kind, Timeline]]] = {
            address: dict(said.items()) for address, said in self._said.items()
        }
        donors: dict[tuple[str, _Key], tuple[int, dict[_Kind, Timeline]]] = {}
        for address, said in self._said.items():
            for key, kinds in said.items():
                best = max(reply.rank for timeline in kinds.values() for reply in timeline.values())
                for other in self._zones.beside(address, key):
                    if key not in self._said.get(other, ()) and best > donors.get((other, key), (-1, {}))[0]:
                        donors[other, key] = best, kinds
        for (other, key), (_, kinds) in donors.items():
            shared.setdefault(other, {})[key] = kinds
        return shared


def _entries(question: Question, kinds: Mapping[_Kind, Timeline], steps: _Steps) -> Iterator[_Told]:
    """What a server says to `question`, and in which moments."""
    for words, timeline in _told_apart(kinds):
        phases = sorted(timeline)
        starts = [
            0,
            *(phase for before, phase in pairwise(phases) if timeline[before] != timeline[phase]),
        ]
        for place, start in enumerate(starts):
            end = starts[place + 1] if place + 1 < len(starts) else None
            first = 0 if place == 0 else steps.first[start]
            last = steps.last + 1 if end is None else steps.first[end] - 1
            reply = timeline[phases[0] if place == 0 else start]
            yield _Told(first, last, question, words, reply)


def _told_apart(kinds: Mapping[_Kind, Timeline]) -> list[tuple[tuple[str, ...], Timeline]]:
    """The timelines of `kinds` with the words that tell them apart, which are none where all were told the same."""
    merged: Timeline = {}
    for timeline in kinds.values():
        for phase, reply in timeline.items():
            if merged.setdefault(phase, reply) != reply:
                return [
                    (("TCP" if kind.stream else "UDP", *(() if kind.edns else ("noedns",))), each)
                    for kind, each in kinds.items()
                ]
    return [((), merged)]


def _entry(told: _Told) -> list[str]:
    reply = told.reply
    sleep = f" sleep={reply.seconds:.3f}".rstrip("0") if reply.seconds else ""
    silent = " do_not_answer" if reply.said is None else ""
    head = [" ".join(("MATCH opcode question", *told.words)), f"ADJUST copy_id{silent}{sleep}"]
    said = Message(0, 0, 0, told.question) if reply.said is None else reply.said
    if isinstance(said, Message) and said.question == told.question:
        try:
            return writing.entry(head, said)
        except writing.Unwritable:
            pass
    octets = said if isinstance(said, bytes) else writing.octets(said)
    return writing.entry(head, octets, told.question)


def _reply(seen: Seen, query: Message) -> _Reply:
    """What the server said to `query`, as far as it is a reply to it."""
    octets = next(
        (each for each in (seen.response, *seen.further) if each is not None and each[:2] == seen.query[:2]), None
    )
    if octets is None:
        return _Reply(None)
    seconds = round((seen.ms or 0) / 1000, 3)
    message = writing.read(octets)
    said = octets if message is None else writing.said_by_server(message)
    return _Reply(said, seconds if seconds >= LEAST_S else 0.0)


class _Zones:
    """Which addresses serve which zone, as far as messages tell."""

    def __init__(self) -> None:
        self._servers: dict[bytes, set[bytes]] = defaultdict(set)
        self._addresses: dict[bytes, set[str]] = defaultdict(set)
        self._roots: tuple[str, ...] = ()

    def learn(self, message: Message) -> None:
        """What `message` says of name servers and their addresses."""
        for rrset in (*message.answer, *message.authority, *message.additional):
            if rrset.type == Type.NS:
                self._servers[names.fold(rrset.name)].update(map(names.fold, rrset.rdatas))
            elif rrset.type in (Type.A, Type.AAAA):
                self._addresses[names.fold(rrset.name)].update(_hosts(rrset))

    def serves(self, server: str, address: str) -> None:
        """`server` is at `address`."""
        self._addresses[names.fold(names.from_text(server))].add(address)

    def add_roots(self, addresses: Iterable[str]) -> None:
        """The root is served at `addresses`, too."""
        self._roots = tuple(addresses)

    def roots(self, asked: Mapping[str, object]) -> tuple[str, ...]:
        """Those of the root, as far as they are known and were `asked`."""
        return tuple(sorted(self.of(names.ROOT) & set(asked)))

    def of(self, zone: bytes) -> set[str]:
        """The addresses of the servers of `zone`, folded."""
        found = {address for server in self._servers.get(zone, ()) for address in self._addresses.get(server, ())}
        return found | set(self._roots) if zone == names.ROOT else found

    def beside(self, address: str, key: _Key) -> set[str]:
        """The addresses of the other servers of the zone in which the one at `address` was asked `key`."""
        name, rtype, _ = key
        above = name if rtype != Type.DS else names.parent(name)
        for zone in (above, *names.ancestors(above), names.ROOT):
            servers = self.of(zone)
            if address in servers:
                return servers - {address}
        return set()


def _hosts(rrset: RRset) -> Iterator[str]:
    for rdata in rrset.rdatas:
        if len(rdata) in (4, 16):
            yield str(ipaddress.ip_address(rdata))
