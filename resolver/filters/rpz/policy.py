"""Decides which rule of the policy zones a query or an answer is told by, and what that is.

Rules, each before the next (draft section 5)
* What comes earlier in a chain of aliases wins: the name that was asked for, then what it leads to, and so on.
* The zone that stands earlier wins.
* In one zone a client's address wins over its question, that over an address in the answer, that over the names of the
  zone's servers, and those over their addresses. The smallest network and the longest name win.

So a rule about the question is not heeded at once where an earlier zone has rules about answers: those must be seen
first. One rule at most is heeded for a question; what it leads to, if it is an alias, is not looked at again. A zone
that is disabled changes nothing and delays nothing: it is looked at when there is an answer, and what it would have
done is told.

An address that a translator (NAT64) makes of an IPv4 one is that address, too: else DNS64 would lead around a rule.

A zone that does not break DNSSEC (`Conduct.break_dnssec`) lets signed answers pass for who asked for signatures (DO).

Limits: of the servers of a zone that is known which the resolver has learnt and not forgotten; addresses of names
that have no glue, if somebody has asked for them. Servers of the root and of top-level domains are not looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from resolver.errors import ResolutionFailed
from resolver.filters import told
from resolver.filters.policy import Cause, Dropped, Left, Redirected, Result, Settled, Truncated, Verdict
from resolver.filters.prefixes import Prefix
from resolver.filters.rpz.actions import Action, Kind
from resolver.filters.rpz.addresses import Network
from resolver.filters.rpz.zone import Zone
from resolver.message import Class, Ede, Query, Question, Rcode, Reply, RRset, Type
from resolver.wire import names

KIND: Final = "rpz"
"""The kind of the verdicts."""

_A: Final = int(Type.A)
_AAAA: Final = int(Type.AAAA)
_ANY: Final = int(Type.ANY)
_CNAME: Final = int(Type.CNAME)
_RRSIG: Final = int(Type.RRSIG)

DENIED_S: Final = 60
"""Seconds for which a denial may be remembered at most, so that a rule that goes is soon forgotten elsewhere."""

MAX_LINKS: Final = 32
"""Links of a chain of aliases that are looked at; the resolver follows no more by default than 11."""


class Server(NamedTuple):
    """A name server: its name, folded, and the addresses of it that are known, packed."""

    name: bytes
    addresses: tuple[bytes, ...]


class Servers(Protocol):
    """What is known of who answered."""

    def of(self, name: bytes) -> Iterable[Server]:
        """The servers of the zones that the folded `name` is in, nearest first."""
        ...


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a zone is used. `override` is done in the place of what its rules say, with `disabled` nothing. `ede` is the
    code of the extended error that is told, if one is."""

    override: Action | None = None
    disabled: bool = False
    break_dnssec: bool = True
    ede: int | None = 15


class Used(NamedTuple):
    """A zone, and how it is used."""

    zone: Zone
    conduct: Conduct = Conduct()

    @property
    def looks_at_answers(self) -> bool:
        """Whether it has rules that can be heeded only when there is an answer."""
        zone = self.zone
        return not self.conduct.disabled and bool(zone.ip.count or zone.nsip.count or len(zone.nsdname))


class Hit(NamedTuple):
    """A rule that fitted: the zone, the kind of its trigger, the trigger as it is written, and what is to be done."""

    used: Used
    trigger: str
    value: str
    action: Action

    @property
    def cause(self) -> Cause:
        """The same, to be counted, logged and explained."""
        return Cause(KIND, f"{self.trigger} {self.value}", names.to_text(self.used.zone.name))


Tell = Callable[[Query, Cause], None]
"""Is told of each rule of a disabled zone that would have been heeded."""


