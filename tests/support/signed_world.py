"""A world of signed zones in memory, whose servers always answer with DNSSEC, and a resolver that proves what they say.

Zones are written as the lines of master files. What is wrong with one is a function that changes its signatures, its
answers, or its sets before they are signed. Keys, signatures, digests and hashes are dnspython's.
"""

from __future__ import annotations

from base64 import b32hexdecode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata

from resolver.dnssec import algorithms, chain
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.canonical import order_key
from resolver.dnssec.records import read_dnskey, read_ds
from resolver.dnssec.trust import Trust
from resolver.engine.actions import Ended, Found, Lookup, NotFound, Race, Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.engine.classify import classify
from resolver.engine.outcome import Alias, Answer, Answered, Denied, Overlong
from resolver.errors import ResolutionFailed
from resolver.message import AA, QR, Class, Message, Question, Rcode, RRset, Type
from resolver.wire import names
from resolver.wire.names import WILDCARD
from tests.support import zone_text
from tests.support.clocks import ManualClock
from tests.support.signed import KSK, ZSK, Key, dnskeys, key

Hash = tuple[int, bytes, bool]
"""Iterations, salt and opt-out of NSEC3."""
PLAIN: Hash = (0, b"", False)


@dataclass
class SignedZone:
    """The zone `apex`, of `lines` and a SOA and keys of its own; `nsec3` None is NSEC.

    `resign` changes the signatures of a set, `alter` a whole reply, `delegate` the DS; `published` are the keys told.
    """

    apex: str
    lines: Iterable[str] = ()
    algorithm: int = 13
    signed: bool = True
    nsec3: Hash | None = None
    minimum: int = 300
    keys: tuple[Key, ...] = ()
    published: tuple[Key, ...] | None = None
    resign: Callable[[RRset, tuple[bytes, ...]], tuple[bytes, ...]] = lambda _, signatures: signatures
    alter: Callable[[Message], Message] = lambda message: message
    delegate: Callable[[RRset], RRset | None] = lambda ds: ds
    sets: dict[tuple[bytes, int], RRset] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = names.fold(names.from_text(self.apex))
        self.keys = self.keys or (
            key(self.algorithm, KSK, f"ksk {self.apex}"),
            key(self.algorithm, ZSK, f"zsk {self.apex}"),
        )
        dot = "" if self.apex == "." else self.apex
        soa = f"{self.apex} 900 IN SOA ns.{dot} who.{dot} 1 2 3 4 {self.minimum}"
        for rrset in zone_text.rrsets([soa, f"{self.apex} 3600 IN NS ns.{dot}", *self.lines]):
            self.sets[names.fold(rrset.name), rrset.type] = rrset
        if self.signed:
            self.sets[self.name, Type.DNSKEY] = dnskeys(self.apex, *(self.published or self.keys))

    @property
    def ksk(self) -> Key:
        return self.keys[0]

    @property
    def zsk(self) -> Key:
        return self.keys[-1]

    def add(self, *lines: str) -> None:
        """`lines` are in the zone, too."""
        for rrset in zone_text.rrsets(lines):
            self.sets[names.fold(rrset.name), rrset.type] = rrset

    def owners(self) -> set[bytes]:
        """The names with records of the zone's own: what is below a cut is not among them."""
        return {owner for owner, _ in self.sets if not self.occluded(owner)}

    def cut(self, name: bytes) -> bytes | None:
        """The delegation that `name` is at or below."""
        above = [each for each in names.ancestors(name) if len(each) > len(self.name)]
        return next((each for each in reversed(above) if (each, Type.NS) in self.sets), None)

    def occluded(self, owner: bytes) -> bool:
        cut = self.cut(owner)
        return cut is not None and cut != owner

    def exists(self, name: bytes) -> bool:
        return any(names.is_below(owner, name) for owner in self.owners())

    def types_at(self, owner: bytes) -> set[int]:
        return {rtype for each, rtype in self.sets if each == owner}

    def signatures(self, rrset: RRset) -> tuple[bytes, ...]:
        """The RRSIGs of `rrset`; none of an NS set that delegates."""
        owner = names.fold(rrset.name)
        delegates = rrset.type == Type.NS and owner != self.name
        if not self.signed or delegates:
            return ()
        signer = self.ksk if rrset.type == Type.DNSKEY else self.zsk
        return self.resign(rrset, (signer.rrsig(rrset, self.apex),))

    def told(self, rrset: RRset, owner: bytes | None = None) -> list[RRset]:
        """`rrset` and its signatures; at `owner` where it is made from a wildcard."""
        signatures = self.signatures(rrset)
        name = rrset.name if owner is None else owner
        told = [rrset._replace(name=name)]
        if signatures:
            told.append(RRset(name, Type.RRSIG, Class.IN, rrset.ttl, signatures))
        return told

    def links(self) -> list[tuple[Any, RRset]]:
        """The NSEC or NSEC3 sets in the order of the chain, by what they are ordered by."""
        if self.nsec3 is not None:
            return self._hashed_links(*self.nsec3)
        owners = sorted(self.owners(), key=order_key)
        found = []
        for here, there in zip(owners, [*owners[1:], owners[0]], strict=True):
            text = f"{names.to_text(there)} {_types({*self.types_at(here), Type.RRSIG, Type.NSEC})}"
            found.append((order_key(here), RRset(here, Type.NSEC, Class.IN, self.minimum, (_rdata("NSEC", text),))))
        return found

    def _hashed_links(self, iterations: int, salt: bytes, opt_out: bool) -> list[tuple[Any, RRset]]:
        listed: dict[bytes, set[int]] = {}
        for owner in self.owners():
            types = self.types_at(owner)
            unsigned = types == {Type.NS} and owner != self.name
            if opt_out and unsigned:
                continue
            listed[owner] = types if unsigned else {*types, Type.RRSIG}
            for above in names.ancestors(owner):
                if above != owner and names.is_below(above, self.name):
                    listed.setdefault(above, self.types_at(above))
        hashed = sorted((self.hash(each), types) for each, types in listed.items())
        found = []
        for (here, types), (there, _) in zip(hashed, [*hashed[1:], hashed[0]], strict=True):
            text = f"1 {int(opt_out)} {iterations} {salt.hex() or '-'} {there} {_types(types)}"
            owner = names.prepend(here.lower().encode(), self.name)
            rrset = RRset(owner, Type.NSEC3, Class.IN, self.minimum, (_rdata("NSEC3", text),))
            found.append((b32hexdecode(here), rrset))
        return found

    def hash(self, name: bytes) -> str:
        assert self.nsec3 is not None
        iterations, salt, _ = self.nsec3
        return dns.dnssec.nsec3_hash(dns.name.from_wire(name, 0)[0], salt, iterations, 1)

    def at_or_over(self, name: bytes) -> RRset:
        """The link at `name`, or whose span it lies in."""
        wanted = order_key(name) if self.nsec3 is None else b32hexdecode(self.hash(name))
        links = self.links()
        return next((rrset for place, rrset in reversed(links) if place <= wanted), links[-1][1])

    def denial(self, name: bytes, *, missing: bool, wildcard: bytes | None = None) -> list[RRset]:
        """The links that prove that `name` has no such data or, when `missing`, is not there, nor is a wildcard; or
        that only the `wildcard` is there."""
        if not self.signed:
            return []
        wanted = [name]
        encloser = next(each for each in names.ancestors(name) if self.exists(each))
        if missing or wildcard is not None:
            wanted.append(WILDCARD + encloser)
        if self.nsec3 is not None:
            there = {names.fold(rrset.name) for _, rrset in self.links()}
            place = names.prepend(self.hash(name).lower().encode(), self.name)
            if missing or wildcard is not None or place not in there:
                while names.prepend(self.hash(encloser).lower().encode(), self.name) not in there:
                    encloser = names.parent(encloser)
                if encloser == name:
                    encloser = names.parent(name)
                wanted[:1] = [encloser, names.last_labels(name, names.depth(encloser) + 1)]
        return [link for each in dict.fromkeys(map(self.at_or_over, wanted)) for link in self.told(each)]


