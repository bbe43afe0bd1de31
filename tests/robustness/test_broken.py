"""Silent zones fail fast and hold nobody up; a network that loses one exchange in ten is hardly noticed."""

from __future__ import annotations

import pytest

from resolver.message import Rcode
from tests.robustness.broken import SILENT_S, silence, weather
from tests.robustness.world import ROUND_TRIP_MS


@pytest.mark.parametrize("hosts", [1, 2, 4, 13])
@pytest.mark.parametrize(
    "how", [{}, {"below": True}, {"glue": False}], ids=["with glue", "below a zone that replies", "without glue"]
)
def test_a_silent_zone_is_servfail_within_three_seconds_and_delays_nobody(hosts: int, how: dict[str, bool]) -> None:
    heard = silence(hosts, **how)
    assert heard.rcode == Rcode.SERVFAIL
    assert heard.seconds <= SILENT_S
    assert heard.beside <= 2 * ROUND_TRIP_MS / 1000 + 0.001


def test_of_good_names_999_in_a_thousand_resolve_while_one_exchange_in_ten_is_lost() -> None:
    seen = weather(2000, own_servers=False)
    assert seen.share >= 0.999, seen


def test_so_do_those_of_zones_whose_servers_nobody_has_heard_of() -> None:
    seen = weather(2000, own_servers=True)
    assert seen.share >= 0.999, seen
