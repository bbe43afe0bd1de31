from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.filters.names import MAX_NUMBER, Found, Names, text_of
from resolver.wire.names import ancestors
from tests.support.messages import name

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)
LABELS = st.sampled_from(["a", "b", "ads", "x" * 63, "*"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(lambda labels: name(".".join(labels)))


def test_a_name_covers_itself_and_all_below_it_and_nothing_else():
    held = Names()
    assert held.add(b"ads.example", 7)
    found = Found(name("ads.example."), 7)
    assert held.above(name("ads.example.")) == held.above(name("a.b.ads.example.")) == found
    for other in ("example.", "bads.example.", "ads.example.net.", "."):
        assert held.above(name(other)) is None


def test_a_label_with_a_dot_of_its_own_is_no_two_labels():
    held = Names()
    held.add(b"ads.example")
    assert held.above(name("x\\.ads.example.")) is None
    assert held.above(name("x\\010ads.example.")) is None
    assert held.above(name("a\\.b.ads.example.")) == held.above(name("a.b\\010.ads.example.")) != None  # noqa: E711
    with pytest.raises(ValueError, match="has a label that no list has"):
        text_of(name("x\\.ads.example."))


def test_no_name_is_taken_for_the_beginning_of_another():
    held = Names()
    held.add(b"ads.example.org")
    assert held.above(name("ads.example.")) is None


def test_a_wildcard_covers_what_is_below_it_alone():
    held = Names()
    held.add(b"example", 3, below_only=True)
    assert held.above(name("example.")) is None
    assert held.above(name("www.example.")) == Found(name("example."), 3)


def test_a_name_and_its_wildcard_are_the_whole_in_either_order():
    for first in (True, False):
        held = Names()
        assert held.add(b"example", below_only=first)
        assert not held.add(b"example", below_only=not first)
        assert (held.above(name("example.")), len(held)) != (None, 2)
    held = Names()
    held.add(b"example", 1, below_only=True)
    assert held.add_all([b"example"], 2) == 0
    assert held.above(name("example.")) == Found(name("example."), 2)


def test_the_nearest_name_is_told_and_the_first_that_added_it():
    held = Names()
    held.add(b"example", 1)
    held.add(b"www.example", 2)
    assert not held.add(b"www.example", 5)
    assert held.above(name("a.www.example.")) == Found(name("www.example."), 2)


def test_numbers_reach_as_far_as_they_say():
    held = Names()
    held.add(b"example", MAX_NUMBER, below_only=True)
    assert held.above(name("a.example.")) == Found(name("example."), MAX_NUMBER)


def test_nothing_is_found_among_none():
    assert Names().above(name("example.")) is None
    assert list(Names()) == []


@PROPERTY
@given(NAMES)
def test_a_name_is_written_as_lists_write_it(each):
    assert name(f"{text_of(each).decode()}.") == each
    assert text_of(name(".")) == b""


@PROPERTY
@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=40), NAMES)
def test_it_says_what_a_plain_set_of_names_would_say(added, asked):
    held, whole, below = Names(), set(), set()
    for each, below_only in added:
        assert held.add(text_of(each), below_only=below_only) == (each not in whole | below)
        (below if below_only else whole).add(each)
    found = held.above(asked)
    above = [each for each in ancestors(asked) if each in whole or (each in below and each != asked)]
    assert (None if found is None else found.name) == (above[0] if above else None)
    assert len(held) == len(whole | below)
    assert {each.name for each in held} == whole | below


@PROPERTY
@given(st.lists(NAMES, max_size=60), st.lists(NAMES, max_size=60))
def test_many_at_once_are_added_as_one_after_the_other(first, then):
    one, all_at_once = Names(), Names()
    added = sum(one.add(text_of(each)) for each in (*first, *then))
    assert all_at_once.add_all(map(text_of, first)) + all_at_once.add_all(map(text_of, then)) == added
    assert list(one) == list(all_at_once)


def test_fifty_thousand_names_take_what_a_million_may_take_for_each_of_them():
    """A million may take 150 MiB, 157 octets each; `make bench` measures a million."""
    held = Names()
    held.add_all(f"host{number}.zone{number % 999}.example".encode() for number in range(50_000))
    assert len(held) == 50_000
    assert held.octets() < 50_000 * 70
    assert all(held.above(name(f"a.host{number}.zone{number % 999}.example.")) for number in range(0, 50_000, 997))
    assert not any(held.above(name(f"host{number}.zone{number % 999}.")) for number in range(0, 50_000, 997))