class PolicyZones:
    """The policy of all zones together (`filters.policy.Policy`)."""

    __slots__ = ("_answers", "_servers", "_tell", "_translated", "_zones", "by_client", "looks_back")

    def __init__(self, zones: Sequence[Used], servers: Servers, tell: Tell, translated: Sequence[Prefix] = ()) -> None:
        """Those of `zones` that come first win. In addresses that are `translated` there are IPv4 addresses."""
        self._translated = tuple(translated)
        self._zones, self._servers, self._tell = tuple(zones), servers, tell
        self.by_client = any(each.zone.client.count for each in zones)
        self.looks_back = True
        self._answers = any(each.zone.ip.count for each in zones)

    def before(self, query: Query) -> Verdict | None:
        """What the rules about the question and its client say, where no answer can change it."""
        for used in self._zones:
            if used.conduct.disabled:
                continue
            if not used.conduct.break_dnssec and query.do:
                return None
            hit = self._of_question(used, query)
            if hit is not None:
                return _verdict(query, hit, query.question.name, ())
            if used.looks_at_answers:
                return None
        return None

    def after(self, query: Query, result: Result) -> Verdict | None:
        """What all rules say of `result`."""
        answer = () if isinstance(result, ResolutionFailed) else result.answer
        signed = query.do and any(each.type == _RRSIG for each in answer)
        for at, (name, before, last) in enumerate(_chain(query.question, answer)):
            addresses = self._addresses(answer) if last and self._answers else []
            for used in self._zones:
                if signed and not used.conduct.break_dnssec:
                    continue
                hit = self._fits(used, query, name, at == 0, addresses)
                if hit is not None and used.conduct.disabled:
                    self._tell(query, hit.cause)
                elif hit is not None:
                    return _verdict(query, hit, name, before)
        return None

    def _addresses(self, answer: tuple[RRset, ...]) -> list[bytes]:
        """The addresses to which `answer` leads."""
        found = [rdata for each in answer if each.type in (_A, _AAAA) for rdata in each.rdatas]
        inside = [each.extract(address) for address in found if len(address) > 4 for each in self._translated]
        return found + [address for address in inside if address is not None]

    def _fits(self, used: Used, query: Query, name: bytes, first: bool, addresses: Sequence[bytes]) -> Hit | None:
        """The rule of one zone that fits best at one link of the chain."""
        zone = used.zone
        hit = self._of_question(used, query) if first else _of_name(used, names.fold(name))
        if hit is not None:
            return hit
        found = _smallest(zone.ip.find(each) for each in addresses)
        if found is not None:
            return Hit(used, "ip", str(found[0]), found[1])
        if not len(zone.nsdname) and not zone.nsip.count:
            return None
        return self._of_servers(used, names.fold(name))

    def _of_question(self, used: Used, query: Query) -> Hit | None:
        zone = used.zone
        if zone.client.count:
            host = query.client.host.partition("%")[0]
            found = zone.client.find(ipaddress.ip_address(host).packed)
            if found is not None:
                return Hit(used, "client-ip", str(found[0]), found[1])
        return _of_name(used, names.fold(query.question.name))

    def _of_servers(self, used: Used, name: bytes) -> Hit | None:
        servers = list(self._servers.of(name))
        named = _nearest(used.zone.nsdname.find(server.name) for server in servers)
        if named is not None:
            return Hit(used, "nsdname", names.to_text(named[0]), named[1])
        smallest = _smallest(used.zone.nsip.find(each) for server in servers for each in server.addresses)
        return None if smallest is None else Hit(used, "nsip", str(smallest[0]), smallest[1])


def _of_name(used: Used, name: bytes) -> Hit | None:
    found = used.zone.qname.find(name)
    return None if found is None else Hit(used, "qname", names.to_text(found[0]), found[1])


def _nearest(found: Iterable[tuple[bytes, Action] | None]) -> tuple[bytes, Action] | None:
    """The one that is no wildcard, then the one of the most labels, and of equals the first in canonical order (draft
    sections 5.3 and 5.5): whatever the order in which servers are known."""

    def rank(each: tuple[bytes, Action]) -> tuple[bool, int, tuple[bytes, ...]]:
        labels = names.labels(each[0])
        return labels[0] == b"*", -len(labels), labels[::-1]

    return min((each for each in found if each is not None), key=rank, default=None)


