"""How one zone's servers are asked until one is of use: choice of server, retry on timeout, fallbacks.

Rules
* Servers are tried in the order that their round-trip times suggest, each once before any is tried again; a
  retry to the same server waits twice as long. The name servers without an address are looked up when those
  with one have all been tried.
* A server is asked at most `MAX_TRIES` times over UDP. While no server of the zone has ever replied,
  `MAX_SILENT_SENDS` unanswered ones are the limit for the zone, and `SILENT_ZONE_S` for the time, so that a dead
  zone fails fast.
* A server that recurses on our behalf may take as long as the client waits; it is asked again more slowly.
* TC means TCP to the same server; so does a reply that fits in all but its letter case.
* EDNS is left out for a server only after FORMERR or NOTIMP (RFC 6891 section 6.2.2), never after a timeout.
* A server that says something unusable is not asked again for this question.

Limits: name servers' addresses are looked up one after the other, at most `MAX_ADDRESS_LOOKUPS` names per
zone, and lookups that fail count at most `MAX_FAILED_LOOKUPS` (NXNS attacks, CVE-2020-12662).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from resolver.engine.actions import Exchange, Found, Malformed, Replied, Steps, Unanswered, exchange, look_up
from resolver.engine.budget import NETWORK_ERROR, NO_REACHABLE_AUTHORITY, Budget
from resolver.engine.classify import classify
from resolver.engine.delegation import MAX_ADDRESSES, Delegation, NameServer, endpoints
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Conclusion, Fault, Referral, Truncated, Unusable
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Question, Rcode, Transport, Type
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names

MAX_TRIES: Final = 3
MAX_SILENT_SENDS: Final = 5
SILENT_ZONE_S: Final = 3.0
TCP_TIMEOUT_S: Final = 2.0
RECURSED_TIMEOUT_S: Final = 0.8
"""A server that recurses on our behalf is given time to do so before it is asked again."""
MAX_HEARD: Final = 4
"""Extended errors of other servers that are passed on."""
MAX_ADDRESS_LOOKUPS: Final = 10
MAX_FAILED_LOOKUPS: Final = 5


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply of use: what it means, and the message itself for the glue that is in it."""

    outcome: Conclusion | Referral
    message: Message


@dataclass(slots=True)
class _Candidate:
    endpoint: Endpoint
    name: bytes
    tries: int = 0
    edns: bool = True
    tcp: bool = False


@dataclass(slots=True)
class _Asking:
    """The state of asking one zone one question."""

    delegation: Delegation
    question: Question
    known: Knowledge
    recursed: bool
    candidates: dict[Endpoint, _Candidate] = field(default_factory=dict)
    dismissed: set[Endpoint] = field(default_factory=set)
    nameless: list[NameServer] = field(default_factory=list)
    failed_lookups: int = 0
    lookups: int = 0
    sends: int = 0
    silences: int = 0
    waited: float = 0.0
    anyone_replied: bool = False
    troubles: list[tuple[_Candidate, Trouble | Fault | str]] = field(default_factory=list)
    heard: list[Ede] = field(default_factory=list)
    lookup_failure: ResolutionFailed | None = None
    cut_short: bool = False  # a lookup was ended by the asker's own limits, so the zone may be better than it looks

    def add(self, name: bytes, found: list[Endpoint] | tuple[Endpoint, ...]) -> None:
        servers = self.known.servers
        for endpoint in found[:MAX_ADDRESSES]:
            if endpoint not in self.candidates and endpoint not in self.dismissed:
                tcp = not servers.keeps_case(endpoint)
                self.candidates[endpoint] = _Candidate(endpoint, name, 0, servers.knows_edns(endpoint), tcp)
                self.anyone_replied = self.anyone_replied or servers.has_replied(endpoint)

    def next(self) -> _Candidate | None:
        """The server to try now; None when another address should be looked up first, or all is tried."""
        if not self.candidates:
            return None
        if not (self.anyone_replied or self.recursed) and (
            self.silences >= MAX_SILENT_SENDS or self.waited >= SILENT_ZONE_S
        ):
            return None
        fewest = min(each.tries for each in self.candidates.values())
        if fewest >= MAX_TRIES or (fewest and self.nameless and self.may_look_up()):
            return None
        fresh = [each.endpoint for each in self.candidates.values() if each.tries == fewest]
        return self.candidates[self.known.servers.ordered(fresh)[0]]

    def may_look_up(self) -> bool:
        return self.lookups < MAX_ADDRESS_LOOKUPS and self.failed_lookups < MAX_FAILED_LOOKUPS

    def timeout(self, candidate: _Candidate) -> float:
        if candidate.tcp:
            return TCP_TIMEOUT_S
        first = self.known.servers.timeout(candidate.endpoint)
        if self.recursed:
            first = max(first, RECURSED_TIMEOUT_S)
        wait = first * float(1 << candidate.tries)
        return wait if self.anyone_replied or self.recursed else max(0.05, min(wait, SILENT_ZONE_S - self.waited))

    def dismiss(self, candidate: _Candidate, why: Trouble | Fault | str) -> None:
        """`candidate` is not asked again for this question."""
        self.troubles.append((candidate, why))
        self.dismissed.add(candidate.endpoint)
        del self.candidates[candidate.endpoint]


