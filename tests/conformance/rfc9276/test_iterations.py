"""How many iterations of NSEC3 are worked out (RFC 9276 section 3.2)."""

from __future__ import annotations

import dns.name
import pytest

from resolver.dnssec import denial
from resolver.dnssec.denial import Insecure, Iterations, Proven, Unproven, Verdict
from resolver.message import Rcode, Type
from tests.support.denials import APEX, Model
from tests.support.messages import name

ZONE = name("example.")
MODEL = Model({APEX: frozenset({Type.NS, Type.SOA}), dns.name.from_text("a.example."): frozenset({Type.A})})


class Counted:
    """Pays for every hash, and counts what it costs."""

    def __init__(self) -> None:
        self.paid = 0

    def __call__(self, price: int) -> None:
        self.paid += price


def denied(iterations: int, limits: Iterations, spend: Counted | None = None) -> Verdict:
    sets = MODEL.nsec3(iterations, "ab")
    return denial.prove(name("b.example."), Type.A, Rcode.NXDOMAIN, sets, ZONE, spend or Counted(), limits)


@pytest.mark.rfc(9276, "3.2")
@pytest.mark.parametrize(
    ("iterations", "told"), [(0, Proven), (50, Proven), (51, Insecure), (150, Insecure), (151, Unproven)]
)
def test_above_one_limit_an_answer_is_insecure_and_above_the_other_it_is_not_believed(
    iterations: int, told: type
) -> None:
    verdict = denied(iterations, Iterations(50, 150))
    assert isinstance(verdict, told)
    assert isinstance(verdict, Proven) or verdict.ede == 27


@pytest.mark.rfc(9276, "3.2")
def test_both_limits_are_settings() -> None:
    assert isinstance(denied(3, Iterations(2, 5)), Insecure)
    assert isinstance(denied(6, Iterations(2, 5)), Unproven)
    assert isinstance(denied(200, Iterations(300, 300)), Proven)


@pytest.mark.rfc(9276, "3.2")
@pytest.mark.parametrize("iterations", [51, 151, 2500])
def test_nothing_is_hashed_that_is_not_worked_out(iterations: int) -> None:
    spend = Counted()
    denied(iterations, Iterations(50, 150), spend)
    assert spend.paid == 0


@pytest.mark.rfc(9276, "3.2")
def test_the_limits_are_those_of_wildcards_and_delegations_too() -> None:
    sets, limits = MODEL.nsec3(60), Iterations(50, 150)
    assert isinstance(denial.no_ds(name("a.example."), sets, ZONE, Counted(), limits), Insecure)
    assert isinstance(denial.wildcard_expansion(name("b.example."), ZONE, sets, ZONE, Counted(), limits), Insecure)


@pytest.mark.rfc(9276, "3.2")
@pytest.mark.parametrize(("iterations", "price"), [(0, 1), (19, 1), (20, 2), (50, 3)])
def test_a_name_costs_more_where_it_is_hashed_often(iterations: int, price: int) -> None:
    spend = Counted()
    names_hashed = 3  # the name, the apex, the wildcard
    denied(iterations, Iterations(50, 150), spend)
    assert spend.paid == names_hashed * price
