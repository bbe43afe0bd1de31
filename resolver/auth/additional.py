"""Which addresses go with an RRset: the additional section of an authoritative server.

Rules:

* NS, MX, SRV, SVCB and HTTPS records name hosts whose A and AAAA records will be wanted next (RFC 1034
  section 3.7.1, RFC 2782, RFC 9460 section 4.1). They are added when this zone has them.
* For a delegation every address in the zone serves, glue included, also when the host lies below another
  cut (sibling glue, RFC 9471 section 2.2). In-domain glue comes first: without it nobody reaches the child
  (RFC 9471 section 3.1), and what does not fit is cut off at the end.
* For the other types only authoritative addresses count: glue serves delegations alone (RFC 2181 section
  5.4.1).
* What lies below a DNAME does not exist (RFC 6672 section 2.4).

Limits: names are looked up as they stand; neither wildcards nor aliases lead to an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from resolver.auth.tree import Node
from resolver.message import RRset, Type
from resolver.wire import names, rdata

LEADING_TO_ADDRESSES: Final = frozenset((Type.NS, Type.MX, Type.SRV, Type.SVCB, Type.HTTPS))
"""Types that name a host whose address is wanted next."""

_SERVICE_BINDING: Final = frozenset((Type.SVCB, Type.HTTPS))
_ALIAS_MODE: Final = b"\0\0"
"""The SvcPriority of a record that says where to look instead (RFC 9460 section 2.4.2)."""


def addresses(nodes: Mapping[bytes, Node], rrset: RRset) -> tuple[RRset, ...]:
    """The A and AAAA RRsets of the hosts that `rrset` names, as far as the zone of `nodes` has them."""
    if rrset.type not in LEADING_TO_ADDRESSES:
        return ()
    found: list[RRset] = []
    for node in _hosts(nodes, rrset):
        if not node.is_authoritative and (rrset.type != Type.NS or node.is_occluded):
            continue
        found += [of for of in node.rrsets if of.type in (Type.A, Type.AAAA)]
    return tuple(found)


def _hosts(nodes: Mapping[bytes, Node], rrset: RRset) -> Iterator[Node]:
    owner = names.fold(rrset.name)
    hosts: dict[bytes, None] = {}
    for data in rrset.rdatas:
        target = rdata.target(rrset.type, data)
        if target is not None:
            hosts[names.fold(target)] = None
        elif rrset.type in _SERVICE_BINDING and data[:2] != _ALIAS_MODE:
            hosts[owner] = None  # the target "." stands for the owner itself (RFC 9460 section 2.5.2)
    in_domain_first = sorted(hosts, key=lambda host: not names.is_below(host, owner))
    return (nodes[host] for host in in_domain_first if host in nodes)
