from __future__ import annotations

import ipaddress

import pytest

from resolver.server import access as module
from resolver.server.access import PRIVATE, UNANSWERED, Access, is_loopback
from resolver.testing.virtual_time import VirtualClock


def access(*networks: str, refusals: int = 100, clock: VirtualClock | None = None) -> Access:
    return Access(map(ipaddress.ip_network, networks), clock or VirtualClock(), refusals)


@pytest.mark.rfc(5358, "4")
@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("10.255.0.1", True),
        ("11.0.0.1", False),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("192.167.1.1", False),
        ("100.64.0.1", True),
        ("100.127.255.255", True),
        ("100.128.0.1", False),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("127.0.0.1", True),
        ("127.53.0.1", True),
        ("::1", True),
        ("::2", False),
        ("fd00::1", True),
        ("fc00::1", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("fec0::1", False),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_private_addresses_may_ask_unless_networks_are_named(run, host, may):
    async def main():
        made = Access(PRIVATE, VirtualClock(), 100)
        return [made.allows(host) for _ in range(2)]

    assert run(main()) == [may, may]


def test_networks_that_are_named_replace_the_private_ones_but_never_loopback(run):
    async def main():
        made = access("192.0.2.0/25", "2001:db8::/32", "198.51.100.7/32")
        return {
            host: made.allows(host)
            for host in ("192.0.2.1", "192.0.2.200", "2001:db8::9", "198.51.100.7", "10.0.0.1", "127.0.0.1", "::1")
        }

    assert run(main()) == {
        "192.0.2.1": True,
        "192.0.2.200": False,
        "2001:db8::9": True,
        "198.51.100.7": True,
        "10.0.0.1": False,
        "127.0.0.1": True,
        "::1": True,
    }


def test_without_any_network_only_this_machine_may_ask(run):
    async def main():
        return [access().allows(host) for host in ("127.0.0.1", "::1", "10.0.0.1", "fd00::1")]

    assert run(main()) == [True, True, False, False]


def test_verdicts_are_remembered_within_a_bound(run, monkeypatch):
    monkeypatch.setattr(module, "VERDICTS", 50)
    decided = []

    async def main():
        made = access("10.0.0.0/8")
        decide = made._decide
        monkeypatch.setattr(made, "_decide", lambda host: decided.append(host) or decide(host))
        for _ in range(5):
            assert made.allows("10.0.0.1")
        most = 0
        for last in range(200):
            made.allows(f"192.0.2.{last}")
            most = max(most, len(made._verdicts))
        return most, made.allows("10.0.0.1"), made.allows("192.0.2.1")

    assert run(main()) == (50, True, False)
    assert decided.count("10.0.0.1") == 2


def test_refusals_are_bounded_per_second(run):
    async def main():
        clock = VirtualClock()
        made = access(refusals=3, clock=clock)
        first = [made.tells() for _ in range(5)]
        await clock.advance(1)
        return first, [made.tells() for _ in range(4)], access(refusals=0).tells()

    first, second, never = run(main())
    assert (first, second, never) == ([True] * 3 + [False] * 2, [True] * 3 + [False], False)


def test_loopback_is_this_machine():
    assert [
        host for host in ("127.0.0.1", "127.1.2.3", "::1", "128.0.0.1", "12.7.0.1", "::11") if is_loopback(host)
    ] == [
        "127.0.0.1",
        "127.1.2.3",
        "::1",
    ]


def test_the_ports_that_are_never_answered():
    assert set(UNANSWERED) == {0, 7, 13, 19, 37, 464}


def test_who_is_denied_never_may_whatever_allows_it_and_hears_nothing(run):
    async def main():
        networks = map(ipaddress.ip_network, ("10.0.0.0/8", "2001:db8::/32"))
        denied = map(ipaddress.ip_network, ("10.9.0.0/16", "2001:db8:bad::/48", "203.0.113.0/24", "127.0.0.0/8"))
        made = Access(networks, VirtualClock(), 100, denied)
        hosts = ("10.1.0.1", "10.9.0.1", "2001:db8::1", "2001:db8:bad::1", "203.0.113.1", "198.51.100.1", "127.0.0.1")
        return {host: (made.allows(host), made.denies(host)) for host in hosts}

    assert run(main()) == {
        "10.1.0.1": (True, False),
        "10.9.0.1": (False, True),
        "2001:db8::1": (True, False),
        "2001:db8:bad::1": (False, True),
        "203.0.113.1": (False, True),
        "198.51.100.1": (False, False),
        "127.0.0.1": (True, True),
    }
