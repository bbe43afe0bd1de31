"""What happened in a test becomes a scenario that can be played without it."""

from __future__ import annotations

import pytest

from resolver.errors import InputError
from resolver.testing import internet
from resolver.testing.replay.verdict import Status, judge


def test_a_test_can_be_played_again_without_its_code(tmp_path):
    path = tmp_path / "some.rpl"
    with internet() as dns:
        dns.zone("shop.example.", {"www": {"A": ["192.0.2.1", "192.0.2.2"]}, "api": {"CNAME": "www"}})
        assert dns.resolve("api.shop.example").addresses == ["192.0.2.1", "192.0.2.2"]
        dns.server("ns1.shop.example.").drop()
        dns.clock.advance("5m")
        assert dns.resolve("api.shop.example").rcode == "NOERROR"
        assert dns.resolve("gone.shop.example").rcode == "NXDOMAIN"
        dns.zone("shop.example.", {"www": {"A": "192.0.2.9"}})
        dns.clock.advance("5m")
        assert dns.resolve("www.shop.example").addresses == ["192.0.2.9"]
        verdict = dns.export_scenario(path, title="A shop moves")
    assert verdict.status is Status.PASS, list(verdict.details())
    text = path.read_text()
    assert "SCENARIO_BEGIN A shop moves\n" in text
    assert judge(path).status is Status.PASS
    head, middle, steps = text.partition("STEP 1 ")
    path.write_text(head + middle + steps.replace("192.0.2.9", "192.0.2.8"))
    assert judge(path).status is Status.FAIL


def test_an_internet_that_was_asked_nothing_is_no_scenario(tmp_path):
    with internet() as dns:
        dns.zone("shop.example.", {"www": {"A": "192.0.2.1"}})
        with pytest.raises(InputError, match="no client has asked anything"):
            dns.export_scenario(tmp_path / "some.rpl")


FAILING = """
def test_shop(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.server("ns1.shop.example").drop()
    dns.resolve("www.shop.example")
    dns.clock.advance("5m")
    assert dns.resolve("www.shop.example").addresses == ["192.0.2.9"]

def test_asked_nothing(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.server("ns1.shop.example").drop()
    assert False

def test_passes(dns):
    dns.zone("shop.example", {"www": {"A": "192.0.2.1"}})
    dns.resolve("www.shop.example")
"""


def test_each_failure_leaves_a_scenario_where_that_is_wanted(pytester):
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_inprocess("--dns-export", "scenarios/of failures", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=2, passed=1)
    (path,) = (pytester.path / "scenarios/of failures").iterdir()
    assert path.name == "test_each_failure_leaves_a_scenario_where_that_is_wanted.py-test_shop.rpl"
    assert judge(path).status is Status.PASS
    shown = result.stdout.str()
    assert "(`resolver replay` says PASS)" in shown
    assert "no scenario: no client has asked anything" in shown


def test_a_directory_that_cannot_be_made_costs_no_report(pytester):
    pytester.makepyfile(FAILING)
    (pytester.path / "taken").write_text("a file")
    result = pytester.runpytest_inprocess("--dns-export", "taken", "-k", "shop")
    assert "no scenario: [Errno" in result.stdout.str()
    assert "seed 1;" in result.stdout.str()
