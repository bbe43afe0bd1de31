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
