"""Whatever is done to a plan: its world is the one that follows from scratch, and the one that is read of its files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.auth import hierarchy
from resolver.auth.plan import Plan
from resolver.auth.worlds import Worlds
from resolver.errors import ZoneError
from tests.support.plans import contents

Change = Callable[[Plan], object]

LABELS = st.sampled_from(["a", "b", "ns1", "www", "*"])
ZONES = st.sampled_from(
    ["test.", "example.", "a.example.", "b.a.example.", "Shop.Test.", "gtld.test.", "2.0.192.in-addr.arpa.", "."]
)
NAMES = st.builds(lambda labels, zone: ".".join([*labels, zone.strip(".")]), st.lists(LABELS, max_size=2), ZONES).map(
    lambda name: f"{name.strip('.')}."
)
DATA = st.sampled_from(
    [
        ("A", "192.0.2.1"),
        ("A", "192.0.2.2"),
        ("AAAA", "2001:db8::1"),
        ("CNAME", "www"),
        ("CNAME", "a.example."),
        ("NS", "ns.elsewhere.test."),
        ("NS", "ns1"),
        ("MX", "10 www"),
        ("TXT", 'text; with "quotes" \\ and ü'),
        ("TXT", ""),
        ("DNAME", "b"),
        ("DS", "1 13 2 " + "ab" * 32),
        ("PTR", "www.example."),
        ("SOA", "a b 1 2 3 4 5"),
        ("TYPE65280", "\\# 3 0a000b"),
        ("SRV", "1 2 3 www"),
        ("CAA", '0 issue "ca.test"'),
    ]
)
TTLS = st.none() | st.sampled_from([0, 5, 2**31 - 1])
SIGNING = st.none() | st.sampled_from(["nsec", "nsec3", "expired"])
SERVERS = st.none() | st.lists(
    st.sampled_from(["ns1.a.example", "ns.hoster.test", "a.gtld.test", "ns.example"]), max_size=2, unique=True
)


def declare(
    zone: str, records: list[tuple[str, tuple[str, str]]], servers: list[str] | None, how: str | None
) -> Change:
    data: dict[str, dict[str, list[str]]] = {}
    for owner, (rtype, value) in records:
        data.setdefault(owner, {}).setdefault(rtype, []).append(value)
    dnssec = {"fault": how} if how == "expired" else how
    return lambda plan: plan.zone(zone, data, servers=servers, dnssec=dnssec)


def put(name: str, record: tuple[str, str], ttl: int | None) -> Change:
    return lambda plan: plan.put(name, record[0], [record[1]], ttl=ttl)


def add(name: str, record: tuple[str, str]) -> Change:
    return lambda plan: plan.add(name, record[0], [record[1]])


CHANGES = st.one_of(
    st.builds(declare, ZONES, st.lists(st.tuples(LABELS | st.just("@"), DATA), max_size=4), SERVERS, SIGNING),
    st.builds(put, NAMES, DATA, TTLS),
    st.builds(put, NAMES, DATA, TTLS),
    st.builds(add, NAMES, DATA),
    st.builds(lambda name: lambda plan: plan.remove(name), NAMES),
    st.builds(lambda zone: lambda plan: plan.without_zone(zone), ZONES),
    st.builds(lambda zone, how: lambda plan: plan.sign(zone, None if how == "expired" else how), ZONES, SIGNING),
    st.builds(
        lambda name, number: lambda plan: plan.server(name, address=f"127.53.2.{number}"), NAMES, st.integers(1, 9)
    ),
)


def done(changes: list[Change]) -> Plan:
    """A plan to which what can be done of `changes` has been done, with a world after each."""
    plan = Plan()
    for change in changes:
        before, version = plan.save(), plan.version
        try:
            change(plan)
        except ZoneError:
            assert plan.save() is before
            assert plan.version == version
        # A change that was not refused has a world.
        assert contents(plan.world()) == contents(Worlds().world(plan.save()))
    return plan


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=8))
def test_the_world_of_a_plan_that_changed_is_the_one_that_follows_from_scratch(changes: list[Change]) -> None:
    done(changes)


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, max_size=8))
def test_a_plan_that_is_written_down_is_the_same_world_when_it_is_read(changes: list[Change]) -> None:
    plan = done(changes)
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "zones"
        plan.write(target)
        assert contents(hierarchy.load(target)) == contents(plan.world())
        again = Plan.read(target)
        assert again.described() == plan.described(automatic=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, max_size=8))
def test_what_a_plan_describes_can_be_declared_and_is_described_the_same(changes: list[Change]) -> None:
    plan = done(changes)
    described = plan.described(automatic=True)
    other = Plan()
    for each in described:
        other.zone(**each)
    assert other.described() == described
