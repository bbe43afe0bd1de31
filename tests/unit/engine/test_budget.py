from __future__ import annotations

import pytest

from resolver.engine.budget import Budget, Limits
from resolver.errors import ResolutionFailed
from resolver.message import Rcode

LIMITS = Limits(sends=3, depth=3, aliases=3, referrals=3)


@pytest.mark.parametrize(
    ("spend", "tag", "said"),
    [
        (Budget.spend_send, "BUDX", "more than 3 messages"),
        (Budget.spend_alias, "BUDA", "more than 3 aliases"),
        (Budget.spend_referral, "BUDR", "more than 3 referrals"),
    ],
)
def test_what_is_spent_ends_in_a_failure_that_names_the_limit(spend, tag, said):
    budget = Budget(LIMITS, 0.0)
    for _ in range(3):
        spend(budget)
    with pytest.raises(ResolutionFailed, match=said) as caught:
        spend(budget)
    failure = caught.value
    assert (failure.tag, failure.rcode, failure.own_limit, failure.label) == (tag, Rcode.SERVFAIL, True, "budget")
    assert failure.ede[0].text.endswith(f"[{tag}]")


def test_depth_is_checked_and_not_spent():
    budget = Budget(LIMITS, 0.0)
    for _ in range(10):
        budget.check_depth(3)
    with pytest.raises(ResolutionFailed, match="nested more than 3 deep") as caught:
        budget.check_depth(4)
    assert (caught.value.tag, caught.value.own_limit) == ("BUDD", True)


def test_each_kind_is_spent_by_itself():
    budget = Budget(LIMITS, 0.0)
    for _ in range(3):
        budget.spend_send()
        budget.spend_alias()
        budget.spend_referral()
    assert (budget.sends, budget.spent.aliases, budget.spent.referrals) == (3, 3, 3)


def test_two_minimised_names_in_vain_cost_as_much_as_an_alias_but_for_the_first_two():
    budget = Budget(Limits(aliases=4), 0.0)
    for _ in range(4):
        budget.minimised_in_vain()
    for _ in range(3):
        budget.spend_alias()
    with pytest.raises(ResolutionFailed, match="BUDA"):
        budget.spend_alias()


def test_what_one_look_up_may_send_is_less_than_what_the_question_may_and_is_paid_from_it():
    budget = Budget(Limits(sends=5, sends_per_fetch=2), 0.0)
    first = budget.fetch()
    for _ in range(2):
        first.spend_send()
    with pytest.raises(ResolutionFailed, match="BUDF"):
        first.spend_send()
    second = budget.fetch().fetch()
    second.spend_send()
    second.refund_send()
    assert budget.sends == 2
    for _ in range(2):
        second.spend_send()
    budget.spend_send()
    with pytest.raises(ResolutionFailed, match="BUDX"):
        budget.spend_send()


def test_a_zone_is_silent_until_one_of_its_servers_replies():
    budget = Budget(Limits(sends_to_silent_zone=2), 0.0)
    budget.fetch().spend_send_to_silent(b"\0")
    assert budget.may_send_to_silent(b"\0")
    budget.spend_send_to_silent(b"\0")
    assert not budget.fetch().may_send_to_silent(b"\0")
    budget.heard_from(b"\0")
    assert budget.may_send_to_silent(b"\0")


def test_minimised_names_are_so_many_in_all():
    budget = Budget(Limits(minimised_names=2), 0.0)
    assert [budget.may_minimise(), budget.fetch().may_minimise(), budget.may_minimise()] == [True, True, False]


@pytest.mark.parametrize(
    ("spend", "limit", "tag", "said"),
    [
        (Budget.spend_signature_check, "signature_checks", "BUDS", "more than 3 signatures to check"),
        (Budget.spend_nsec3_hash, "nsec3_hashes", "BUDH", "more than 3 names to hash"),
    ],
)
def test_what_proofs_cost_is_spent_once_for_all_that_nests_and_what_is_beyond_is_not_believed(spend, limit, tag, said):
    budget = Budget(Limits(**{limit: 3}), 0.0)
    spend(budget)
    spend(budget.fetch())
    spend(budget.fetch().fetch())
    with pytest.raises(ResolutionFailed, match=said) as caught:
        spend(budget.fetch())
    failure = caught.value
    assert (failure.tag, failure.rcode, failure.label, failure.ede[0].code) == (tag, Rcode.SERVFAIL, "bogus", 6)
    assert failure.own_limit, "what was asked on the way is not to blame, nor is it remembered as bogus"


def test_several_names_are_hashed_for_the_price_of_each():
    budget = Budget(Limits(nsec3_hashes=5), 0.0)
    budget.spend_nsec3_hash(5)
    with pytest.raises(ResolutionFailed, match="BUDH"):
        budget.spend_nsec3_hash(1)


def test_another_reply_may_be_proven_while_less_than_half_of_the_checks_is_spent():
    budget = Budget(Limits(signature_checks=8), 0.0)
    assert budget.may_prove_again()
    budget.fetch().spend_signature_check(3)
    assert budget.may_prove_again()
    budget.spend_signature_check()
    assert not budget.may_prove_again()
    budget.spend_signature_check(4)
    with pytest.raises(ResolutionFailed, match="BUDS"):
        budget.spend_signature_check()