@dataclass
class World:
    """Zones, a resolver with a trust anchor for the first of them, and what it has looked up."""

    zones: dict[bytes, SignedZone]
    trust: Trust
    clock: ManualClock
    limits: Limits = field(default_factory=Limits)
    asked: list[tuple[str, int]] = field(default_factory=list)
    checks: int = 0
    held: dict[tuple[bytes, int], Answer | ResolutionFailed] = field(default_factory=dict)
    asked_of: Callable[[Question, bytes], bytes] = lambda _, zone: zone

    def zone(self, apex: str) -> SignedZone:
        return self.zones[names.from_text(apex)]

    def resolve(self, name: str, rtype: int = Type.A, budget: Budget | None = None) -> Answer:
        """The proven answer. Raises `ResolutionFailed`."""
        budget = budget or Budget(self.limits, 1e9)
        return self._resolved(Question(names.from_text(name), rtype), budget, ())

    def _resolved(self, question: Question, budget: Budget, waiting: tuple[Question, ...]) -> Answer:
        folded = Question(names.fold(question.name), question.type)
        assert folded not in waiting, "a question waits for itself"
        made: list[RRset] = []
        name = question.name
        for _ in range(12):
            asked = Question(name, question.type)
            conclusion = self._proven(asked, budget, (*waiting, folded))
            match conclusion:
                case Answered(links, rrsets):
                    return Answer(0, (*made, *links, *rrsets))
                case Denied(links, _, rcode, soa):
                    return Answer(rcode, (*made, *links), soa)
                case Overlong(links):
                    return Answer(Rcode.YXDOMAIN, (*made, *links))
                case Alias(links, target):
                    made += links
                    name = target
        raise ResolutionFailed("LOOP", 0, "aliases without end", label="alias_loop")

    def _proven(self, question: Question, budget: Budget, waiting: tuple[Question, ...]) -> Any:
        zone, message = self.reply(question)
        apex = self.asked_of(question, zone.name)
        conclusion = classify(message, question, apex, 53)
        if not isinstance(conclusion, Answered | Alias | Denied | Overlong):
            raise ResolutionFailed("LAME", 22, f"the reply is no answer: {conclusion}", label="lame")
        steps = chain.prove(question, conclusion, message, apex, self.trust, budget)
        event: Any = None
        while True:
            try:
                action = steps.send(event)
            except StopIteration as stop:
                return stop.value
            match action:
                case Verify(checks):
                    self.checks += len(checks)
                    event = Verified(tuple(map(algorithms.verify, checks)))
                case Race((lookup,)):
                    event = Ended(lookup, self._looked_up(lookup, budget, waiting))
                case _:
                    raise AssertionError(action)

    def _looked_up(self, lookup: Lookup, budget: Budget, waiting: tuple[Question, ...]) -> Found | NotFound:
        assert lookup.checked
        name, rtype, _ = lookup.question
        held = self.held.get((name, rtype))
        if held is None:
            self.asked.append((names.to_text(name), rtype))
            try:
                held = self._resolved(lookup.question, budget, waiting)
            except ResolutionFailed as failure:
                held = failure.fresh()
            self.held[name, rtype] = held
        return Found(held) if isinstance(held, Answer) else NotFound(held)

    def forget(self) -> None:
        """Nothing is known any more, but the anchors."""
        self.held.clear()
        self.asked.clear()
        self.trust.believe(self.trust.anchors)

    def reply(self, question: Question) -> tuple[SignedZone, Message]:
        """What a server of the deepest zone that has the name says; of a DS, the one above."""
        folded = names.fold(question.name)
        above = names.parent(folded) if question.type == Type.DS else folded
        zone = next(self.zones[each] for each in names.ancestors(above) if each in self.zones)
        return zone, zone.alter(_reply(zone, question))


