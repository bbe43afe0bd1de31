"""What is answered from what was proven before, in whatever order, is what the zones' owners have signed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import hints
from resolver.cache.records import Records
from resolver.cache.servers import Servers
from resolver.dnssec import algorithms, chain
from resolver.dnssec.gaps import Gaps
from resolver.engine.actions import Ended, Found, Lookup, NotFound, Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.engine.classify import classify
from resolver.engine.outcome import Alias, Answer, Answered, Denied, Overlong
from resolver.errors import ResolutionFailed
from resolver.message import Message, Question, Type
from resolver.network.entropy import SeededEntropy
from resolver.pipeline.knowledge import Known
from resolver.pipeline.routes import Routes
from resolver.wire import names
from tests.properties.profiles import examples
from tests.properties.test_proofs import Liar, is_true
from tests.support.messages import name
from tests.support.signed_world import PLAIN, Hash, SignedZone, World, world

ABOVE = (
    "www.example.com. 300 IN A 192.0.2.1",
    "alias.example.com. 300 IN CNAME www.sub.example.com.",
    "*.wild.example.com. 300 IN A 192.0.2.2",
    "there.wild.example.com. 300 IN A 192.0.2.3",
    "tree.example.com. 60 IN DNAME wild.example.com.",
)
BELOW = ("*.sub.example.com. 300 IN A 192.0.2.5", "x.sub.example.com. 300 IN A 192.0.2.6")
ASKED = (
    *("www.example.com.", "alias.example.com.", "nothing.example.com.", "a.nothing.example.com.", "sub.example.com."),
    *("x.wild.example.com.", "there.wild.example.com.", "*.wild.example.com.", "y.tree.example.com.", "nothing.com."),
    *("*.sub.example.com.", "x.sub.example.com.") * 3,
    *("y.sub.example.com.", "*.x.sub.example.com."),
)
TYPES = (*(Type.A,) * 8, Type.AAAA, Type.CNAME, Type.DS, Type.DNSKEY, Type.ANY)
OPT_OUT: Hash = (0, b"", True)
KINDS = {"nsec": None, "nsec3": PLAIN, "opt-out": OPT_OUT}


def made(kind: Hash | None) -> World:
    zones = [("com.", ()), ("example.com.", ABOVE), ("sub.example.com.", BELOW)]
    return world(SignedZone("."), *(SignedZone(apex, lines, nsec3=kind) for apex, lines in zones), gaps=Gaps())


WORLDS = {kind: made(kind) for kind in KINDS.values()}
TRUE = {kind: made(kind) for kind in KINDS.values()}


class Remembering:
    """A resolver of `there` that holds what it has proven, as the program's own does."""

    def __init__(self, there: World) -> None:
        clock, servers = there.clock, Servers(there.clock, SeededEntropy(1))
        routes = Routes(hints.root(()))
        self.there = there
        self.known = Known(Records(1 << 20, clock), servers, routes, clock, port=53, minimises=False, trust=there.trust)

    def resolve(self, question: Question, budget: Budget) -> Answer:
        links: tuple[Any, ...] = ()
        name = question.name
        for _ in range(12):
            conclusion = self.known.recall(name, question.type)
            if conclusion is None:
                conclusion = self._proven(Question(name, question.type), budget)
            match conclusion:
                case Answered(more, rrsets):
                    return Answer(0, (*links, *more, *rrsets))
                case Denied(more, _, rcode, soa):
                    return Answer(rcode, (*links, *more), soa)
                case Alias(more, target):
                    links, name = (*links, *more), target
                case _:
                    break
        raise ResolutionFailed("LOOP", 0, "no end", label="alias_loop")

    def _proven(self, question: Question, budget: Budget) -> Any:
        zone, message = self.there.reply(question)
        conclusion = classify(message, question, zone.name, 53)
        if not isinstance(conclusion, Answered | Alias | Denied | Overlong):
            raise ResolutionFailed("LAME", 22, "no answer", label="lame")
        steps = chain.prove(question, conclusion, message, zone.name, self.there.trust, budget)
        event: Any = None
        while True:
            try:
                action = steps.send(event)
            except StopIteration as stop:
                return self.known.learn(question, stop.value)
            if isinstance(action, Verify):
                event = Verified(tuple(map(algorithms.verify, action.checks)))
            else:
                event = self._looked_up(action.lookups[0], budget)  # type: ignore[union-attr]

    def _looked_up(self, lookup: Lookup, budget: Budget) -> Ended:
        try:
            return Ended(lookup, Found(self.resolve(lookup.question, budget)))
        except ResolutionFailed as failure:
            return Ended(lookup, NotFound(failure.fresh()))


def unchanged(message: Message) -> Message:
    return message


@pytest.mark.rfc(8198, "5")
@pytest.mark.rfc(4035, "4.5")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@examples(1.0)
@given(seed=st.integers(0, 1 << 32), often=st.sampled_from([0.0, 0.0, 0.0, 0.5]))
def test_what_is_answered_from_what_is_held_is_true(kind: Hash | None, seed: int, often: float) -> None:
    there, true, dice = WORLDS[kind], TRUE[kind], random.Random(seed)
    assert there.trust.gaps is not None
    there.forget()
    there.trust.gaps.clear()
    for zone in there.zones.values():
        zone.alter = Liar(seed, often) if often else unchanged
    resolver = Remembering(there)
    for _ in range(12):
        question = Question(name(dice.choice(ASKED)), dice.choice(TYPES))
        try:
            answer = resolver.resolve(question, Budget(Limits(signature_checks=300), 1e9))
        except ResolutionFailed:
            assert often, names.to_text(question.name)
            continue
        is_true(true, question, answer)
