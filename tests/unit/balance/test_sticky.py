from __future__ import annotations

import ipaddress

from resolver.balance.hashing import Prefixes
from resolver.balance.pool import Key, Member, Pool
from resolver.balance.sticky import Sticky
from tests.support.clocks import ManualClock
from tests.support.pools import member, policy


class ToldStore:
    """A store that says nothing."""

    dropped = 0
    is_there = True

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes, str]] = []
        self.closed = False

    def begin(self) -> None:
        """Nothing is to be connected to."""

    def claim(self, client: bytes, member: str) -> None:
        self.told.append(("claim", client, member))

    def move(self, client: bytes, member: str) -> None:
        self.told.append(("move", client, member))

    def close(self) -> None:
        self.closed = True


def client(address: str) -> Key:
    return Key(ipaddress.ip_address(address).packed)


ALICE, BOB = client("192.0.2.1"), client("192.0.2.2")


def a_pool(
    names: str = "abc", *, clock: ManualClock | None = None, seconds: float = 100, maximum: int = 1000, **settings
) -> tuple[Pool, Sticky]:
    clock = clock or ManualClock()
    sticky = Sticky(policy("round-robin"), Prefixes(), clock, seconds=seconds, maximum=maximum)
    return Pool("office", [Member(name) for name in names], sticky, clock, **settings), sticky


def picked(pool: Pool, key: Key, without: tuple[Member, ...] = ()) -> str:
    found = pool.pick(key, without)
    return found.name if found else "-"


def test_a_client_keeps_its_member_and_others_have_others():
    pool, sticky = a_pool()
    assert [picked(pool, key) for key in (ALICE, BOB) * 3] == ["a", "b"] * 3
    assert len(sticky) == 2


def test_a_client_that_is_silent_for_long_is_given_a_member_anew():
    clock = ManualClock()
    pool, _ = a_pool(clock=clock)
    assert picked(pool, ALICE) == "a"
    for _ in range(5):
        clock.advance(99)
        assert picked(pool, ALICE) == "a"
    clock.advance(100)
    assert picked(pool, ALICE) == "b"


def test_a_client_whose_member_is_away_keeps_the_next_one_even_when_the_first_is_back():
    pool, _ = a_pool()
    assert picked(pool, ALICE) == "a"
    pool.down(member(pool, "a"))
    other = picked(pool, ALICE)
    assert other != "a"
    pool.up(member(pool, "a"))
    assert [picked(pool, ALICE) for _ in range(4)] == [other] * 4


def test_a_question_that_is_sent_a_second_time_does_not_move_its_client():
    pool, _ = a_pool()
    assert picked(pool, ALICE) == "a"
    assert picked(pool, ALICE, (member(pool, "a"),)) != "a"
    assert picked(pool, ALICE) == "a"


def test_while_its_member_starts_a_client_is_sent_elsewhere_now_and_then_and_keeps_it():
    clock = ManualClock()
    pool, sticky = a_pool("ab", clock=clock, slow_start_s=10)
    sticky.learn(ALICE.client, "b")
    pool.down(member(pool, "b"))
    pool.up(member(pool, "b"))
    assert {picked(pool, ALICE) for _ in range(200)} == {"a", "b"}
    clock.advance(10)
    assert {picked(pool, ALICE) for _ in range(10)} == {"b"}


def test_a_member_that_left_has_no_clients():
    pool, _ = a_pool()
    assert picked(pool, ALICE) == "a"
    pool.become([Member("b"), Member("c")])
    kept = picked(pool, ALICE)
    assert kept in "bc"
    assert picked(pool, ALICE) == kept


def test_a_question_of_nobody_is_nobodys():
    pool, sticky = a_pool()
    assert [picked(pool, Key()) for _ in range(3)] == ["a", "b", "c"]
    assert len(sticky) == 0


def test_hosts_of_a_network_of_ipv6_are_one_client():
    pool, sticky = a_pool()
    assert {picked(pool, client(f"2001:db8::{host:x}")) for host in range(1, 9)} == {"a"}
    assert len(sticky) == 1


def test_the_table_is_bounded_and_who_asked_least_lately_is_forgotten():
    pool, sticky = a_pool("ab", maximum=2)
    first, second, third = (client(f"192.0.2.{host}") for host in (1, 2, 3))
    assert [picked(pool, key) for key in (first, second, first, third)] == ["a", "b", "a", "a"]
    assert len(sticky) == 2
    assert picked(pool, first) == "a"


def test_a_store_is_told_of_who_is_new_who_moves_and_who_still_asks():
    clock = ManualClock()
    pool, sticky = a_pool(clock=clock)
    store = sticky.store = ToldStore()
    picked(pool, ALICE)
    picked(pool, ALICE)
    assert store.told == [("claim", ALICE.client, "a")]
    for _ in range(5):  # without a pause that is as long
        clock.advance(10)
        picked(pool, ALICE)
    assert store.told == [("claim", ALICE.client, "a")] * 2
    pool.down(member(pool, "a"))
    moved = picked(pool, ALICE)
    assert store.told[2:] == [("move", ALICE.client, moved)]
    sticky.close()
    assert store.closed


def test_a_store_is_told_of_no_more_new_clients_than_a_table_has_room_for():
    clock, store = ManualClock(), ToldStore()
    pool, sticky = a_pool(clock=clock, seconds=100, maximum=10)
    sticky.store = store
    for host in range(200):
        picked(pool, client(f"198.51.100.{host}"))
    assert (len(store.told), store.dropped) == (10, 190)
    clock.advance(100)
    for host in range(200):
        picked(pool, client(f"203.0.113.{host}"))
    assert (len(store.told), store.dropped) == (20, 380)
    picked(pool, client("203.0.113.199"))
    assert (len(store.told), store.dropped) == (20, 380), "who is known already is not new"


def test_what_a_store_says_is_kept_unless_it_is_nobody_here():
    pool, sticky = a_pool()
    sticky.learn(ALICE.client, "c")
    sticky.learn(BOB.client, "z")
    assert picked(pool, ALICE) == "c"
    assert picked(pool, BOB) in "abc"
    assert len(sticky) == 2
