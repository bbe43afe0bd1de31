from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.balance.hashing import Prefixes, fraction
from resolver.balance.pool import Key, Pool
from tests.support.clocks import ManualClock
from tests.support.pools import member, pool

NAMES = [Key(name=b"\x04n%03d\x07example\x00" % number) for number in range(1000)]
CLIENTS = [Key(client=ipaddress.ip_address(f"192.0.2.{host}").packed) for host in range(256)]


def owners(shared: Pool, keys: list[Key]) -> list[str]:
    return [picked.name if (picked := shared.pick(key)) else "-" for key in keys]


@given(st.binary(min_size=4, max_size=4), st.integers(0, 32))
def test_a_client_of_ipv4_is_its_network(address: bytes, length: int):
    network = ipaddress.ip_network((address, length), strict=False)
    assert Prefixes(v4=length).of(address) == network.network_address.packed[: -(-length // 8)]


@given(st.binary(min_size=16, max_size=16), st.integers(0, 128))
def test_a_client_of_ipv6_is_its_network(address: bytes, length: int):
    network = ipaddress.ip_network((address, length), strict=False)
    assert Prefixes(v6=length).of(address) == network.network_address.packed[: -(-length // 8)]


@pytest.mark.parametrize("client", [b"", b"abc", b"unix"[:2]])
def test_what_is_no_address_is_taken_whole(client: bytes):
    assert Prefixes().of(client) == client


@pytest.mark.parametrize(("name", "keys"), [("client-hash", CLIENTS), ("qname-hash", NAMES)])
def test_the_same_key_has_the_same_member_in_another_daemon_too(name: str, keys: list[Key]):
    first = owners(pool(name, "abc"), keys)
    assert first == owners(pool(name, "abc"), keys)
    assert set(first) == {"a", "b", "c"}


def test_hosts_of_a_network_of_ipv6_share_a_member():
    shared = pool("client-hash", "abcdefgh")
    hosts = [Key(client=ipaddress.ip_address(f"2001:db8::{host:x}").packed) for host in range(1, 50)]
    assert len(set(owners(shared, hosts))) == 1


def test_weights_are_shares_of_names():
    shares = Counter(owners(pool("qname-hash", {"a": 3, "b": 1}), NAMES))
    assert shares["a"] == pytest.approx(750, abs=60)


@pytest.mark.parametrize("name", ["client-hash", "qname-hash", "consistent-hash"])
def test_who_is_away_moves_its_own_names_alone_and_gets_them_back(name: str):
    keys = CLIENTS if name == "client-hash" else NAMES
    shared = pool(name, "abcd")
    before = owners(shared, keys)
    shared.down(member(shared, "b"))
    without = owners(shared, keys)
    moved = [(old, new) for old, new in zip(before, without, strict=True) if old != new]
    assert {old for old, _ in moved} == {"b"}
    assert {new for _, new in moved} == {"a", "c", "d"}
    shared.up(member(shared, "b"))
    assert owners(shared, keys) == before


@pytest.mark.parametrize("name", ["client-hash", "qname-hash", "consistent-hash"])
def test_while_a_member_starts_each_of_its_keys_comes_back_once(name: str):
    clock = ManualClock()
    keys = CLIENTS if name == "client-hash" else NAMES
    shared = pool(name, "ab", clock=clock, slow_start_s=10)
    before = owners(shared, keys)
    shared.down(member(shared, "b"))
    shared.up(member(shared, "b"))
    home: set[Key] = set()
    for _ in range(10):
        now_home = {key for key, owner in zip(keys, owners(shared, keys), strict=True) if owner == "b"}
        assert home <= now_home
        home = now_home
        clock.advance(1)
    assert owners(shared, keys) == before


def test_a_start_is_spread_over_the_keys():
    shares = [fraction(key.name) for key in NAMES]
    assert sum(share < 0.25 for share in shares) == pytest.approx(250, abs=45)
    assert all(0 <= share < 1 for share in shares)
