"""Decides who takes the most of what there is for all, when some of it must go.

Rules: an address is one client. But who has a network has as many addresses as it likes, and with IPv6 without asking
anybody. So where no address takes more than its due, a network is one client: an IPv4 /24 and an IPv6 /48, which is the
most that a site gets (RFC 6177).

Limits: the networks of `REMEMBERED` addresses are remembered.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Protocol, TypeVar

REMEMBERED: Final = 4096

_FOUR: Final = 24
_SIX: Final = 48


class Hosted(Protocol):
    """What a client takes."""

    @property
    def host(self) -> str:
        """The address of the client."""
        ...


One = TypeVar("One", bound=Hosted)


@lru_cache(REMEMBERED)
def network_of(host: str) -> tuple[int, int]:
    """The network of `host`, an address as text: its version, and the bits that all addresses of it have."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    length = _FOUR if address.version == 4 else _SIX
    return address.version, int(address) >> address.max_prefixlen - length


def oldest_of_the_greediest(taken: Iterable[One], beyond: int, newcomer: str = "") -> One | None:
    """The first of what is `taken` by the client with the most, if that has at least `beyond` more than the one at
    `newcomer`: by address, or else by network. None where nobody has."""
    ones = tuple(taken)
    hosts = Counter(each.host for each in ones)
    greediest, most = hosts.most_common(1)[0]
    if most >= hosts[newcomer] + beyond:
        return next(each for each in ones if each.host == greediest)
    networks = Counter(network_of(each.host) for each in ones)
    network, most = networks.most_common(1)[0]
    if most >= (networks[network_of(newcomer)] if newcomer else 0) + beyond:
        return next(each for each in ones if network_of(each.host) == network)
    return None
