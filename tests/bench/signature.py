"""Decides what a signature costs: the proof of an answer whose zone's keys are known, in this process.

What is measured is `dnssec.chain.prove` with the check itself, as CPU time, so that nothing of the network is in it.
The thread that the daemon makes checks in adds what it takes to hand one over.

Limits: one thread, plain Python or compiled as the tree is.
"""

from __future__ import annotations

import time
from typing import Final, cast

from resolver.dnssec import algorithms, chain
from resolver.dnssec.anchors import of_rrset
from resolver.dnssec.records import read_dnskey
from resolver.dnssec.signatures import Keys
from resolver.dnssec.trust import Trust
from resolver.engine.actions import Event, Verified, Verify
from resolver.engine.budget import Budget, Limits
from resolver.engine.outcome import Answered
from resolver.message import AA, QR, Class, Message, Question, RRset, Status, Type
from resolver.network.base import Clock
from resolver.wire import names
from tests.bench.machine import Unusable
from tests.bench.sample import Sample, Turn
from tests.bench.signing import TTL, signed_name, signer
from tests.support.clocks import ManualClock

ANSWERS: Final = 2_000
"""Answers that are proven, each another one."""


def signature(turn: Turn) -> Sample:
    """Microseconds of CPU time for an answer of one signature. Raises `Unusable`."""
    clock = ManualClock()
    apex = signer().apex
    dnskeys = RRset(apex, Type.DNSKEY, Class.IN, TTL, signer().dnskeys)
    trust = Trust({apex: of_rrset(dnskeys)}, clock)
    trust.found(apex, Keys(apex, tuple(map(read_dnskey, dnskeys.rdatas))), TTL)
    answers = [_answer(number, clock) for number in range(ANSWERS // turn.scale)]
    before = time.process_time()
    proven = [_proven(question, message, trust, apex) for question, message in answers]
    took = time.process_time() - before
    if not all(each.rrsets[0].status is Status.SECURE for each in proven):
        raise Unusable("an answer was not found to be secure")
    return Sample(took / len(answers) * 1e6, {})


def _answer(number: int, clock: Clock) -> tuple[Question, Message]:
    """The answer for the name of this number, as a server gives it."""
    question = Question(names.from_text(signed_name(number)), Type.A)
    rrset = RRset(question.name, Type.A, Class.IN, TTL, (bytes((192, 0, 2, 2)),))
    rrsig = signer().rrsig(rrset, clock.wall())
    assert rrsig is not None
    return question, Message(1, QR | AA, 0, question, (rrset, rrsig))


def _proven(question: Question, message: Message, trust: Trust, zone: bytes) -> Answered:
    """What is said in the answer, as it is proven by one signature."""
    conclusion = Answered((), message.answer[:1], True)
    steps = chain.prove(question, conclusion, message, zone, trust, Budget(Limits(), 1e9))
    event: Event | None = None
    while True:
        try:
            action = steps.send(event)  # type: ignore[arg-type]
        except StopIteration as ended:
            return cast(Answered, ended.value)
        assert isinstance(action, Verify)
        event = Verified(tuple(map(algorithms.verify, action.checks)))
