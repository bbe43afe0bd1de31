"""Decides what noted messages show: records and who gave them, cuts, glue, denials, and how servers behaved.

Rules: a reply is read by the engine's own `classify`, for the deepest zone that its sender was named for, so that
nothing counts here that the resolver would not believe. A server that nobody named is one of the root's. Of several
replies the highest TTL counts: it is the one that no cache has run down. A record set whose RRSIG covers fewer labels
than its name has comes from a wildcard (RFC 4035 section 5.3.4).

Limits: a wildcard of a zone that is not signed cannot be told from the names that it makes.
"""

from __future__ import annotations

from base64 import b32hexencode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from resolver.dnssec.nsec3 import Params, hash_name
from resolver.dnssec.records import read_nsec3, read_rrsig
from resolver.engine.classify import classify
from resolver.engine.delegation import address_text
from resolver.engine.outcome import Alias, Answered, Denied, Fault, Overlong, Referral, Truncated, Unusable
from resolver.errors import WireError
from resolver.hints import PORT
from resolver.message import AA, Message, Question, Rcode, RRset, Transport, Type
from resolver.network.base import Trouble
from resolver.recording.noting import Note
from resolver.wire import names

K = TypeVar("K")

Key = tuple[bytes, int]
"""A folded name and a type."""

ADDRESSES: Final = (Type.A, Type.AAAA)
MOST_ITERATIONS: Final = 500
"""Beyond that no NSEC3 record is looked at: validators take fewer (RFC 9276 section 3.2)."""
MOST_PARAMETERS: Final = 8
"""Of the NSEC3 records of one zone that are told apart: each name is hashed by all. Who changes them has two."""
SMALL: Final = 512
"""Octets that fit into any datagram (RFC 1035 section 4.2.1): who truncates them always does."""

GOOD, SILENT, GARBAGE, WRONG_ID, WRONG_QUESTION, TRUNCATED = (
    "",
    "silent",
    "garbage",
    "wrong_id",
    "wrong_question",
    "truncated",
)
"""How a server behaved, by the words of hierarchy.toml; beside these there are those of `_WORDS`."""

_WORDS: Final = {Fault.REFUSED: "refused", Fault.LAME: "lame", Fault.UPWARD: "upward"}
_ERRORS: Final = {"another id": WRONG_ID, "another question": WRONG_QUESTION}


class Told(NamedTuple):
    """A record set as a server told it. `wildcard` is the owner that it was made from, if that is another."""

    rrset: RRset
    signatures: tuple[bytes, ...] = ()
    wildcard: bytes | None = None
    proven: bool = True
    """Whether NSEC or NSEC3 records came with what a wildcard made."""


class Conduct(NamedTuple):
    """How a server behaved for a zone: a word, "" where it was of use; and how long that took, in seconds."""

    zone: bytes
    word: str
    seconds: float


@dataclass(slots=True)
class Evidence:
    """All that is known. Keys are folded names."""

    sets: dict[Key, Told] = field(default_factory=dict)
    delegations: dict[bytes, RRset] = field(default_factory=dict)
    """The NS of each cut, as the zone above says them."""
    ds: dict[bytes, RRset] = field(default_factory=dict)
    glue: dict[Key, RRset] = field(default_factory=dict)
    glued: set[tuple[bytes, bytes]] = field(default_factory=set)
    """Zones and those of their servers whose addresses came with the delegation."""
    apexes: set[bytes] = field(default_factory=set)
    """Names that are known to be those of zones, by their own servers."""
    soas: dict[bytes, RRset] = field(default_factory=dict)
    """Those of denials, with the TTL of denials."""
    nsec3: dict[bytes, set[tuple[int, bytes, bool]]] = field(default_factory=dict)
    """Iterations, salt and opt-out of the NSEC3 records of a zone."""
    wildcards: dict[bytes, bytes] = field(default_factory=dict)
    """The wildcards that stand for names and lack the type that was asked for, as NSEC and NSEC3 records show."""
    unproven: set[bytes] = field(default_factory=set)
    """Zones that denied something without an NSEC or NSEC3 record."""
    conduct: dict[str, list[Conduct]] = field(default_factory=dict)
    sought: set[bytes] = field(default_factory=set)
    """Names whose addresses were asked for."""

    def ns(self, zone: bytes) -> RRset | None:
        """The name servers of `zone`: as its own servers say, else as the zone above does."""
        told = self.sets.get((zone, Type.NS))
        return self.delegations.get(zone) if told is None else told.rrset

    def has_signatures(self, zone: bytes) -> bool:
        """Whether the zone signs its SOA."""
        told = self.sets.get((zone, Type.SOA))
        return told is not None and bool(told.signatures)

    def addresses(self, host: bytes) -> Iterator[str]:
        """Those that a name server is asked at, as text."""
        for rtype in ADDRESSES:
            rdatas: dict[bytes, None] = {}
            told = self.sets.get((host, rtype))
            for rrset in (self.glue.get((host, rtype)), None if told is None else told.rrset):
                rdatas |= dict.fromkeys(() if rrset is None else rrset.rdatas)
            yield from map(address_text, rdatas)

    def targets(self, zone: bytes) -> list[bytes]:
        """The folded names of the servers of `zone`: those that it and the zone above name."""
        told = self.sets.get((zone, Type.NS))
        sets = (None if told is None else told.rrset, self.delegations.get(zone))
        return list(dict.fromkeys(names.fold(each) for rrset in sets if rrset is not None for each in rrset.rdatas))

    def step(self, name: bytes) -> bytes | None:
        """Where an alias at the folded `name`, or a DNAME above it, leads; None where there is none."""
        told = self.sets.get((name, Type.CNAME))
        if told is not None:
            return names.fold(told.rrset.rdatas[0])
        for above in names.ancestors(name):
            dname = self.sets.get((above, Type.DNAME))
            if dname is not None and above != name:
                try:
                    return names.fold(names.substitute(name, above, dname.rrset.rdatas[0]))
                except WireError:
                    return None
        return None

    def path(self, name: bytes, rtype: int) -> list[bytes]:
        """The folded names from `name` along the aliases to where the data of `rtype` are, or are denied."""
        passed = [name]
        while rtype != Type.CNAME and (passed[-1], rtype) not in self.sets:
            target = self.step(passed[-1])
            if target is None or target in passed:
                break
            passed.append(target)
        return passed


