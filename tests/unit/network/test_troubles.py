from __future__ import annotations

import errno

import pytest

from resolver.network.base import Trouble
from resolver.network.troubles import local_trouble_of, trouble_of


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (errno.ECONNREFUSED, Trouble.REFUSED),
        (errno.EHOSTUNREACH, Trouble.UNREACHABLE),
        (errno.ENETUNREACH, Trouble.UNREACHABLE),
        (errno.EADDRNOTAVAIL, Trouble.LOCAL),
        (errno.EPIPE, Trouble.RESET),
        (errno.ETIMEDOUT, Trouble.TIMEOUT),
        (errno.EMFILE, Trouble.LOCAL),
        (errno.EPERM, Trouble.LOCAL),
        (None, Trouble.LOCAL),
    ],
)
def test_an_errno_is_told_as_what_it_means_to_the_sender(code, trouble):
    error = OSError() if code is None else OSError(code, "")
    assert trouble_of(error) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (errno.ENETUNREACH, Trouble.NO_ROUTE),
        (errno.EADDRNOTAVAIL, Trouble.NO_ROUTE),
        (errno.EAFNOSUPPORT, Trouble.NO_ROUTE),
        (errno.EHOSTUNREACH, Trouble.UNREACHABLE),
        (errno.EMFILE, Trouble.LOCAL),
    ],
)
def test_what_is_met_before_anything_has_left_is_told_apart_from_what_others_said(code, trouble):
    assert local_trouble_of(OSError(code, "")) is trouble


def test_a_number_that_is_no_port_is_our_own_mistake():
    assert local_trouble_of(OverflowError()) is Trouble.LOCAL
