"""How what each worker says becomes what the daemon says."""

from __future__ import annotations

from resolver.workers import aggregation


def test_numbers_are_added_and_what_is_none_of_all_is_not() -> None:
    merged = aggregation.stats(
        [
            {"uptime.seconds": 9.5, "queries.udp": 3, "mode": "iterative", "only.here": 1, "word": "a"},
            {"uptime.seconds": 11.0, "queries.udp": 4, "mode": "iterative", "word": "b"},
        ]
    )
    assert merged == {"uptime.seconds": 11.0, "queries.udp": 7, "mode": "iterative", "only.here": 1}
    assert aggregation.stats([]) == {}


def test_entries_are_listed_in_turn_up_to_the_limit() -> None:
    answers = [{"entries": [{"n": 1}, {"n": 2}, {"n": 3}]}, {"entries": []}, {"entries": [{"n": 10}]}]
    assert aggregation.entries(answers, 10) == {"entries": [{"n": 1}, {"n": 10}, {"n": 2}, {"n": 3}]}
    assert aggregation.entries(answers, 2) == {"entries": [{"n": 1}, {"n": 10}]}


def test_what_was_flushed_is_added_and_workers_stand_in_a_row() -> None:
    assert aggregation.flushed([{"flushed": 2}, {"flushed": 0}, {"flushed": 5}]) == {"flushed": 7}
    assert aggregation.workers([{"workers": [1]}, {"workers": [2]}]) == {"workers": [1, 2]}


def test_numbers_of_pools_are_the_worst_that_one_sees_and_counts_are_added() -> None:
    one = {"pools.members": 3, "pools.taking": 2, "pools.down": 1, "pools.picked": 5, "pool.a.taking": 2}
    other = {"pools.members": 3, "pools.taking": 3, "pools.down": 0, "pools.picked": 7, "pool.a.taking": 3}
    merged = {"pools.members": 3, "pools.taking": 2, "pools.down": 1, "pools.picked": 12, "pool.a.taking": 2}
    assert aggregation.stats([one, other]) == merged


def test_a_member_of_a_pool_is_told_once_with_what_all_have_counted() -> None:
    counts = dict.fromkeys(("outstanding", "picked", "replied", "failed", "checks", "checks_failed"), 2)
    left = {"name": "left", "state": "up", "since_s": None, "rtt_ms": 10.0, "check": "ok", **counts}
    seen = {**left, "state": "down", "since_s": 7.5, "rtt_ms": 20.0, "check": "no reply in time"}
    new = {**left, "name": "right", "rtt_ms": None, "check": None}
    (pool,) = aggregation.pools(
        [
            {"pools": [{"name": "office", "policy": "round-robin", "members": [left, new]}]},
            {"pools": [{"name": "office", "policy": "round-robin", "members": [seen, new]}]},
        ]
    )["pools"]
    doubled = dict.fromkeys(counts, 4)
    assert pool == {
        "name": "office",
        "policy": "round-robin",
        "members": [
            {**seen, **doubled, "state": "mixed", "rtt_ms": 15.0},
            {**new, **doubled},
        ],
    }
