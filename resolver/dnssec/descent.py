"""Decides which zone a name is in, as far as the chain of trust leads: its keys, or that it is unsigned, as steps.

Rules
* The chain begins at the closest trust anchor and goes down label by label. At each name the DS is looked up: if there
  is one, the zone's keys must bear it out; if there is none, that must be proven, and the proof says whether the name
  is an unsigned delegation or no cut (RFC 4035 section 5.2, RFC 6840 section 4.4).
* What a referral said of the DS is taken, if it is signed; it may be that no server would say so again. The labels
  between a zone and the cut that it has told of are not looked at: names of the reverse tree have ten and more.
* What is looked up is a question of its own, whose answer comes proven. It rests on names above its own alone, so no
  question waits for itself; what would is told as missing.
* A DS with algorithms or digests that are not known makes the zone unsigned (RFC 4035 section 5.2), and what cannot be
  proven makes all below it bogus.
* A DS below an alias is not of the name's own zone: an alias is never at a cut (RFC 1034 section 3.6.2).

Limits: of the DS of a zone `Limits.ds_per_zone` are tried, and of its keys with one tag `Limits.keys_per_tag`. That a
look-up has failed is remembered by whoever does look-ups, so that the zone does not cost the chain again for each of
its names (RFC 4035 section 4.7).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from resolver.dnssec import denial
from resolver.dnssec.algorithms import LONGEST_KEY, digest
from resolver.dnssec.anchors import Anchor
from resolver.dnssec.evidence import Judged, Named, Signed, Sought
from resolver.dnssec.records import Dnskey, Ds, read_dnskey, read_ds
from resolver.dnssec.signatures import BOGUS, KEY_MISSING, Invalid, Keys, Valid, check_rrset, signers
from resolver.dnssec.trust import Link, Trust, Unsigned, Within, usable
from resolver.engine.actions import Found, Lookup, Steps, Undecided, race
from resolver.engine.budget import Budget
from resolver.engine.outcome import Answer
from resolver.errors import Bogus, ResolutionFailed
from resolver.message import Proof, Question, RRset, Status, Type
from resolver.wire import names, types

PATIENCE_S: Final = 60.0
"""Seconds of waiting for a look-up, which has limits of its own."""
LINK_TTL_S: Final = 3600
"""Seconds for which a link is held at most, so that what is repaired in the middle of a chain is seen in time."""
LONGEST_DNSKEY: Final = 4 + LONGEST_KEY
"""Octets of a DNSKEY; longer ones are no keys that anything could be checked with, and are not digested."""

LinkT = TypeVar("LinkT", Keys, Unsigned, Within)


class Delegated(NamedTuple):
    """The DS records at a secure delegation, good for `ttl` seconds."""

    ds: tuple[Ds, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Descent:
    """The way down from a trust anchor, for the proof of `question`, whose name is folded."""

    trust: Trust
    budget: Budget
    question: Question

    def zone_of(self, name: bytes) -> Steps[Keys | Unsigned]:
        """The zone that `name`, folded, is in. Raises `ResolutionFailed` where the chain of trust to it is broken."""
        trust = self.trust
        anchored = trust.beginning(name)
        if isinstance(anchored, Unsigned):
            return anchored
        reached: Keys | Unsigned | None = None
        top = name
        for top in names.ancestors(name):
            link = trust.link(top)
            if isinstance(link, Keys | Unsigned):
                reached = link
                break
            if top == anchored:
                reached = yield from self._anchored(top)
                break
        assert reached is not None
        depth, deepest = names.depth(top), names.depth(name)
        told = [each for each in range(depth + 2, deepest + 1) if trust.said_of_ds(names.last_labels(name, each))]
        while depth < deepest and not isinstance(reached, Unsigned):
            depth += 1
            below = names.last_labels(name, depth)
            link = trust.link(below)
            if link is None and told:
                cut = yield from self._told(reached, [names.last_labels(name, each) for each in told if each > depth])
                if cut is not None:
                    below, link = cut
                    depth = names.depth(below)
            link = link or (yield from self._below(reached, below))
            if not isinstance(link, Within):
                reached = link
            elif link.absent:
                break
        return reached

    def delegation(self, above: Keys, name: bytes) -> Steps[Delegated | Unsigned | Within]:
        """What the zone `above` has proven of a delegation of `name`, folded. Raises `ResolutionFailed`."""
        said = yield from self._said(above, name)
        if said is not None:
            return said
        answer = yield from self._looked_up(name, Type.DS)
        first = answer.rrsets[0] if answer.rrsets else answer.soa
        if first is None or first.status is Status.UNCHECKED:
            text = f"what there is of a DS of {names.to_text(name)} came without a proof"
            raise ResolutionFailed("DSNO", BOGUS, text, label="bogus")
        if first.status is not Status.SECURE:
            return self._found(name, Unsigned(name, first.status), first.ttl)
        if answer.rrsets:
            if first.type == Type.DS:
                return Delegated(tuple(map(read_ds, first.rdatas)), first.ttl)
            return self._found(name, Within(absent=first.type == Type.DNAME), first.ttl)
        beside = first.proof.beside if first.proof else ()
        match self._no_ds(name, tuple(each for each in beside if each.status is Status.SECURE), above.zone):
            case denial.Proven(absent=absent):
                return self._found(name, Within(absent), first.ttl)
            case denial.Insecure():
                return self._found(name, Unsigned(name, Status.INSECURE), first.ttl)
            case denial.Unproven(why, code):
                raise ResolutionFailed("DSUN", code, why, label="bogus")

    def _said(self, above: Keys, name: bytes) -> Steps[Delegated | Unsigned | None]:
        """What a reply of `above` has said of the DS of `name` without being asked, if it is signed; else None."""
        sets = []
        for rrset in self.trust.said_of_ds(name):
            checked = yield from self.check(rrset, above)
            if isinstance(checked, Invalid):
                continue
            if rrset.type == Type.DS and checked.encloser is None:
                return Delegated(tuple(map(read_ds, rrset.rdatas)), checked.ttl)
            sets.append(rrset._replace(ttl=checked.ttl))
        if sets:
            verdict = self._no_ds(name, tuple(sets), above.zone)
            if isinstance(verdict, denial.Insecure):
                ttl = min(rrset.ttl for rrset in sets)
                return self._found(name, Unsigned(name, Status.INSECURE), ttl)
        return None

    def _no_ds(self, name: bytes, sets: tuple[RRset, ...], zone: bytes) -> denial.Verdict:
        """What `sets`, signed by `zone`, make of a denial of the DS at `name`."""
        verdict = denial.no_ds(name, sets, zone, self.budget.spend_nsec3_hash, self.trust.iterations)
        if self.trust.noting is not None:
            self.trust.noting(Judged(name, Type.DS, zone, sets, verdict))
        return verdict

    def check(self, rrset: RRset, keys: Keys) -> Steps[Valid | Invalid]:
        """Whether one of the signatures of `rrset` holds now. Raises `ResolutionFailed` when the budget is used up."""
        now = self.trust.clock.wall()
        checked = yield from check_rrset(rrset, keys, now, self.budget)
        if self.trust.noting is not None:
            self.trust.noting(Signed(rrset, keys, checked, now))
        return checked

    def keys(self, zone: bytes, rrset: RRset) -> Steps[RRset | Unsigned | Keys]:
        """`rrset`, the DNSKEY set of `zone` (folded), as it is proven; or that it is unsigned.

        The keys of the zone above where `zone` is none: its DNSKEY records are data like any other. Raises
        `ResolutionFailed` when it is not what the DS or the trust anchor says.
        """
        anchored = self.trust.beginning(zone)
        if isinstance(anchored, Unsigned):
            return anchored
        if anchored == zone:
            anchor = self.trust.anchors[zone]
            return (yield from self._proven(zone, rrset, anchor))
        teller = self._teller(zone)
        found: Delegated | Unsigned | Within | None = None
        above: Keys | Unsigned | None = teller
        if teller is not None:
            found = yield from self._said(teller, zone)
        if above is None or found is None:
            above = yield from self.zone_of(names.parent(zone))
            if isinstance(above, Unsigned):
                return above
            found = yield from self.delegation(above, zone)
        if isinstance(found, Unsigned):
            return found
        if isinstance(found, Within):
            return above
        return (yield from self._proven(zone, rrset, Anchor(zone, found.ds)))

    def _teller(self, zone: bytes) -> Keys | None:
        """The zone above, with its keys, whose signature is on what a referral has told of the DS of `zone`."""
        signed_by = {each for one in self.trust.said_of_ds(zone) for each in signers(one)}
        links = (self.trust.link(each) for each in signed_by if each != zone and names.is_below(zone, each))
        return next((each for each in links if isinstance(each, Keys)), None)

    def _anchored(self, zone: bytes) -> Steps[Keys | Unsigned]:
        """The keys of `zone`, which has a trust anchor."""
        anchor = self.trust.anchors[zone]
        if anchor.ds and not anchor.dnskeys and isinstance(unsigned := usable(anchor.ds, zone), Unsigned):
            return unsigned
        return (yield from self._keys_of(zone, LINK_TTL_S))

    def _below(self, above: Keys, name: bytes) -> Steps[Link]:
        """What there is at `name`, which is below the zone `above`."""
        return (yield from self._there(name, (yield from self.delegation(above, name))))

    def _told(self, above: Keys, cuts: list[bytes]) -> Steps[tuple[bytes, Link] | None]:
        """The first of `cuts` that a referral has told of with a signature of `above`, and what there is; else None."""
        for name in cuts:
            if any(above.zone in signers(each) for each in self.trust.said_of_ds(name)):
                said = yield from self._said(above, name)
                return None if said is None else (name, (yield from self._there(name, said)))
        return None

    def _there(self, name: bytes, found: Delegated | Link) -> Steps[Link]:
        """What there is at `name`, of whose DS this was `found`."""
        if not isinstance(found, Delegated):
            return found
        known = usable(found.ds, name)
        if isinstance(known, Unsigned):
            return self._found(name, known, found.ttl)
        return (yield from self._keys_of(name, found.ttl))

    def _keys_of(self, zone: bytes, ttl: int) -> Steps[Keys | Unsigned]:
        """The keys of `zone`, folded, which are good for `ttl` seconds at most. It must have some."""
        if self.question.type != Type.DNSKEY or self.question.name != zone:
            answer = yield from self._looked_up(zone, Type.DNSKEY)
            for rrset in answer.rrsets:
                if rrset.type == Type.DNSKEY and names.fold(rrset.name) == zone:
                    if rrset.status is not Status.SECURE:
                        return Unsigned(zone, rrset.status)
                    keys = Keys(zone, tuple(map(read_dnskey, rrset.rdatas)))
                    return self._found(zone, keys, min(ttl, rrset.ttl))
        text = f"{names.to_text(zone)} has no DNSKEY, though it has a DS or a trust anchor"
        raise Bogus("KEYN", KEY_MISSING, text)

    def _proven(self, zone: bytes, rrset: RRset, anchor: Anchor) -> Steps[RRset | Unsigned]:
        """`rrset`, the DNSKEY set of `zone`, signed by a key that `anchor` names (RFC 4035 section 5.2)."""
        listed: tuple[Ds, ...] = ()
        if anchor.ds:
            known = usable(anchor.ds, zone)
            if not isinstance(known, Unsigned):
                listed = known[: self.budget.limits.ds_per_zone]
            elif not anchor.dnskeys:
                return known
        keys = [read_dnskey(rdata) for rdata in rrset.rdatas if len(rdata) <= LONGEST_DNSKEY]
        named = [*self._digested(zone, keys, listed), *(key for key in keys if _is_among(key, anchor.dnskeys))]
        if self.trust.noting is not None:
            self.trust.noting(Named(anchor, tuple(keys), tuple(named)))
        shown = names.to_text(zone)
        if not named:
            text = f"none of the keys of {shown} is one that its DS or trust anchor names{_tags(anchor)}"
            raise Bogus("KEYM", KEY_MISSING, text)
        if all(key.revoked for key in named):
            text = f"the key {named[0].tag} of {shown}, which its DS or trust anchor names, is revoked"
            raise Bogus("KEYR", KEY_MISSING, text)
        checked = yield from self.check(rrset, Keys(zone, tuple(named)))
        if isinstance(checked, Invalid):
            raise checked.failure
        assert rrset.proof is not None
        return rrset._replace(ttl=checked.ttl, proof=Proof(Status.SECURE, rrset.proof.signatures))

    def _digested(self, zone: bytes, keys: list[Dnskey], listed: Iterable[Ds]) -> Iterable[Dnskey]:
        """Those of `keys` that one of the `listed` DS is the digest of, each once."""
        found: dict[bytes, Dnskey] = {}
        for ds in listed:
            alike = (key for key in keys if key.tag == ds.tag and key.algorithm == ds.algorithm)
            for key in itertools.islice(alike, self.budget.limits.keys_per_tag):
                if digest(ds.digest_type, zone, key.rdata) == ds.digest:
                    found[key.rdata] = key
        return found.values()

    def _looked_up(self, name: bytes, rtype: int) -> Steps[Answer]:
        """The answer to a question of its own. Raises `ResolutionFailed`."""
        if self.trust.noting is not None:
            self.trust.noting(Sought(name, rtype))
        lookup = Lookup(Question(name, rtype), checked=True)
        event = yield from race((lookup,), PATIENCE_S)
        what = f"the {types.to_text(rtype)} of {names.to_text(name)} could not be had"
        if isinstance(event, Undecided):
            raise ResolutionFailed("CHNL", KEY_MISSING, what, label="deadline", own_limit=True)
        if isinstance(event.result, Found):
            return event.result.answer
        failure = event.result.failure
        if failure.label == "bogus":
            raise failure.fresh()
        raise ResolutionFailed(
            "CHNF",
            failure.code,
            what,
            label=failure.label,
            own_limit=failure.own_limit,
            heard=failure.heard,
            cause=failure,
        )

    def _found(self, name: bytes, link: LinkT, ttl: int) -> LinkT:
        self.trust.found(name, link, min(ttl, LINK_TTL_S))
        return link


def _is_among(key: Dnskey, believed: tuple[Dnskey, ...]) -> bool:
    """Whether `key` is one of those `believed`, revoked or not."""
    return any(key.algorithm == one.algorithm and key.key == one.key for one in believed)


def _tags(anchor: Anchor) -> str:
    """The tags that `anchor` names, a few of them."""
    tags = sorted({*(ds.tag for ds in anchor.ds), *(key.tag for key in anchor.dnskeys)})
    return f" ({', '.join(map(str, tags[:4]))})" if tags else ""
