from __future__ import annotations

import pytest

from resolver.balance.choosing import POLICIES
from resolver.balance.pool import Key
from resolver.config.sections.pools import POLICIES as CONFIGURED
from tests.support.pools import member, pool


def test_every_policy_that_can_be_configured_is_there_and_no_other():
    assert tuple(POLICIES) == CONFIGURED


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_picks_one_of_those_that_may_be(name: str):
    shared = pool(name, {"a": 3, "b": 1, "c": 2})
    shared.drain("b")
    key = Key(b"\xc0\x00\x02\x01", b"\x07example\x00")
    picked = {shared.pick(key) for _ in range(50)}
    assert picked
    assert picked <= {member(shared, "a"), member(shared, "c")}
    for each in picked:
        assert shared.pick(key, [member(shared, "a"), member(shared, "c")]) is None
        others = {shared.pick(key, [each]) for _ in range(50)} if each else set()
        assert others
        assert each not in others


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_lets_in_who_starts_more_and_more(name: str):
    shared = pool(name, "ab")
    chances = [shared.policy.chance(Key(bytes((10, 0, 0, host)), b"\x01%d\x00" % (host % 10))) for host in range(200)]
    assert all(0 <= chance < 1 for chance in chances)
    assert len({round(chance, 6) for chance in chances}) >= 10