def _smallest(found: Iterable[tuple[Network, Action] | None]) -> tuple[Network, Action] | None:
    """The one of the longest prefix, and of equals that of the lowest address. An IPv4 network has the length that it
    has as IPv4-mapped one, 96 bits more (draft section 5.6)."""
    there = [each for each in found if each is not None]
    return min(there, key=lambda each: (each[0].bits - each[0].length, each[0].bits, each[0].number), default=None)


def _chain(question: Question, answer: tuple[RRset, ...]) -> Iterator[tuple[bytes, tuple[RRset, ...], bool]]:
    """Each name of the chain that begins with the `question`, what of `answer` led there, and whether it is the last.

    An alias that is what was asked for leads nowhere.
    """
    name, rtype, _ = question
    aliases: dict[bytes, int] = {}
    if rtype not in (_CNAME, _ANY):
        aliases = {names.fold(each.name): at for at, each in enumerate(answer) if each.type == _CNAME}
    before: tuple[RRset, ...] = ()
    for _ in range(MAX_LINKS):
        at = aliases.pop(names.fold(name), None)
        yield name, before, at is None
        if at is None:
            return
        name = answer[at].rdatas[0]
        before = tuple(each for each in answer[: at + 1] if each.type != _RRSIG)


def _verdict(query: Query, hit: Hit, name: bytes, before: tuple[RRset, ...]) -> Verdict:
    """What is told by `hit` of `name`, to which the records `before` led."""
    zone, conduct = hit.used
    cause = hit.cause
    action = hit.action if conduct.override is None else conduct.override
    ede: tuple[Ede, ...] = ()
    if conduct.ede is not None:
        ede = (Ede(conduct.ede, f"the policy zone {cause.source} has a rule for {cause.trigger} [RPZH]"),)
    match action.kind:
        case Kind.PASSTHRU:
            return Left(cause)
        case Kind.DROP:
            return Dropped(cause)
        case Kind.TCP_ONLY:
            return Truncated(cause)
        case Kind.CNAME if query.question.type not in (_CNAME, _ANY):
            target = action.leads_to(name)
            if target is None:
                return Settled(cause, Reply(Rcode.YXDOMAIN, before, ra=True, ede=ede))
            link = RRset(name, _CNAME, Class.IN, action.ttl, (target,))
            return Redirected(cause, (*before, link), target, ede)
    own = _data(action, name, query.question.type)
    aa = hit.trigger != "ip"
    if own:
        return Settled(cause, told.positive((*before, *own), aa=aa, ede=ede))
    rcode = Rcode.NXDOMAIN if action.kind is Kind.NXDOMAIN else Rcode.NOERROR
    reply = told.denial(rcode, told.soa(name, _denied_for(zone)), aa=aa, ede=ede)
    return Settled(cause, reply._replace(answer=before, additional=() if zone.soa is None else (zone.soa,)))


def _denied_for(zone: Zone) -> int:
    """The seconds for which a denial of `zone` may be remembered (RFC 2308 section 5)."""
    if zone.soa is None:
        return DENIED_S
    return min(zone.soa.ttl, int.from_bytes(zone.soa.rdatas[0][-4:], "big"), DENIED_S)


def _data(action: Action, name: bytes, rtype: int) -> tuple[RRset, ...]:
    """The records that `action` has for `name` and the type that is asked for."""
    if action.kind is Kind.CNAME:
        target = action.leads_to(name)
        return () if target is None else (RRset(name, _CNAME, Class.IN, action.ttl, (target,)),)
    return tuple(each._replace(name=name) for each in action.rrsets if rtype in (each.type, _ANY))
