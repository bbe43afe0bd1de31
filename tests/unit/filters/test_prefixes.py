from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.filters.prefixes import LENGTHS, PRIVATE, Prefix, Ranges, reverse_v4, reversed_v6
from resolver.wire import names

PROPERTY = settings(derandomize=True, deadline=None, max_examples=100)
V4 = ipaddress.IPv4Address("192.0.2.33").packed


@pytest.mark.rfc(6052, "2.4")
@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ],
)
def test_addresses_are_embedded_as_the_rfc_shows(prefix, address):
    made = Prefix(ipaddress.IPv6Network(prefix))
    assert str(ipaddress.IPv6Address(made.embed(V4))) == str(ipaddress.IPv6Address(address))
    assert made.extract(ipaddress.IPv6Address(address).packed) == V4


@PROPERTY
@given(st.binary(min_size=4, max_size=4), st.sampled_from(LENGTHS))
def test_what_is_embedded_is_extracted_and_nothing_else(address, length):
    made = Prefix(ipaddress.ip_network(f"2001:db8::/{length}"))
    inside = made.embed(address)
    assert made.extract(inside) == address
    assert inside[8] == 0 or length == 96
    assert Prefix(ipaddress.ip_network(f"2001:dead::/{length}")).extract(inside) is None


@pytest.mark.parametrize("network", ["64:ff9b::/95", "::/0", "2001:db8::/128"])
def test_no_other_length_is_one_of_a_prefix(network):
    with pytest.raises(ValueError, match="32, 40, 48, 56, 64 or 96 bits"):
        Prefix(ipaddress.IPv6Network(network))


def test_the_zero_octet_of_a_prefix_is_zero():
    with pytest.raises(ValueError, match="bits 64 to 71"):
        Prefix(ipaddress.IPv6Network("2001:db8:0:0:100::/96"))


@PROPERTY
@given(st.ip_addresses())
def test_private_addresses_are_those_in_the_networks(address):
    assert (address.packed in Ranges(PRIVATE)) == any(address in each for each in PRIVATE)
    assert address.packed not in Ranges(PRIVATE, PRIVATE)


@PROPERTY
@given(st.ip_addresses(v=6))
def test_the_reverse_name_of_an_address_leads_back_to_it(address):
    assert reversed_v6(names.from_text(address.reverse_pointer)) == address.packed


@PROPERTY
@given(st.ip_addresses(v=4))
def test_the_reverse_name_of_an_ipv4_address_is_made(address):
    assert reverse_v4(address.packed) == names.from_text(address.reverse_pointer)


@pytest.mark.parametrize("text", ["ip6.arpa", "1.ip6.arpa", "g." * 32 + "ip6.arpa", "10." + "0." * 31 + "ip6.arpa"])
def test_what_is_no_whole_reverse_name_leads_nowhere(text):
    assert reversed_v6(names.from_text(text)) is None