def ask_zone(
    delegation: Delegation, question: Question, known: Knowledge, budget: Budget, *, recursed: bool = False
) -> Steps[Heard]:
    """What the servers of `delegation` say about `question`. Raises `ResolutionFailed` when none is of use."""
    asking = _Asking(delegation, question, known, recursed)
    for server in delegation.servers:
        if server.endpoints:
            asking.add(server.name, server.endpoints)
        else:
            asking.nameless.append(server)
    while True:
        candidate = asking.next()
        if candidate is None:
            if asking.nameless and asking.may_look_up():
                yield from _look_up_next(asking, budget)
                continue
            raise _gave_up(asking)
        heard = yield from _try(asking, candidate, budget)
        if heard is not None:
            return heard


def _try(asking: _Asking, candidate: _Candidate, budget: Budget) -> Steps[Heard | None]:
    """One exchange with `candidate`, and what follows from it."""
    budget.spend_exchange()
    transport = Transport.TCP if candidate.tcp else Transport.UDP
    timeout = asking.timeout(candidate)
    asking.sends += 1
    candidate.tries += 1
    event = yield from exchange(
        Exchange(
            candidate.endpoint,
            asking.question,
            asking.delegation.zone,
            transport,
            timeout,
            asking.recursed,
            candidate.edns,
            candidate.name,
        )
    )
    match event:
        case Replied():
            return _read(asking, event)
        case Malformed(server, reason):
            asking.known.servers.replied(server, timeout)
            asking.anyone_replied = True
            if server in asking.candidates:
                asking.dismiss(asking.candidates[server], f"sent a malformed reply ({reason})")
        case Unanswered(_, _, True, server):
            _miscased(asking, server or candidate.endpoint)
        case Unanswered(trouble, waited):
            asking.waited += waited
            _unanswered(asking, candidate, trouble, waited)
    return None


def _miscased(asking: _Asking, server: Endpoint) -> None:
    """`server` replied in other letter case: it is asked over TCP from now on."""
    asking.known.servers.changes_case(server)
    asking.anyone_replied = True
    candidate = asking.candidates.get(server)
    if candidate is not None and not candidate.tcp:
        candidate.tcp, candidate.tries = True, 0


def _unanswered(asking: _Asking, candidate: _Candidate, trouble: Trouble, waited: float) -> None:
    if trouble is not Trouble.LOCAL:
        asking.known.servers.silent(candidate.endpoint, waited)
    asking.silences += trouble is Trouble.TIMEOUT
    if trouble is Trouble.TIMEOUT and not candidate.tcp:
        if candidate.tries >= MAX_TRIES:
            asking.dismiss(candidate, trouble)
        return
    asking.dismiss(candidate, trouble)


