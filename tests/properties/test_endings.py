"""Whatever servers and networks do, every question ends: within its budget, with a good answer, and then quiet."""

from __future__ import annotations

import asyncio
import random

import dns.message
import dns.rcode
from hypothesis import given, note
from hypothesis import strategies as st

from resolver.message import QR, Rcode, Transport
from resolver.network.simulated import FORGERIES, Link
from resolver.wire import names
from tests.properties.liars import BEHAVIOURS, EVIL, Liar
from tests.properties.profiles import examples
from tests.properties.stage import CLIENT_S, MAX_SENDS, WORK_S, Stage, Told, on_stage
from tests.support.hierarchies import plan

SEEDS = st.integers(0, 1 << 32)
SHARES = st.sampled_from((0.0, 0.0, 0.1, 0.5))
WEATHER = st.builds(
    Link,
    latency_ms=st.sampled_from((0.0, 20.0, 300.0)),
    jitter_ms=st.sampled_from((0.0, 100.0)),
    loss=SHARES,
    duplication=SHARES,
    reordering=SHARES,
    forgery=st.sampled_from((None, None, *FORGERIES)),
)


def check(told: Told, *, tcp: bool) -> None:
    """`told` is a reply that a client can use, in time and at a price that may be paid."""
    assert told.took <= CLIENT_S, told
    assert told.sends <= MAX_SENDS, told
    read = dns.message.from_wire(told.wire)
    assert read.id == 7
    assert read.flags & QR
    assert len(read.question) == 1
    asked, rtype = told.question.rsplit(" ", 1)
    assert read.question[0].to_text().split()[0] == asked, "the question comes back as it was spelled"
    assert tcp or len(told.wire) <= 1232
    assert told.message.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.YXDOMAIN, Rcode.REFUSED), told
    assert told.message.rcode != Rcode.SERVFAIL or told.codes, "a failure says why"
    _check_chain(told, rtype)


def _check_chain(told: Told, rtype: str) -> None:
    """The answer section is a chain from the question: nothing is in it that the question did not lead to."""
    if rtype == "ANY" or told.message.question is None:
        return
    name = names.fold(told.message.question.name)
    reached = {name}
    for rrset in told.message.answer:
        owner = names.fold(rrset.name)
        if rrset.type == 39:
            assert any(each != owner and names.is_below(each, owner) for each in reached) or owner in reached, told
            continue
        assert owner in reached, f"{names.to_text(owner)} is not what was asked for: {told}"
        if rrset.type == 5:
            reached.add(names.fold(rrset.rdatas[0]))


@examples()
@given(
    seed=SEEDS,
    zones=st.integers(0, 6),
    tangle=st.booleans(),
    weather=WEATHER,
    behaviours=st.lists(st.sampled_from(BEHAVIOURS), max_size=4, unique=True),
    liars=st.sampled_from((0.0, 0.3, 1.0)),
    often=st.sampled_from((0.3, 0.7, 1.0)),
    count=st.integers(1, 4),
)
def test_every_question_ends_in_time_within_its_budget_and_leaves_quiet(
    seed, zones, tangle, weather, behaviours, liars, often, count
):
    rng = random.Random(seed)
    made = plan(seed, zones, tangle=tangle and zones > 1)
    asked = made.questions(rng, count)

    async def main(stage: Stage) -> None:
        network, clock = stage.internet.network, stage.internet.clock
        known = [names.from_text(made.name(rng)) for _ in range(20)] + [names.from_text(each) for each in made.zones]
        for address in [*made.addresses.values(), *EVIL]:
            honest = network._servers.get(address) or network._servers[made.addresses["a.nic.alpha."]]
            if rng.random() < liars or address in EVIL:
                honest = Liar(honest, clock, rng.getrandbits(32), behaviours, known=known, often=often)
            network.declare(address, honest, weather if rng.random() < 0.5 else Link(latency_ms=weather.latency_ms))
        for name, rtype in asked:
            tcp = rng.random() < 0.3
            told = await stage.ask(name, rtype, tcp=tcp)
            check(told, tcp=tcp)
            sent = [each for each in network.history if each.time >= told.began]
            late = [each for each in sent if each.time > told.began + WORK_S]
            assert not late, "work goes on after its time"
        before = len(network.history)
        await clock.advance(120)
        assert len(network.history) == before, "nobody asks, and still something is sent"
        stats = stage.program.stats()
        assert not stats["tasks.running"]
        assert not stats["queries.in_flight"]

    on_stage(made, main, seed=seed, explain=note)


