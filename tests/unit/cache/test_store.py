from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.cache.store import OVERHEAD, SHARDS, ByteStore


def store_for(entries: int) -> ByteStore[bytes]:
    """A store with room for so many entries of 1 octet under keys of 4."""
    return ByteStore((OVERHEAD + 5) * entries, len)


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_what_is_put_is_held_until_it_is_replaced_removed_or_cleared():
    store = store_for(100)
    assert store.get(b"a") is None
    store.put(b"a", b"1")
    store.put(b"b", b"2")
    store.put(b"a", b"3")
    assert (store.get(b"a"), store.get(b"b"), len(store)) == (b"3", b"2", 2)
    assert store.bytes_held() == 2 * (OVERHEAD + 2)
    assert store.remove(b"a")
    assert not store.remove(b"a")
    assert store.bytes_held() == OVERHEAD + 2
    store.clear()
    assert (len(store), store.bytes_held(), list(store.items())) == (0, 0, [])


def test_an_entry_that_is_used_stays_and_one_that_is_not_leaves():
    store = store_for(100)
    store.put(b"used", b"1")
    store.put(b"idle", b"1")
    for number in range(300):
        store.put(key(number), b"1")
        if number % 20 == 0:
            assert store.get(b"used") == b"1"
    assert store.get(b"used") == b"1"
    assert store.get(b"idle") is None


def test_what_is_old_but_not_yet_forgotten_is_found_and_removed():
    store = store_for(10)
    for number in range(7):  # the young generation has turned over once
        store.put(key(number), b"1")
    assert store.evicted == 0
    assert store.get(key(0)) == b"1"
    assert store.remove(key(1))
    assert store.get(key(1)) is None
    assert {each for each, _ in store.items()} == {key(number) for number in range(7) if number != 1}


def test_generations_turn_over_and_what_is_forgotten_is_counted():
    store = store_for(10)
    for number in range(15):
        store.put(key(number), b"1")
    assert store.evicted == 5
    assert [store.get(key(number)) for number in range(5)] == [None] * 5


def test_the_number_of_entries_follows_the_limit():
    store = store_for(1000)
    for number in range(10_000):
        store.put(key(number), b"1")
        assert len(store) <= 1000
    assert len(store) >= 500


def test_what_weighs_more_than_half_of_the_limit_is_not_held_and_takes_nothing_along():
    store = store_for(10)
    store.put(b"a", b"1")
    store.put(b"b", b"1")
    store.put(b"a", b"x" * store.limit)
    assert store.get(b"a") is None
    assert store.get(b"b") == b"1"


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20_000)), max_size=400), st.integers(0, 3))
def test_the_bytes_in_memory_never_exceed_the_limit_whatever_entries_weigh(puts, asked_again):
    store: ByteStore[bytes] = ByteStore(50_000, len)
    for number, weight in puts:
        store.put(key(number), bytes(weight))
        for back in range(asked_again):
            store.get(key(max(0, number - back)))
        assert store.bytes_held() <= store.limit
        there = [*(value for _, value in store.items()), *(value for each in store._doomed for value in each.values())]
        assert store.bytes_held() == sum(OVERHEAD + 4 + len(value) for value in there)


def test_many_small_entries_that_are_forgotten_make_room_for_a_few_big_ones_at_once():
    store: ByteStore[bytes] = ByteStore(1_000_000, len)
    for number in range(10_000):
        store.put(key(number), b"")
    for number in range(10_000, 10_100):
        store.put(key(number), bytes(20_000))
        assert store.bytes_held() <= store.limit


def test_no_insertion_frees_more_than_its_share_of_what_is_forgotten():
    store = store_for(10_000)
    for number in range(10_001):
        store.put(key(number), b"1")
    before = store.bytes_held()
    store.put(key(20_000), b"1")
    assert before - store.bytes_held() <= 2 * (OVERHEAD + 5)


def test_a_new_limit_keeps_what_fits_and_forgets_all_that_does_not():
    store = store_for(100)
    for number in range(40):
        store.put(key(number), b"1")
    store.resize(store.limit * 2)
    assert len(store) == 40
    for number in range(40, 90):
        store.put(key(number), b"1")
    assert (len(store), store.evicted) == (90, 0)
    store.resize(store.limit // 20)
    assert len(store) == 0
    for number in range(1000):
        store.put(key(number), b"1")
        assert store.bytes_held() <= store.limit


def test_no_dictionary_holds_much_more_than_its_share_so_that_none_takes_long_to_grow():
    store = store_for(64_000)
    for number in range(100_000):
        store.put(key(number), b"1")
    generations = [each for shard in store._shards for each in shard] + store._doomed
    assert sum(map(len, generations)) > 32_000
    assert max(map(len, generations)) < 2 * 32_000 / SHARDS


def test_a_key_is_held_once_and_weighs_once_whichever_generation_it_was_in():
    store = store_for(10)
    for _ in range(3):
        for number in range(6):
            store.put(key(number), b"1")
            assert store.get(key(number)) == b"1"
    assert len(store) == len(list(store.items())) == 6
    assert store.bytes_held() == 6 * (OVERHEAD + 5)
