"""Every client gets exactly one answer or a counted drop: in floods, by duplicates, through reloads and at the end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from hypothesis import given, note
from hypothesis import strategies as st

from resolver.errors import ResolutionFailed
from resolver.message import Client, Edns, Question, Transport
from resolver.network.simulated import Link
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render_query
from tests.properties.liars import Liar
from tests.properties.profiles import examples
from tests.properties.stage import CLIENT_S, Stage, on_stage
from tests.support.hierarchies import plan

STEPS = st.one_of(
    st.tuples(st.just("flood"), st.integers(1, 12)),
    st.tuples(st.just("same"), st.integers(2, 12)),
    st.tuples(st.just("junk"), st.integers(1, 4)),
    st.tuples(st.just("pause"), st.sampled_from((0.0, 0.01, 0.3, 1.5, 5.0))),
    st.tuples(st.just("reload"), st.just(0)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("cancel"), st.sampled_from((0.0, 0.05, 0.8))),
)
JUNK = (
    b"",
    b"\0" * 11,
    b"\0\7\x80\0" + b"\0" * 8,
    b"\0\7\0\0\0\1" + b"\0" * 6,
    b"\0\7\x28\0" + b"\0" * 8,
    b"\xff" * 40,
)


class Crowd:
    """Clients, and what each of them got."""

    def __init__(self, stage: Stage, rng: random.Random) -> None:
        self.stage, self.rng = stage, rng
        self.got: list[list[bytes | None]] = []
        self.sent: list[tuple[bytes, float]] = []
        self.late: list[str] = []

    def send(self, wire: bytes) -> None:
        """One more client sends `wire`."""
        transport = self.rng.choice((Transport.UDP, Transport.UDP, Transport.TCP))
        client = Client(f"192.0.2.{self.rng.randrange(1, 9)}", self.rng.randrange(1024, 65536), transport)
        answers: list[bytes | None] = []
        began = self.stage.internet.clock.monotonic()

        def take(response: bytes | None) -> None:
            answers.append(response)
            took = self.stage.internet.clock.monotonic() - began
            if took > CLIENT_S:
                self.late.append(f"{wire.hex()} after {took} s")

        self.got.append(answers)
        self.sent.append((wire, began))
        self.stage.program.respond(wire, client, take)

    def query(self, name: str, rtype: str) -> bytes:
        """A query for it."""
        question = Question(names.from_text(name), types.from_text(rtype))
        return render_query(self.rng.getrandbits(16), question, rd=self.rng.random() < 0.9, edns=Edns())

    def check(self, *, ended: bool) -> None:
        """Nobody got two answers, nor one to another's question; at the end nobody is left without one."""
        assert not self.late
        for answers, (wire, _) in zip(self.got, self.sent, strict=True):
            assert len(answers) <= 1, f"{wire.hex()} got {answers}"
            assert answers or not ended, f"{wire.hex()} got nothing"
            for response in answers:
                if response is not None:
                    assert response[:2] == wire[:2]
                    assert response[2] & 0x80
                    asked = parse(response).question
                    assert asked is None or asked == parse(wire).question

    def dropped(self) -> int:
        """How many clients were told nothing, or over TCP that there was no room for them."""
        return sum(answers == [None] or b"[BUSY]" in (answers or [b""])[0] for answers in self.got)


def counted(stage: Stage) -> int:
    """The drops that the program admits."""
    stats = stage.program.stats()
    return sum(int(count) for name, count in stats.items() if name.startswith(("queries.dropped", "queries.ignored")))


@examples()
@given(
    seed=st.integers(0, 1 << 32),
    zones=st.integers(0, 4),
    steps=st.lists(STEPS, min_size=1, max_size=12),
    in_flight=st.sampled_from((1, 3, 8, 2048)),
    bad=st.booleans(),
    drain=st.sampled_from((0.0, 0.2, 3.0)),
)
def test_every_client_gets_one_answer_or_a_counted_drop(seed, zones, steps, in_flight, bad, drain):
    rng = random.Random(seed)
    made = plan(seed, zones)
    asked = made.questions(rng, 12)
    settings = {"server": {"max_in_flight": in_flight}, "resolver": {"roots": "internet"}, "world": {"port": 53}}

    async def main(stage: Stage) -> None:
        network, clock, program = stage.internet.network, stage.internet.clock, stage.program
        program._bind_front = lambda config, buffer: []
        if bad:
            known = [names.from_text(each) for each, _ in asked]
            for number, address in enumerate(made.addresses.values()):
                liar = Liar(
                    network._servers[address], clock, seed + number, ("silent", "slow", "rcode", "empty"), known=known
                )
                network.declare(address, liar)
        crowd = Crowd(stage, rng)
        cancelled: list[asyncio.Task[object]] = []
        for step, amount in steps:
            match step:
                case "flood":
                    for _ in range(amount):
                        crowd.send(crowd.query(*rng.choice(asked)))
                case "same":
                    wire = crowd.query(*rng.choice(asked))
                    for _ in range(amount):
                        crowd.send(wire)
                case "junk":
                    for _ in range(amount):
                        crowd.send(rng.choice(JUNK))
                case "pause":
                    await clock.advance(amount)
                case "reload":
                    await program.reload(program.config)
                case "flush":
                    program.flush(names.ROOT, True)
                case "cancel":
                    task = asyncio.ensure_future(program.ask(*rng.choice(asked)))
                    cancelled.append(task)
                    await clock.advance(amount)
                    task.cancel()
            crowd.check(ended=False)
        ends = await asyncio.gather(*cancelled, return_exceptions=True)
        strange = [each for each in ends if isinstance(each, Exception) and not isinstance(each, ResolutionFailed)]
        assert not strange
        assert crowd.dropped() == counted(stage), (Counter(map(str, crowd.got)), stage.program.stats())
        if drain:
            await clock.advance(CLIENT_S)
            crowd.check(ended=True)
            assert crowd.dropped() == counted(stage)
        await program.stop(drain)
        crowd.check(ended=True)
        assert not program.stats()["queries.in_flight"]
        assert not program.stats()["tasks.running"]

    on_stage(made, main, seed=seed, settings=settings, link=Link(latency_ms=40, loss=0.1 * bad), explain=note)
