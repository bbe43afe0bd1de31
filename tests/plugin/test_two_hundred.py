"""How long two hundred tests take that have an internet each, in two processes; printed, not asserted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(200))
def test_failover(dns, number):
    dns.zone("shop.example", {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}})
    dns.zone("eu.shop.example", {"www": {"A": "192.0.2.3"}})
    assert dns.resolve("api.shop.example").addresses == ["192.0.2.1", "192.0.2.2"]
    assert dns.resolve("www.eu.shop.example").addresses == ["192.0.2.3"]
    dns.server("ns1.shop.example").drop()
    dns.server("ns1.eu.shop.example").drop()
    dns.set("www.eu.shop.example", "A", f"198.51.100.{number}")
    assert dns.resolve("www.eu.shop.example").addresses == ["192.0.2.3"]
    dns.clock.advance("5m")
    assert dns.resolve("api.shop.example").rcode == "NOERROR"
    assert dns.resolve("www.eu.shop.example").addresses == [f"198.51.100.{number}"]
    assert dns.history.count(server="a.gtld.test.") == 1
"""


def test_two_hundred_tests(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], library: Callable[[str], Any]
) -> None:
    library("xdist")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-n", "2", "-q")
    result.assert_outcomes(passed=200)
    with capsys.disabled():
        print(f"\n200 tests with an internet each, in two processes: {result.duration:.1f} s")
