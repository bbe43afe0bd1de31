"""How a question is answered from the root down: the algorithm of RFC 1034 section 5.3.3.

1. What is known answers. 2. Otherwise the best known servers are asked, 3. `asking.ask_zone` tries them until
one is of use, 4. and its reply is an answer (done), a denial (done), a referral (ask the servers below) or an
alias (start again at its target, with the chain so far kept).

Rules
* Aliases, referrals and messages are paid from the one `Budget` of the client's query, whatever nests.
* A DS is asked of the parent's servers (RFC 4035 section 4.2): `Knowledge.route` sees to that.
* Minimised names are asked one label at a time, relaxed: NXDOMAIN, an alias or an error for one ends the
  minimising, not the walk, and what was said of a minimised name is not kept (RFC 9156 section 2.3 and section 3).
* When the root is known from hints alone it is primed before it is asked; hints that cannot be verified, or names
  that come without an address, are served by the hints (RFC 9609 section 4.2).
* A delegation whose name servers are all within its zone and have no glue is completed by asking the servers of the
  parent for the address of one.
* Where the configuration has a question forwarded to a pool, `forwarding.ask_pool` asks its members. Where none is of
  use, the question is iterated if the configuration says so.
* While an alias is followed its TTL runs down: the answer tells what is left of it.
* What a *checked* question is answered is proven before it is kept (RFC 4035 section 5), each link of a chain by
  itself; what is bogus is asked of one more server, and then the question's failure. Of all else the signatures are
  kept with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from resolver.engine import asking
from resolver.engine import delegation as delegations
from resolver.engine.actions import Steps
from resolver.engine.asking import Heard
from resolver.engine.budget import OTHER, Budget
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.forwarding import ask_pool
from resolver.engine.giving_up import NOTHING_WAS_SAID
from resolver.engine.knowledge import Knowledge, Route, Upstreams
from resolver.engine.outcome import Alias, Answer, Answered, Conclusion, Denied, Overlong, Referral
from resolver.errors import Bogus, ResolutionFailed
from resolver.message import Message, Question, Rcode, RRset, Type
from resolver.wire import names

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_NOERROR: Final = Rcode.NOERROR


def resolve(
    question: Question, known: Knowledge, budget: Budget, *, anew: bool = False, checked: bool = False
) -> Steps[Answer]:
    """The answer to `question`, aliases followed to their end. Raises `ResolutionFailed`.

    `anew`: what is held is asked again, because it will soon be too old. `checked`: the answer must be proven, where
    the configuration validates.
    """
    chain: list[RRset] = []
    name = question.name
    seen: set[bytes] = set()
    while True:
        asked = question if name is question.name else Question(name, question.type, question.cls)
        conclusion: Conclusion | None = None if anew else known.recall(name, question.type, checked)
        if conclusion is None:
            conclusion = yield from _ask(asked, known, budget, checked)
        match conclusion:
            case None:
                return Answer(Rcode.NOERROR, tuple(chain), keeps=False)
            case Answered((), rrsets) if not chain:
                return _make(Answer, (_NOERROR, rrsets, None, True, ()))
            case Answered(links, rrsets):
                _follow(links, seen or {question.name.lower()}, budget)
                return Answer(Rcode.NOERROR, (*_current(chain, known), *links, *rrsets))
            case Denied(links, _, rcode, soa):
                _follow(links, seen or {question.name.lower()}, budget)
                return Answer(rcode, (*_current(chain, known), *links), soa, keeps=soa is not None and bool(soa.rdatas))
            case Overlong(links):
                return Answer(Rcode.YXDOMAIN, (*_current(chain, known), *links))
            case Alias(links, target):
                seen.add(question.name.lower())
                _follow(links, seen, budget)
                chain.extend(links)
                name = target
            case _:
                assert_never(conclusion)


def _current(chain: list[RRset], known: Knowledge) -> tuple[RRset, ...]:
    """`chain` with what is left of its TTLs; the alias that a DNAME made has that of the DNAME."""
    made: list[RRset] = []
    for link in chain:
        if link.type == Type.CNAME and made and made[-1].type == Type.DNAME:
            made.append(link._replace(ttl=made[-1].ttl))
        else:
            made.append(known.current(link))
    return tuple(made)


def _follow(links: tuple[RRset, ...], seen: set[bytes], budget: Budget) -> None:
    """Pay for each alias of `links`; one that leads back to where the chain has been is a loop."""
    for link in links:
        if link.type != Type.CNAME:
            continue
        budget.spend_alias()
        target = names.fold(link.rdatas[0])
        if target in seen:
            raise ResolutionFailed("LOOP", OTHER, f"aliases lead back to {names.to_text(target)}", label="alias_loop")
        seen.add(target)


def _ask(question: Question, known: Knowledge, budget: Budget, checked: bool) -> Steps[Conclusion | None]:
    """What those say who are responsible for `question`. None when none may be asked."""
    route = known.route(question)
    if route is None:
        return _nobody()
    if route.upstreams is not None:
        return _forwarded(question, route, route.upstreams, known, budget, checked)
    return _iterated(question, route, known, budget, checked)


def _nobody() -> Steps[Conclusion | None]:
    return None
    yield  # pragma: no cover - it is a generator


def _iterated(
    question: Question, route: Route, known: Knowledge, budget: Budget, checked: bool
) -> Steps[Conclusion | None]:
    """What the servers say that are found by following referrals from `route`."""
    delegation, recursed = route.delegation, route.recursed
    if delegation.configured and delegation.zone == names.ROOT and not recursed and known.wants_priming():
        said = yield from _primed(question, delegation, known, budget, checked)
        if said is not None:
            return said
        found = known.route(question)
        if found is not None and found.upstreams is not None:  # which have been asked
            found = known.otherwise(question)
        route = found or route
        delegation, recursed = route.delegation, route.recursed
    extra_labels, whole = 1, False
    while True:
        as_is = whole or recursed or not known.minimises
        asked = question if as_is else delegations.minimised(question, delegation.zone, extra_labels)
        if asked is not question and not budget.may_minimise():
            asked = question
        try:
            heard = yield from asking.ask_zone(delegation, asked, known, budget, recursed=recursed)
        except ResolutionFailed as failure:
            if asked is question or failure.own_limit or failure.label in NOTHING_WAS_SAID:
                raise
            whole = True
            continue
        match heard.outcome:
            case Referral(below):
                budget.spend_referral()
                route = yield from _below(below, route, heard.message, known, budget)
                delegation, recursed = route.delegation, route.recursed
                extra_labels, whole = 1, False
            case outcome if asked is question:
                if not (checked and known.validates):
                    return _unproven(question, outcome, heard.message, known)
                return (yield from _believed(question, outcome, heard, route, known, budget))
            case Denied(rcode=Rcode.NXDOMAIN) | Alias() | Overlong() as outcome:
                cut = yield from _cut_off((question, asked), outcome, heard, delegation, known, budget, checked)
                if cut is not None:
                    return cut
                whole = True
                budget.minimised_in_vain()
            case Answered() | Denied():
                extra_labels += 1
                budget.minimised_in_vain()
            case _:
                assert_never(heard.outcome)


def _believed(
    question: Question,
    outcome: Conclusion,
    heard: Heard,
    route: Route,
    known: Knowledge,
    budget: Budget,
) -> Steps[Conclusion]:
    """What is kept of the `outcome` of what was `heard` from a server of `route`, if it is proven.

    When it is bogus another server is asked, once: it is more often one server that is broken, or a liar on the way to
    it, than the zone (RFC 4035 section 5.5 leaves it to us). Where that which it rests on is bogus nobody is, nor where
    finding out has taken half of what it may.
    """
    delegation, recursed, upstreams = route
    try:
        proven = yield from _proven(question, outcome, heard.message, delegation.zone, known, budget)
    except Bogus as failure:
        if not budget.may_prove_again():
            raise
        bogus = failure.fresh()
    else:
        if upstreams is not None:
            known.overheard(question, delegation.zone, heard.message)
        return proven
    try:
        server = heard.server
        if upstreams is not None:
            heard = yield from ask_pool(upstreams, delegation, question, known, budget, server)
        else:
            heard = yield from asking.ask_zone(delegation, question, known, budget, recursed=recursed, without=server)
    except ResolutionFailed:
        raise bogus from None
    if isinstance(heard.outcome, Referral):
        raise bogus
    proven = yield from _proven(question, heard.outcome, heard.message, delegation.zone, known, budget)
    if upstreams is not None:
        known.overheard(question, delegation.zone, heard.message)
    return proven


def _cut_off(
    lookups: tuple[Question, Question],
    outcome: Conclusion,
    heard: Heard,
    delegation: Delegation,
    known: Knowledge,
    budget: Budget,
    checked: bool,
) -> Steps[Conclusion | None]:
    """What the `outcome` of the second of `lookups`, of a name above, means for the first: where it is proven that
    there is no such name, nothing is below it either (RFC 8020 section 2). None where it is not: some servers deny
    names that have others below."""
    question, asked = lookups
    if not checked or not known.validates or not isinstance(outcome, Denied):
        return None
    try:
        yield from _proven(asked, outcome, heard.message, delegation.zone, known, budget)
    except ResolutionFailed as failure:
        if failure.own_limit:
            raise
        return None
    return known.recall(question.name, question.type, True)


def _forwarded(
    question: Question, route: Route, upstreams: Upstreams, known: Knowledge, budget: Budget, checked: bool
) -> Steps[Conclusion | None]:
    """What the `upstreams` of `route` say about `question`, or, where they are of no use, who else is asked then."""
    heard: Heard | None = None
    instead: Route | None = None
    try:
        heard = yield from ask_pool(upstreams, route.delegation, question, known, budget)
    except ResolutionFailed as failure:
        instead = None if failure.own_limit else known.otherwise(question)
        if instead is None:
            raise
    if heard is None:
        assert instead is not None
        return (yield from _iterated(question, instead, known, budget, checked))
    outcome = heard.outcome
    assert not isinstance(outcome, Referral), "which is of no use from an upstream"
    if not (checked and known.validates):
        known.overheard(question, route.delegation.zone, heard.message)
        return _unproven(question, outcome, heard.message, known)
    return (yield from _believed(question, outcome, heard, route, known, budget))


def _unproven(question: Question, conclusion: Conclusion, message: Message, known: Knowledge) -> Conclusion:
    """What is kept of `conclusion`, drawn from `message`, as it is told."""
    if len(message.answer) + len(message.authority) > 1:  # else there can be no signatures of it
        conclusion = known.attach(conclusion, message)
    return known.learn(question, conclusion)


def _proven(
    question: Question, conclusion: Conclusion, message: Message, zone: bytes, known: Knowledge, budget: Budget
) -> Steps[Conclusion]:
    """What is kept of `conclusion`, drawn from the `message` of a server of `zone`, as it is proven."""
    return known.learn(question, (yield from known.prove(question, conclusion, message, zone, budget)))


def _below(below: Delegation, route: Route, message: Message, known: Knowledge, budget: Budget) -> Steps[Route]:
    """Where the referral to `below`, in the `message` of a server of `route`, leads. Those of servers that should have
    recursed are not learnt."""
    if not route.recursed:
        below = yield from _placed(below, route.delegation, known, budget)
        known.learn_delegation(below)
        known.referred(below.zone, message)
    return Route(below)


def _placed(below: Delegation, above: Delegation, known: Knowledge, budget: Budget) -> Steps[Delegation]:
    """`below` with the addresses of its first name server, where all are within the zone itself and came without glue.

    They could be learnt from nobody but the servers of `above`, which are asked once.
    """
    if any(each.endpoints or not names.is_below(each.name, below.zone) for each in below.servers):
        return below
    if not below.servers or not budget.may_fetch():
        return below
    budget.spend_fetch()
    name = below.servers[0].name
    try:
        heard = yield from asking.ask_zone(above, Question(name, Type.A), known, budget)
    except ResolutionFailed as failure:
        if failure.own_limit:
            raise
        return below
    match heard.outcome:
        case Answered(chain=(), rrsets=(rrset,)):
            found = tuple(known.trim.addresses_of(delegations.endpoints(rrset, known.port)))
            servers = (NameServer(name, found), *below.servers[1:])
            return replace(below, servers=servers, ttl=min(below.ttl, rrset.ttl))
        case Referral(again) if again.zone == below.zone:
            return again
        case _:
            return below


def _primed(
    question: Question, hints: Delegation, known: Knowledge, budget: Budget, checked: bool
) -> Steps[Conclusion | None]:
    """The root is primed; what it said if that was the `question`."""
    primed = yield from _prime(hints, known, budget)
    if primed is None or question.name != names.ROOT or question.type != Type.NS:
        return None
    if not (checked and known.validates):
        return _unproven(question, *primed, known)
    return (yield from _proven(question, *primed, names.ROOT, known, budget))


def _prime(hints: Delegation, known: Knowledge, budget: Budget) -> Steps[tuple[Conclusion, Message] | None]:
    """The servers of the root are those that the root itself names; if it does not say, the hints stay in use."""
    try:
        heard = yield from asking.ask_zone(hints, Question(names.ROOT, Type.NS), known, budget)
    except ResolutionFailed as failure:
        if failure.own_limit:
            raise
        return None
    match heard.outcome:
        case Answered(rrsets=(ns,)) as said if ns.type == Type.NS:
            root = delegations.of_referral(heard.message, ns, names.ROOT, known.port, known.trim)
            hinted = {each.name: each for each in hints.servers}
            servers = tuple(each if each.endpoints else hinted.get(each.name, each) for each in root.servers)
            placed = tuple(each for each in servers if each.endpoints)  # to find the others the root would be asked
            if placed:
                known.learn_delegation(replace(root, servers=placed))
            return said, heard.message
        case _:
            return None
