"""What a hostile signed zone can make us check, hash and compare has a bound, whatever it says, and is paid once."""

from __future__ import annotations

import pytest

from resolver.config.sections import Budget
from resolver.dnssec.signatures import IN_VAIN
from tests.robustness.effort import Effort, effort
from tests.robustness.keytrap import DEEP, MANY, TRAPS, Laid, Trap, address_with, colliding, forged
from tests.robustness.world import cost

LIMITS = Budget()
LENIENT = {
    "budget": {
        "signature_checks": 1024,
        "rrsigs_per_rrset": 64,
        "keys_per_tag": 16,
        "ds_per_zone": 64,
        "nsec3_hashes": 4096,
    }
}

each_trap = pytest.mark.parametrize("laid", TRAPS.values(), ids=TRAPS)


def trap(part: str) -> Laid:
    (found,) = (laid for name, laid in TRAPS.items() if part in name)
    return found


MOST = LIMITS.signature_checks + (IN_VAIN - 1) * 2
"""What the last check takes more than was left when it began, as it turned out to be in vain; P-384 takes 2."""


def is_bounded(seen: Effort) -> bool:
    """What was done is what one query may cause."""
    return (
        len(seen.checks) <= LIMITS.signature_checks
        and seen.price <= MOST
        and seen.signatures_of_a_set <= LIMITS.rrsigs_per_rrset
        and seen.keys_of_a_signature <= LIMITS.keys_per_tag
        and seen.work <= LIMITS.nsec3_hashes
        # The keys of a zone are asked of another server, once, where they are none that the DS name.
        and seen.digests <= 2 * LIMITS.ds_per_zone * LIMITS.keys_per_tag
    )


@each_trap
def test_a_question_takes_no_more_than_the_limits(laid: Laid) -> None:
    seen = effort(laid)
    assert is_bounded(seen), seen
    assert seen.checks


@each_trap
def test_asking_again_takes_nothing(laid: Laid) -> None:
    once, twice = effort(laid), effort(laid, [laid.name], [laid.name])
    assert len(twice.checks) == len(once.checks)
    assert (twice.hashes, twice.digests, twice.messages) == (once.hashes, once.digests, once.messages)


@each_trap
def test_many_clients_who_ask_the_same_take_as_much_as_one(laid: Laid) -> None:
    once, together = effort(laid), effort(laid, [laid.name] * 10)
    assert len(together.checks) == len(once.checks)
    assert (together.hashes, together.digests, together.messages) == (once.hashes, once.digests, once.messages)
    assert together.rcodes == once.rcodes * 10


@pytest.mark.parametrize("laid", [trap("100-keys-of-one-tag-100"), trap("keysigtrap"), trap("hashtrap")])
def test_names_that_are_asked_side_by_side_are_each_bounded(laid: Laid) -> None:
    """Also where all need the keys of the zone, join one another, and go on by themselves when the first has failed."""
    ten = effort(laid, [f"w{number}.evil." for number in range(10)])
    assert ten.price <= 10 * MOST
    assert ten.signatures_of_a_set <= LIMITS.rrsigs_per_rrset


def test_what_is_spent_on_a_link_is_not_given_back_for_the_next() -> None:
    """Each alias is in a reply of its own, and has one good signature behind seven that are not."""
    seen = effort(trap("an-alias-in-each-reply"))
    assert seen.price <= MOST
    assert seen.rcodes == ["SERVFAIL"]


def test_what_is_spent_on_the_chain_of_trust_is_not_given_back_for_the_answer() -> None:
    """Each label of the name takes a look-up of its own, whose answer is proven."""
    seen = effort(trap("signers-at-each"))
    assert seen.price <= MOST
    assert seen.messages < LIMITS.signature_checks


def test_without_the_limits_it_would_be_far_more() -> None:
    """So each limit is what bounds it, and the zone is as hostile as it says."""
    assert effort(trap("100-keys-of-one-tag-100"), settings=LENIENT).price > 1000
    assert effort(trap("sigjam"), settings=LENIENT).signatures_of_a_set > 2 * LIMITS.rrsigs_per_rrset - 1
    assert effort(trap("lockcram"), settings=LENIENT).keys_of_a_signature == 16
    assert effort(trap("hashtrap"), settings=LENIENT).digests > MANY
    assert len(effort(trap("120-labels-no-iterations"), settings=LENIENT).hashes) > len(DEEP) // 2 - 10


def test_keys_that_are_longer_than_any_that_could_be_used_are_not_digested() -> None:
    assert effort(trap("15000-octets")).digests <= 2


@pytest.mark.parametrize("name", ["150-iterations", "2500-iterations"])
def test_above_the_limit_of_iterations_no_name_is_hashed(name: str) -> None:
    assert not effort(trap(name)).hashes


@pytest.mark.parametrize(("count", "asked"), [(2, 2), (5, 1)])
def test_another_server_is_asked_while_less_than_half_of_the_price_is_spent(count: int, asked: int) -> None:
    jam = Laid("KeyTrap", "a few", lambda: Trap(address_with(lambda rrset: forged(rrset, count)), colliding(1)))
    seen = cost(jam.attack)
    assert sum("www.evil. A" in each for each in seen.packets) == asked, seen.packets
