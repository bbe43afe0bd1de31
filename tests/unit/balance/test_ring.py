from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.balance.pool import Key, Member, Pool
from resolver.balance.ring import ALWAYS, BOUND, MOST_POINTS, ConsistentHash
from tests.support.pools import member, pool

NAMES = [Key(name=b"\x05n%04d\x07example\x00" % number) for number in range(2000)]


def owners(shared: Pool) -> list[str]:
    return [picked.name if (picked := shared.pick(key)) else "-" for key in NAMES]


def names(count: int) -> dict[str, int]:
    return {f"10.0.0.{number}": 1 for number in range(1, count + 1)}


@given(count=st.integers(2, 12), at=st.integers(0, 11))
@settings(max_examples=15, deadline=None)
def test_adding_one_of_n_moves_about_one_nth_of_the_names_and_all_of_them_to_it(count: int, at: int):
    shared = pool("consistent-hash", names(count))
    before = owners(shared)
    members = list(shared.members)
    members.insert(at % count, Member("newcomer"))
    shared.become(members)
    moved = [(old, new) for old, new in zip(before, owners(shared), strict=True) if old != new]
    assert {new for _, new in moved} == {"newcomer"}
    assert len(moved) / len(NAMES) == pytest.approx(1 / (count + 1), rel=0.35)


@given(count=st.integers(3, 12), at=st.integers(0, 11))
@settings(max_examples=15, deadline=None)
def test_removing_one_of_n_moves_its_own_names_alone_to_all_others(count: int, at: int):
    shared = pool("consistent-hash", names(count))
    before = owners(shared)
    gone = shared.members[at % count]
    shared.become([each for each in shared.members if each is not gone])
    moved = [(old, new) for old, new in zip(before, owners(shared), strict=True) if old != new]
    assert {old for old, _ in moved} == {gone.name}
    assert len(moved) / len(NAMES) == pytest.approx(1 / count, rel=0.35)
    assert {new for _, new in moved} == {each.name for each in shared.members}


def test_weights_are_shares_of_names():
    shares = Counter(owners(pool("consistent-hash", {"a": 3, "b": 1})))
    assert shares["a"] == pytest.approx(1500, abs=150)


def test_the_order_of_the_members_does_not_matter():
    assert owners(pool("consistent-hash", "abc")) == owners(pool("consistent-hash", "cab"))


def test_a_name_that_all_ask_for_does_not_sink_its_member():
    shared = pool("consistent-hash", "abcd")
    for asked in range(400):
        picked = shared.pick(NAMES[0])
        assert picked is not None
        shared.began(picked)
        assert picked.outstanding <= max(ALWAYS, BOUND * (asked + 1) / 4 + 1)
    assert all(each.outstanding > 0 for each in shared.members)


def test_a_few_questions_are_no_load():
    shared = pool("consistent-hash", "abcd")
    for _ in range(ALWAYS):
        picked = shared.pick(NAMES[0])
        assert picked is not None
        shared.began(picked)
    assert sorted(each.outstanding for each in shared.members) == [0, 0, 0, ALWAYS]


def test_without_a_name_a_client_has_its_member():
    shared = pool("consistent-hash", "abcd")
    picked = {shared.pick(Key(client=bytes((192, 0, 2, host)))) for host in range(100)}
    assert picked == set(shared.members)
    assert len({shared.pick(Key(client=b"\x0a\x00\x00\x01")) for _ in range(5)}) == 1


def test_the_ring_is_bounded_and_everybody_is_on_it():
    heavy = {f"m{number}": 1000 for number in range(255)} | {"light": 1}
    shared = pool("consistent-hash", heavy)
    ring = shared.policy
    assert isinstance(ring, ConsistentHash)
    assert len(ring._points) <= MOST_POINTS + len(heavy)
    for each in shared.members:
        if each.name != "light":
            shared.down(each)
    picked = shared.pick(NAMES[0])
    assert picked is member(shared, "light")
