"""Decides how a chain of trust is told: link by link, from a trust anchor to what was asked, or to where it ends.

Rules
* What is told is what was found while the answer was proven (`dnssec.evidence`); nothing is checked anew.
* A link is a trust anchor, the DS records of a zone or their denial, its keys, the records that were asked for, or the
  denial of them. Links above one that is broken stand as they were found; nothing is told of what is below.
* Of a chain of aliases each name has its own way down; what was told already is not told again.

Limits: a link that was tried twice, with the replies of two servers, is told as it was at last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from resolver.cli import denying
from resolver.dnssec import moments
from resolver.dnssec.algorithms import MNEMONICS
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.denial import Proven, Unproven
from resolver.dnssec.evidence import Begun, Concluded, Evidence, Judged, Named, Reached, Signed, Sought
from resolver.dnssec.negative import NegativeAnchor
from resolver.dnssec.records import Dnskey, Ds, read_ds
from resolver.dnssec.signatures import Invalid, Valid, left
from resolver.dnssec.trust import Unsigned, Within, usable
from resolver.engine.outcome import Alias, Conclusion
from resolver.message import Question, Rcode, RRset, Status, Type
from resolver.wire import names, types
from resolver.wire.names import WILDCARD

DIGESTS: Final = {1: "SHA-1", 2: "SHA-256", 4: "SHA-384"}


class Signature(NamedTuple):
    """An RRSIG that holds. Times as in RFC 3339, in UTC; `wildcard` is what the set was made from, if it was."""

    tag: int
    algorithm: str
    signer: str
    begins: str
    expires: str
    labels: int
    wildcard: str = ""


class Key(NamedTuple):
    """A DNSKEY; `named` is what names it of "DS" and "trust anchor", or empty."""

    tag: int
    algorithm: str
    flags: int
    named: str
    revoked: bool


class Digest(NamedTuple):
    """A DS: which key it names, and by which digest."""

    tag: int
    algorithm: str
    digest: str


@dataclass
class Link:
    """One link: `what` of `name` there is, how far it is proven, and in `text` what follows, in a sentence or none."""

    name: str
    what: str
    status: str
    text: str = ""
    ds: list[Digest] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    signature: Signature | None = None
    shown: list[str] = field(default_factory=list)
    """What each record of a denial says."""


class Target(NamedTuple):
    """What is to be told of: a record set, or with `rcode` its denial."""

    name: bytes
    type: int
    status: Status
    rcode: int | None = None


class Chain:
    """What was found of one question, and the links that were told."""

    def __init__(self, evidence: Iterable[Evidence], failure: str = "", broken: str = "bogus") -> None:
        """`failure` is why there is no answer, where there is none; `broken` is what to call the link that it is of."""
        self.links: list[Link] = []
        self._failure, self._broken = failure, broken
        self._begun: dict[bytes, Anchor | NegativeAnchor | None] = {}
        self._signed: dict[tuple[bytes, int], Signed] = {}
        self._named: dict[bytes, Named] = {}
        self._judged: dict[tuple[bytes, int], Judged] = {}
        self._reached: dict[bytes, Reached] = {}
        self._concluded: dict[Question, Conclusion] = {}
        self._sought: set[tuple[bytes, int]] = set()
        self._told: set[tuple[str, str]] = set()
        for each in evidence:
            self._take(each)

    def _take(self, evidence: Evidence) -> None:
        match evidence:
            case Begun(name, anchor):
                self._begun[name] = anchor
            case Sought(name, rtype):
                self._sought.add((name, rtype))
            case Signed(rrset):
                self._signed[names.fold(rrset.name), rrset.type] = evidence
            case Named(anchor):
                self._named[anchor.zone] = evidence
            case Judged(name, rtype):
                self._judged[name, rtype] = evidence
            case Reached(name):
                self._reached[name] = evidence
            case Concluded(question, conclusion):
                self._concluded[question] = conclusion

    def targets(self, question: Question) -> Iterator[Target]:
        """What `question` led to by way of aliases, as far as it was proven, and what was to follow."""
        name = names.fold(question.name)
        seen: set[bytes] = set()
        while name not in seen:
            seen.add(name)
            conclusion = self._concluded.get(Question(name, question.type, question.cls))
            if not isinstance(conclusion, Alias):
                break
            yield from answered(conclusion.chain)
            name = names.fold(conclusion.target)
        yield Target(name, question.type, Status.UNCHECKED)

    def tell(self, target: Target) -> None:
        """The links down to `target` are told, and it is, as far as they lead."""
        name, rtype, status, rcode = target
        side = names.parent(name) if rtype == Type.DS and name != names.ROOT else name
        for link in self._way(side):
            if (link.name, link.what) not in self._told:
                self._told.add((link.name, link.what))
                self.links.append(link)
        if self._failure and status is Status.UNCHECKED:
            if not self.links or self.links[-1].status not in ("bogus", self._broken):
                self._put(name, types.to_text(rtype), Link("", "", self._broken, self._failure))
        elif rcode is not None:
            self._put(name, "denial", self._denied(target))
        elif (names.to_text(name), types.to_text(rtype)) not in self._told:
            self._put(name, types.to_text(rtype), self._data(target))

    def _put(self, name: bytes, what: str, link: Link) -> None:
        link.name, link.what = names.to_text(name), link.what or what
        self.links.append(link)

    def _way(self, name: bytes) -> Iterator[Link]:
        """The links from the trust anchor down to `name`, as far as somebody looked."""
        at = next((each for each in names.ancestors(name) if each in self._begun), None)
        if at is None:
            return
        anchor = self._begun[at]
        if not isinstance(anchor, Anchor):
            yield _unanchored(at, anchor)
            return
        yield _anchored(anchor)
        for count in range(names.depth(anchor.zone), names.depth(name) + 1):
            below = names.last_labels(name, count)
            delegation = None if below == anchor.zone else self._delegation(below)
            yield from (link for link in (delegation, self._keys(below, anchor.zone)) if link is not None)

    def _delegation(self, name: bytes) -> Link | None:
        """What there is of a DS at `name`; None where nobody looked."""
        reached = self._reached.get(name)
        link = None if reached is None else reached.link
        signed, judged = self._signed.get((name, Type.DS)), self._judged.get((name, Type.DS))
        told = Link(names.to_text(name), "DS", "secure")
        if signed is not None:
            told.ds = [_digest(read_ds(rdata)) for rdata in signed.rrset.rdatas]
            _by(told, signed)
        elif judged is not None:
            told.what = "no DS"
            self._show(told, judged)
            if not isinstance(judged.verdict, Proven):
                told.text = judged.verdict.why
            if isinstance(judged.verdict, Unproven):
                told.status, told.text = "bogus", self._failure or told.text
                return told
        match link:
            case None if signed is None:
                if not self._is_lost(name, Type.DS):
                    return None
                told.shown.append("whether a zone begins here, and need not be signed, could not be proven")
                told.status, told.text = self._broken, self._failure
            case Within(absent):
                told.what = "no DS"
                told.text = "there is no such name" if absent else f"no zone begins at {told.name}"
            case Unsigned(zone, status, ede):
                told.status = status.name.lower()
                told.text = ede.text if ede is not None else told.text or f"{_at(zone)} is not signed"
        return told

    def _keys(self, zone: bytes, anchored: bytes) -> Link | None:
        """The keys of `zone`, which has a trust anchor if it is `anchored`; None where nobody looked, or there are none
        to look for."""
        named, signed = self._named.get(zone), self._signed.get((zone, Type.DNSKEY))
        told = Link(names.to_text(zone), "DNSKEY", "secure")
        if named is None:
            told.status, told.text = self._broken, self._failure
            return told if self._is_lost(zone, Type.DNSKEY) else None
        by = "trust anchor" if zone == anchored else "DS"
        told.keys = [_key(each, by if each in named.named else "") for each in named.keys]
        if signed is None:
            told.status, told.text = self._broken, self._failure
        else:
            _by(told, signed)
        return told

    def _is_lost(self, name: bytes, rtype: int) -> bool:
        """Whether it was looked up in vain, which is the end of it all."""
        return bool(self._failure) and (name, rtype) in self._sought and (name, rtype) not in self._signed

    def _data(self, target: Target) -> Link:
        """The record set that was asked for, or an alias on the way."""
        told = Link("", "", target.status.name.lower())
        signed = self._signed.get((target.name, target.type))
        if target.type == Type.RRSIG:
            told.text = "signatures are not signed themselves (RFC 4035 section 2.2)"
        if target.status is not Status.SECURE:
            return told
        if signed is None:
            told.text = "made from the DNAME above, and as good as that" if target.type == Type.CNAME else ""
            return told
        _by(told, signed)
        judged = self._judged.get((target.name, target.type))
        if judged is not None and judged.encloser is not None:
            told.shown = list(denying.told(judged))
        return told

    def _show(self, told: Link, judged: Judged) -> None:
        """`told` says what the records of `judged` do, and who signed them."""
        told.shown = list(denying.told(judged))
        signed = [self._signed.get((names.fold(each.name), each.type)) for each in judged.sets]
        if told.shown and signed and signed[0] is not None:
            _by(told, signed[0])

    def _denied(self, target: Target) -> Link:
        """The denial of what was asked for."""
        what = "does not exist" if target.rcode == Rcode.NXDOMAIN else f"no {types.to_text(target.type)}"
        told = Link("", what, target.status.name.lower())
        judged = self._judged.get((target.name, target.type)) or self._above(target.name)
        if judged is None:
            return told
        self._show(told, judged)
        if judged.name != target.name:
            told.text = f"{_at(judged.name)} does not exist, nor does anything below it (RFC 8020)"
        elif not isinstance(judged.verdict, Proven):
            told.text = judged.verdict.why
        return told

    def _above(self, name: bytes) -> Judged | None:
        """The proof that a name above `name` does not exist."""
        above = set(names.ancestors(name))
        found = (
            each
            for each in self._judged.values()
            if each.name in above and isinstance(each.verdict, Proven) and each.verdict.absent
        )
        return next(found, None)


def answered(rrsets: Iterable[RRset]) -> Iterator[Target]:
    """The record sets of an answer."""
    return (Target(names.fold(each.name), each.type, each.status) for each in rrsets)


def _anchored(anchor: Anchor) -> Link:
    """A trust anchor, from which a chain begins."""
    told = Link(names.to_text(anchor.zone), "trust anchor", "secure")
    told.ds = [_digest(ds) for ds in anchor.ds]
    told.keys = [_key(key, "") for key in anchor.dnskeys]
    unsigned = usable(anchor.ds, anchor.zone) if anchor.ds and not anchor.dnskeys else None
    if isinstance(unsigned, Unsigned) and unsigned.ede is not None:
        told.status, told.text = "insecure", unsigned.ede.text
    return told


def _unanchored(name: bytes, anchor: NegativeAnchor | None) -> Link:
    """Why no chain leads to `name`."""
    if anchor is None:
        return Link(_at(name), "no trust anchor", "indeterminate", f"no trust anchor is above {_at(name)}")
    until = "" if anchor.until is None else f" until {moments.written(anchor.until)}"
    text = f"by configuration {_at(anchor.zone)} and all below it count as unsigned{until}"
    return Link(_at(anchor.zone), "negative trust anchor", "insecure", text)


def _by(told: Link, signed: Signed) -> None:
    """`told` has the signature of what was `signed`, or why there is none that holds."""
    match signed.found:
        case Valid(_, rrsig, encloser):
            told.signature = Signature(
                rrsig.tag,
                algorithm(rrsig.algorithm),
                names.to_text(rrsig.signer),
                _moment(rrsig.begins, signed.now),
                _moment(rrsig.expires, signed.now),
                rrsig.labels,
                "" if encloser is None else names.to_text(WILDCARD + encloser),
            )
        case Invalid(why, _, tag):
            told.status, told.text = "bogus", f"{why} [{tag}]"


def _moment(serial: int, now: float) -> str:
    return moments.written(int(now) + left(serial, now))


def _digest(ds: Ds) -> Digest:
    return Digest(ds.tag, algorithm(ds.algorithm), DIGESTS.get(ds.digest_type, f"digest type {ds.digest_type}"))


def _key(key: Dnskey, named: str) -> Key:
    return Key(key.tag, algorithm(key.algorithm), key.flags, named, key.revoked)


def algorithm(number: int) -> str:
    """The mnemonic of a signing algorithm."""
    return MNEMONICS.get(number, f"algorithm {number}")


def _at(name: bytes) -> str:
    return names.to_text(name)
