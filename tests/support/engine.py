"""What the tests of the engine share: knowledge that is written down, and a driver that answers from a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from resolver.dnssec.attach import attach
from resolver.engine.actions import (
    Check,
    Ended,
    Event,
    Exchange,
    Found,
    Listen,
    Lookup,
    NotFound,
    Race,
    Steps,
    Unanswered,
    Undecided,
    verify,
)
from resolver.engine.budget import BOGUS, Budget
from resolver.engine.delegation import UNTOUCHED, Delegation, NameServer
from resolver.engine.knowledge import Route, Upstreams
from resolver.engine.outcome import Conclusion, Outcome
from resolver.errors import Bogus, ResolutionFailed
from resolver.message import Ede, Message, Question, RRset, Type
from resolver.network.base import Endpoint, Trouble
from resolver.wire import names
from tests.support.messages import name


def at(last: int) -> Endpoint:
    """A server by the last number of its address."""
    return Endpoint(f"192.0.2.{last}", 53)


def delegation(zone: str, *lasts: int, ttl: int = 3600, nameless: Iterable[str] = ()) -> Delegation:
    """`zone` is served at these addresses, and by `nameless`, whose addresses nobody knows."""
    servers = tuple(NameServer(name(f"ns{last}.test."), (at(last),)) for last in lasts)
    return Delegation(name(zone), (*servers, *(NameServer(name(each)) for each in nameless)), ttl)


class WrittenServers:
    """`ServerKnowledge` that asks in the order given and notes what it is told."""

    def __init__(self) -> None:
        self.notes: list[tuple[Any, ...]] = []
        self.first_timeout = 0.4
        self.heard_before: set[Endpoint] = set()
        self.no_edns: set[Endpoint] = set()
        self.no_case: set[Endpoint] = set()

    network_works = True

    def ordered(self, servers: Iterable[Endpoint], zone: bytes) -> list[Endpoint]:
        return list(servers)

    def enter(self, server: Endpoint) -> bool:
        return True

    def leave(self, server: Endpoint) -> None:
        """Nothing is limited."""

    def lame(self, server: Endpoint, zone: bytes) -> None:
        self.notes.append(("lame", server, zone))

    def no_route(self, server: Endpoint) -> None:
        self.notes.append(("no_route", server))

    def timeout(self, server: Endpoint) -> float:
        return self.first_timeout

    def standing(self, server: Endpoint) -> tuple[bool, bool, bool]:
        return server not in self.no_edns, server not in self.no_case, server in self.heard_before

    def replied(self, server: Endpoint, seconds: float) -> None:
        self.notes.append(("replied", server, seconds))

    def silent(self, server: Endpoint, waited: float) -> None:
        self.notes.append(("silent", server, waited))

    def without_edns(self, server: Endpoint) -> None:
        self.notes.append(("without_edns", server))

    def changes_case(self, server: Endpoint) -> None:
        self.notes.append(("changes_case", server))


class Written:
    """`Knowledge` that is what a test wrote down, and keeps lists of what it was taught."""

    port = 53
    overhears = False
    trim = UNTOUCHED
    borders: frozenset[bytes] = frozenset()

    def __init__(self, *delegations: Delegation, minimises: bool = False, recursed: bool = False) -> None:
        self.delegations = {each.zone: each for each in delegations}
        self.servers = WrittenServers()
        self.minimises = minimises
        self.recursed = recursed
        self.recalled: dict[tuple[bytes, int], Conclusion] = {}
        self.unprimed = False
        self.learnt: list[tuple[Question, Conclusion]] = []
        self.learnt_delegations: list[Delegation] = []
        self.noted: list[Outcome] = []
        self.left: dict[bytes, int] = {}
        self.dead: dict[bytes, ResolutionFailed] = {}
        self.validates = False
        self.asked_checked: list[bool] = []
        self.proven: list[tuple[Question, bytes]] = []
        self.referrals: list[tuple[bytes, Message]] = []
        self.beside: list[tuple[Question, bytes, Message]] = []
        self.remarks: dict[bytes, tuple[Ede, ...]] = {}
        self.upstreams: Upstreams | None = None
        self.instead: Route | None = None

    def overheard(self, question: Question, zone: bytes, message: Message) -> None:
        self.beside.append((question, zone, message))

    def recall(self, name: bytes, rtype: int, checked: bool = False) -> Conclusion | None:
        self.asked_checked.append(checked)
        return self.recalled.get((names.fold(name), rtype))

    def current(self, rrset: RRset) -> RRset:
        return rrset._replace(ttl=self.left.get(names.fold(rrset.name), rrset.ttl))

    def route(self, question: Question) -> Route | None:
        folded = names.fold(question.name)
        if question.type == Type.DS:
            folded = names.parent(folded)
        for ancestor in names.ancestors(folded):
            if ancestor in self.delegations:
                return Route(self.delegations[ancestor], self.recursed, self.upstreams)
        return None

    def otherwise(self, question: Question) -> Route | None:
        return self.instead

    def wants_priming(self) -> bool:
        wanted, self.unprimed = self.unprimed, False
        return wanted

    def attach(self, conclusion: Conclusion, message: Message) -> Conclusion:
        return attach(conclusion, message)

    def prove(
        self, question: Question, conclusion: Conclusion, message: Message, zone: bytes, budget: Budget
    ) -> Steps[Conclusion]:
        self.proven.append((question, zone))
        checks = [Check(13, b"", each, question.name) for rrset in message.answer for each in rrset.rdatas]
        good = yield from verify(checks)
        if not all(good):
            raise Bogus("TEST", BOGUS, f"a signature of {names.to_text(question.name)} is wrong")
        return conclusion

    def told(self, name: bytes) -> tuple[Ede, ...]:
        return self.remarks.get(name, ())

    def learn(self, question: Question, conclusion: Conclusion) -> Conclusion:
        self.learnt.append((question, conclusion))
        return conclusion

    def learn_delegation(self, delegation: Delegation) -> None:
        self.learnt_delegations.append(delegation)
        self.delegations[delegation.zone] = delegation

    def referred(self, zone: bytes, message: Message) -> None:
        self.referrals.append((zone, message))

    def dead_zone(self, delegation: Delegation) -> ResolutionFailed | None:
        return self.dead.get(delegation.zone)

    def learn_dead_zone(self, delegation: Delegation, failure: ResolutionFailed) -> None:
        self.dead[delegation.zone] = failure

    @property
    def blames_zones(self) -> bool:
        return True

    def note(self, outcome: Outcome) -> None:
        self.noted.append(outcome)


QUIET = Unanswered(Trouble.TIMEOUT, 0.0)
"""What comes of listening where a test says nothing else."""


class Driver:
    """Runs steps; `act` says what comes of each exchange or look-up, or a list of that is used up in its order.

    Of look-ups that race the first wins, unless what came of it is `Undecided` or says which one `Ended`.
    """

    def __init__(self, act: Callable[[Any], Any] | list[Any]) -> None:
        self.actions: list[Exchange | Lookup] = []
        self._act = act

    def run(self, steps: Any) -> Any:
        try:
            action = next(steps)
            while True:
                first = action.lookups[0] if isinstance(action, Race) else action
                if isinstance(action, Listen):
                    action = steps.send(self._act.pop(0) if isinstance(self._act, list) and self._act else QUIET)
                    continue
                new = action.lookups if isinstance(action, Race) else (action,)
                self.actions += [each for each in new if isinstance(each, Exchange) or each not in self.actions]
                event: Event = self._act.pop(0) if isinstance(self._act, list) else self._act(first)
                if isinstance(event, Found | NotFound):
                    event = Ended(first, event)
                assert isinstance(action, Race) == isinstance(event, Ended | Undecided)
                action = steps.send(event)
        except StopIteration as stop:
            assert not isinstance(self._act, list) or not self._act, f"never asked for: {self._act}"
            return stop.value

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Whom was sent what: the end of the address, and `name type` with the transport where it is TCP."""
        return [
            (each.server.host.rpartition(".")[2], _text(each)) for each in self.actions if isinstance(each, Exchange)
        ]

    @property
    def looked_up(self) -> list[str]:
        """The names and types that were looked up."""
        return [_text(each) for each in self.actions if isinstance(each, Lookup)]


def _text(action: Exchange | Lookup) -> str:
    question = action.question
    text = f"{names.to_text(question.name)} {Type(question.type).name}"
    return f"{text} tcp" if isinstance(action, Exchange) and action.transport == "tcp" else text