def world(root: SignedZone, *zones: SignedZone, anchors: Iterable[Anchor] | None = None, **trust: Any) -> World:
    """The zones, each delegated from the one above it, with a DS where it is signed; `delegate` changes the DS."""
    made = {zone.name: zone for zone in (root, *zones)}
    for zone in zones:
        parent = made[next(each for each in names.ancestors(names.parent(zone.name)) if each in made)]
        parent.add(f"{zone.apex} 3600 IN NS ns.{zone.apex}")
        if zone.signed:
            ds = zone.delegate(RRset(zone.name, Type.DS, Class.IN, 3600, (zone.ksk.ds(zone.apex),)))
            if ds is not None:
                parent.sets[zone.name, Type.DS] = ds
    clock = ManualClock()
    believed = [anchor_of(root)] if anchors is None else anchors
    return World(made, Trust({each.zone: each for each in believed}, clock, **trust), clock)


def anchor_of(zone: SignedZone, *, as_key: bool = False) -> Anchor:
    """A trust anchor for `zone`."""
    if as_key:
        return Anchor(zone.name, dnskeys=(read_dnskey(zone.ksk.rdata),))
    return Anchor(zone.name, ds=(read_ds(zone.ksk.ds(zone.apex)),))


def _reply(zone: SignedZone, question: Question) -> Message:
    answer: list[RRset] = []
    authority: list[RRset] = []
    name, rcode = question.name, Rcode.NOERROR
    for _ in range(8):
        folded = names.fold(name)
        dname = next((zone.sets[each, Type.DNAME] for each in _above(folded) if (each, Type.DNAME) in zone.sets), None)
        if dname is not None:
            answer += zone.told(dname)
            target = names.substitute(name, dname.name, dname.rdatas[0])
            answer.append(RRset(name, Type.CNAME, Class.IN, dname.ttl, (target,)))
        elif zone.exists(folded):
            found = _found(zone, folded, question.type)
            for rrset in found:
                answer += zone.told(rrset)
            if not found:
                authority += [*zone.told(zone.sets[zone.name, Type.SOA]), *zone.denial(folded, missing=False)]
                break
            target = found[0].rdatas[0] if found[0].type == Type.CNAME else b""
        else:
            encloser = next(each for each in names.ancestors(folded) if zone.exists(each))
            wildcard = WILDCARD + encloser
            found = _found(zone, wildcard, question.type)
            for rrset in found:
                answer += zone.told(rrset, name)
            if found:
                authority += zone.denial(folded, missing=True)[: 2 if zone.nsec3 is None else None]
            else:
                there = zone.exists(wildcard)
                rcode = Rcode.NOERROR if there else Rcode.NXDOMAIN
                authority += zone.told(zone.sets[zone.name, Type.SOA])
                authority += zone.denial(folded, missing=not there, wildcard=wildcard if there else None)
                break
            target = found[0].rdatas[0] if found[0].type == Type.CNAME else b""
        if not target or question.type == Type.CNAME or not names.is_below(names.fold(target), zone.name):
            break
        if zone.cut(names.fold(target)) is not None:
            break
        name = target
    unique = tuple(dict.fromkeys(authority))
    return Message(0, QR | AA, rcode, question, tuple(answer), unique)


def _found(zone: SignedZone, owner: bytes, rtype: int) -> list[RRset]:
    if rtype == Type.ANY:
        return [rrset for (name, _), rrset in zone.sets.items() if name == owner]
    rrset = zone.sets.get((owner, rtype)) or zone.sets.get((owner, Type.CNAME))
    return [] if rrset is None else [rrset]


def _above(name: bytes) -> Iterator[bytes]:
    yield from list(names.ancestors(name))[1:]


def _types(types: Iterable[int]) -> str:
    return " ".join(f"TYPE{int(each)}" for each in sorted(types))


def _rdata(rtype: str, text: str) -> bytes:
    return dns.rdata.from_text("IN", rtype, text, origin=dns.name.root, relativize=False).to_wire() or b""
