"""Which sockets each worker has."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from resolver.errors import ListenError
from resolver.listeners import Kind, bind
from resolver.network.base import Endpoint
from resolver.observe.log import Log
from resolver.workers.group import Group

pytestmark = pytest.mark.sockets

ANY = Endpoint("127.0.0.1", 0)
OTHER = Endpoint("127.0.0.2", 0)
BUFFER = 65536


@pytest.fixture
def log() -> Log:
    return Log(io.StringIO(), lambda: 0.0)


@pytest.fixture
def group(log: Log) -> Iterator[Group]:
    made = Group().changed({Kind.PLAIN: [ANY]}, range(3), BUFFER, log)
    yield made
    made.close_but(Group())


def ports(group: Group, workers: int) -> list[list[int]]:
    return [[bound.endpoint.port for bound in group.of(worker)] for worker in range(workers)]


def closed(group: Group, worker: int) -> list[bool]:
    return [each.fileno() < 0 for bound in group.of(worker) for each in bound.sockets]


def test_all_workers_have_sockets_of_their_own_on_the_same_port(group: Group) -> None:
    (endpoint,) = group.endpoints(Kind.PLAIN)
    assert ports(group, 3) == [[endpoint.port]] * 3
    descriptors = {each.fileno() for worker in range(3) for bound in group.of(worker) for each in bound.sockets}
    assert len(descriptors) == 6
    assert {bound.asked for worker in range(3) for bound in group.of(worker)} == {ANY}


def test_nobody_shares_a_port_by_chance(group: Group, log: Log) -> None:
    """Neither another daemon of ours, with workers or without, nor we one that somebody else has."""
    (endpoint,) = group.endpoints(Kind.PLAIN)
    with pytest.raises(ListenError, match="is taken"):
        bind(endpoint, BUFFER)
    with pytest.raises(ListenError, match="is taken"):
        Group().changed({Kind.PLAIN: [endpoint]}, range(2), BUFFER, log)
    alone = bind(ANY, BUFFER)
    with pytest.raises(ListenError, match="is taken"):
        Group().changed({Kind.PLAIN: [alone.endpoint]}, range(2), BUFFER, log)
    alone.close()


def test_a_change_keeps_what_it_can_and_opens_the_rest(group: Group, log: Log) -> None:
    kept = [group.of(worker) for worker in range(3)]
    grown = group.changed({Kind.PLAIN: [OTHER, ANY]}, range(4), BUFFER, log)
    assert [each.asked for each in grown.of(3)] == [OTHER, ANY]
    assert [each.host for each in grown.endpoints(Kind.PLAIN)] == ["127.0.0.2", "127.0.0.1"]
    assert [grown.of(worker)[1:] for worker in range(3)] == kept
    assert [each.asked for each in grown.without(group, 0)] == [OTHER]
    assert [each.asked for each in grown.without(group, 3)] == [OTHER, ANY]
    shrunk = grown.changed({Kind.PLAIN: [OTHER]}, range(1), BUFFER, log)
    grown.close_but(shrunk)
    assert [closed(grown, worker) for worker in range(2)] == [[False, False, True, True], [True] * 4]
    shrunk.close_but(Group())


def test_what_is_for_tls_is_shared_too_though_it_asks_for_the_same(group: Group, log: Log) -> None:
    both = group.changed({Kind.PLAIN: [ANY], Kind.TLS: [ANY, OTHER]}, range(3), BUFFER, log)
    assert both.endpoints(Kind.PLAIN) == group.endpoints(Kind.PLAIN)
    assert [each.host for each in both.endpoints(Kind.TLS)] == ["127.0.0.1", "127.0.0.2"]
    for worker in range(3):
        opened = both.without(group, worker)
        assert [each.kind for each in opened] == [Kind.TLS, Kind.TLS]
        assert [each.endpoint for each in opened] == both.endpoints(Kind.TLS)
        assert [len(each.sockets) for each in both.of(worker)] == [2, 1, 1]
    both.rest(1)
    both.wake(1)
    assert [each.endpoint for each in both.of(1)][1:] == both.endpoints(Kind.TLS)
    both.close_but(group)


def test_a_change_that_cannot_be_leaves_all_as_it_was(group: Group, log: Log) -> None:
    taken = bind(OTHER, BUFFER)
    with pytest.raises(ListenError):
        group.changed({Kind.PLAIN: [Endpoint("127.0.0.3", 0), ANY, taken.endpoint]}, range(5), BUFFER, log)
    taken.close()
    assert [len(group.of(worker)) for worker in range(5)] == [1, 1, 1, 0, 0]
    assert not any(closed(group, 0))


def test_who_rests_has_no_sockets_until_it_wakes(group: Group) -> None:
    before = group.of(1)
    group.rest(1)
    assert group.of(1) == []
    assert before[0].udp.fileno() < 0
    group.wake(1)
    assert ports(group, 3)[1] == ports(group, 3)[0]


def test_the_last_one_keeps_the_port(group: Group) -> None:
    for worker in range(3):
        group.rest(worker)
    assert len(group.endpoints(Kind.PLAIN)) == 1
    assert [len(group.of(worker)) for worker in range(3)] == [0, 0, 1]
    with pytest.raises(ListenError):
        bind(group.endpoints(Kind.PLAIN)[0], BUFFER)
