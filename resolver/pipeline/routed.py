"""Decides, by rule, which way a query goes and what is told of it: the stage that stands before all branches.

Rules
* What decides at once (refuse, drop, truncate, answer) waits for nothing. An alias that is given, or stands in a zone
  of ours, is followed the usual way where it leads elsewhere.
* A question that was rewritten is answered under the name that came; what was signed loses its signatures, and nothing
  is told as proven, because nobody has signed that name. Records keep the type that was asked for in its place.
* A query is looked at twice, for what is at hand and when there is work, and comes to the same: it is counted, here
  and against limits, for what is at hand alone. Its way is found once where no other query comes between.
* What time decides may be stored as octets until the next full minute; what chance, a limit or a client's subnet
  decides never is.

Limits: the aliases of our own zones are followed `MAX_ALIASES` times from zone to zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol, TypeAlias, assert_never

from resolver.answering import Stage, Told, peek_or_work
from resolver.auth.authority import Authority
from resolver.errors import ResolutionFailed
from resolver.message import UNTOLD, Client, Ede, Query, Question, Rcode, Reply, RRset, Type
from resolver.observe.counters import Counters
from resolver.observe.notes import Ruled
from resolver.observe.transcript import Transcript
from resolver.routing.actions import AddSubnet, Answer, Drop, FromZones, Refuse, Resolve, SetTtl, ToPool, Truncate
from resolver.routing.rules import Decision
from resolver.routing.table import Table
from resolver.wire.names import fold

MAX_ALIASES: Final = 8
_TRUNCATED: Final = Reply(Rcode.NOERROR, ra=True, tc=True)
_NOT_HERE: Final = Reply(
    Rcode.REFUSED, ra=True, ede=(Ede(20, "the zone of this rule is delegated elsewhere from here [RULD]"),)
)
_CNAME: Final = int(Type.CNAME)
_ANY: Final = int(Type.ANY)
_DENYING: Final = frozenset(map(int, (Type.NSEC, Type.NSEC3)))
_SIGNING: Final = frozenset(map(int, (Type.RRSIG, Type.NSEC, Type.NSEC3)))
_MINUTE: Final = 60
_ANSWERS: Final = (Refuse, Drop, Truncate, Answer, FromZones)
"""What is told without asking anybody."""

Limiter: TypeAlias = Callable[[str, Client], Reply | None]
"""Counts one more query of a client against a class; gives what it is told where that is too many."""


class Subnets(Protocol):
    """What asks a pool on behalf of one subnet at a time."""

    def stage(self, query: Query, subnet: AddSubnet) -> Stage | None:
        """What answers the query of a client, of which so much may be told; None where it wants nothing told."""
        ...


class Way:
    """Where a query goes on: the question that is asked there, and what is made of its answer."""

    __slots__ = ("asked", "before", "decision", "stage")

    def __init__(self, stage: Stage, asked: Query, decision: Decision, before: tuple[RRset, ...] = ()) -> None:
        """`before` is what stands before the answer: an alias that led there."""
        self.stage, self.asked, self.decision, self.before = stage, asked, decision, before


class Routed:
    """The stage that chooses among branches."""

    def __init__(
        self,
        table: Table,
        usual: Stage,
        pools: Mapping[str, Stage],
        counters: Counters,
        wall: Callable[[], float],
        *,
        authorities: Mapping[int, Authority] | None = None,
        subnets: Mapping[str, Subnets] | None = None,
        limiter: Limiter | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        """`authorities` are those of rules that answer from zones, by the number of the rule; `subnets` ask pools that
        are told of clients."""
        self.table = table
        self._usual, self._pools, self._counters, self._wall = usual, pools, counters, wall
        self._authorities, self._subnets = authorities or {}, subnets or {}
        self._limiter, self._transcript = limiter, transcript
        self._last: tuple[Query, Decision, Reply | Way] | None = None
        """The query for which nothing was at hand last: it is worked on next, most of the time."""

    def answer(self, query: Query, done: Told) -> None:
        """`done` has what is at hand, or what became of `query`."""
        peek_or_work(self, query, done)

    def peek(self, query: Query) -> Reply | None:
        """The reply that is at hand; None when there is work to be done."""
        decision = self.table.decide(query)
        if decision.simple:
            stage = self._simply(decision)
            if stage is not None:
                reply = stage.peek(query)
                if reply is None:
                    self._last = query, decision, Way(stage, query, decision)
                return reply
        if decision.fitted:
            refused = self._count(query, decision)
            if refused is not None:
                return refused
        way = self._way(query, decision)
        if isinstance(way, Reply):
            self._counters.answers_ruled += 1
            return told(way, query, decision, self._wall)
        reply = way.stage.peek(way.asked)
        if reply is None:
            self._last = query, decision, way
            return None
        return reply if decision.is_plain and not way.before else self._shaped(way, query, reply)

    def work(self, query: Query, done: Told) -> None:
        """`done` has what became of `query`, for which nothing is at hand."""
        decision, way = self._found(query)
        self._note(decision)
        if isinstance(way, Reply):
            done(told(way, query, decision, self._wall))  # there was nothing at hand a moment ago
        elif decision.is_plain and not way.before:
            way.stage.work(way.asked, done)
        else:
            way.stage.work(way.asked, partial(self._worked, way, query, done))

    def spare(self, query: Query) -> Reply | None:
        """What is told without work when there is no room for any; None when there is nothing."""
        _, way = self._found(query)
        if isinstance(way, Reply):
            return None  # which was at hand
        look: Callable[[Query], Reply | None] | None = getattr(way.stage, "spare", None)
        reply = None if look is None else look(way.asked)
        return None if reply is None else self._shaped(way, query, reply)

    def branch_of(self, query: Query) -> tuple[Query, str]:
        """What is asked in the place of `query`, and the pool whose branch answers it; empty for the usual one."""
        decision = self.table.decide(query)
        action, question = decision.action, decision.question
        asked = query if question is None else query._replace(question=question)
        return asked, action.pool if isinstance(action, ToPool) else ""

    def _simply(self, decision: Decision) -> Stage | None:
        """The stage that a query goes to as it is, counted for its rule; None where there is more to do."""
        rule = decision.rule
        if rule is None:
            return self._usual
        action = rule.action
        stage = self._usual if isinstance(action, Resolve) else None
        if isinstance(action, ToPool):
            stage = self._pools[action.pool]
        if stage is not None:
            self.table.fits[rule.number - 1] += 1
            self._note(decision)
        return stage

    def _found(self, query: Query) -> tuple[Decision, Reply | Way]:
        """What is decided on a query for which nothing was at hand, and its way."""
        last = self._last
        if last is not None and last[0] is query:
            self._last = None
            return last[1], last[2]
        decision = self.table.decide(query)
        return decision, self._way(query, decision)

    def _worked(self, way: Way, query: Query, done: Told, result: Reply | ResolutionFailed) -> None:
        done(self._shaped(way, query, result) if isinstance(result, Reply) else result)

    def _shaped(self, way: Way, query: Query, reply: Reply) -> Reply:
        """What is told of the `reply` that came that `way`."""
        if reply.rcode < 0:
            return reply
        if way.before:
            reply = reply._replace(answer=(*way.before, *reply.answer), ad=False)
        return told(reply, query, way.decision, self._wall)

    def _count(self, query: Query, decision: Decision) -> Reply | None:
        """The rules that fitted are counted, and noted; what the client is told who is over a limit."""
        fits = self.table.fits
        for rule in decision.fitted:
            fits[rule.number - 1] += 1
        self._note(decision)
        if self._limiter is not None:
            for name in decision.limits:
                refused = self._limiter(name, query.client)
                if refused is not None:
                    return refused._replace(storable=False)
        return None

    def _note(self, decision: Decision) -> None:
        if self._transcript is not None:
            for rule in decision.fitted:
                self._transcript.noted(Ruled(str(rule), str(rule.action), isinstance(rule.action, _ANSWERS)))

    def _way(self, query: Query, decision: Decision) -> Reply | Way:
        """Where `query` goes on, or what it is told at once."""
        asked = query if decision.question is None else query._replace(question=decision.question)
        action = decision.action
        match action:
            case Resolve():
                return Way(self._usual, asked, decision)
            case ToPool(name):
                if decision.subnet is not None:
                    stage = self._subnets[name].stage(asked, decision.subnet)
                    if stage is not None:
                        return Way(stage, asked, decision)
                return Way(self._pools[name], asked, decision)
            case Refuse(rcode, ede):
                return Reply(rcode, ra=True, ede=() if ede is None else (ede,))
            case Drop():
                return UNTOLD
            case Truncate():
                return _TRUNCATED
            case Answer(records):
                return self._followed(asked, decision, given(asked.question, records))
            case FromZones():
                assert decision.rule is not None
                return self._followed(asked, decision, _of_zones(asked, self._authorities[decision.rule.number]))
            case _:
                assert_never(action)

    def _followed(self, asked: Query, decision: Decision, reply: Reply) -> Reply | Way:
        """`reply`, or the way on where it ends in an alias."""
        target = leads_to(reply, asked.question)
        if target is None:
            return reply
        onward = asked._replace(question=asked.question._replace(name=target))
        return Way(self._usual, onward, decision, reply.answer)


def given(question: Question, records: tuple[tuple[int, int, bytes], ...]) -> Reply:
    """What is told of `question` where these records (type, TTL, data) are all there is of its name."""
    kinds = {rtype for rtype, _, _ in records}
    wanted = question.type
    if wanted == _ANY:
        wanted = min(kinds)
    elif wanted not in kinds and _CNAME in kinds:
        wanted = _CNAME
    found = [(ttl, data) for rtype, ttl, data in records if rtype == wanted]
    if not found:
        return Reply(Rcode.NOERROR, aa=True, ra=True)
    rdatas = tuple(dict.fromkeys(data for _, data in found))
    rrset = RRset(question.name, wanted, question.cls, min(ttl for ttl, _ in found), rdatas)
    return Reply(Rcode.NOERROR, (rrset,), aa=True, ra=True, storable=True)


def _of_zones(query: Query, authority: Authority) -> Reply:
    """What the zones of `authority` say, as a resolver tells it."""
    chain: tuple[RRset, ...] = ()
    shown: tuple[RRset, ...] = ()
    question = query.question
    for _ in range(MAX_ALIASES):
        reply = authority.reply(question, query.do)
        if not reply.aa and reply.rcode in (Rcode.NOERROR, Rcode.REFUSED):
            break  # another's: what led here, if anything did, is the answer so far
        chain += reply.answer
        target = leads_to(reply, question)
        if target is None or authority.enclosing(fold(target)) is None:
            answered = any(each.type == question.type for each in reply.answer)
            shown += _denials(reply) if answered else reply.authority
            return Reply(reply.rcode, chain, shown, aa=True, ra=True, ede=reply.ede, storable=True)
        shown += _denials(reply)
        question = question._replace(name=target)
    return Reply(Rcode.NOERROR, chain, shown, aa=True, ra=True, storable=True) if chain else _NOT_HERE


def _denials(reply: Reply) -> tuple[RRset, ...]:
    """What shows that a wildcard may stand for a name of the answer (RFC 4035 section 3.1.3.3), with its signatures."""
    return tuple(filter(_proves, reply.authority))


def _proves(rrset: RRset) -> bool:
    rtype = int.from_bytes(rrset.rdatas[0][:2], "big") if rrset.type == Type.RRSIG else rrset.type
    return rtype in _DENYING


def leads_to(reply: Reply, question: Question) -> bytes | None:
    """The name at which the answer of `reply` goes on, if it ends in an alias that is not what was asked for."""
    if reply.rcode != Rcode.NOERROR or question.type in (_CNAME, _ANY):
        return None
    data = [each for each in reply.answer if each.type not in _SIGNING]
    ends = data and data[-1].type == _CNAME and all(map(_proves, reply.authority))
    return data[-1].rdatas[0] if ends else None


def told(reply: Reply, query: Query, decision: Decision, wall: Callable[[], float]) -> Reply:
    """`reply` as the rules have it told to `query`."""
    if decision.question is not None:
        reply = _renamed(reply, query.question, decision.question)
    again_s, storable = reply.again_s, reply.storable and decision.keeps
    if decision.limits or decision.subnet is not None:
        storable = False
    if storable and decision.within_minute:
        left = _MINUTE - int(wall()) % _MINUTE
        again_s = left if again_s is None else min(again_s, left)
    if decision.ttl is not None:
        lowest = min((each.ttl for each in (*reply.answer, *reply.authority)), default=0)
        again_s = lowest if again_s is None else min(again_s, lowest)  # what is told longer is not held longer
        reply = _with_ttl(reply, decision.ttl)
    return reply._replace(storable=storable and again_s != 0, again_s=again_s)


def _renamed(reply: Reply, came: Question, asked: Question) -> Reply:
    """`reply` to what was `asked`, told to who asked something else."""
    old = fold(asked.name)

    def back(rrsets: tuple[RRset, ...]) -> tuple[RRset, ...]:
        kept = (each for each in rrsets if each.type not in _SIGNING)
        return tuple(each._replace(name=came.name) if fold(each.name) == old else each for each in kept)

    return reply._replace(answer=back(reply.answer), authority=back(reply.authority), ad=False)


def _with_ttl(reply: Reply, ttl: SetTtl) -> Reply:
    def bounded(rrsets: tuple[RRset, ...]) -> tuple[RRset, ...]:
        return tuple(each._replace(ttl=max(ttl.least, min(each.ttl, ttl.most))) for each in rrsets)

    return reply._replace(answer=bounded(reply.answer), authority=bounded(reply.authority))
