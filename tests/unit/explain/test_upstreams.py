"""What is advised where no upstream could be reached."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from resolver.explain.upstreams import unreachable
from resolver.network.base import Trouble


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (Trouble.REFUSED, "Start it, or let its port through its firewall"),
        (
            Trouble.UNTRUSTED.because("it has expired"),
            "Compare what it shows with its `address`, its `pins` and `tls_ca`",
        ),
        (Trouble.NO_TLS.because("what listens there speaks no TLS"), "Compare what it shows with its `address`"),
    ],
)
def test_who_is_there_and_shows_something_else_is_not_to_be_started(trouble, advice):
    case = SimpleNamespace(tag="plun", led="", reason=f".: a member of the pool (192.0.2.1:853): {trouble}")
    said = unreachable(case)
    assert said.advice.startswith(advice)
    assert str(trouble) in said.text
