from __future__ import annotations

import ipaddress

import pytest

from resolver.errors import ResolutionFailed
from resolver.filters.prefixes import Prefix
from resolver.filters.rebinding import Rebinding
from resolver.message import Client, Query, Question, Rcode, Reply, Transport, Type
from tests.support.messages import name, sets

QUERY = Query(Question(name("WWW.evil.test."), Type.A), Client("192.0.2.9", 5, Transport.UDP), 1, 0.0)
LINKED = ["www.evil.test. 9 IN CNAME a.other.test.", "a.other.test. 9 IN A 10.0.0.1"]


def refused(*lines: str, exceptions: tuple[str, ...] = (), **options) -> bool:
    policy = Rebinding([name(each) for each in exceptions], **options)
    assert policy.before(QUERY) is None
    verdict = policy.after(QUERY, Reply(0, sets(lines), storable=True))
    if verdict is None:
        return False
    assert verdict.reply.rcode == Rcode.REFUSED
    assert verdict.reply.ede[0].code == 15
    assert verdict.reply.ede[0].text.endswith("from outside [RBND]")
    assert not verdict.reply.storable
    return True


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "::", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::192.168.0.1",
    ],
)  # fmt: skip
def test_a_private_address_is_refused(address):
    assert refused(f"www.evil.test. 9 IN {'AAAA' if ':' in address else 'A'} {address}")


@pytest.mark.parametrize("address", ["192.0.2.1", "172.32.0.1", "11.0.0.0", "2001:db8::1", "::ffff:192.0.2.1"])
def test_others_are_not(address):
    assert not refused(f"www.evil.test. 9 IN {'AAAA' if ':' in address else 'A'} {address}")


@pytest.mark.parametrize("asked", ["localhost.", "app.LOCALHOST."])
def test_the_name_of_this_machine_is_not_from_outside(asked):
    query = QUERY._replace(question=Question(name(asked), Type.A))
    assert Rebinding([]).after(query, Reply(0, sets([f"{asked} 9 IN A 127.0.0.1"]))) is None


def test_one_among_others_is_enough():
    assert refused("www.evil.test. 9 IN A 192.0.2.1", "www.evil.test. 9 IN A 10.0.0.1")


def test_behind_the_prefix_of_a_translator_it_is_the_address_inside_that_counts():
    translated = [Prefix(ipaddress.IPv6Network("2001:db8:64::/96"))]
    line = "www.evil.test. 9 IN AAAA 2001:db8:64::10.0.0.1"
    assert not refused(line)
    assert refused(line, translated=translated)
    assert not refused("www.evil.test. 9 IN AAAA 2001:db8:64::192.0.2.1", translated=translated)


@pytest.mark.rfc(9460, "7.3")
@pytest.mark.parametrize("data", ["1 . ipv4hint=192.0.2.1,10.0.0.1", "1 svc.test. alpn=h2 ipv6hint=fd00::1"])
def test_hints_are_addresses(data):
    assert refused(f"www.evil.test. 9 IN HTTPS {data}")
    assert not refused("www.evil.test. 9 IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1")
    assert not refused("www.evil.test. 9 IN HTTPS 0 other.test.")


@pytest.mark.parametrize("rdata", [b"", b"\0", b"\0\1", b"\0\1\0\0\4\0\xff\x0a", b"\0\1\0\0\4\0\3\x0a\0\0"])
def test_a_broken_service_record_is_no_address(rdata):
    (rrset,) = sets("www.evil.test. 9 IN HTTPS 1 .")
    assert Rebinding([]).after(QUERY, Reply(0, (rrset._replace(rdatas=(rdata,)),))) is None


@pytest.mark.parametrize("exception", ["www.evil.test.", "evil.test.", "."])
def test_names_at_or_below_an_exception_may(exception):
    assert not refused("www.evil.test. 9 IN A 10.0.0.1", exceptions=(exception,))
    assert refused("www.evil.test. 9 IN A 10.0.0.1", exceptions=("b.evil.test.", "vil.test."))


def test_an_alias_of_anybody_that_leads_to_an_exception_is_refused():
    assert refused(*LINKED)
    assert refused(*LINKED, exceptions=("other.test.",))
    assert not refused(*LINKED, exceptions=("evil.test.",))


def test_addresses_of_some_networks_may_be_told():
    allowed = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]
    assert not refused("www.evil.test. 9 IN A 10.0.0.1", allowed=allowed)
    assert not refused("www.evil.test. 9 IN AAAA ::1", allowed=allowed)
    assert refused("www.evil.test. 9 IN A 192.168.0.1", allowed=allowed)


def test_failures_are_left_as_they_are():
    assert Rebinding([]).after(QUERY, ResolutionFailed("TEST", 22, "x")) is None
