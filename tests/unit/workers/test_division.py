"""What each worker may have of a limit of the daemon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.config import Config
from resolver.config.contradictions import divided as bounds
from resolver.workers.division import divided, part

SECRET = bytes(range(16))


def config(**sections: dict[str, object]) -> Config:
    return Config.model_validate(sections)


def of_all(whole: Config, count: int, descriptors: int = 20_000) -> list[Config]:
    return [divided(whole, count, index, SECRET, descriptors) for index in range(count)]


@given(st.integers(0, 100_000), st.integers(1, 64))
def test_parts_add_up_and_differ_by_one_at_most(total: int, count: int) -> None:
    parts = [part(total, count, index) for index in range(count)]
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_what_is_bounded_for_the_daemon_is_bounded_for_all_workers_together(count: int) -> None:
    whole = config(server={"max_in_flight": 1000, "refusals_per_s": 10})
    parts = of_all(whole, count)
    for section, key, bound in bounds(whole):
        shares = [getattr(getattr(each, section), key) for each in parts]
        assert sum(shares) == bound, key
        assert all(shares)
    assert sum(each.server.refusals_per_s for each in parts) == 10
    assert {key for _, key, _ in bounds(whole)} == {
        "max_in_flight",
        "tcp_max_connections",
        "size_mb",
        "max_per_zone",
        "max_per_server",
    }


def test_what_is_left_open_is_what_one_process_could_afford() -> None:
    assert sum(each.server.max_in_flight or 0 for each in of_all(config(), 3)) == 2048
    few = of_all(config(server={"tcp_max_connections": 64}), 2, descriptors=1024)
    assert [each.server.max_in_flight for each in few] == [(1024 - 64 - 256) // 2 // 2] * 2


def test_what_is_bounded_for_a_client_holds_in_each() -> None:
    whole = config(server={"max_in_flight_per_client": 50, "tcp_max_per_client": 5, "tcp_pipeline": 9})
    for each in of_all(whole, 4):
        assert (each.server.max_in_flight_per_client, each.server.tcp_max_per_client) == (50, 5)
        assert each.server.tcp_pipeline == 9
        assert each.budget == whole.budget
        assert each.server.listen == whole.server.listen


@pytest.mark.rfc(9018, "5")
def test_all_have_the_same_key_of_cookies() -> None:
    assert {each.server.cookie_secret for each in of_all(config(), 3)} == {SECRET.hex()}
    given = "ff" * 16
    assert {each.server.cookie_secret for each in of_all(config(server={"cookie_secret": given}), 3)} == {given}


def test_the_first_alone_binds_the_addresses_of_the_simulated_servers() -> None:
    assert [each.world.in_memory for each in of_all(config(), 3)] == [False, True, True]
    assert [each.world.in_memory for each in of_all(config(resolver={"roots": "internet"}), 2)] == [False, False]


def test_more_workers_than_a_limit_has_parts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"8 workers cannot share cache.size_mb = 4; write at most 4, or raise"):
        config(server={"workers": 8}, cache={"size_mb": 4})
    assert config(server={"workers": 4}, cache={"size_mb": 4}).server.workers == 4
