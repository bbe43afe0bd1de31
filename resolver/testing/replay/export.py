"""Decides which scenario a history is: what each server is to say, what clients ask, and what they must be told.

Rules
* Each query of a client is a step, its answer another one, and the time between them passes (`TIME_PASSES`).
* What servers say, and when, is `ranges`.

Limits: a scenario begins with an empty cache, so that what was held before the history began is missing in it. Settings
that have no word in a scenario are left out.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from resolver.auth.hierarchy import World
from resolver.config import Config
from resolver.config.values import Network
from resolver.errors import InputError
from resolver.message import EDNS_PAYLOAD, TC, Transport
from resolver.observe import presenting
from resolver.observe.history import CLIENT, SERVER, Seen
from resolver.simulation import hosts
from resolver.testing.replay import writing
from resolver.testing.replay.ranges import LEAST_S, Servers
from resolver.text import printable
from resolver.wire import names
from resolver.wire.special import special_above

MAX_QUERIES: Final = 10_000
"""Queries of clients in one scenario: more than anyone reads."""

TITLE: Final = "exported from a history"

_COOKIE: Final = 10
_STREAMS: Final = frozenset((Transport.TCP, Transport.TLS, Transport.HTTPS))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario needs besides messages: the resolver's `config`, the addresses of the `roots`, and trust
    `anchors` as records."""

    config: Config = field(default_factory=Config)
    roots: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    special: tuple[bytes, ...] = ()
    """The special-use names, folded, that are looked up like any other."""

    @classmethod
    def of(cls, config: Config, world: World | None) -> Setting:
        """That of a program with `config`, which resolves `world`."""
        if world is None:
            return cls(config)
        anchor = world.trust_anchor
        roots = tuple(host for server in world.root_servers for host in hosts(server))
        held = {special_above(names.fold(rrset.name)) for zone in world.zones.values() for rrset in zone}
        special = tuple(sorted(each for each in held if each is not None))
        return cls(config, roots, () if anchor is None else tuple(presenting.lines(anchor)), special)


def scenario(
    seen: Iterable[Seen],
    setting: Setting,
    title: str = TITLE,
    *,
    loose: Container[int] = (),
    lasting: bool = False,
) -> str:
    """The text of a scenario in which clients ask what they did, and are told the same. TTLs count, but in the steps of
    the numbers `loose`. A server that was silent stays so until it was heard, if that is `lasting`. Raises `InputError`
    for a history that is none."""
    ordered = sorted(seen, key=lambda each: (each.time, each.number))
    clients = [each for each in ordered if each.side == CLIENT and each.ms is not None]
    if not clients:
        raise InputError("no client has asked anything", instead="ask the resolver first, then export what came of it")
    if len(clients) > MAX_QUERIES:
        raise InputError(
            f"{len(clients)} queries of clients; {MAX_QUERIES} are exported", instead="clear the history before"
        )
    steps = _Steps(clients, loose)
    servers = Servers([each for each in ordered if each.side == SERVER], setting.roots, clients, lasting=lasting)
    lines = [
        *_configuration(setting, servers, math.floor(clients[0].time)),
        "CONFIG_END",
        "",
        f"SCENARIO_BEGIN {printable(' '.join(title.split())) or 'exported'}",
        "",
        *servers.ranges([steps.first[place] for place in range(len(clients))], steps.last),
        *steps.lines,
        "SCENARIO_END",
    ]
    return "\n".join(lines) + "\n"


def _configuration(setting: Setting, servers: Servers, wall: int) -> Iterator[str]:
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
    yield from (f"\taccess-control: {each}" for each in _access(setting.config.server.snoop))
    yield "\tunblock-lan-zones: no"
    special = {*setting.special, *servers.special, *(names.from_text(each) for each in resolver.unreserved)}
    yield from (f"\tlocal-zone: {names.to_text(each)} nodefault" for each in sorted(special))
    if dnssec.validation:
        yield from (f'\ttrust-anchor: "{each}"' for each in (*setting.anchors, *dnssec.trust_anchors))
        yield from (f'\tdomain-insecure: "{names.to_text(each.zone)}"' for each in dnssec.negative_trust_anchors)
        yield f"\taggressive-nsec: {yes[dnssec.aggressive]}"
        yield f'\tval-nsec3-keysize-iterations: "1024 {dnssec.nsec3_iterations_insecure}"'
        yield f"\tnsec3-iterations-max: {dnssec.nsec3_iterations_max}"
    for clause, addresses in (("stub", servers.roots), ("forward", servers.forwarders)):
        if addresses:
            yield f"{clause}-zone:"
            yield '\tname: "."'
            yield from (f"\t{clause}-addr: {each}" for each in addresses)


def _access(snoop: Sequence[Network] | None) -> Sequence[str]:
    """Who may look into the cache; what is said of nobody is our own default."""
    if snoop is None:
        return ()
    return [f"{each} allow_snoop" for each in snoop] or ["0.0.0.0/0 allow", "::/0 allow"]


class _Steps:
    """What clients do, one after the other."""

    def __init__(self, clients: Sequence[Seen], loose: Container[int]) -> None:
        self._loose = loose
        self.lines: list[str] = []
        self.first: dict[int, int] = {}
        """The number of the step that asks, by the place of the query among `clients`."""
        self.last = 0
        events = [(each.time, place, 0) for place, each in enumerate(clients)]
        events += [(each.time + (each.ms or 0) / 1000, place, 1) for place, each in enumerate(clients)]
        now = began = float(math.floor(clients[0].time))
        for time, place, answered in sorted(events):
            seen = clients[place]
            if answered:
                if seen.response is not None:
                    self._check(seen, seen.response)
            else:
                if time - now >= LEAST_S:
                    self._step(f"TIME_PASSES UNTIL {time - began:.6f}".rstrip("0").rstrip("."), [])
                self.first[place] = self.last + 1
                self._query(seen)
            now = max(now, time)

    def _step(self, what: str, entry: Iterable[str]) -> None:
        self.last += 1
        self.lines += [f"STEP {self.last} {what}", *entry, ""]

    def _query(self, seen: Seen) -> None:
        head = ["MATCH TCP"] if seen.transport in _STREAMS else []
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

    def _check(self, seen: Seen, response: bytes) -> None:
        message = writing.read(response)
        words = ["MATCH", "all", *([] if self.last + 1 in self._loose else ["ttl"])]
        if message is not None:
            words += [f"ede={code}" for code in writing.errors(message)[:1]]
            try:
                self._step("CHECK_ANSWER", writing.entry([" ".join(words)], writing.said_to_client(message)))
            except writing.Unwritable:
                pass
            else:
                return
        self._step("CHECK_ANSWER", writing.entry([" ".join(words)], response, seen.question))


def _lasting(options: tuple[tuple[int, bytes], ...]) -> tuple[tuple[int, bytes], ...]:
    """The options of a query that mean the same another time."""
    return tuple(each for each in options if each[0] != _COOKIE)
