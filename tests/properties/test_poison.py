"""A zone whose servers lie in every section gets nothing believed that is not its own, in the cache or in an answer."""

from __future__ import annotations

import random

from hypothesis import given, note
from hypothesis import strategies as st

from resolver.errors import BadName
from resolver.message import Type
from resolver.network.base import Endpoint
from resolver.wire import names
from tests.properties.liars import EVIL, Liar, poisoned
from tests.properties.profiles import examples
from tests.properties.stage import Stage, Told, on_stage
from tests.support.hierarchies import Plan, plan

SEEDS = st.integers(0, 1 << 32)


def corrupt(made: Plan, rng: random.Random) -> str:
    """The zone that is in bad hands from now on, with servers that serve nothing else."""
    bad = rng.choice([each for each in made.zones if names.depth(names.from_text(each)) > 1])
    made.zones[bad].servers = [f"bad1.{bad}", f"bad2.{bad}"]
    for number, server in enumerate(made.zones[bad].servers, 1):
        made.addresses[server] = f"127.53.6.{number}"
    return bad


def disguises(zone: str) -> list[bytes]:
    """Names outside `zone` that end in its octets: it stands in one of their labels."""
    wire = names.from_text(zone)
    found = []
    for above in list(names.ancestors(wire))[1:]:
        inner = wire[: len(wire) - len(above)]
        for first in (b"x", b"www"):
            try:
                found.append(names.prepend(first + inner, above))
            except BadName:
                continue
    return found


def check_cache(stage: Stage, insiders: set[str]) -> None:
    """Nothing that is held outside `insiders` is a liar's."""
    outside = stage.outside(insiders)
    caches = stage.program._caches
    for name, rtype, _, _ in list(caches.records.listed()):
        held = caches.records.recall(name, rtype)
        for rrset in (held.rrset, held.soa) if held is not None else ():
            if rrset is not None and outside(name):
                assert not any(map(poisoned, rrset.rdatas)), f"{names.to_text(name)}: {rrset}"
            if rrset is not None:
                assert not outside(name) or outside(names.fold(rrset.name)), f"{names.to_text(name)}: {rrset}"
    bad = {*EVIL, *(at for at in stage.plan.addresses.values() if at.startswith("127.53.6."))}
    for zone, delegation in caches.delegations.items():
        for server in delegation.servers if outside(zone) else ():
            hosts = {each.host for each in server.endpoints}
            assert not hosts & bad, f"{names.to_text(zone)}: {server}"
            assert not poisoned(server.name), f"{names.to_text(zone)}: {server}"


def check_reply(stage: Stage, insiders: set[str], told: Told) -> None:
    """No record in any section of `told` that belongs outside `insiders` is a liar's."""
    outside = stage.outside(insiders)
    message = told.message
    for rrset in (*message.answer, *message.authority, *message.additional):
        assert not (outside(rrset.name) and any(map(poisoned, rrset.rdatas))), told


def untouched(stage: Stage, insiders: set[str], told: Told) -> bool:
    """Whether nothing that led to `told` belongs to `insiders`."""
    outside = stage.outside(insiders)
    targets = [each.rdatas[0] for each in told.message.answer if each.type in (Type.CNAME, Type.DNAME)]
    assert told.message.question is not None
    return all(map(outside, (told.message.question.name, *(each.name for each in told.message.answer), *targets)))


@examples()
@given(
    seed=SEEDS,
    zones=st.integers(1, 6),
    often=st.sampled_from((0.3, 0.8, 1.0)),
    behaviours=st.sampled_from((("lie",), ("lie", "damaged"), ("lie", "wrong question", "empty", "slow"))),
    minimises=st.booleans(),
    role=st.sampled_from(("delegated", "delegated", "stub_zones", "forward_zones")),
    count=st.integers(1, 8),
)
def test_nothing_outside_the_bailiwick_of_a_liar_is_ever_believed(
    seed, zones, often, behaviours, minimises, role, count
):
    rng = random.Random(seed)
    made = plan(seed, zones)
    bad = corrupt(made, rng)
    insiders = made.depends_on(bad)
    masks = disguises(bad)
    outsiders = [made.name(rng) for _ in range(30)]
    victims = [*map(names.to_text, masks), *(each for each in outsiders if made.enclosing(each) not in insiders)]
    asked = []
    for _ in range(count):
        inside = rng.choice(("", "www.", "a.b.", "dn.", "x.dn.")) + bad
        asked.append(
            (inside if rng.random() < 0.6 else rng.choice(victims), rng.choice(("A", "NS", "MX", "TXT", "DS")))
        )
    asked += [(rng.choice(victims), rng.choice(("A", "NS", "AAAA", "SOA", "CNAME"))) for _ in range(6)]
    settings = {"resolver": {"roots": "internet", "qname_minimisation": minimises}, "dnssec": {"validation": False}}
    if role != "delegated":  # a forwarder's or stub's answers are confined to its zone, too
        settings["resolver"][role] = {bad.rstrip("."): [Endpoint("127.53.6.1", 53), Endpoint("127.53.6.2", 53)]}

    async def lied_to(stage: Stage) -> list[Told]:
        network, clock = stage.internet.network, stage.internet.clock
        known = [*masks * 8, *map(names.from_text, made.zones), *map(names.from_text, outsiders)]
        liars = []
        for _ in range(4):
            honest = network._servers[made.addresses[made.zones[bad].servers[0]]]
            liars.append(
                Liar(honest, clock, seed + len(liars), behaviours, known=known, zone=names.from_text(bad), often=often)
            )
        for address, liar in zip((*EVIL, "127.53.6.1", "127.53.6.2"), liars, strict=True):
            network.declare(address, liar)
        told = []
        for name, rtype in asked:
            told.append(await stage.ask(name, rtype, tcp=True))
            check_reply(stage, insiders, told[-1])
            check_cache(stage, insiders)
        outside = stage.outside(insiders)
        for liar in liars:
            trusted = [names.to_text(each.name) for each in liar.asked if outside(each.name)]
            assert not trusted, f"a liar was asked about {trusted}, which is none of its business"
        return told

    async def honestly(stage: Stage, name: str, rtype: str) -> tuple[Told, bool]:
        told = await stage.ask(name, rtype, tcp=True)
        return told, untouched(stage, insiders, told)

    note(f"{bad} is in bad hands; with it go {sorted(insiders)}")
    told = on_stage(made, lied_to, seed=seed, settings=settings, explain=note)
    for (name, rtype), each in zip(asked[-3:], told[-3:], strict=True):
        right, fit = on_stage(made, lambda stage, n=name, t=rtype: honestly(stage, n, t), seed=seed, settings=settings)
        if fit and each.records() != right.records():
            note("\n".join(map(str, (made, *told))))
        assert not fit or each.records() == right.records(), f"{each}; it should be {right}"


def test_the_names_in_disguise_end_in_the_octets_of_the_zone_and_are_not_below_it() -> None:
    wire = names.from_text("example.com.")
    for name in disguises("example.com."):
        assert name.endswith(wire)
        assert not names.is_below(name, wire)
    assert disguises("example.com.")
