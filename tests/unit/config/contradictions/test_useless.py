"""Settings of pools that nothing would come of."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.config import Config
from resolver.config.contradictions import find_contradictions
from resolver.config.contradictions.useless import _KEYS
from resolver.config.sections.pools import Pool

RELAY = {"mode": "relay", "listen": ["127.0.0.1:5301"]}
TLS, HTTPS = ["tls://192.0.2.1#dns.example"], ["https://192.0.2.1#dns.example"]


def told(**pool: Any) -> list[str]:
    settings = Pool.model_validate({"members": ["192.0.2.1"], **pool})
    config = Config().model_copy(update={"pools": {"office": settings}})
    return [f"{each.section}.{each.key}: {each.what}; {each.instead}" for each in find_contradictions(config)]


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ({"sticky_s": 60}, 'no client keeps its member; write sticky = "memory"'),
        ({"sticky_max_clients": 10}, 'no client keeps its member; write sticky = "memory"'),
        ({"load_bound": 2.0}, 'the policy does not look at it; write policy = "consistent-hash"'),
        ({"client_ipv4_prefix": 24}, 'nothing looks at clients; write policy = "client-hash"'),
        ({"client_ipv6_prefix": 56}, 'nothing looks at clients; write policy = "client-hash"'),
        ({"resolv_conf": "/run/x"}, 'the members are listed; write members = "system"'),
        ({"https_method": "GET"}, "no member is asked over HTTPS; write a member as https://"),
        ({"tls_ca": "/etc/ca.pem"}, "no certificate is looked at; write a member as tls:// or https://"),
        ({"relay_timeout_ms": 100}, 'mode is "forward"; write mode = "relay"'),
        ({"relay_max_pending": 10}, 'mode is "forward"; write mode = "relay"'),
        ({"relay_max_streams": 10}, 'mode is "forward"; write mode = "relay"'),
        ({"relay_idle_s": 3}, 'mode is "forward"; write mode = "relay"'),
        ({"retry_ms": 100, **RELAY}, 'a relay asks nobody twice; write mode = "forward"'),
        ({"hedge_percent": 0, **RELAY}, 'a relay asks nobody twice; write mode = "forward"'),
    ],
)
def test_a_setting_that_nothing_comes_of_is_told_with_what_it_would_take(pool: dict[str, Any], said: str):
    key = next(iter(pool))
    assert told(**pool) == [f"pools.office.{key}: {key} is set, but {said}, or remove {key}"]


@pytest.mark.parametrize(
    "pool",
    [
        {},
        {"sticky": "memory", "sticky_s": 60, "sticky_max_clients": 10, "client_ipv4_prefix": 24},
        {"policy": "consistent-hash", "load_bound": 2.0},
        {"policy": "client-hash", "client_ipv6_prefix": 56},
        {"client_ipv4_prefix": 24, "relay_idle_s": 3, "policy": "consistent-hash", **RELAY},
        {"members": "system", "resolv_conf": "/run/x"},
        {"members": HTTPS, "https_method": "GET", "tls_ca": "/etc/ca.pem"},
        {"members": TLS, "tls_ca": "/etc/ca.pem", "retry_ms": 100, "hedge_percent": 0},
        {"check": "https", "tls_ca": "/etc/ca.pem", "check_fall": 1, "check_interval_ms": 100},
        {"check": "none", "check_interval_ms": 100, "passive_fall": 1},
    ],
)
def test_what_something_comes_of_may_be_set(pool: dict[str, Any]):
    assert told(**pool) == []


def test_all_of_these_are_settings_of_pools():
    assert {key for about in _KEYS for key in about.keys} <= Pool.model_fields.keys()
