"""What the resolver knows: its records, the delegations it has learnt, its servers, and what the
configuration says.

Rules
* Of forward zones, stub zones and learnt delegations the one closest to the name decides; a forward zone
  hides the delegations below it, a stub zone is itself the delegation at its top.
* A DS belongs to the parent's side of a cut, so it is routed by the parent of its name (RFC 4035 section
  4.2).
* Delegations are those of parents, for the TTL that the parent gave (never what the child says of itself): a
  zone that was taken away is gone when that TTL is, and so is all that was learnt through it (ghost domains, Phoenix
  domain). The root is not taken away, nor is what the configuration says.
* Where answers are proven, what is proven to be missing answers for more names than were asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resolver.cache import records as held
from resolver.cache.failures import FIRST_S, LONGEST_S, Failures
from resolver.cache.records import NAME_ERROR, Credibility, Records
from resolver.cache.servers import Servers
from resolver.cache.table import Table
from resolver.dnssec.attach import attach
from resolver.engine.actions import Steps
from resolver.engine.budget import Budget
from resolver.engine.classify import is_elsewhere, synthesised
from resolver.engine.delegation import UNTOUCHED, Delegation, Trim
from resolver.engine.knowledge import Route
from resolver.engine.outcome import Alias, Answered, Conclusion, Denied, Outcome
from resolver.errors import ResolutionFailed
from resolver.message import Ede, Message, Proof, Question, Rcode, RRset, Type
from resolver.network.base import Clock
from resolver.observe.notes import Held, Inferred
from resolver.observe.transcript import Transcript
from resolver.pipeline.routes import Routes
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.dnssec.trust import Trust
    from resolver.pipeline.overheard import Overheard

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

DELEGATIONS_BYTES: Final = 8 << 20
"""What delegations may take where nothing else is said."""
_DS: Final = int(Type.DS)
_ANSWER: Final = Credibility.ANSWER
_ANSWER_AA: Final = Credibility.AUTHORITATIVE_ANSWER
_PRIMING_PAUSE_S: Final = 60
"""How long hints serve unprimed after a priming that failed."""


class Known:
    """The resolver's own knowledge (`engine.knowledge.Knowledge`)."""

    def __init__(
        self,
        records: Records,
        servers: Servers,
        routes: Routes,
        clock: Clock,
        *,
        port: int,
        minimises: bool,
        transcript: Transcript | None = None,
        delegations: Table[bytes, Delegation] | None = None,
        failure_ttl_s: float = FIRST_S,
        failure_max_ttl_s: float = LONGEST_S,
        trim: Trim = UNTOUCHED,
        trust: Trust | None = None,
        heard: Overheard | None = None,
    ) -> None:
        """`delegations` are those learnt before, when they outlive this; `trim` is how much is used of one; `trust` is
        there where answers are to be proven, `heard` where what upstreams say beside them is kept."""
        self.trim = trim
        self.trust = trust
        self.heard = heard
        self.overhears = heard is not None
        self.validates = trust is not None
        if trust is not None:
            from resolver.dnssec import chain, gaps  # with `cryptography`, which others have no use for

            self._prove, self._below_denied = chain.prove, gaps.below_denied
        self.borders = frozenset((*routes.stubs, *routes.forwards))
        self.records = records
        self.servers = servers
        self.routes = routes
        self.port = port
        self.minimises = minimises
        self._boottime = clock.boottime
        self.delegations = delegations if delegations is not None else Table(DELEGATIONS_BYTES, clock, weigh)
        self.dead_zones: Failures[bytes] = Failures(clock, failure_ttl_s, failure_max_ttl_s)
        self._primed: Table[bytes, bool] = Table(1, clock)
        self._transcript = transcript

    def recall(self, name: bytes, rtype: int, checked: bool = True) -> Conclusion | None:
        """What the records say of the question now; where answers are proven, a `checked` one sees no others."""
        checked = checked and self.validates
        known = self.records.recall(name, rtype, checked)
        if known is not None:
            return _concluded(name, rtype, known)
        made = self._made_of_a_dname(name, rtype, checked) if self.records.any_dname else None
        return self._denied(name, rtype) if checked and made is None else made

    def _denied(self, name: bytes, rtype: int) -> Conclusion | None:
        """What follows for the question from what is proven of other names: one above it does not exist (RFC 8020), or
        it lies in a gap (RFC 8198)."""
        made: Conclusion | None = self._below_denied(name, self._error_at)
        trust = self.trust
        if made is None and trust is not None and trust.gaps is not None:
            made = trust.gaps.synthesise(name, rtype, self._data_at, int(self._boottime()))
        if made is None or trust is None:
            return made
        zone = _zone_of(made)
        if not self._says(zone, names.fold(name), trust):
            return None
        if self._transcript is not None:
            self._transcript.noted(Inferred(names.fold(name), zone))
        return made

    def _says(self, zone: bytes | None, name: bytes, trust: Trust) -> bool:
        """Whether what is proven in `zone` is a word on `name`, both folded: a zone of the configuration, and one that
        is excepted from validation, are there whatever the zones above them say."""
        configured, begins = self.routes.closest(name), trust.beginning(name)
        if zone is None or not isinstance(begins, bytes) or not names.is_below(zone, begins):
            return False
        return configured is None or names.is_below(zone, configured)

    def _error_at(self, name: bytes) -> Denied | None:
        known = self.records.recall(name, NAME_ERROR, checked=True)
        return Denied((), name, Rcode.NXDOMAIN, known.soa, False) if known is not None and known.nxdomain else None

    def _data_at(self, name: bytes, rtype: int) -> RRset | None:
        known = self.records.recall(name, rtype, checked=True)
        found = None if known is None else known.rrset
        return found if found is not None and found.type == rtype else None

    def recall_stale(self, name: bytes, rtype: int, age: int, checked: bool = True) -> Conclusion | None:
        """As `recall`; failing that, what has expired for less than `age` seconds, with TTLs of 0."""
        checked = checked and self.validates
        if self.records.any_dname and (fresh := self.recall(name, rtype, checked)) is not None:
            return fresh
        known = self.records.recall_stale(name, rtype, age, checked)
        if known is None:
            return self._made_of_a_dname(name, rtype, checked, age) if self.records.any_dname else None
        return _concluded(name, rtype, known)

    def held(self, question: Question, checked: bool) -> Held | None:
        """Since when something is held of `question`, in whole seconds; None for what was made of other data."""
        ends = self.records.ends(question.name, question.type, checked and self.validates)
        if ends is None:
            return None
        left = ends.expires - int(self._boottime())
        return Held(ends.ttl - left, left)

    def renewable_in(self, name: bytes, rtype: int, checked: bool = True) -> int | None:
        """Seconds until what is held of the question is in the last tenth of its TTL; None if it is of no interest."""
        return self.records.renewable_in(name, rtype, checked and self.validates)

    def _made_of_a_dname(self, name: bytes, rtype: int, checked: bool, stale_for: int = 0) -> Conclusion | None:
        """What a DNAME that is held makes of the question; the alias itself where it is what is asked for."""
        dname = self.records.dname_above(name, stale_for=stale_for, checked=checked)
        if dname is None or is_elsewhere(names.fold(name), names.fold(dname.name), self.borders):
            return None
        made = synthesised(name, dname)
        if isinstance(made, Alias) and rtype in (Type.CNAME, Type.ANY):
            return Answered(made.chain[:1], made.chain[1:], False)
        return made

    def current(self, rrset: RRset) -> RRset:
        """`rrset` with what is left of its TTL; 0 when it is not held any more."""
        left = self.records.left(rrset)
        return rrset if left == rrset.ttl else rrset._replace(ttl=left)

    def route(self, question: Question) -> Route | None:
        """Who is asked for `question`."""
        name = question.name.lower()
        if question.type == _DS and name != names.ROOT:
            name = names.parent(name)
        if self.routes.forwards and (forward := self.routes.forward(name)) is not None:
            return forward
        return self._iterated(name)

    def otherwise(self, question: Question) -> Route | None:
        """Who is asked for `question` where it is forwarded first, in vain."""
        name = question.name.lower()
        if question.type == _DS and name != names.ROOT:
            name = names.parent(name)
        forward = self.routes.forward(name)
        if forward is None or forward.delegation.zone not in self.routes.first:
            return None
        return self._iterated(name)

    def _iterated(self, name: bytes) -> Route:
        """Who is asked for what is below `name`, folded, where no forwarder is."""
        routes = self.routes
        if routes.recursed_root and not routes.has_stub(name):
            return Route(routes.root, recursed=True)
        stubs, learnt = routes.stubs, self.delegations
        pos, ancestor = 0, name
        while True:
            nearest = (stubs.get(ancestor) if stubs else None) or learnt.get(ancestor)
            if nearest is not None:
                return _make(Route, (nearest, False, None))
            length = name[pos]
            if not length:
                return Route(routes.root)
            pos += length + 1
            ancestor = name[pos:]

    def wants_priming(self) -> bool:
        """True when the root's servers are hints, and were not asked to verify them lately (RFC 9609)."""
        if self.delegations.get(names.ROOT) is not None or names.ROOT in self.routes.stubs:
            return False
        if self._primed.get(names.ROOT):
            return False
        self._primed.put(names.ROOT, True, _PRIMING_PAUSE_S)
        return True

    def attach(self, conclusion: Conclusion, message: Message) -> Conclusion:
        """`conclusion` with the signatures in `message`."""
        return attach(conclusion, message)

    def prove(
        self, question: Question, conclusion: Conclusion, message: Message, zone: bytes, budget: Budget
    ) -> Steps[Conclusion]:
        """`conclusion` with its signatures and with the status of each part. Raises `ResolutionFailed`."""
        assert self.trust is not None, "nothing is proven here"
        return self._prove(question, conclusion, message, zone, self.trust, budget)

    def told(self, name: bytes) -> tuple[Ede, ...]:
        """Why nothing is proven of `name`, where that can be told (RFC 8914 sections 4.2 and 4.3)."""
        return () if self.trust is None else self.trust.told(names.fold(name))

    def learn(self, question: Question, conclusion: Conclusion) -> Conclusion:
        """The records hold what `conclusion` says; returned with the TTLs it is held for."""
        match conclusion:
            case Answered((), (rrset,), authoritative):
                learnt = self.records.learn(rrset, _ANSWER_AA if authoritative else _ANSWER)
                if rrset.proof is not None and rrset.proof.beside:
                    self._hold_wildcard(rrset, _credibility(authoritative))
                return conclusion if learnt is rrset else Answered((), (learnt,), authoritative)
            case Answered(chain, rrsets, authoritative):
                held = self._hold((*chain, *rrsets), authoritative)  # together: an alias asked for may be made, too
                return Answered(held[: len(chain)], held[len(chain) :], authoritative)
            case Alias(chain, target, authoritative):
                return Alias(self._hold(chain, authoritative), target, authoritative)
            case Denied(chain, name, rcode, soa, authoritative):
                if soa is not None and soa.rdatas:
                    # What the parent says of a DS is not for the name itself where the configuration has a zone there.
                    whole = rcode == Rcode.NXDOMAIN and not (question.type == Type.DS and self.routes.has_zone(name))
                    rtype = NAME_ERROR if whole else question.type
                    soa = self.records.learn_denial(name, rtype, soa, _credibility(authoritative))
                return Denied(self._hold(chain, authoritative), name, rcode, soa, authoritative)
            case _:
                return conclusion

    def learn_delegation(self, delegation: Delegation) -> None:
        """`delegation` is known for its TTL, but no longer than the one through which it was learnt."""
        seconds = float(min(delegation.ttl, self.records.ttls.maximum))
        parent, routes = delegation.parent, self.routes
        lasting = parent in (b"", names.ROOT) or parent in routes.stubs or parent in routes.forwards
        if not lasting:
            seconds = min(seconds, self.delegations.left(parent))
        self.delegations.put(delegation.zone, delegation, seconds)

    def referred(self, zone: bytes, message: Message) -> None:
        """`message` refers to `zone`; what it says of the DS is for the proof of what comes from there."""
        if self.trust is not None:
            self.trust.referred(zone, message)

    def overheard(self, question: Question, zone: bytes, message: Message) -> None:
        """`message` answers `question` for an upstream of `zone`; what it says of name servers may be kept."""
        if self.heard is not None and message.authority:
            self.heard.learn(question, zone, message)

    def dead_zone(self, delegation: Delegation) -> ResolutionFailed | None:
        """The failure of `delegation`, when all of its servers were silent a moment ago and none has replied since."""
        if self.dead_zones.empty:
            return None
        failure = self.dead_zones.get(delegation.zone)
        if failure is None or any(
            self.servers.has_replied(endpoint) for server in delegation.servers for endpoint in server.endpoints
        ):
            return None
        return failure.remembered("dead_zone")

    def learn_dead_zone(self, delegation: Delegation, failure: ResolutionFailed) -> None:
        """All servers of `delegation` were silent, which counts unless one of them has replied to others lately."""
        endpoints = (endpoint for server in delegation.servers for endpoint in server.endpoints)
        if not any(map(self.servers.heard_lately, endpoints)):
            grows = self.blames_zones and delegation.zone != names.ROOT
            self.dead_zones.put(delegation.zone, failure, grows=grows)

    @property
    def blames_zones(self) -> bool:
        """Whether what fails is put down to its zone, and not to the way there: somebody replies, the root too."""
        return self.servers.network_works and self.dead_zones.get(names.ROOT) is None

    def note(self, outcome: Outcome) -> None:
        """`outcome` stands in the transcript, when one is kept."""
        if self._transcript is not None:
            self._transcript.decided(outcome)

    def counts(self) -> dict[str, int]:
        """Gauges under the names of `resolver stats`."""
        gaps = None if self.trust is None else self.trust.gaps
        overheard = 0 if self.heard is None else len(self.heard.held)
        return {
            "cache.dead_zones": len(self.dead_zones),
            "cache.overheard": overheard,
            **({} if gaps is None else gaps.counts()),
        }

    def flush(self, name: bytes, *, subtree: bool) -> int:
        """Nothing is known of `name`, nor below it when `subtree`: records and delegations. The number that went."""
        folded = names.fold(name)
        self.dead_zones.clear()
        gone = self.records.flush(name, subtree=subtree)
        if self.heard is not None:
            gone += self.heard.forget(folded, subtree=subtree)
        if self.trust is not None:
            gone += self.trust.forget(folded, subtree=subtree)
            if self.trust.gaps is not None:
                self.trust.gaps.forget(folded, subtree=subtree)
        for zone, _ in self.delegations.items():
            if zone == folded or (subtree and names.is_below(zone, folded)):
                self.delegations.remove(zone)
                gone += 1
        return gone

    def _hold(self, rrsets: tuple[RRset, ...], authoritative: bool) -> tuple[RRset, ...]:
        """`rrsets` are held; an alias that a DNAME made is made again each time (RFC 6672 section 3.4)."""
        credibility = _credibility(authoritative)
        held: list[RRset] = []
        for rrset in rrsets:
            if rrset.type == Type.CNAME and held and held[-1].type == Type.DNAME:
                held.append(rrset._replace(ttl=held[-1].ttl))
            else:
                held.append(self.records.learn(rrset, credibility))
                if rrset.proof is not None and rrset.proof.beside:
                    self._hold_wildcard(rrset, credibility)
        return tuple(held)

    def _hold_wildcard(self, rrset: RRset, credibility: Credibility) -> None:
        """What `rrset` was expanded from is held too, to answer for other names (RFC 8198 section 5.3)."""
        trust = self.trust
        if trust is not None and trust.gaps is not None:
            wildcard = trust.gaps.learn_expanded(rrset, int(self._boottime()), int(trust.clock.wall()))
            if wildcard is not None:
                self.records.learn(wildcard, credibility)


