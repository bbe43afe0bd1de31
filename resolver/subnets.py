"""Decides who is asked where a pool is told of the client's subnet (RFC 7871): no answer is told to another one.

Rules
* Each subnet of a pool is a branch of its own: its answers are found by nobody else, whatever the scope that a server
  has given them. So an answer that is good for many is asked for by each.
* What is told is the first bits of the client's address. A client that says it wants nothing told, by a subnet of no
  bits (RFC 7871 section 7.1.2), is asked for as any other; other subnets that clients claim are not looked at.
* Look-ups on the way, such as those for keys, are the pool's and tell of nobody.

Limits: `MAX_SUBNETS` of each pool; then the one that was asked for longest ago is forgotten.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from resolver.answering import Stage
from resolver.branching import Branch
from resolver.message import Query
from resolver.pipeline.conversation import SUBNET_OPTION
from resolver.routing.actions import AddSubnet

if TYPE_CHECKING:
    from resolver.dnssec.trust import Trust

MAX_SUBNETS: Final = 256
COUNTED: Final = ("cache.subnets",)
"""What is counted where pools are told of clients."""
_FAMILIES: Final = {4: 1, 6: 2}
"""Address family numbers (RFC 7871 section 6)."""

Make = Callable[[bytes], Branch]
"""Makes the branch on which servers are told a subnet, as the data of the option."""


class Subnets:
    """The branches of one pool, by subnet."""

    def __init__(self, make: Make, trust: Trust | None = None) -> None:
        """`trust` is what proves the answers of all of them."""
        self._make, self.trust = make, trust
        self._branches: dict[bytes, tuple[Branch, Stage]] = {}

    def __len__(self) -> int:
        return len(self._branches)

    def branches(self) -> Iterator[Branch]:
        """Those that there are."""
        for branch, _ in self._branches.values():
            yield branch

    def stage(self, query: Query, subnet: AddSubnet) -> Stage | None:
        """What answers `query` for the subnet of its client; None where nothing may be told of that."""
        data = option_of(query, subnet)
        if data is None:
            return None
        known = self._branches.pop(data, None)
        if known is None:
            if len(self._branches) >= MAX_SUBNETS:
                oldest = next(iter(self._branches))
                del self._branches[oldest]
            branch = self._make(data)
            known = branch, branch.stage()
        self._branches[data] = known
        return known[1]


def option_of(query: Query, subnet: AddSubnet) -> bytes | None:
    """The data of the option that tells so much of who asks; None where that is nothing."""
    options = () if query.edns is None else query.edns.options
    if any(code == SUBNET_OPTION and data[2:3] == b"\0" for code, data in options):
        return None
    try:
        address = ipaddress.ip_address(query.client.host)
    except ValueError:
        return None
    bits = subnet.ipv4 if address.version == 4 else subnet.ipv6
    network = ipaddress.ip_network((address, bits), strict=False)
    octets = network.network_address.packed[: (bits + 7) // 8]
    return _FAMILIES[address.version].to_bytes(2, "big") + bytes((bits, 0)) + octets
