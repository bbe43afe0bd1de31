"""Decides what each server of a scenario says, and when, from what servers were seen to say.

Rules
* A server says in each *phase*, from one query of a client to the next, what it said then; before it was asked, what it
  says first, and afterwards what it said last. Of several replies to the same question within a phase the last counts:
  the ones before were of no use.
* Which of a zone's servers is asked is drawn by lot. So a server that was not asked something says what another one of
  the same zone did, the best of them: an answer rather than an error, an error rather than nothing. At all of its
  addresses it is the same server. One that said nothing at all in a phase is silent in it, whatever it is asked;
  if its silence is to last, until it was heard again.
* What does not arrive, as from another place, is silence; what comes in other letter case leads to a stream, as if it
  were cut short. What has another id has another one again, and octets that are malformed stay as they are. A server
  that took its time takes it again.

Limits: of one question and phase a scenario knows one reply to datagrams and one over streams, with an OPT and without.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from resolver.message import RD, TC, Message, Question, RRset, Transport, Type
from resolver.observe.history import Seen
from resolver.testing.replay import writing
from resolver.wire import names
from resolver.wire.special import special_above

LEAST_S: Final = 0.002
"""Seconds from which on a time is told: what a server took, and what passes between two queries."""

_UNDELIVERED: Final = frozenset(("wrong_source", "tcp_reset", "tcp_empty", "tcp_stall", "tcp_cut"))
"""The faults behind which no reply arrives that is one."""

_TEST: Final = names.from_text("test.")
"""A name as any other here, and a special one to Unbound, which may play the scenario, too."""

_Key = tuple[bytes, int, int]
"""A question with its name folded."""


class _Reply(NamedTuple):
    """What a server said: a message, octets that are none, or nothing; after how many seconds, and with which id."""

    said: Message | bytes | None
    seconds: float = 0.0
    wrong_id: bool = False

    @property
    def rank(self) -> int:
        """How good it is."""
        if isinstance(self.said, Message) and not self.wrong_id:
            return 3 if self.said.rcode in (0, 3) else 2
        return 0 if self.said is None else 1


class _Kind(NamedTuple):
    """How a query came: over a stream or not, with an OPT or without."""

    stream: bool
    edns: bool


_Timeline = dict[int, _Reply]
"""What was said last in each phase."""

_Said = Mapping[_Key, Mapping[_Kind, _Timeline]]


class _Told(NamedTuple):
    """An entry of a server in some moments."""

    first: int
    last: int
    question: Question
    words: tuple[str, ...]
    reply: _Reply


class Servers:
    """What simulated servers said. What was cut short over UDP says nothing of streams."""

    def __init__(self, seen: Sequence[Seen], roots: Sequence[str], clients: Sequence[Seen], *, lasting: bool) -> None:
        """What was `seen` between the queries of `clients`; those at `roots` are the servers of the root. Silence is
        `lasting` or not."""
        self._lasting = lasting
        self._places = _Places(roots)
        self._said: dict[bytes, dict[_Key, dict[_Kind, _Timeline]]] = defaultdict(lambda: defaultdict(dict))
        self._spoke: dict[bytes, dict[int, bool]] = defaultdict(dict)
        self.special: list[bytes] = []
        """The special-use names that were looked up."""
        recursing: set[bytes] = set()
        begins = [(each.time, each.number) for each in clients]
        for each in seen:
            query, question = writing.read(each.query), each.question
            if query is None or question is None or query.opcode or not each.address:
                continue
            reply = _reply(each)
            self._places.learn(each, reply.said)
            server = names.fold(names.from_text(each.server))
            key = (names.fold(question.name), question.type, question.cls)
            special = special_above(key[0]) or (_TEST if names.is_below(key[0], _TEST) else None)
            if special is not None and special not in self.special:
                self.special.append(special)
            if query.flags & RD:
                recursing.add(server)
            phase = max(0, bisect_right(begins, (each.time, each.number)) - 1)
            kind = _Kind(each.transport is not Transport.UDP, query.edns is not None)
            self._said[server][key].setdefault(kind, {})[phase] = reply
            if each.number:  # not what was asked for this scenario
                self._spoke[server][phase] = self._spoke[server].get(phase, False) or reply.said is not None
        self.roots = tuple(roots) or tuple(
            sorted(self._places.addresses(self._places.of(names.ROOT) & set(self._said)))
        )
        # Servers that recurse are asked to by each other, too; the resolver asks those of the root.
        self.forwarders = tuple(each for each in self.roots if self._places.at(each) in recursing)

    def ranges(self, first: Sequence[int], last: int) -> Iterator[str]:
        """What each server says, and when: `first` are the numbers of the steps in which clients ask, `last` is that of
        the last step of all."""
        told: dict[_Told, set[str]] = defaultdict(set)
        for server, said in self._shared().items():
            for key, kinds in said.items():
                for each in _entries(Question(*key), kinds, first, last):
                    told[each].update(self._places.addresses((server,)))
        blocks: dict[tuple[int, int, tuple[str, ...]], list[_Told]] = defaultdict(list)
        for entry, addresses in told.items():
            blocks[entry.first, entry.last, tuple(sorted(addresses))].append(entry)
        for (begin, end, where), entries in sorted(blocks.items(), key=lambda each: each[0]):
            yield f"RANGE_BEGIN {begin} {end}"
            yield from (f"\tADDRESS {address}{self._places.called(address)}" for address in where)
            for entry in sorted(entries, key=lambda each: -len(each.words)):
                yield from _entry(entry)
            yield "RANGE_END"
            yield ""

    def _shared(self) -> Mapping[bytes, _Said]:
        """What each server says; those that were not asked something say it, too."""
        shared: dict[bytes, dict[_Key, dict[_Kind, _Timeline]]] = {
            server: {**said} for server, said in self._said.items()
        }
        donors: dict[tuple[bytes, _Key], tuple[int, dict[_Kind, _Timeline]]] = {}
        for server, said in self._said.items():
            for key, kinds in said.items():
                best = max(reply.rank for timeline in kinds.values() for reply in timeline.values())
                streams = {kind: timeline for kind, timeline in kinds.items() if kind.stream}
                for other in self._places.beside(server, key):
                    its = self._said.get(other, {}).get(key)
                    if its is not None and not any(kind.stream for kind in its):
                        shared[other][key] = {**its, **streams}
                    if key not in self._said.get(other, ()) and best > donors.get((other, key), (-1, {}))[0]:
                        donors[other, key] = best, kinds
        for (other, key), (_, kinds) in donors.items():
            shared.setdefault(other, {})[key] = kinds
        for server, spoke in self._spoke.items():
            if not all(spoke.values()):
                shared[server] = {
                    key: {kind: _silenced(timeline, spoke, lasts=self._lasting) for kind, timeline in kinds.items()}
                    for key, kinds in shared[server].items()
                }
        return shared


def _silenced(timeline: _Timeline, spoke: Mapping[int, bool], *, lasts: bool) -> _Timeline:
    """`timeline` with nothing said in phases in which the server was asked and did not speak, where it knows nothing of
    them: until the next one, or if that `lasts` until it spoke again."""
    made = dict(timeline)
    for phase in (each for each, spoken in spoke.items() if not spoken and each not in timeline):
        made[phase] = _Reply(None)
        heard = next((each for each, spoken in spoke.items() if each > phase and spoken), None)
        again = heard if lasts else phase + 1
        if again is not None and again not in timeline and spoke.get(again, True):
            made[again] = _in_force(timeline, again)
    return made


def _in_force(timeline: _Timeline, phase: int) -> _Reply:
    """What is said in `phase`."""
    return timeline[max((each for each in timeline if each <= phase), default=min(timeline))]


def _entries(question: Question, kinds: Mapping[_Kind, _Timeline], first: Sequence[int], last: int) -> Iterator[_Told]:
    """What a server says to `question`, and in which moments."""
    for words, timeline in _told_apart(kinds):
        if not words and any(isinstance(each.said, Message) and each.said.flags & TC for each in timeline.values()):
            words = ("UDP",)
        phases = sorted(timeline)
        changes = [phase for before, phase in pairwise(phases) if timeline[before] != timeline[phase]]
        moments = [0, *(first[phase] if phase < len(first) else last + 1 for phase in changes), last + 2]
        for phase, (begin, end) in zip((phases[0], *changes), pairwise(moments), strict=True):
            yield _Told(begin, end - 1, question, words, timeline[phase])


def _told_apart(kinds: Mapping[_Kind, _Timeline]) -> list[tuple[tuple[str, ...], _Timeline]]:
    """The timelines of `kinds` with the words that tell them apart, which are none where all were told the same."""
    merged: _Timeline = {}
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
    way = " do_not_answer" if reply.said is None else " wrong_id" if reply.wrong_id else ""
    head = [" ".join(("MATCH opcode question", *told.words)), f"ADJUST copy_id{way}{sleep}"]
    said = Message(0, 0, 0, told.question) if reply.said is None else reply.said
    if isinstance(said, Message) and said.question == told.question:
        try:
            return writing.entry(head, said)
        except writing.Unwritable:
            pass
    octets = said if isinstance(said, bytes) else writing.octets(said)
    return writing.entry(head, octets, told.question)


def _reply(seen: Seen) -> _Reply:
    """What the server said, as far as it is a reply to the query."""
    if not _UNDELIVERED.isdisjoint(seen.faults):
        return _Reply(None)
    told = [each for each in (seen.response, *seen.further) if each is not None]
    octets = next((each for each in told if each[:2] == seen.query[:2]), told[0] if told else None)
    if octets is None:
        return _Reply(None)
    seconds = round((seen.ms or 0) / 1000, 3)
    message = writing.read(octets)
    if message is not None and "wrong_case" in seen.faults and seen.transport is Transport.UDP:
        message = message._replace(flags=message.flags | TC, answer=(), authority=(), additional=())
    said = octets if message is None else writing.said_by_server(message)
    return _Reply(said, seconds if seconds >= LEAST_S else 0.0, octets[:2] != seen.query[:2])


class _Places:
    """Which servers serve which zone, and where they are, as far as messages tell. Names are folded."""

    def __init__(self, roots: Iterable[str]) -> None:
        """Those at `roots` serve the root."""
        self._roots = tuple(roots)
        self._servers: dict[bytes, set[bytes]] = defaultdict(set)
        self._addresses: dict[bytes, set[str]] = defaultdict(set)
        self._seen: dict[str, bytes] = {}

    def learn(self, seen: Seen, said: Message | bytes | None) -> None:
        """`seen` tells a server and its address; what it `said` may tell of others."""
        server = names.fold(names.from_text(seen.server))
        self._seen[seen.address] = server
        self._addresses[server].add(seen.address)
        if not isinstance(said, Message):
            return
        for rrset in (*said.answer, *said.authority, *said.additional):
            if rrset.type == Type.NS:
                self._servers[names.fold(rrset.name)].update(map(names.fold, rrset.rdatas))
            elif rrset.type in (Type.A, Type.AAAA):
                self._addresses[names.fold(rrset.name)].update(_hosts(rrset))

    def addresses(self, servers: Iterable[bytes]) -> set[str]:
        """Where `servers` are."""
        return {address for server in servers for address in self._addresses.get(server, ())}

    def at(self, address: str) -> bytes | None:
        """The server at `address`, if it is known."""
        found = self._seen.get(address)
        if found is None:
            serving = {server for servers in self._servers.values() for server in servers}
            found = next((each for each in serving if address in self._addresses.get(each, ())), None)
        return found

    def called(self, address: str) -> str:
        """A comment that names the server at `address`."""
        server = self.at(address)
        return "" if server is None else f" ; {names.to_text(server)}"

    def of(self, zone: bytes) -> set[bytes]:
        """The servers of `zone`."""
        found = set(self._servers.get(zone, ()))
        if zone == names.ROOT:
            found.update(server for each in self._roots if (server := self.at(each)) is not None)
        return found

    def beside(self, server: bytes, key: _Key) -> set[bytes]:
        """The other servers of the zone in which `server` was asked `key`."""
        name, rtype, _ = key
        above = name if rtype != Type.DS else names.parent(name)
        for zone in (*names.ancestors(above), names.ROOT):
            servers = self.of(zone)
            if server in servers:
                return servers - {server}
        return set()


def _hosts(rrset: RRset) -> Iterator[str]:
    for rdata in rrset.rdatas:
        if len(rdata) in (4, 16):
            yield str(ipaddress.ip_address(rdata))
