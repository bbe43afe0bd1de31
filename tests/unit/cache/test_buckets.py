from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.cache import buckets as module
from resolver.cache.buckets import Buckets, Prefixes, RateClass
from resolver.message import Client, Transport
from resolver.testing.virtual_time import VirtualClock


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    made: Buckets[str] = Buckets(10, 5, 100)
    assert [made.take("a", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [made.take("a", 0.1) for _ in range(2)] == [True, False]
    assert sum(made.take("a", 0.1 + 0.01 * number) for number in range(1, 101)) == 10


def test_a_bucket_holds_no_more_than_its_burst_however_long_nobody_asks() -> None:
    made: Buckets[str] = Buckets(10, 3, 100)
    made.take("a", 0.0)
    assert [made.take("a", 1000.0) for _ in range(4)] == [True, True, True, False]


def test_one_key_takes_nothing_from_another() -> None:
    made: Buckets[str] = Buckets(1, 1, 100)
    assert [made.take(key, 0.0) for key in "aab"] == [True, False, True]


def test_a_burst_below_one_is_one() -> None:
    made: Buckets[str] = Buckets(1, 0.1, 100)
    assert [made.take("a", now) for now in (0.0, 0.5, 1.0)] == [True, False, True]


@given(
    st.integers(1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 0.5, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_than_burst_and_rate_is_given_in_any_span(rate: int, burst: int, pauses: list[float]) -> None:
    made: Buckets[str] = Buckets(rate, burst, 100)
    now, given_at = 0.0, []
    for pause in pauses:
        now += pause
        if made.take("a", now):
            given_at.append(now)
    for first in range(len(given_at)):
        for last in range(first, len(given_at)):
            assert last - first + 1 <= burst + rate * (given_at[last] - given_at[first]) + 1e-6


def test_without_a_debt_a_flood_gets_its_rate_and_with_one_nothing_until_it_ceases() -> None:
    plain: Buckets[str] = Buckets(10, 10, 100)
    debtor: Buckets[str] = Buckets(10, 10, 100, 15.0)
    moments = [number / 1000 for number in range(10_000)]
    assert sum(plain.take("a", now) for now in moments) == pytest.approx(110, abs=1)
    assert sum(debtor.take("a", now) for now in moments) == 10
    assert not debtor.take("a", 10.0)
    assert debtor.take("a", 10.0 + 15.0)


def test_the_table_is_bounded_and_those_who_ask_stay_in_it() -> None:
    made: Buckets[int] = Buckets(1, 1, 100)
    assert made.take(-1, 0.0)
    for key in range(1000):
        made.take(key, 0.0)
        assert len(made) <= 101
        if key % 20 == 0:
            assert not made.take(-1, 0.0)
    assert made.take(0, 0.0), "who was quiet for long is forgotten"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.255", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8:0:ff::1", True),
        ("2001:db8::1", "2001:db8:0:100::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("0.0.0.1", "::1", False),
    ],
)
def test_clients_are_taken_together_by_prefix(one: str, other: str, same: bool) -> None:
    made = Prefixes(24, 56)
    assert (made.key(one) == made.key(other)) is same


def test_a_prefix_is_written_as_people_do_and_who_is_exempt_has_none() -> None:
    made = Prefixes(24, 56, [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])
    texts = [made.text(key) for host in ("192.0.2.77", "2001:db8:1:2ff::9") if (key := made.key(host)) is not None]
    assert texts == ["192.0.2.0/24", "2001:db8:1:200::/56"]
    assert [made.key("127.9.9.9"), made.key("::1")] == [None, None]


@given(st.integers(1, 32), st.ip_addresses(v=4))
def test_the_network_of_a_key_has_the_address(length: int, address: ipaddress.IPv4Address) -> None:
    made = Prefixes(length, 56)
    key = made.key(str(address))
    assert key is not None
    assert address in ipaddress.ip_network(made.text(key))


def test_the_hosts_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 10)
    made = Prefixes(32, 56)
    for number in range(100):
        made.key(f"192.0.2.{number}")
        assert len(made._known) <= 10


def test_a_class_of_queries_has_a_rate_of_its_own_and_forgers_another(run) -> None:
    async def main():
        clock = VirtualClock()
        made = RateClass(Buckets(1, 1, 100), Prefixes(32, 56, [ipaddress.ip_network("127.0.0.0/8")]), clock)
        udp, tcp = (Client("192.0.2.1", 1, each) for each in (Transport.UDP, Transport.TCP))
        first = [made.take(each) for each in (udp, udp, tcp, tcp)]
        await clock.advance(1)
        here = [made.take(Client("127.0.0.1", 1, Transport.UDP)) for _ in range(3)]
        return first, made.take(udp), here, made.granted, made.refused

    assert run(main()) == ([True, False, True, False], True, [True] * 3, 6, 2)
