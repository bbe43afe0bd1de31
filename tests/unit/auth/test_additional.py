"""Which addresses go with an RRset (resolver/auth/additional.py)."""

from __future__ import annotations

import pytest

from resolver.auth.additional import addresses
from resolver.auth.tree import plant
from resolver.wire import names
from tests.support import zone_text

ZONE = """
x. 60 IN SOA ns.x. root.x. 1 2 3 4 5
host.x. 60 IN A 192.0.2.1
host.x. 60 IN AAAA 2001:db8::1
host.x. 60 IN TXT text
cut.x. 60 IN NS ns.other.x.
cut.x. 60 IN NS ns.cut.x.
cut.x. 60 IN NS host.x.
cut.x. 60 IN A 192.0.2.9
ns.cut.x. 60 IN A 192.0.2.2
other.x. 60 IN NS ns.other.x.
ns.other.x. 60 IN A 192.0.2.3
d.x. 60 IN DNAME y.
a.d.x. 60 IN A 192.0.2.4
occluded.x. 60 IN NS a.d.x.
alias.x. 60 IN CNAME host.x.
"""
NODES = plant(names.from_text("x."), zone_text.rrsets(ZONE.split("\n")[1:-1]))


def beside(*lines: str) -> list[str]:
    (rrset,) = zone_text.rrsets(lines)
    return [line for found in addresses(NODES, rrset) for line in zone_text.lines([found])]


HOST = ["host.x. 60 A 192.0.2.1", "host.x. 60 AAAA 2001:db8::1"]


@pytest.mark.rfc(9471, "3.1")
def test_a_delegation_has_all_its_addresses_those_below_it_first() -> None:
    found = beside("cut.x. 60 IN NS ns.other.x.", "cut.x. 60 IN NS host.x.", "cut.x. 60 IN NS ns.cut.x.")
    assert found == ["ns.cut.x. 60 A 192.0.2.2", "ns.other.x. 60 A 192.0.2.3", *HOST]


def test_a_delegation_to_its_own_name_has_that_address() -> None:
    assert beside("cut.x. 60 IN NS cut.x.") == ["cut.x. 60 A 192.0.2.9"]


@pytest.mark.parametrize(
    "line",
    [
        "s.x. 60 IN MX 10 HOST.x.",
        "s.x. 60 IN SRV 0 0 22 host.x.",
        "s.x. 60 IN NS host.x.",
        "s.x. 60 IN HTTPS 1 host.x. alpn=h2",
        "s.x. 60 IN SVCB 0 host.x.",
        "host.x. 60 IN HTTPS 1 . alpn=h2",
    ],
)
def test_hosts_of_a_service_bring_their_addresses(line: str) -> None:
    assert beside(line) == HOST


@pytest.mark.parametrize(
    "line",
    [
        "s.x. 60 IN MX 0 .",
        "host.x. 60 IN HTTPS 0 .",
        "s.x. 60 IN PTR host.x.",
        "s.x. 60 IN CNAME host.x.",
        "s.x. 60 IN MX 10 elsewhere.y.",
        "s.x. 60 IN MX 10 alias.x.",
        "s.x. 60 IN NS a.d.x.",
        "s.x. 60 IN MX 10 a.d.x.",
    ],
)
def test_others_bring_none(line: str) -> None:
    assert beside(line) == []


@pytest.mark.rfc(2181, "5.4.1")
@pytest.mark.parametrize("host", ["ns.cut.x.", "cut.x."])
def test_glue_is_for_delegations_alone(host: str) -> None:
    assert beside(f"s.x. 60 IN MX 10 {host}") == []


def test_a_host_named_twice_comes_once() -> None:
    assert beside("s.x. 60 IN MX 10 host.x.", "s.x. 60 IN MX 20 Host.X.") == HOST
