"""A zone that its parent takes away is gone when the TTL of its delegation is over, whatever it says meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from hypothesis import given, note
from hypothesis import strategies as st

from resolver.message import AA, QR, Edns, Message, RRset, Type
from resolver.network.simulated import SimulatedNetwork
from resolver.wire import names
from resolver.wire.parse import parse
from resolver.wire.render import render
from tests.properties.profiles import examples
from tests.properties.stage import Stage, on_stage
from tests.support.hierarchies import TTL, ZonePlan, plan

GHOST = "ghost.alpha."
AT, BELOW = "127.53.7.1", "127.53.7.2"
EVER = 0x7FFFFFFF


def ghost(wire: bytes, client: object, send: Callable[[bytes | None], None], *, delegates: bool = True) -> None:
    """A server that holds on to its zone: it prolongs its NS and addresses, and so do the children that it has."""
    query = parse(wire)
    question = query.question
    assert question is not None
    name, top = names.fold(question.name), names.from_text(GHOST)
    child = names.last_labels(name, names.depth(top) + 1)
    if delegates and child[1:2] == b"c":
        host = names.prepend(b"ns", child)
        delegated = RRset(child, Type.NS, 1, EVER, (host,))
        address = RRset(host, Type.A, 1, EVER, (bytes((127, 53, 7, 2)),))
        send(render(Message(query.id, QR, 0, question, (), (delegated,), (address,), Edns())))
        return
    host = names.prepend(b"ns", top if delegates else child)
    address = RRset(host, Type.A, 1, EVER, (bytes((127, 53, 7, 1 if delegates else 2)),))
    ns = RRset(names.parent(host), Type.NS, 1, EVER, (host,))
    data = {Type.NS: host, Type.TXT: b"\x01x"}.get(Type(question.type), bytes(4))
    answer = RRset(question.name, question.type, 1, 30, (data,))
    send(render(Message(query.id, QR | AA, 0, question, (answer,), (ns,), (address,), Edns())))


@examples(0.5)
@given(
    seed=st.integers(0, 1 << 32),
    pauses=st.lists(st.sampled_from((1, 100, 1000, 1700, 3000)), min_size=1, max_size=12),
    minimises=st.booleans(),
)
def test_a_zone_that_was_taken_away_is_gone_when_its_delegation_is(seed, pauses, minimises):
    rng = random.Random(seed)
    before = plan(seed, 1)
    before.zones[GHOST] = ZonePlan(GHOST, [f"ns.{GHOST}"])
    before.addresses[f"ns.{GHOST}"] = AT
    after = plan(seed, 1)
    settings = {"resolver": {"roots": "internet", "qname_minimisation": minimises}, "dnssec": {"validation": False}}

    def sent_to_it(network: SimulatedNetwork) -> list[float]:
        return [each.time for each in network.history if each.to.host in (AT, BELOW)]

    async def main(stage: Stage) -> None:
        network, clock = stage.internet.network, stage.internet.clock
        network.declare(AT, ghost)
        network.declare(BELOW, partial(ghost, delegates=False))
        labels = ("www", "a.b", "c1", "x.c1", "y.z.c1", "x.c2", "q.y.x.c2", "ns")

        async def ask() -> None:
            fresh = f"n{rng.randrange(1 << 30)}." if rng.random() < 0.7 else ""
            await stage.ask(f"{fresh}{rng.choice(labels)}.{GHOST}", rng.choice(("A", "NS", "A", "TXT")), tcp=True)

        for _ in range(rng.randint(1, 5)):
            await ask()
        if not sent_to_it(network):
            return
        for address in set(after.addresses.values()):
            stage.internet.zones(address, *after.texts(address))
        taken = clock.monotonic()
        for pause in pauses:
            await clock.advance(pause)
            for _ in range(2):
                await ask()
        late = [at - taken for at in sent_to_it(network) if at > taken + TTL]
        assert not late, f"asked {late} s after it was taken away, with a TTL of {TTL}"

    on_stage(before, main, seed=seed, settings=settings, explain=note)
