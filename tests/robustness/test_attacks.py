"""Every attack costs at most what the best of the peers pays, its client hears in time, and nobody beside it waits."""

from __future__ import annotations

import pytest

from tests.robustness.attacks import ATTACKS
from tests.robustness.world import CLIENT_S, ROUND_TRIP_MS, Attack, beside, cost, litter, twice

each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=[attack.id for attack in ATTACKS])


@each_attack
def test_an_attack_costs_no_more_messages_than_its_bound(attack: Attack) -> None:
    seen = cost(attack)
    assert seen.count <= attack.bound, "\n".join(seen.packets)


@each_attack
def test_asking_again_for_what_failed_costs_nobody_anything(attack: Attack) -> None:
    seen = cost(attack)
    if seen.rcode == "SERVFAIL":
        assert twice(attack) == seen.count


@each_attack
def test_its_client_is_told_in_time_and_why(attack: Attack) -> None:
    seen = cost(attack)
    assert seen.rcode in attack.rcodes, seen.errors
    assert seen.answered <= CLIENT_S
    if seen.rcode == "SERVFAIL":
        assert seen.errors, "SERVFAIL without an extended error"


@each_attack
def test_good_names_in_the_middle_of_it_take_no_longer_than_at_any_other_time(attack: Attack) -> None:
    """The root is primed by then: a good name takes at most a question to the root and one to its own server."""
    assert beside(attack) <= 2 * ROUND_TRIP_MS / 1000 + 0.001


@each_attack
def test_it_leaves_nothing_for_the_garbage_collector(attack: Attack) -> None:
    assert not litter(attack)


def test_the_list_has_every_kind_of_the_table_once_and_each_variant_has_a_name_of_its_own() -> None:
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    kinds = [attack.kind for attack in ATTACKS]
    assert kinds == sorted(kinds, key=kinds.index), "the variants of a kind stand together"