class Reader:
    """Reads notes in their order."""

    def __init__(self) -> None:
        self.evidence = Evidence()
        self._serves: dict[str, set[bytes]] = {}
        self._named_for: dict[bytes, set[bytes]] = {}

    def read(self, notes: Iterable[Note]) -> Evidence:
        """What `notes` show."""
        for note in notes:
            zone = self._zone(note)
            if note.question.type in ADDRESSES:
                self.evidence.sought.add(note.question.name)
            word = self._word(note, zone)
            self.evidence.conduct.setdefault(note.host, []).append(Conduct(zone, word, note.seconds))
        return self.evidence

    def _zone(self, note: Note) -> bytes:
        """The deepest zone that the server was named for and the question is in."""
        serves = self._serves.get(note.host, set())
        above = names.parent(note.question.name) if note.question.type == Type.DS else note.question.name
        return next((each for each in names.ancestors(above) if each in serves), names.ROOT)

    def _word(self, note: Note, zone: bytes) -> str:
        """How the server behaved; what it said is in the evidence."""
        match note.reply:
            case None | Trouble():
                return SILENT
            case WireError() as error:
                return _ERRORS.get(str(error), GARBAGE)
            case Message() as message:
                try:
                    return self._said(note, message, zone)
                except WireError:  # in the rdata of a signature, or of a denial
                    return GARBAGE

    def _said(self, note: Note, message: Message, zone: bytes) -> str:
        question = note.question
        outcome = classify(message, question, zone, PORT)
        match outcome:
            case Truncated():
                return TRUNCATED if note.transport is Transport.UDP else GARBAGE
            case Unusable(fault=fault):
                return _WORDS.get(fault, "servfail")
            case Referral(delegation=delegation):
                self._referred(message, delegation.zone, zone)
            case Answered(chain=links, rrsets=rrsets):
                self._answered(message, (*links, *rrsets), question)
                if message.flags & AA and not links:
                    self._own(message, question, zone)
            case Alias(chain=links):
                self._answered(message, links, question)
            case Overlong():
                self._answered(message, [each for each in message.answer if each.type == Type.DNAME], question)
            case Denied(chain=links, name=name, soa=soa):
                self._answered(message, links, question)
                if soa is not None and names.is_below(names.fold(name), names.fold(soa.name)):
                    self._denied(message, names.fold(name), soa)
        small = note.transport is not Transport.UDP and note.octets <= SMALL
        return TRUNCATED if small and self._only_truncates(note.host) else GOOD

    def _only_truncates(self, host: str) -> bool:
        """Whether that is all it has done so far, over UDP and for what is small."""
        conduct = self.evidence.conduct.get(host, ())
        return any(conduct) and all(each.word == TRUNCATED for each in conduct)

    def _referred(self, message: Message, cut: bytes, zone: bytes) -> None:
        for rrset in message.authority:
            owner = names.fold(rrset.name)
            if owner == cut and rrset.type == Type.NS:
                _keep(self.evidence.delegations, cut, rrset)
                self._named(cut)
            elif owner == cut and rrset.type == Type.DS:
                _keep(self.evidence.ds, cut, rrset)
        self._denials(message, zone)
        targets = set(self.evidence.targets(cut))
        for rrset in message.additional:
            owner = names.fold(rrset.name)
            if rrset.type in ADDRESSES and owner in targets and names.is_below(owner, zone):
                _keep(self.evidence.glue, (owner, rrset.type), rrset)
                self.evidence.glued.add((cut, owner))
                self._placed(owner)

    def _answered(self, message: Message, rrsets: Iterable[RRset], question: Question) -> None:
        """Record sets of the answer, with their signatures; a CNAME that a DNAME made is none of them."""
        dnames = [names.fold(each.name) for each in message.answer if each.type == Type.DNAME]
        proven = any(each.type in (Type.NSEC, Type.NSEC3) for each in message.authority)
        for rrset in rrsets:
            owner = names.fold(rrset.name)
            made = rrset.type == Type.CNAME and any(owner != each and names.is_below(owner, each) for each in dnames)
            key = owner, rrset.type
            held = self.evidence.sets.get(key)
            if made or (held is not None and held.rrset.ttl >= rrset.ttl):
                continue
            signatures = tuple(_signatures(message.answer, owner, rrset.type))
            self.evidence.sets[key] = Told(rrset, signatures, _wildcard(owner, signatures), proven)
            if rrset.type == Type.DS:
                _keep(self.evidence.ds, owner, rrset)
            if rrset.type == Type.NS:
                self._named(owner)
            if rrset.type == Type.SOA or (rrset.type == Type.NS and owner == question.name):
                self.evidence.apexes.add(owner)
            if rrset.type in ADDRESSES:
                self._placed(owner)

    def _own(self, message: Message, question: Question, zone: bytes) -> None:
        """The NS of the zone's apex, and their addresses, that came with an answer."""
        for rrset in message.authority:
            owner = names.fold(rrset.name)
            if rrset.type == Type.NS and names.is_below(owner, zone) and names.is_below(question.name, owner):
                self._answered(message, (rrset,), question)
                self.evidence.apexes.add(owner)
        if question == Question(names.ROOT, Type.NS):
            for rrset in message.additional:  # the root has no zone above it that would give glue
                if rrset.type in ADDRESSES:
                    _keep(self.evidence.glue, (names.fold(rrset.name), rrset.type), rrset)
                    self.evidence.glued.add((names.ROOT, names.fold(rrset.name)))

    def _denied(self, message: Message, name: bytes, soa: RRset) -> None:
        apex = names.fold(soa.name)
        _keep(self.evidence.soas, apex, soa)
        self.evidence.apexes.add(apex)
        if not self._denials(message, apex):
            self.evidence.unproven.add(apex)
        denying = {names.fold(each.name) for each in message.authority if each.type in (Type.NSEC, Type.NSEC3)}
        for above in names.ancestors(name) if denying and message.rcode == Rcode.NOERROR else ():
            if denying & set(self._denying(apex, names.WILDCARD + above)):
                self.evidence.wildcards[name] = names.WILDCARD + above

    def _denying(self, apex: bytes, name: bytes) -> Iterator[bytes]:
        """The owners of NSEC and NSEC3 records of the folded `name` in the zone `apex`."""
        yield name
        for iterations, salt, _ in self.evidence.nsec3.get(apex, ()):
            if iterations <= MOST_ITERATIONS and len(name) <= names.MAX_NAME:
                hashed = hash_name(name, Params(iterations, salt))
                yield names.fold(names.prepend(b32hexencode(hashed), apex))

    def _denials(self, message: Message, zone: bytes) -> bool:
        """Whether there are NSEC or NSEC3 records; the parameters of the latter are kept."""
        found = False
        for rrset in message.authority:
            found = found or rrset.type in (Type.NSEC, Type.NSEC3)
            if rrset.type == Type.NSEC3:
                nsec3 = read_nsec3(rrset.rdatas[0])
                apex = names.parent(names.fold(rrset.name))
                seen = self.evidence.nsec3.setdefault(apex, set())
                if len(seen) < MOST_PARAMETERS:
                    seen.add((nsec3.iterations, nsec3.salt, nsec3.opt_out))
        return found

    def _named(self, zone: bytes) -> None:
        for host in self.evidence.targets(zone):
            self._named_for.setdefault(host, set()).add(zone)
            self._placed(host)

    def _placed(self, host: bytes) -> None:
        """The addresses of `host` are known: it serves what names it."""
        for address in self.evidence.addresses(host):
            self._serves.setdefault(address, set()).update(self._named_for.get(host, ()))


def read(notes: Iterable[Note]) -> Evidence:
    """What `notes` show."""
    return Reader().read(notes)


def _keep(sets: dict[K, RRset], key: K, rrset: RRset) -> None:
    """`rrset` is kept unless one with as high a TTL is."""
    if key not in sets or sets[key].ttl < rrset.ttl:
        sets[key] = rrset


def _signatures(section: Iterable[RRset], owner: bytes, rtype: int) -> Iterator[bytes]:
    """The rdatas of the RRSIGs that cover the records of that folded name and type."""
    for each in section:
        if each.type == Type.RRSIG and names.fold(each.name) == owner:
            yield from (rdata for rdata in each.rdatas if read_rrsig(rdata).covered == rtype)


def _wildcard(owner: bytes, signatures: Iterable[bytes]) -> bytes | None:
    """The wildcard that made the records at the folded `owner`, as their signatures tell."""
    for rdata in signatures:
        labels = read_rrsig(rdata).labels
        if labels < names.depth(owner) - owner.startswith(names.WILDCARD):
            return names.WILDCARD + names.last_labels(owner, labels)
    return None
