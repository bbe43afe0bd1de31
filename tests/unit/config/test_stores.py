from __future__ import annotations

import pytest

from resolver.config.stores import sticky_table


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ("memory", "memory"),
        ("valkey://127.0.0.1", "valkey://127.0.0.1:6379/0"),
        ("redis://127.0.0.1:7000/3", "redis://127.0.0.1:7000/3"),
        ("valkeys://[::1]:7000/", "valkeys://[::1]:7000/0"),
        ("valkey://resolver@192.0.2.1/1", "valkey://resolver@192.0.2.1:6379/1"),
    ],
)
def test_the_place_of_a_table_is_read(written: object, read: str | None):
    assert sticky_table(written) == read
    assert sticky_table(read) == read


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (3, '3 is no place of a table; write "memory", or a URL as in "valkey://127.0.0.1:6379/0"'),
        ("memroy", '"memroy" is no place of a table; write "memory", or'),
        ("valkey://", '"valkey://" is no place of a table'),
        ("valkey://db.example", '"db.example" is no address; write "memory", or'),
        ("valkey://127.0.0.1:70000", "has no usable port"),
        ("memcached://127.0.0.1", '"memcached://127.0.0.1" has no scheme of ours; write one of valkey, redis'),
    ],
)
def test_what_is_no_place_of_a_table_is_told_with_what_to_write(written: object, problem: str):
    with pytest.raises(ValueError, match=r".") as told:
        sticky_table(written)
    assert problem in str(told.value)


def test_a_password_is_not_shown():
    with pytest.raises(ValueError, match="sticky_password") as told:
        sticky_table("valkey://:hunter2@127.0.0.1")
    assert "hunter2" not in str(told.value)
