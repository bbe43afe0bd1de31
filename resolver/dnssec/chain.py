"""Decides how far what a reply says is proven: each record set, each link of a chain of aliases, each denial; as steps.

Rules
* A set is secure when a key of its zone has signed it (`signatures`), insecure when its zone is proven to be unsigned,
  and indeterminate when no trust anchor is above it (RFC 4035 section 4.3). Anything else is bogus, and raised: what
  has no signature in a signed zone above all (`SIGU`).
* The zone is what the servers that were asked serve, or one below that, whose name the signatures tell. A signer that
  is no zone, or one above, signs nothing here (RFC 4035 section 5.3.1). A DS is the parent's (RFC 4035 section 5.2).
* What a wildcard was expanded to needs the proof that no name is closer (RFC 4035 section 5.3.4); a denial needs that
  of `denial`, by sets that are signed themselves.
* What a secure alias led to in the same zone, and is not signed, is taken for absent, and so is asked for by itself: a
  server, or somebody else, may have added it.
* An alias that a DNAME made is as good as the DNAME (RFC 6672 section 5.3.1).
* What a secure denial rests on is kept, to deny other names with (`gaps`).
* Keys of a zone are proven by its DS or trust anchor, never by themselves (RFC 4035 section 5.2).
* Signatures have none themselves (RFC 4035 section 2.2): asked for alone they are insecure.

Limits: those of the budget, for all that one client's query needs. Where a zone is proven to be unsigned nothing more
is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from resolver.dnssec import denial
from resolver.dnssec.attach import attach, denials
from resolver.dnssec.descent import LINK_TTL_S, Descent
from resolver.dnssec.evidence import Concluded, Judged
from resolver.dnssec.signatures import BOGUS, UNSIGNED, Invalid, Keys, signers
from resolver.dnssec.trust import Trust, Unsigned
from resolver.engine.actions import Steps
from resolver.engine.budget import Budget
from resolver.engine.classify import synthesised
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Overlong
from resolver.errors import Bogus
from resolver.message import Class, Ede, Message, Proof, Question, RRset, Status, Type
from resolver.wire import names, types

_NEVER_EXPANDED = frozenset(map(int, (Type.SOA, Type.DS, Type.DNSKEY, Type.NSEC, Type.NSEC3)))
"""Types that are never made from a wildcard: they belong to the very name (RFC 4592 section 4, RFC 4035)."""


def prove(
    question: Question, conclusion: Conclusion, message: Message, zone: bytes, trust: Trust, budget: Budget
) -> Steps[Conclusion]:
    """`conclusion`, drawn from the `message` of a server of `zone` (folded), with the status of each part of it.

    Raises `Bogus` when it is not to be believed, and `ResolutionFailed` when what it rests on is not, or cannot be had.
    """
    conclusion = attach(conclusion, message)
    if (unsigned := trust.unsigned(zone)) is not None:  # as of most zones
        return _wholly(conclusion, unsigned.status)
    folded = Question(names.fold(question.name), question.type, question.cls)
    proven = yield from _proven(Proving(Descent(trust, budget, folded), zone), conclusion, message)
    if trust.noting is not None:
        trust.noting(Concluded(folded, proven))
    return proven


def _proven(proving: Proving, conclusion: Conclusion, message: Message) -> Steps[Conclusion]:
    """`conclusion` with the status of each part."""
    match conclusion:
        case Answered(chain, rrsets, authoritative):
            links = (*chain, *rrsets)
            proven = yield from proving.chain(links)
            if len(proven) < len(links):
                return Alias(proven, proven[-1].rdatas[0], authoritative)
            return Answered(proven[: len(chain)], proven[len(chain) :], authoritative)
        case Alias(chain) | Overlong(chain):
            proven = yield from proving.chain(chain)
            if len(proven) < len(chain):
                return Alias(proven, proven[-1].rdatas[0], False)
            return conclusion._replace(chain=proven)
        case Denied(chain, name, _, soa, authoritative):
            proven = yield from proving.chain(chain)
            if len(proven) < len(chain) or (proven and not is_signed(soa) and proving.is_to_be_signed(name)):
                return Alias(proven, proven[-1].rdatas[0], authoritative)
            beside = denials(message) if soa is None or soa.proof is None else soa.proof.beside
            return conclusion._replace(chain=proven, soa=(yield from proving.denied(conclusion, beside)))
        case _:
            assert_never(conclusion)


def _wholly(conclusion: Conclusion, status: Status) -> Conclusion:
    """`conclusion`, each part of which has this `status`."""
    match conclusion:
        case Answered(chain, rrsets, authoritative):
            return Answered(_each(chain, status), _each(rrsets, status), authoritative)
        case Alias(chain) | Overlong(chain):
            return conclusion._replace(chain=_each(chain, status))
        case Denied(chain, _, _, soa):
            return conclusion._replace(chain=_each(chain, status), soa=None if soa is None else _as(soa, status))
        case _:
            assert_never(conclusion)


def _each(rrsets: tuple[RRset, ...], status: Status) -> tuple[RRset, ...]:
    return tuple([_as(each, status) for each in rrsets])


def is_signed(rrset: RRset | None) -> bool:
    """Whether it has signatures, good or not."""
    return rrset is not None and rrset.proof is not None and bool(rrset.proof.signatures)


@dataclass(slots=True)
class Proving:
    """The proof of what one reply of a server of `asked` says. `_denying`: by zone, the sets that are signed by it;
    `_signer`: the zone that has signed the last secure link of the chain."""

    descent: Descent
    asked: bytes
    _denying: dict[bytes, tuple[tuple[RRset, ...], Invalid | None]] = field(default_factory=dict)
    _signer: bytes | None = None

    def chain(self, links: tuple[RRset, ...]) -> Steps[tuple[RRset, ...]]:
        """`links`, in their order, each as it is proven; fewer, up to an alias, if the rest is to be asked."""
        proven: list[RRset] = []
        for link in links:
            if proven and not is_signed(link) and self._follows(link, proven[-1]):
                break
            if proven and _is_made(link, proven[-1]):
                proven.append(link._replace(ttl=proven[-1].ttl, proof=Proof(proven[-1].status)))
            else:
                proven.append((yield from self._set(link)))
        return tuple(proven)

    def _follows(self, link: RRset, alias: RRset) -> bool:
        """Whether `link` is what `alias` led to, in a zone that signs; in a reply to ANY it may stand beside it."""
        leads = alias.type == Type.CNAME and names.fold(link.name) != names.fold(alias.name)
        return leads and self.is_to_be_signed(link.name)

    def is_to_be_signed(self, name: bytes) -> bool:
        """Whether `name` is in a zone that has signed an alias on the way there, as far as one can see."""
        return self._signer is not None and names.is_below(names.fold(name), self._signer)

    def denied(self, denied: Denied, beside: tuple[RRset, ...]) -> Steps[RRset | None]:
        """The SOA of the denial, with those of `beside` that deny; one without records, where it came without a SOA and
        is proven all the same. Raises `ResolutionFailed` where these prove too little."""
        _, name, rcode, soa, _ = denied
        folded = names.fold(name)
        trust = self.descent.trust
        if soa is None:
            zone = yield from self._zone(folded, self._side(folded), {each for one in beside for each in signers(one)})
        else:
            zone = yield from self._zone_of(soa)
        if isinstance(zone, Unsigned):
            return None if soa is None else _as(soa, zone.status)
        if soa is not None:
            soa = yield from self._signed(soa, zone)
        sets, broken = yield from self._signed_denials(beside, zone)
        spend = self.descent.budget.spend_nsec3_hash
        rtype = self.descent.question.type
        verdict = denial.prove(folded, rtype, rcode, sets, zone.zone, spend, trust.iterations)
        if trust.noting is not None:
            trust.noting(Judged(folded, rtype, zone.zone, sets, verdict))
        status, by = self._judged(zone, sets, broken, verdict)
        if soa is None:
            # Told with its proof, but never kept: nothing says for how long (RFC 2308 section 5).
            return RRset(
                zone.zone, Type.SOA, Class.IN, min((each.ttl for each in by), default=0), (), Proof(status, (), by)
            )
        proven = _with_beside(soa, status, by)
        if status is Status.SECURE and trust.gaps is not None:
            clock = trust.clock
            trust.gaps.learn(zone.zone, proven, sets, int(clock.boottime()), int(clock.wall()))
        return proven

    def _set(self, rrset: RRset) -> Steps[RRset]:
        """`rrset` as it is proven. Raises `ResolutionFailed`."""
        if rrset.type == Type.RRSIG:
            return _as(rrset, Status.INSECURE)
        owner = names.fold(rrset.name)
        zone: Keys | Unsigned
        if rrset.type == Type.DNSKEY and self.descent.question[:2] == (owner, Type.DNSKEY):
            keys = yield from self.descent.keys(owner, rrset)
            if isinstance(keys, RRset):
                return keys
            zone = keys
        else:
            zone = yield from self._zone_of(rrset)
        if isinstance(zone, Unsigned):
            return _as(rrset, zone.status)
        self._signer = zone.zone
        return (yield from self._signed(rrset, zone))

    def _zone_of(self, rrset: RRset) -> Steps[Keys | Unsigned]:
        """The zone that has to have signed `rrset`, or that it is unsigned."""
        owner = names.fold(rrset.name)
        side = names.parent(owner) if rrset.type == Type.DS else self._side(owner)
        return (yield from self._zone(owner, side, signers(rrset)))

    def _side(self, owner: bytes) -> bytes:
        """The deepest name whose zone may speak for `owner` here: of a DS that is asked for, the parent of the name."""
        question = self.descent.question
        return names.parent(owner) if question.type == Type.DS and question.name == owner else owner

    def _zone(self, owner: bytes, side: bytes, signed_by: set[bytes]) -> Steps[Keys | Unsigned]:
        """The zone of `owner`: that of a signer between the zone that was asked and `side`, failing that of `side`."""
        trust = self.descent.trust
        beginning = trust.beginning(owner)
        if isinstance(beginning, Unsigned):
            return beginning
        asked = self.asked if names.is_below(side, self.asked) else side
        served = yield from self.descent.zone_of(asked)
        if isinstance(served, Unsigned) and trust.beginning(asked) == beginning:
            return served
        least = served.zone if isinstance(served, Keys) else beginning
        among = [each for each in signed_by if names.is_below(side, each) and names.is_below(each, least)]
        deepest = max(among, key=len) if among else side
        if isinstance(served, Keys) and served.zone == deepest:
            return served
        return (yield from self.descent.zone_of(deepest))

    def _signed(self, rrset: RRset, zone: Keys) -> Steps[RRset]:
        """`rrset`, which `zone` has signed. Raises `ResolutionFailed` where it has not."""
        trust, budget = self.descent.trust, self.descent.budget
        checked = yield from self.descent.check(rrset, zone)
        if isinstance(checked, Invalid):
            raise self._explained(checked, zone).failure
        assert rrset.proof is not None
        proven = rrset._replace(ttl=checked.ttl, proof=rrset.proof._replace(status=Status.SECURE))
        if rrset.type == Type.SOA and names.fold(rrset.name) != zone.zone:
            raise _misplaced(rrset, zone)
        if checked.encloser is None:
            # A signature with fewer labels, which anybody can add, does not make what came beside it believable.
            return proven._replace(proof=Proof(Status.SECURE, rrset.proof.signatures))
        if rrset.type in _NEVER_EXPANDED:
            raise _misplaced(rrset, zone)
        sets, broken = yield from self._signed_denials(rrset.proof.beside, zone)
        spend = budget.spend_nsec3_hash
        owner, encloser = names.fold(rrset.name), checked.encloser
        verdict = denial.wildcard_expansion(owner, encloser, sets, zone.zone, spend, trust.iterations)
        if trust.noting is not None:
            trust.noting(Judged(owner, rrset.type, zone.zone, sets, verdict, encloser))
        return _with_beside(proven, *self._judged(zone, sets, broken, verdict))

    def _explained(self, broken: Invalid, zone: Keys) -> Invalid:
        """`broken`; where only the configuration can have had servers asked for a zone of that name, what to set."""
        if broken.tag != UNSIGNED or len(self.asked) <= len(zone.zone) or not names.is_below(self.asked, zone.zone):
            return broken
        asked = names.to_text(self.asked)
        instead = f'if it is meant, set dnssec.negative_trust_anchors = ["{asked}"]'
        return broken._replace(why=f"{broken.why}, and proves that there is no zone {asked}; {instead}")

    def _signed_denials(self, beside: tuple[RRset, ...], zone: Keys) -> Steps[tuple[tuple[RRset, ...], Invalid | None]]:
        """Those of `beside` that `zone` has signed; and why one of the others does not count, if any."""
        known = self._denying.get(zone.zone)
        if known is not None:
            return known
        sets: list[RRset] = []
        broken: Invalid | None = None
        for each in beside:
            if zone.zone not in signers(each):
                continue
            checked = yield from self.descent.check(each, zone)
            if isinstance(checked, Invalid):
                broken = broken or checked
            elif each.proof is not None:
                sets.append(each._replace(ttl=checked.ttl, proof=each.proof._replace(status=Status.SECURE)))
        self._denying[zone.zone] = tuple(sets), broken
        return self._denying[zone.zone]

    def _judged(
        self, zone: Keys, sets: tuple[RRset, ...], broken: Invalid | None, verdict: denial.Verdict
    ) -> tuple[Status, tuple[RRset, ...]]:
        """What `verdict`, on `sets` of `zone`, makes of what it is about: its status, and what is to stand beside it.

        Raises `ResolutionFailed` where that is nothing; if one of the sets is `broken`, for that reason.
        """
        match verdict:
            case denial.Proven(by):
                return Status.SECURE, by
            case denial.Insecure(why, code):
                if code is not None:
                    self.descent.trust.remark(zone.zone, Ede(code, f"{why} [ITER]"), LINK_TTL_S)
                return Status.INSECURE, sets
            case denial.Unproven(why, code):
                if broken is not None:
                    raise broken.failure
                raise Bogus("NSUN", code, why)


def _with_beside(rrset: RRset, status: Status, beside: tuple[RRset, ...]) -> RRset:
    """`rrset`, which is signed, with `beside` beside it, and no longer good than that is."""
    assert rrset.proof is not None
    ttl = min((rrset.ttl, *(each.ttl for each in beside)))
    return rrset._replace(ttl=ttl, proof=Proof(status, rrset.proof.signatures, beside))


def _is_made(rrset: RRset, dname: RRset) -> bool:
    """Whether `rrset` is the alias that `dname` makes of its owner, and so has no signature of its own.

    Two sets that merely follow one another, as in a reply to ANY, are not.
    """
    if rrset.type != Type.CNAME or dname.type != Type.DNAME or len(rrset.name) <= len(dname.name):
        return False
    if not names.is_below(names.fold(rrset.name), names.fold(dname.name)):
        return False
    made = synthesised(rrset.name, dname)
    return isinstance(made, Alias) and names.fold(made.target) == names.fold(rrset.rdatas[0])


def _as(rrset: RRset, status: Status) -> RRset:
    """`rrset` with that status, whatever came with it."""
    name, rtype, cls, ttl, rdatas, proof = rrset
    return RRset(name, rtype, cls, ttl, rdatas, Proof(status) if proof is None else proof._replace(status=status))


def _misplaced(rrset: RRset, zone: Keys) -> Bogus:
    shown, rtype = names.to_text(rrset.name), types.to_text(rrset.type)
    text = f"{shown} {rtype} is signed by {names.to_text(zone.zone)}, where it cannot be"
    return Bogus("SIGP", BOGUS, text)
