"""While nothing is asked anew, the TTL that clients see of a record only falls, and is never above its zone's."""

from __future__ import annotations

import random

from hypothesis import given, note
from hypothesis import strategies as st

from resolver.message import Edns
from resolver.network.simulated import Link
from resolver.wire import names, types
from tests.properties.profiles import examples
from tests.properties.stage import Stage, on_stage
from tests.support import zone_text
from tests.support.hierarchies import Plan, plan

STALE = {3, 19}
"""Extended errors that say a TTL is not one that runs down (RFC 8767)."""
MAX_TTL = 86_400

_Record = tuple[bytes, int, bytes]


def declared(made: Plan) -> dict[tuple[bytes, int], int]:
    """The highest TTL that any zone gives for a name and type."""
    found: dict[tuple[bytes, int], int] = {}
    for zone in made.zones.values():
        for rrset in zone_text.rrsets(made.lines(zone)):
            key = names.fold(rrset.name), rrset.type
            found[key] = max(found.get(key, 0), rrset.ttl)
    return found


@examples()
@given(
    seed=st.integers(0, 1 << 32),
    zones=st.integers(0, 5),
    pauses=st.lists(st.sampled_from((0.0, 0.3, 0.7, 1.0, 1.5, 4.0, 30.0, 61.0, 3000.0)), min_size=2, max_size=14),
    loss=st.sampled_from((0.0, 0.0, 0.2)),
    sleeps=st.booleans(),
)
def test_the_ttls_that_clients_see_never_rise(seed, zones, pauses, loss, sleeps):
    rng = random.Random(seed)
    made = plan(seed, zones)
    asked = made.questions(rng, 3)
    highest = declared(made)
    ends: dict[_Record, tuple[int, int]] = {}
    """For each record, the boot time at which it was said to end, and how much had been sent when that was said."""

    async def main(stage: Stage) -> None:
        clock, history = stage.internet.clock, stage.internet.network.history
        for pause in pauses:
            if sleeps and rng.random() < 0.2:
                clock.suspend(pause)
            else:
                await clock.advance(pause)
            name, rtype = rng.choice(asked)
            sent = len(history)
            edns = rng.choice((Edns(), Edns(), Edns(512), Edns(do=True), None))
            clock_at = clock.boottime()
            told = await stage.ask(name, rtype, tcp=rng.random() < 0.5, edns=edns)
            answered = told.began + told.took
            now = int(clock_at + told.took)
            renewed = told.sends > 0 and (told.took == 0 or any(each.time > answered for each in history))
            if told.codes & STALE:
                continue
            message = told.message
            for rrset in (*message.answer, *message.authority):
                limit = highest.get((names.fold(rrset.name), rrset.type), MAX_TTL)
                assert rrset.ttl <= min(limit, MAX_TTL), f"{told}: {types.to_text(rrset.type)} says {rrset.ttl}"
                for rdata in rrset.rdatas:
                    key = names.fold(rrset.name), rrset.type, rdata.lower()
                    if rrset.type == 6:  # the SOA of a denial: each denial runs for itself
                        key = (names.from_text(name) + key[0], types.from_text(rtype), key[2])
                    end, sends = ends.get(key, (0, -1))
                    if sends == sent and not told.sends:
                        assert now + rrset.ttl <= end, f"{told} at {now}: it was to end at {end}"
                    # What is renewed behind the answer lasts longer than it said.
                    ends[key] = now + rrset.ttl, -1 if renewed else len(history)

    on_stage(made, main, seed=seed, link=Link(loss=loss, latency_ms=30), explain=note)
