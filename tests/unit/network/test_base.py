"""What trouble says of itself."""

from __future__ import annotations

import pytest

from resolver.network.base import Trouble


@pytest.mark.parametrize("kind", list(Trouble))
def test_trouble_with_a_reason_is_still_trouble_of_that_kind(kind):
    told = kind.because("it is Tuesday")
    assert isinstance(told, Trouble)
    assert str(told) == f"{told}" == f"{kind}: it is Tuesday"
    assert told.kind is kind
    assert kind.kind is kind
    assert told.because("it rains").kind is kind
    assert str(told.because("it rains")) == f"{kind}: it rains"


def test_it_is_none_of_the_others_and_stands_in_no_list_of_them():
    told = Trouble.UNTRUSTED.because("it is Tuesday")
    assert told not in list(Trouble)
    assert told not in frozenset(Trouble)
    assert told != Trouble.UNTRUSTED
    assert told == Trouble.UNTRUSTED.because("it is Tuesday")
    assert {told: 1}[Trouble.UNTRUSTED.because("it is Tuesday")] == 1
    match told:
        case Trouble():
            pass
        case _:
            pytest.fail("not matched as trouble")
