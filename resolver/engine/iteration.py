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
* While an alias is followed its TTL runs down: the answer tells what is left of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from resolver.engine import asking
from resolver.engine import delegation as delegations
from resolver.engine.actions import Steps
from resolver.engine.budget import OTHER, Budget
from resolver.engine.delegation import Delegation, NameServer
from resolver.engine.giving_up import NOTHING_WAS_SAID
from resolver.engine.knowledge import Knowledge
from resolver.engine.outcome import Alias, Answer, Answered, Conclusion, Denied, Overlong, Referral
from resolver.errors import ResolutionFailed
from resolver.message import Question, Rcode, RRset, Type
from resolver.wire import names

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_NOERROR: Final = Rcode.NOERROR


def resolve(question: Question, known: Knowledge, budget: Budget, *, anew: bool = False) -> Steps[Answer]:
    """The answer to `question`, aliases followed to their end. Raises `ResolutionFailed`.

    `anew`: what is held is asked again, because it will soon be too old.
    """
    chain: list[RRset] = []
    name = question.name
    seen: set[bytes] = set()
    while True:
        asked = question if name is question.name else Question(name, question.type, question.cls)
        conclusion: Conclusion | None = None if anew else known.recall(name, question.type)
        if conclusion is None:
            conclusion = yield from _ask(asked, known, budget)
        match conclusion:
            case None:
                return Answer(Rcode.NOERROR, tuple(chain), keeps=False)
            case Answered((), rrsets) if not chain:
                return _make(Answer, (_NOERROR, rrsets, None, True))
            case Answered(links, rrsets):
                _follow(links, seen or {question.name.lower()}, budget)
                return Answer(Rcode.NOERROR, (*_current(chain, known), *links, *rrsets))
            case Denied(links, _, rcode, soa):
                _follow(links, seen or {question.name.lower()}, budget)
                return Answer(rcode, (*_current(chain, known), *links), soa, keeps=soa is not None)
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


def _ask(question: Question, known: Knowledge, budget: Budget) -> Steps[Conclusion | None]:
    """What the servers responsible for `question` say, found by following referrals. None when none may be asked."""
    route = known.route(question)
    if route is None:
        return None
    delegation, recursed = route
    if delegation.configured and delegation.zone == names.ROOT and not recursed and known.wants_priming():
        said = yield from _prime(delegation, known, budget)
        if said is not None and question.name == names.ROOT and question.type == Type.NS:
            return known.learn(question, said)
        delegation, recursed = known.route(question) or route
    extra_labels, whole = 1, False
    while True:
        asked = question
        if known.minimises and not recursed and not whole:
            asked = delegations.minimised(question, delegation.zone, extra_labels)
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
                if not recursed:
                    below = yield from _placed(below, delegation, known, budget)
                    known.learn_delegation(below)
                delegation, recursed, extra_labels, whole = below, False, 1, False
            case outcome if asked is question:
                return known.learn(question, outcome)
            case Denied(rcode=Rcode.NXDOMAIN) | Alias() | Overlong():
                whole = True
                budget.minimised_in_vain()
            case Answered() | Denied():
                extra_labels += 1
                budget.minimised_in_vain()
            case _:
                assert_never(heard.outcome)


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


def _prime(hints: Delegation, known: Knowledge, budget: Budget) -> Steps[Conclusion | None]:
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
            return said
        case _:
            return None
