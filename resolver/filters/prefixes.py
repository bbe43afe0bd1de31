"""Decides where an IPv4 address stands in an IPv6 one (RFC 6052), and which addresses are private.

Rules: behind a prefix of 32, 40, 48, 56, 64 or 96 bits, leaving out the octet of bits 64 to 71, which is zero (RFC 6052
section 2.2). The well-known prefix stands for no address that is not global (section 3.1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, TypeAlias

from resolver.wire import names

Networks: TypeAlias = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

LENGTHS: Final = (32, 40, 48, 56, 64, 96)
"""Bits of a prefix (RFC 6052 section 2.2)."""
_ZERO: Final = 8
"""The octet that is always 0."""
_V4: Final = 4
_V6: Final = 16
_IP6_ARPA: Final = names.from_text("ip6.arpa.")
_IN_ADDR_ARPA: Final = names.from_text("in-addr.arpa.")
_NIBBLES: Final = 32


class Prefix:
    """A prefix behind which IPv4 addresses stand."""

    __slots__ = ("_octets", "_places", "network")

    def __init__(self, network: ipaddress.IPv6Network) -> None:
        """Raises ValueError for a length that no prefix has, or one whose zero octet is none."""
        if network.prefixlen not in LENGTHS:
            raise ValueError(f"a prefix has {', '.join(map(str, LENGTHS[:-1]))} or {LENGTHS[-1]} bits")
        self.network = network
        begin = network.prefixlen // 8
        self._octets = network.network_address.packed
        if self._octets[_ZERO]:
            raise ValueError("bits 64 to 71 of a prefix are 0 (RFC 6052 section 2.2)")
        self._places = tuple(at for at in range(begin, _V6) if at != _ZERO)[:_V4]

    def __str__(self) -> str:
        return str(self.network)

    def embed(self, address: bytes) -> bytes:
        """The IPv6 address that stands for the IPv4 `address`."""
        octets = bytearray(self._octets)
        for at, octet in zip(self._places, address, strict=True):
            octets[at] = octet
        return bytes(octets)

    def extract(self, address: bytes) -> bytes | None:
        """The IPv4 address that the IPv6 `address` stands for; None if it is not behind this prefix."""
        found = bytes([address[at] for at in self._places])
        return found if self.embed(found) == address else None


MAPPED: Final = Prefix(ipaddress.IPv6Network("::ffff:0:0/96"))
"""IPv4-mapped addresses (RFC 4291 section 2.5.5.2)."""
WELL_KNOWN: Final = Prefix(ipaddress.IPv6Network("64:ff9b::/96"))
"""RFC 6052 section 2.1."""

PRIVATE: Final[Networks] = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.168.0.0/16", "255.255.255.255/32", "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10"),
        ),
    )
)
"""The networks that nobody reaches from elsewhere (RFC 6890; fec0::/10 was site-local, RFC 3879)."""


class Ranges:
    """The addresses, as octets, that are in some networks and not in others."""

    __slots__ = ("_within", "_without")

    def __init__(self, within: Networks, without: Networks = ()) -> None:
        self._within, self._without = _ends(within), _ends(without)

    def __contains__(self, address: bytes) -> bool:
        length = len(address)
        for size, first, last in self._within:
            if size == length and first <= address <= last:
                return not any(size == length and first <= address <= last for size, first, last in self._without)
        return False


def _ends(networks: Networks) -> list[tuple[int, bytes, bytes]]:
    """How long the addresses of each network are, the first and the last of them."""
    found = [(each.network_address.packed, each.broadcast_address.packed) for each in networks]
    return [(len(first), first, last) for first, last in found]


def reversed_v6(name: bytes) -> bytes | None:
    """The address whose reverse name `name`, folded, is (RFC 3596 section 2.5); None where it is none, or not whole."""
    if not name.endswith(_IP6_ARPA) or len(name) != 2 * _NIBBLES + len(_IP6_ARPA):
        return None
    nibbles = name[1 : 2 * _NIBBLES : 2]
    if name[0 : 2 * _NIBBLES : 2] != b"\1" * _NIBBLES:
        return None
    try:
        return bytes.fromhex(nibbles[::-1].decode("ascii"))
    except ValueError:
        return None


def reverse_v4(address: bytes) -> bytes:
    """The reverse name of the IPv4 `address` (RFC 1035 section 3.5)."""
    labels = [str(octet).encode() for octet in reversed(address)]
    return b"".join(bytes((len(label),)) + label for label in labels) + _IN_ADDR_ARPA
