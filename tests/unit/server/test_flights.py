from __future__ import annotations

import pytest

from resolver.observe.counters import Counters
from resolver.server.flights import MOST, Flights, affordable

ONE, TWO = "192.0.2.1", "192.0.2.2"


def tags(flights: Flights, hosts: list[str], most: int = 10, share: int = 3) -> list[str]:
    """What each of `hosts` is told when it asks for a place, which it takes if there is one."""
    heard = []
    for host in hosts:
        refusal = flights.enter(host, most, share)
        heard.append("" if refusal is None else refusal.text[-6:])
    return heard


def test_places_are_counted_in_all():
    counters = Counters()
    assert tags(Flights(counters), [f"192.0.2.{n}" for n in range(12)]) == [""] * 10 + ["[BUSY]"] * 2
    assert counters.queries_in_flight == 10


def test_the_share_of_a_client_counts_only_when_half_of_all_is_taken():
    assert tags(Flights(Counters()), [ONE] * 7) == [""] * 5 + ["[MANY]"] * 2
    assert tags(Flights(Counters()), [ONE] * 2 + [TWO] * 4) == [""] * 5 + ["[MANY]"]


def test_others_get_the_places_that_one_client_may_not_have():
    flights = Flights(Counters())
    assert tags(flights, [ONE] * 9)[-1] == "[MANY]"
    assert tags(flights, [TWO] * 3) == [""] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "127.53.0.1", "::1"])
def test_loopback_speaks_for_many_and_has_no_share(host):
    assert tags(Flights(Counters()), [host] * 11) == [""] * 10 + ["[BUSY]"]


def test_a_place_that_is_left_is_free_and_nothing_is_left_behind():
    counters = Counters()
    flights = Flights(counters)
    hosts = [ONE, ONE, TWO, "::1"] * 2
    assert tags(flights, hosts, share=9) == [""] * 8
    for host in hosts:
        flights.leave(host)
    assert (counters.queries_in_flight, flights._of) == (0, {})
    assert tags(flights, [ONE] * 5) == [""] * 5


@pytest.mark.parametrize(
    ("descriptors", "connections", "places"),
    [(1 << 20, 256, MOST), (8192, 256, MOST), (4096, 256, 1792), (1024, 256, 256), (256, 256, 16), (4096, 4096, 16)],
)
def test_there_are_as_many_places_as_descriptors_suffice_for(descriptors, connections, places):
    assert affordable(descriptors, connections) == places