@examples(0.6)
@given(seed=SEEDS, zones=st.integers(0, 6), count=st.integers(2, 10))
def test_what_is_held_changes_no_answer(seed, zones, count):
    """Each question is answered as a resolver would that was never asked anything before."""
    rng = random.Random(seed)
    made = plan(seed, zones)
    asked = made.questions(rng, count)

    async def all_of_them(stage: Stage) -> list[Told]:
        found = []
        for name, rtype in asked:
            found.append(await stage.ask(name, rtype, tcp=True))
            await stage.internet.clock.advance(rng.choice((0, 0, 2, 100, 4000)))
        return found

    warm = on_stage(made, all_of_them, seed=seed, explain=note)
    for (name, rtype), told in zip(asked, warm, strict=True):
        cold = on_stage(made, lambda stage, n=name, t=rtype: stage.ask(n, t, tcp=True), seed=seed, explain=note)
        if told.records() != cold.records():
            note(str(made))
            note("\n".join(map(str, warm)))
        assert told.records() == cold.records(), f"warm {told}, cold {cold}"


@examples(0.6)
@given(seed=SEEDS, zones=st.integers(0, 6), count=st.integers(2, 12), gap=st.sampled_from((0.0, 0.01, 0.2)))
def test_asking_at_once_changes_no_answer(seed, zones, count, gap):
    """Questions that are in flight together, and join one another, are answered as each would be alone."""
    rng = random.Random(seed)
    made = plan(seed, zones)
    asked = made.questions(rng, count)

    async def at_once(stage: Stage) -> list[Told]:
        async def one(number: int, name: str, rtype: str) -> Told:
            await asyncio.sleep(number * gap)
            return await stage.ask(name, rtype, tcp=True, quiet=False)

        return list(await asyncio.gather(*(one(number, *each) for number, each in enumerate(asked))))

    together = on_stage(made, at_once, seed=seed, link=Link(latency_ms=30), explain=note)
    for (name, rtype), told in zip(asked, together, strict=True):
        alone = on_stage(made, lambda stage, n=name, t=rtype: stage.ask(n, t, tcp=True), seed=seed)
        if told.records() != alone.records():
            note("\n".join(map(str, (made, *together))))
        assert told.records() == alone.records(), f"together {told}, alone {alone}"


@examples(0.6)
@given(seed=SEEDS, zones=st.integers(0, 6), weather=WEATHER)
def test_the_weather_changes_no_answer(seed, zones, weather):
    """A network that loses, doubles, reorders and forges makes answers late or missing, never different."""
    rng = random.Random(seed)
    made = plan(seed, zones)
    asked = made.questions(rng, 4)

    async def main(stage: Stage) -> list[Told]:
        return [await stage.ask(name, rtype, tcp=True) for name, rtype in asked]

    fair = on_stage(made, main, seed=seed)
    foul = on_stage(made, main, seed=seed, link=weather, explain=note)
    for good, bad in zip(fair, foul, strict=True):
        failed = bad.message.rcode == Rcode.SERVFAIL
        if not failed and bad.records() != good.records():
            note(f"{made}\n{good}\n{bad}")
        assert failed or bad.records() == good.records(), f"fair {good}, foul {bad}"


def test_the_checks_can_fail() -> None:
    """An answer that the question did not lead to is seen."""
    made = plan(1, 0)

    async def main(stage: Stage) -> Told:
        return await stage.ask("alpha.", "MX")

    told = on_stage(made, main)
    check(told, tcp=False)
    strange = told.message.answer[0]._replace(name=names.from_text("other."))
    told.message = told.message._replace(answer=(strange,))
    try:
        check(told, tcp=False)
    except AssertionError:
        assert Transport.UDP
    else:
        raise AssertionError("nothing was seen")
