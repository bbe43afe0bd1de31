"""Decides how far what a reply says is proven: each record set, each link of a chain of aliases, each denial; as steps.

Rules
* A set is secure when a key of its zone has signed it (`signatures`), insecure when its zone is proven to be unsigned,
  and indeterminate when no trust anchor is above it (RFC 4035 section 4.3). Anything else is bogus, and raised: what
  has no signature in a signed zone above all (`SIGU`).
* The zone is what the servers that were asked serve, or one below that, whose name the signatures tell. A signer that
  is no zone, or one above, signs nothing here (RFC 4035 section 5.3.1). A DS is the parent's (RFC 4035 section 5.2).
* What a wildcard was expanded to needs the proof that no name is closer (RFC 4035 section 5.3.4); a denial needs that
  of `denial`, by sets that are signed themselves.
* An alias that a DNAME made is as good as the DNAME (RFC 6672 section 5.3.1).
* Keys of a zone are proven by its DS or trust anchor, never by themselves (RFC 4035 section 5.2).
* Signatures have none themselves (RFC 4035 section 2.2): asked for alone they are insecure.

Limits: those of the budget, for all that one client's query needs. Where a zone is proven to be unsigned nothing more
is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from resolver.dnssec import denial
from resolver.dnssec.attach import attach
from resolver.dnssec.descent import Descent
from resolver.dnssec.signatures import BOGUS, Invalid, Keys, check_rrset, signers
from resolver.dnssec.trust import Trust, Unsigned
from resolver.engine.actions import Steps
from resolver.engine.budget import Budget
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Overlong
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Proof, Question, RRset, Status, Type
from resolver.wire import names, types

_NEVER_EXPANDED = frozenset(map(int, (Type.SOA, Type.DS, Type.DNSKEY, Type.NSEC, Type.NSEC3)))
"""Types that are never made from a wildcard: they belong to the very name (RFC 4592 section 4, RFC 4035)."""


def prove(
    question: Question, conclusion: Conclusion, message: Message, zone: bytes, trust: Trust, budget: Budget
) -> Steps[Conclusion]:
    """`conclusion`, drawn from the `message` of a server of `zone` (folded), with the status of each part of it.

    Raises `ResolutionFailed`, with the label "bogus" where it is not to be believed.
    """
    folded = Question(names.fold(question.name), question.type, question.cls)
    proving = Proving(Descent(trust, budget, folded), zone)
    conclusion = attach(conclusion, message)
    match conclusion:
        case Answered(chain, rrsets):
            proven = yield from proving.chain((*chain, *rrsets))
            return conclusion._replace(chain=proven[: len(chain)], rrsets=proven[len(chain) :])
        case Alias(chain) | Overlong(chain):
            proven = yield from proving.chain(chain)
            return conclusion._replace(chain=proven)
        case Denied(chain, _, _, _):
            proven = yield from proving.chain(chain)
            soa = yield from proving.denied(conclusion)
            return conclusion._replace(chain=proven, soa=soa)
        case _:
            assert_never(conclusion)


@dataclass(slots=True)
class Proving:
    """The proof of what one reply of a server of `asked` says. `_denying`: by zone, the sets that are signed by it."""

    descent: Descent
    asked: bytes
    _denying: dict[bytes, tuple[tuple[RRset, ...], Invalid | None]] = field(default_factory=dict)

    def chain(self, links: tuple[RRset, ...]) -> Steps[tuple[RRset, ...]]:
        """`links`, in the order of the reply, each as it is proven."""
        proven: list[RRset] = []
        for link in links:
            if link.type == Type.CNAME and proven and proven[-1].type == Type.DNAME:
                proven.append(link._replace(ttl=proven[-1].ttl, proof=Proof(proven[-1].status)))
            else:
                proven.append((yield from self._set(link)))
        return tuple(proven)

    def denied(self, denied: Denied) -> Steps[RRset | None]:
        """The SOA of the denial, with what denies beside it. Raises `ResolutionFailed` where that proves too little."""
        _, name, rcode, soa, _ = denied
        folded = names.fold(name)
        if soa is None:
            zone = yield from self._zone(folded, self._side(folded), set())
            if isinstance(zone, Keys):
                text = f"{names.to_text(name)} is denied without a SOA, though {names.to_text(zone.zone)} is signed"
                raise ResolutionFailed("NSOA", BOGUS, text, label="bogus")
            return None
        zone = yield from self._zone_of(soa)
        if isinstance(zone, Unsigned):
            return _as(soa, zone.status)
        soa = yield from self._signed(soa, zone)
        sets, broken = yield from self._signed_denials(soa, zone)
        spend, iterations = self.descent.budget.spend_nsec3_hash, self.descent.trust.iterations
        verdict = denial.prove(folded, self.descent.question.type, rcode, sets, zone.zone, spend, iterations)
        proven = self._judged(soa, zone, sets, broken, verdict)
        if proven.status is Status.SECURE and (gaps := self.descent.trust.gaps) is not None:
            clock = self.descent.trust.clock
            gaps.learn(zone.zone, proven, sets, int(clock.boottime()), int(clock.wall()))
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
        return (yield from self.descent.zone_of(max(among, key=len) if among else side))

    def _signed(self, rrset: RRset, zone: Keys) -> Steps[RRset]:
        """`rrset`, which `zone` has signed. Raises `ResolutionFailed` where it has not."""
        trust, budget = self.descent.trust, self.descent.budget
        checked = yield from check_rrset(rrset, zone, trust.clock.wall(), budget)
        if isinstance(checked, Invalid):
            raise checked.failure
        assert rrset.proof is not None
        proven = rrset._replace(ttl=checked.ttl, proof=rrset.proof._replace(status=Status.SECURE))
        if rrset.type == Type.SOA and names.fold(rrset.name) != zone.zone:
            raise _misplaced(rrset, zone)
        if checked.encloser is None:
            return proven
        if rrset.type in _NEVER_EXPANDED:
            raise _misplaced(rrset, zone)
        sets, broken = yield from self._signed_denials(rrset, zone)
        spend = budget.spend_nsec3_hash
        verdict = denial.wildcard_expansion(rrset.name, checked.encloser, sets, zone.zone, spend, trust.iterations)
        return self._judged(proven, zone, sets, broken, verdict)

    def _signed_denials(self, rrset: RRset, zone: Keys) -> Steps[tuple[tuple[RRset, ...], Invalid | None]]:
        """Those of the sets beside `rrset` that `zone` has signed; and why one of the others does not count, if any."""
        known = self._denying.get(zone.zone)
        if known is not None:
            return known
        sets: list[RRset] = []
        broken: Invalid | None = None
        for each in () if rrset.proof is None else rrset.proof.beside:
            if zone.zone not in signers(each):
                continue
            checked = yield from check_rrset(each, zone, self.descent.trust.clock.wall(), self.descent.budget)
            if isinstance(checked, Invalid):
                broken = broken or checked
            elif each.proof is not None:
                sets.append(each._replace(ttl=checked.ttl, proof=each.proof._replace(status=Status.SECURE)))
        self._denying[zone.zone] = tuple(sets), broken
        return self._denying[zone.zone]

    def _judged(
        self,
        rrset: RRset,
        zone: Keys,
        sets: tuple[RRset, ...],
        broken: Invalid | None,
        verdict: denial.Verdict,
    ) -> RRset:
        """`rrset`, signed by `zone`, of which the denials `sets` have that `verdict`. Raises `ResolutionFailed`."""
        assert rrset.proof is not None
        match verdict:
            case denial.Proven(by):
                status, beside = Status.SECURE, by
            case denial.Insecure(why, code):
                status, beside = Status.INSECURE, sets
                if code is not None:
                    self.descent.trust.remark(zone.zone, Ede(code, f"{why} [ITER]"), rrset.ttl)
            case denial.Unproven(why, code):
                if broken is not None:
                    raise broken.failure
                raise ResolutionFailed("NSUN", code, why, label="bogus")
        ttl = min(rrset.ttl, *(each.ttl for each in beside))
        return rrset._replace(ttl=ttl, proof=Proof(status, rrset.proof.signatures, beside))


def _as(rrset: RRset, status: Status) -> RRset:
    """`rrset` with that status, whatever came with it."""
    proof = rrset.proof
    return rrset._replace(proof=Proof(status) if proof is None else proof._replace(status=status))


def _misplaced(rrset: RRset, zone: Keys) -> ResolutionFailed:
    shown, rtype = names.to_text(rrset.name), types.to_text(rrset.type)
    text = f"{shown} {rtype} is signed by {names.to_text(zone.zone)}, where it cannot be"
    return ResolutionFailed("SIGP", BOGUS, text, label="bogus")