def _read(asking: _Asking, event: Replied) -> Heard | None:
    """What the reply means; None when it is of no use and the asking goes on.

    It need not be that of the last try: what it says counts for the server and for the message that it replies to.
    """
    known = asking.known
    known.servers.replied(event.server, event.rtt)
    asking.anyone_replied = True
    candidate = asking.candidates.get(event.server)
    outcome = classify(event.message, asking.question, asking.delegation.zone, known.port, recursed=asking.recursed)
    known.note(outcome)
    match outcome:
        case Truncated():
            if candidate is not None and event.transport is Transport.TCP:
                asking.dismiss(candidate, "truncated its answer over TCP too")
            elif candidate is not None and not candidate.tcp:
                candidate.tcp, candidate.tries = True, 0
        case Unusable(Fault.FORMERR | Fault.NOTIMP) if event.edns:
            if candidate is not None and candidate.edns:
                candidate.edns, candidate.tries = False, 0
        case Unusable(fault, ede):
            asking.heard.extend(ede)
            if candidate is not None:
                asking.dismiss(candidate, fault)
        case _:
            if not event.edns and known.servers.knows_edns(event.server):
                known.servers.without_edns(event.server)
            return Heard(outcome, event.message)
    return None


def _look_up_next(asking: _Asking, budget: Budget) -> Steps[None]:
    """The addresses of one more name server are known, or it is known to have none."""
    server = asking.nameless.pop(0)
    asking.lookups += 1
    for rtype in (Type.A, Type.AAAA):
        event = yield from look_up(Question(server.name, rtype))
        if not isinstance(event, Found):
            asking.lookup_failure = event.failure
            asking.cut_short = asking.cut_short or event.failure.own_limit
            break
        found = [
            endpoint
            for rrset in event.answer.rrsets
            if rrset.type == rtype
            for endpoint in endpoints(rrset, asking.known.port)
        ]
        if found:
            asking.add(server.name, found)
            return
        if event.answer.rcode != Rcode.NOERROR:
            break
    asking.failed_lookups += 1


_BY_FAULT: Final[dict[Fault, tuple[str, int]]] = {
    Fault.LAME: ("LAME", NO_REACHABLE_AUTHORITY),
    Fault.UPWARD: ("UPWD", NO_REACHABLE_AUTHORITY),
    Fault.REFUSED: ("RFSD", NO_REACHABLE_AUTHORITY),
    Fault.SERVFAIL: ("SVFL", NETWORK_ERROR),
    Fault.FORMERR: ("FERR", NETWORK_ERROR),
    Fault.NOTIMP: ("NIMP", NETWORK_ERROR),
    Fault.RCODE: ("ROCD", NETWORK_ERROR),
    Fault.DNAME: ("DNAM", NETWORK_ERROR),
}


NOTHING_WAS_SAID: Final = frozenset(("unreachable", "silent", "no_address"))
"""The labels of those failures of `ask_zone` in which no server said anything that could depend on the question."""


def _gave_up(asking: _Asking) -> ResolutionFailed:
    """The failure that tells the client most: what a server said, before what none said."""
    zone = names.to_text(asking.delegation.zone)
    heard = tuple(dict.fromkeys(asking.heard))[:MAX_HEARD]
    own = asking.cut_short or any(why is Trouble.LOCAL for _, why in asking.troubles)
    for candidate, why in asking.troubles:
        who = _who(candidate)
        if isinstance(why, Fault):
            tag, code = _BY_FAULT[why]
            text = f"{zone}: {who} {why}"
            return ResolutionFailed(tag, code, text, label=why.name.lower(), heard=heard, own_limit=own)
        if not isinstance(why, Trouble):
            text = f"{zone}: {who} {why}"
            return ResolutionFailed("MALF", NETWORK_ERROR, text, label="malformed", heard=heard, own_limit=own)
    for candidate, why in asking.troubles:
        if why is not Trouble.TIMEOUT:
            text = f"{zone}: {_who(candidate)}: {why}"
            return ResolutionFailed("UNRE", NO_REACHABLE_AUTHORITY, text, label="unreachable", own_limit=own)
    if asking.sends:
        text = f"no server of {zone} replied"
        return ResolutionFailed("MUTE", NO_REACHABLE_AUTHORITY, text, label="silent", own_limit=own)
    text = f"no name server of {zone} has an address"
    failure = asking.lookup_failure
    return ResolutionFailed("NOAD", NO_REACHABLE_AUTHORITY, text, label="no_address", own_limit=own, cause=failure)


def _who(candidate: _Candidate) -> str:
    """The server as a person knows it: by its name, or by where the configuration says that it is."""
    if candidate.name:
        return f"{names.to_text(candidate.name)} ({candidate.endpoint.host})"
    return f"the configured server {candidate.endpoint}"
