from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.message import Edns
from resolver.pipeline.conversation import is_of_another
from resolver.routing.actions import AddSubnet
from resolver.subnets import option_of
from tests.support.rules import query


@pytest.mark.rfc(7871, "6")
@given(st.ip_addresses(), st.integers(1, 32), st.integers(1, 128))
def test_the_option_has_just_the_bits_that_are_told_and_zeros_behind_them(address, ipv4: int, ipv6: int):
    data = option_of(query(client=str(address)), AddSubnet(ipv4, ipv6))
    bits = ipv4 if address.version == 4 else ipv6
    family, source, scope, octets = int.from_bytes(data[:2], "big"), data[2], data[3], data[4:]
    assert (family, source, scope, len(octets)) == (1 if address.version == 4 else 2, bits, 0, -(-bits // 8))
    whole = octets + bytes(len(address.packed) - len(octets))
    assert ipaddress.ip_network((ipaddress.ip_address(whole), bits), strict=True).network_address.packed == whole
    assert address in ipaddress.ip_network((ipaddress.ip_address(whole), bits))


@pytest.mark.rfc(7871, "7.1.2")
def test_nothing_is_told_of_who_wants_nothing_told_or_has_no_address():
    subnet = AddSubnet(24, 56)
    assert option_of(query(options=((8, b"\0\1\0\0"),)), subnet) is None
    assert option_of(query(client="of a test"), subnet) is None
    assert option_of(query(options=((8, b"\0\1\x18\0\x01\x02\x03"),)), subnet) == b"\0\1\x18\0\xc0\0\2"


@pytest.mark.rfc(7871, "7.3")
@pytest.mark.parametrize(
    ("data", "another"),
    [
        (b"\0\1\x18\0\xc0\0\2", False),
        (b"\0\1\x18\x10\xc0\0\2", False),
        (b"\0\1\x17\0\xc0\0\2", True),
        (b"\0\1\x18\0\xc0\0\3", True),
        (b"\0\2\x18\0\xc0\0\2", True),
        (b"", True),
    ],
)
def test_a_reply_is_for_the_subnet_that_was_told_whatever_its_scope(data: bytes, another: bool):
    assert is_of_another(Edns(options=((8, data),)), b"\0\1\x18\0\xc0\0\2") is another


def test_a_reply_that_says_nothing_of_subnets_is_for_all():
    assert not is_of_another(Edns(), b"\0\1\x18\0\xc0\0\2")
    assert not is_of_another(None, b"\0\1\x18\0\xc0\0\2")
