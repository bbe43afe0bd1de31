from __future__ import annotations

import pytest

from resolver.server.places import Places, TcpLimits, stalled


class One:
    """A connection: `stalled_since` None waits for us."""

    def __init__(self, places: Places, host: str, stalled_since: float | None = None) -> None:
        self.places, self.host, self.stalled_since = places, host, stalled_since
        self.last_active = 0.0
        self.cut = False

    def abort(self) -> None:
        self.cut = True
        self.places.leave(self)


def filled(*those: tuple[str, float | None], **limits) -> tuple[Places, list[One]]:
    """Places that `those` have, by host and the time since which they are stalled."""
    places = Places(TcpLimits(**{"connections": len(those), **limits}))
    ones = [One(places, host, since) for host, since in those]
    assert all(map(places.take, ones))
    return places, ones


def victims(ones: list[One]) -> list[int]:
    return [number for number, one in enumerate(ones) if one.cut]


@pytest.mark.rfc(7766, "6.2.2")
def test_a_newcomer_gets_the_place_of_the_one_stalled_longest():
    places, ones = filled(("192.0.2.1", 5.0), ("192.0.2.2", 3.0), ("192.0.2.3", None), ("192.0.2.4", 4.0))
    assert places.take(One(places, "192.0.2.9"))
    assert victims(ones) == [1]
    assert (len(places), places.evicted, places.refused, places.accepted) == (4, 1, 0, 5)


def test_who_waits_for_our_answers_is_not_cut_for_a_newcomer():
    places, ones = filled(("192.0.2.1", None), ("192.0.2.2", None))
    assert not places.take(One(places, "192.0.2.9"))
    assert victims(ones) == []
    assert (len(places), places.refused) == (2, 1)


def test_but_the_client_with_the_most_gives_up_its_oldest_when_all_wait():
    places, ones = filled(("192.0.2.1", None), ("192.0.2.2", None), ("192.0.2.2", None), ("192.0.2.2", None))
    assert places.take(One(places, "192.0.2.9"))
    assert victims(ones) == [1]
    assert places.take(One(places, "192.0.2.8"))
    assert victims(ones) == [1, 2]
    assert not places.take(One(places, "192.0.2.7"))
    assert not places.take(One(places, "192.0.2.9"))
    assert len(places) == 4


@pytest.mark.parametrize("of_many", ["2001:db8:1:{}::1", "192.0.2.{}", "::ffff:192.0.2.{}"])
def test_and_who_has_a_network_gives_up_its_oldest_from_however_many_addresses_it_came(of_many):
    places, ones = filled(*[(of_many.format(number), None) for number in range(1, 5)])
    assert not places.take(One(places, of_many.format(9)))
    assert places.take(One(places, "2001:db8:2::1"))
    assert places.take(One(places, "198.51.100.1"))
    assert places.take(One(places, "203.0.113.1"))
    assert victims(ones) == [0, 1, 2]
    assert not places.take(One(places, "10.0.0.1")), "one is no more than its due"


def test_loopback_gives_up_places_too_when_it_has_taken_all():
    places, ones = filled(*[("127.0.0.1", None)] * 4)
    assert not places.take(One(places, "127.0.0.1"))
    assert places.take(One(places, "192.0.2.9"))
    assert victims(ones) == [0]


@pytest.mark.rfc(7766, "6.2.2")
def test_a_client_has_its_share_and_a_further_connection_takes_the_place_of_its_own():
    places, ones = filled(("192.0.2.1", 9.0), ("192.0.2.1", 8.0), ("192.0.2.2", 1.0), connections=100, per_client=2)
    assert places.take(One(places, "192.0.2.1", 10.0))
    assert victims(ones) == [1]
    assert len(places) == 3


def test_a_client_whose_connections_all_wait_gets_no_more_than_its_share():
    places, ones = filled(("192.0.2.1", None), ("192.0.2.1", None), connections=100, per_client=2)
    assert not places.take(One(places, "192.0.2.1"))
    assert places.take(One(places, "192.0.2.2"))
    assert (victims(ones), places.refused) == ([], 1)
    ones[0].abort()
    assert places.take(One(places, "192.0.2.1"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.53.0.1", "::1"])
def test_loopback_speaks_for_many_and_has_no_share(host):
    places, ones = filled(*[(host, 1.0)] * 40, connections=100, per_client=2)
    assert places.take(One(places, host))
    assert victims(ones) == []


@pytest.mark.rfc(7766, "6.2.3")
@pytest.mark.parametrize(("taken", "seconds"), [(0, 10.0), (50, 10.0), (51, 2.5), (75, 2.5), (76, 0.5), (100, 0.5)])
def test_the_fuller_it_is_the_shorter_a_connection_may_be_idle(taken, seconds):
    places, _ = filled(*[("127.0.0.1", None)] * taken, connections=100)
    assert places.idle_seconds() == seconds


@pytest.mark.parametrize(("idle", "shortest"), [(10.0, 0.5), (2.0, 0.2), (0.2, 0.2), (0.1, 0.1)])
def test_an_idle_time_is_not_shortened_beyond_use(idle, shortest):
    places, _ = filled(("127.0.0.1", None), connections=1, idle_seconds=idle)
    assert places.idle_seconds() == shortest


def test_limits_that_shrink_keep_who_is_there():
    places, ones = filled(*[(f"192.0.2.{n}", None) for n in range(8)])
    places.limits = TcpLimits(connections=2)
    assert len(places) == 8
    assert places.idle_seconds() == 0.5
    assert victims(ones) == []


def test_places_leave_nothing_behind():
    places = Places(TcpLimits())
    for number in range(300):
        one = One(places, f"192.0.2.{number % 200}", 1.0)
        places.take(one)
        one.abort()
        one.abort()
    assert (len(places), dict(places._of), dict(places._taken)) == (0, {}, {})


def test_of_no_connections_none_is_stalled():
    assert stalled([]) is None
