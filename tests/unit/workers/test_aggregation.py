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
