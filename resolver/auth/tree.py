"""Where a name falls in a zone: on a node, at the closest encloser above it, or behind a cut or a DNAME.

Rules:

* A name exists when it owns records or when a name below it does (an empty non-terminal, RFC 4592 section
  2.2.2). The closest encloser of a name is its longest existing ancestor (RFC 4592 section 3.3.1).
* NS records below the apex make a zone cut: what lies at it, except the DS, and below it is not
  authoritative here (RFC 1034 section 4.2.1).
* A DNAME sends the names below its owner elsewhere; records there are occluded (RFC 6672 section 2.4). The
  owner itself is unaffected. Beside NS below the apex, where RFC 6672 section 2.4 wants no DNAME, the cut
  prevails.
* The topmost cut or DNAME on the way down from the apex decides; each node knows the one above it, so that
  a lookup needs nothing but the nodes that do not exist.

Limits: a lookup costs a dictionary access for each label that the name has beyond its closest encloser. The
tree is never changed once it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from resolver.errors import ZoneError
from resolver.message import Class, RRset, Type
from resolver.wire import names

_SINGLE: Final = (Type.SOA, Type.CNAME, Type.DNAME)
"""One record of these at a name (RFC 1035 section 5.2, RFC 2181 section 10.1, RFC 6672 section 2.4)."""


class Node(NamedTuple):
    """An existing name: its folded form, and its RRsets by ascending type; none at an empty non-terminal.

    `turn` is the RRset here that turns questions for names below away, be it the NS of a cut or a DNAME;
    `above` is the topmost node above this one that has such a turn.
    """

    name: bytes
    rrsets: tuple[RRset, ...]
    turn: RRset | None
    above: Node | None

    def get(self, rtype: int) -> RRset | None:
        """The RRset of that type here."""
        for rrset in self.rrsets:
            if rrset.type == rtype:
                return rrset
        return None

    @property
    def is_cut(self) -> bool:
        """Another zone begins here."""
        return self.turn is not None and self.turn.type == Type.NS

    @property
    def is_occluded(self) -> bool:
        """The node lies below a DNAME, so that its records do not exist for anyone."""
        return self.above is not None and not self.above.is_cut

    @property
    def is_authoritative(self) -> bool:
        """The records here are this zone's own: neither glue nor occluded nor a delegation."""
        return self.above is None and not self.is_cut


Grouped = dict[bytes, dict[int, RRset]]


def plant(apex: bytes, rrsets: Iterable[RRset]) -> dict[bytes, Node]:
    """The nodes of the zone at the folded name `apex`, by folded name, each after the nodes above it.

    RRsets of one name and type become one, with the lowest TTL (RFC 2181 section 5.2). Raises ZoneError for
    data that cannot be served: outside the apex, of another class, two records where one is the limit.
    """
    grouped = _grouped(apex, rrsets)
    nodes: dict[bytes, Node] = {}
    for name in sorted(grouped, key=len):
        parent = None if name == apex else nodes[name[name[0] + 1 :]]
        nodes[name] = _node(name, grouped[name], parent)
    return nodes


def closest_encloser(nodes: Mapping[bytes, Node], name: bytes) -> Node:
    """The node of the folded `name`, or of its longest existing ancestor. `name` must lie in the zone."""
    node = nodes.get(name)
    while node is None:
        name = name[name[0] + 1 :]
        node = nodes.get(name)
    return node


def _node(name: bytes, owned: Mapping[int, RRset], parent: Node | None) -> Node:
    rrsets = tuple(owned[rtype] for rtype in sorted(owned))
    cut = owned.get(Type.NS) if parent is not None else None
    above = None
    if parent is not None:
        above = parent.above or (parent if parent.turn is not None else None)
    return Node(name, rrsets, cut or owned.get(Type.DNAME), above)


def _grouped(apex: bytes, rrsets: Iterable[RRset]) -> Grouped:
    grouped: Grouped = {apex: {}}
    for rrset in rrsets:
        name = _checked(apex, rrset)
        owned = grouped.get(name)
        if owned is None:
            owned = grouped[name] = {}
            above = name[name[0] + 1 :]
            while above not in grouped:
                grouped[above] = {}
                above = above[above[0] + 1 :]
        known = owned.get(rrset.type)
        if known is not None:
            rdatas = tuple(dict.fromkeys(known.rdatas + rrset.rdatas))
            rrset = known._replace(ttl=min(known.ttl, rrset.ttl), rdatas=rdatas)
        if rrset.type in _SINGLE and len(rrset.rdatas) > 1:
            what = f"{names.to_text(name)} has {len(rrset.rdatas)} {Type(rrset.type).name} records"
            raise ZoneError(what, instead="keep one of them")
        owned[rrset.type] = rrset
    return grouped


def _checked(apex: bytes, rrset: RRset) -> bytes:
    """The folded owner of an RRset that can be served from the zone."""
    name = names.fold(rrset.name)
    if not names.is_below(name, apex):
        what = f"{names.to_text(name)} is outside the zone {names.to_text(apex)}"
        raise ZoneError(what, instead="move it to the zone that it belongs to")
    if rrset.cls != Class.IN:
        raise ZoneError(f"{names.to_text(name)} has a record of class {rrset.cls}", instead="use class IN")
    if not rrset.rdatas:
        raise ZoneError(f"{names.to_text(name)} has an RRset of type {rrset.type} without records")
    if rrset.type == Type.SOA and name != apex:
        what = f"{names.to_text(name)} has an SOA record below the apex {names.to_text(apex)}"
        raise ZoneError(what, instead="give it a zone of its own")
    return name