def _concluded(name: bytes, rtype: int, known: held.Known) -> Conclusion:
    if known.soa is not None:
        return Denied((), name, Rcode.NXDOMAIN if known.nxdomain else Rcode.NOERROR, known.soa, False)
    assert known.rrset is not None
    if rtype in (known.rrset.type, Type.ANY):
        return Answered((), (known.rrset,), False)
    return Alias((known.rrset,), known.rrset.rdatas[0], False)


def _zone_of(denying: Conclusion) -> bytes | None:
    """The zone, folded, whose denial it is, or without whose denials a wildcard would not answer."""
    match denying:
        case Denied(soa=RRset(name=zone)):
            return names.fold(zone)
        case (
            Answered(rrsets=(RRset(proof=Proof(beside=(first, *_))), *_))
            | Alias(chain=(RRset(proof=Proof(beside=(first, *_))), *_))
        ):
            from resolver.dnssec.signatures import signers

            return next(iter(signers(first)), None)
        case _:
            return None


def _credibility(authoritative: bool) -> Credibility:
    return Credibility.AUTHORITATIVE_ANSWER if authoritative else Credibility.ANSWER


def weigh(delegation: Delegation) -> int:
    """About the bytes that `delegation` takes in CPython: measured, 220 for each address."""
    return 300 + sum(180 + len(server.name) + 220 * len(server.endpoints) for server in delegation.servers)
