"""What a stock of names claims of each part of a sample is so."""

from __future__ import annotations

import pytest

from tests.bench.names import Fresh, Hits, Mixed, NewZones, NoSuch, Stock


def test_hits_have_been_asked_before() -> None:
    stock = Hits(100)
    warm = stock.warm().names
    assert len(warm) == 200
    assert len(set(warm)) == 100
    part = stock.take(250)
    assert set(part.names) == set(warm)
    assert len(part.names) == 250
    assert (part.misses, part.upstream) == (0, 0)


@pytest.mark.parametrize("stock", [Fresh("example.com", 1), NoSuch(1), NewZones(5000)])
def test_what_is_to_be_a_miss_has_never_been_asked(stock: Stock) -> None:
    parts = [stock.warm(), stock.take(500), stock.take(300)]
    names = [name for part in parts for name in part.names]
    assert len(names) == len(set(names))
    assert [part.misses for part in parts] == [len(part.names) for part in parts]


def test_samples_differ_in_their_names_and_servers_do_not() -> None:
    for make in (lambda number: Fresh("example.com", number), NoSuch, lambda number: Mixed(number, 10)):
        first, again, second = make(1), make(1), make(2)
        assert first.take(50) == again.take(50)
        assert first.take(50) != second.take(50)


def test_a_new_zone_costs_a_referral_and_an_answer_and_zones_run_out() -> None:
    stock = NewZones(250)
    assert len(stock.warm().names) == 200
    part = stock.take(100)
    assert (len(part.names), part.misses, part.upstream) == (50, 50, 100)
    assert all(name.startswith("www.d") and name.endswith(".com") for name in part.names)


def test_mixed_names_are_misses_only_when_they_come_first() -> None:
    stock = Mixed(1, 2000)
    warm, part = stock.warm(), stock.take(1000)
    assert warm.misses == len(set(warm.names))
    assert part.misses == part.upstream == len(set(part.names) - set(warm.names))
    assert 0.3 < part.misses / len(part.names) < 0.7
