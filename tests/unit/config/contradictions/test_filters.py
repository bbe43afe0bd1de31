from __future__ import annotations

from typing import Any

import pytest

from resolver.config import Config
from resolver.config.contradictions import find_contradictions


def found(filters: dict[str, Any], **more: Any) -> list[str]:
    """What contradicts itself, a line each; the validation of a whole raises it."""
    try:
        config = Config.model_validate({"filters": filters, **more})
    except ValueError as wrong:
        (error,) = wrong.errors()  # type: ignore[attr-defined]
        return str(error["ctx"]["error"]).splitlines()
    assert find_contradictions(config) == []
    return []


GOOD = {
    "local_zones": {"corp.test": "static", "sink.test": "redirect"},
    "local_data": ["www.corp.test A 192.0.2.1", "a.corp.test CNAME www.corp.test", "sink.test A 192.0.2.2"],
    "block": ["ads.test"],
    "allow": ["good.ads.test"],
    "rebinding": True,
    "rebinding_names": ["plex.test"],
    "dns64": ["64:ff9b::/96", "2001:db8::/96"],
    "dns64_clients": ["2001:db8::/32"],
}


def test_settings_that_go_together_are_no_contradiction():
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (
            {"rebinding_names": ["a.test"]},
            "filters.rebinding_names: rebinding_names is set, but rebinding is off; set rebinding = true, or remove "
            "rebinding_names",
        ),
        (
            {"dns64_clients": ["2001:db8::/32"]},
            "filters.dns64_clients: dns64_clients is set, but dns64 has no prefix; set dns64 to a prefix, or remove "
            "dns64_clients",
        ),
        (
            {"allow": ["a.test"]},
            "filters.allow: allow is set, but nothing is blocked; set block_lists, or remove allow",
        ),
        (
            {"block": ["a.test"], "allow": ["A.test."]},
            'filters.allow: "a.test." is blocked and allowed; remove it from one of the two',
        ),
        (
            {"dns64": ["64:ff9b::/96", "64:ff9b::/96"]},
            'filters.dns64: "64:ff9b::/96" stands there twice; remove one',
        ),
        (
            {"rebinding": True, "rebinding_pools": ["offise"]},
            "filters.rebinding_pools: there is no pool \"offise\"; did you mean 'office'?",
        ),
        (
            {"local_zones": {"corp.test": "always_null"}, "local_data": ["www.corp.test A 192.0.2.1"]},
            "filters.local_data: www.corp.test. is in the local zone corp.test. (always_null), which does not look at "
            'records; write "static" in its place, or remove it',
        ),
        (
            {"local_zones": {"corp.test": "redirect"}, "local_data": ["www.corp.test A 192.0.2.1"]},
            "filters.local_data: www.corp.test. is below the local zone corp.test. (redirect), which has records at "
            'its top; write "static" or "transparent" for that zone',
        ),
        (
            {"local_data": ["a.test CNAME b.test", "a.test A 192.0.2.1"]},
            "filters.local_data: a.test. has a CNAME record and others; remove one: an alias stands alone (RFC 1034 "
            "section 3.6.2)",
        ),
        (
            {"local_data": ["a.test CNAME b.test", "B.test CNAME A.test"]},
            "filters.local_data: the alias a.test. leads back to itself; lead it to a name with an address",
        ),
    ],
)
def test_settings_that_cannot_stand_together_are_told_with_what_to_write(filters, said):
    pools = {"office": {"members": ["192.0.2.10"]}}
    assert said in found(filters, pools=pools)


def test_two_aliases_of_one_name_are_too_many():
    assert found({"local_data": ["a.test CNAME b.test", "a.test CNAME c.test"]}) != []


def test_of_a_chain_of_aliases_only_the_ring_is_told_wherever_one_begins():
    chain = ["a.test CNAME b.test", "b.test CNAME c.test", "c.test CNAME b.test", "d.test CNAME d.test"]
    for data in (chain, chain[::-1]):
        told = found({"local_data": [*data, "e.test CNAME f.test", "f.test A 192.0.2.1"]})
        names = sorted(line.partition("the alias ")[2].partition(" leads back")[0] for line in told)
        assert names == ["b.test.", "c.test.", "d.test."]
