from __future__ import annotations

from resolver.cache.table import Table
from tests.support.clocks import ManualClock


def test_an_entry_ends_on_time_and_its_time_runs_on_in_suspend():
    clock = ManualClock()
    table: Table[str, int] = Table(10, clock)
    table.put("a", 1, 5)
    table.put("b", 2, 50)
    clock.advance(4.9)
    assert table.get("a") == 1
    clock.advance(0.1)
    assert (table.get("a"), table.get("b"), len(table)) == (None, 2, 1)
    clock.suspend(50)
    assert table.get("b") is None


def test_it_tells_how_long_an_entry_is_still_good():
    clock = ManualClock()
    table: Table[str, int] = Table(10, clock)
    table.put("a", 1, 5)
    clock.advance(3)
    assert (table.left("a"), table.left("b")) == (2, 0)
    clock.advance(3)
    assert table.left("a") == 0


def test_putting_again_extends_and_no_time_at_all_is_not_held():
    clock = ManualClock()
    table: Table[str, int] = Table(10, clock)
    table.put("a", 1, 5)
    clock.advance(4)
    table.put("a", 2, 5)
    clock.advance(4)
    assert table.get("a") == 2
    table.put("b", 1, 0)
    assert table.get("b") is None


def test_the_entry_that_was_used_longest_ago_makes_room():
    table: Table[int, int] = Table(3, ManualClock())
    for number in (1, 2, 3):
        table.put(number, number, 60)
    table.get(1)
    table.put(4, 4, 60)
    assert [table.get(number) for number in (1, 2, 3, 4)] == [1, None, 3, 4]
    assert len(table) == 3


def test_what_has_ended_is_not_listed():
    clock = ManualClock()
    table: Table[str, int] = Table(10, clock)
    table.put("a", 1, 5)
    table.put("b", 2, 50)
    clock.advance(10)
    assert list(table.items()) == [("b", 2)]
    table.remove("b")
    table.remove("never there")
    assert list(table.items()) == []


def test_the_table_may_be_changed_while_it_is_walked():
    table: Table[int, int] = Table(10, ManualClock())
    for number in range(5):
        table.put(number, number, 60)
    for number, _ in table.items():
        table.remove(number)
    assert len(table) == 0
    table.put(1, 1, 60)
    table.clear()
    assert len(table) == 0


def test_what_has_been_removed_or_cleared_away_takes_no_room():
    table: Table[int, int] = Table(3, ManualClock())
    for number in range(10):
        table.put(number, number, 60)
        table.remove(number)
    for number in (1, 2, 3):
        table.put(number, number, 60)
    assert [key for key, _ in table.items()] == [1, 2, 3]
    table.clear()
    for number in (4, 5, 6):
        table.put(number, number, 60)
    assert [key for key, _ in table.items()] == [4, 5, 6]


def test_what_still_fits_exactly_is_kept_when_the_room_shrinks():
    table: Table[int, int] = Table(5, ManualClock())
    for number in (1, 2, 3):
        table.put(number, number, 60)
    table.resize(3)
    assert len(table) == 3
    table.resize(2)
    assert [key for key, _ in table.items()] == [2, 3]
