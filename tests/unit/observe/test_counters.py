from __future__ import annotations

from resolver.observe.counters import Counters


def test_each_count_has_a_public_name_with_one_dot():
    counters = Counters(queries_udp=3, answers_internal_error=1)
    listed = counters.as_dict()
    assert (listed["queries.udp"], listed["answers.internal_error"], listed["upstream.sent"]) == (3, 1, 0)
    assert all(key.count(".") == 1 for key in listed)
