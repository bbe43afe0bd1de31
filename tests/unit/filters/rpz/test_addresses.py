from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.filters.rpz.addresses import Networks, read


@pytest.mark.parametrize(
    ("owner", "network"),
    [
        ("32.1.2.0.192", "192.0.2.1/32"),
        ("24.0.2.0.192", "192.0.2.0/24"),
        ("8.0.0.0.10", "10.0.0.0/8"),
        ("1.0.0.0.128", "128.0.0.0/1"),
        ("128.1.0.0.0.0.0.db8.2001", "2001:db8::1/128"),
        ("128.1.zz.db8.2001", "2001:db8::1/128"),
        ("48.zz.1.db8.2001", "2001:db8:1::/48"),
        ("128.57.zz.101.db8.2001", "2001:db8:101::57/128"),
        ("128.1.zz", "::1/128"),
        ("64.zz.3.2.1.fd00", "fd00:1:2:3::/64"),
        ("128.8.7.6.5.4.3.zz.1", "1:0:3:4:5:6:7:8/128"),
    ],
)
def test_a_network_is_written_from_its_end(owner: str, network: str) -> None:
    assert str(read(owner.split("."))) == network


@pytest.mark.parametrize(
    ("owner", "why"),
    [
        ("", "no prefix length"),
        ("33.1.2.0.192", "33 is none of 1 to 32"),
        ("0.0.0.0.0", "0 is none of 1 to 32"),
        ("024.0.2.0.192", "'024' is no prefix length"),
        ("24.1.2.0.192", "bits behind the prefix; write 24.0.2.0.192"),
        ("32.1.2.0.256", "'256' is no part"),
        ("32.01.2.0.192", "'01' is no part"),
        ("32.1.2.0", "3 parts are neither"),
        ("32.1.2.3.4.5", "5 parts are neither"),
        ("128.1.zz.1.zz", "zz stands for words of 0 once"),
        ("128.1.2.3.4.5.6.7.8.zz", "zz stands for words of 0 once"),
        ("129.1.zz.db8.2001", "129 is none of 1 to 128"),
        ("128.g.zz.db8.2001", "'g' is no part"),
        ("128.00001.zz.db8.2001", "'00001' is no part"),
        ("48.1.zz.db8.2001", "bits behind the prefix; write 48.0.0.0.0.0.0.db8.2001"),
    ],
)
def test_what_is_no_network_is_told_with_why(owner: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(owner.split("."))


def test_a_trigger_without_an_address_is_none() -> None:
    with pytest.raises(ValueError, match="no address stands before"):
        read(())


def written(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[str]:
    address = network.network_address
    if isinstance(address, ipaddress.IPv4Address):
        return [str(network.prefixlen), *reversed(str(address).split("."))]
    words = [f"{int(word, 16):x}" for word in address.exploded.split(":")]
    return [str(network.prefixlen), *reversed(words)]


networks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(1, 32)), st.tuples(st.ip_addresses(v=6), st.integers(1, 128))
).map(lambda pair: ipaddress.ip_network(pair, strict=False))


@given(networks)
def test_every_network_is_read_as_it_is_written(network) -> None:
    assert ipaddress.ip_network(str(read(written(network)))) == network


@given(st.lists(networks, max_size=30), st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_the_smallest_network_that_has_an_address_is_found(listed, address) -> None:
    made: Networks[str] = Networks()
    for network in listed:
        made.put(read(written(network)), str(network))
    there = [each for each in listed if each.version == address.version and address in each]
    found = made.find(address.packed)
    assert (found and found[1]) == (str(max(there, key=lambda each: each.prefixlen)) if there else None)
    assert made.count == len({*listed})
