"""Decides what a policy zone wants to be told, from the records of one owner name.

Rules (draft section 3)
* `CNAME .` is NXDOMAIN, `CNAME *.` NODATA, `CNAME rpz-passthru.` leaves the answer as it is, `CNAME rpz-drop.` tells
  nothing, `CNAME rpz-tcp-only.` truncates over UDP. A CNAME to the trigger's own name is an older way to say passthru.
* `CNAME *.garden.example.` leads to the name that was asked for, below `garden.example.`; any other CNAME leads where
  it says.
* All other records are data: told to who asks for their type, and NODATA to others.

Limits: SOA, NS and the records of DNSSEC are no policy and are passed over; DNAME cannot be told as data.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Final, NamedTuple

from resolver.message import Class, RRset, Type
from resolver.text import nearest
from resolver.wire import names, types

_CNAME: Final = int(Type.CNAME)

PASSED_OVER: Final = frozenset((int(Type.SOA), int(Type.NS), int(Type.RRSIG), int(Type.NSEC), int(Type.DNSKEY), 50, 51))
"""No policy: what makes a zone of it, and what signs that; 50 and 51 are NSEC3 and NSEC3PARAM."""

_UNUSABLE: Final = frozenset((int(Type.DNAME),))
_RESERVED: Final = b"rpz-"
"""What the last label of a target begins with that is no name."""

MAX_DATA: Final = 256
"""Records that are told for one trigger: more hardly fit into a message."""

MAX_SHARED: Final = 1024
"""Actions of each sort that rules share: most rules of a zone say the same, and a million should not hold a million."""

_WILDCARD: Final = b"\x01*"


class Kind(enum.StrEnum):
    """What is done."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    PASSTHRU = "passthru"
    DROP = "drop"
    TCP_ONLY = "tcp-only"
    DATA = "data"
    CNAME = "cname"


class Action(NamedTuple):
    """What is done; of DATA, `rrsets` without an owner; of CNAME, the `target` and the `ttl` of the alias. With `below`
    the alias leads to the name that was asked for, below `target`."""

    kind: Kind
    rrsets: tuple[RRset, ...] = ()
    target: bytes = b""
    ttl: int = 0
    below: bool = False

    def leads_to(self, name: bytes) -> bytes | None:
        """Where `name` is led by a CNAME; None where that would be too long a name."""
        if not self.below:
            return self.target
        made = name[:-1] + self.target
        return made if len(made) <= names.MAX_NAME else None


SPECIAL: Final = {
    "rpz-passthru.": Kind.PASSTHRU,
    "rpz-drop.": Kind.DROP,
    "rpz-tcp-only.": Kind.TCP_ONLY,
}
_SIMPLE: Final = {names.from_text(each): kind for each, kind in SPECIAL.items()} | {
    names.ROOT: Kind.NXDOMAIN,
    _WILDCARD + names.ROOT: Kind.NODATA,
}
"""What a CNAME to each of these means."""

SIMPLE: Final = {kind: Action(kind) for kind in Kind}
"""One of each that says nothing more, as most rules are."""


def of_cname(target: bytes, ttl: int, trigger: bytes) -> Action:
    """What a CNAME to `target` wants for the `trigger`, a folded name, or empty for one that is none.

    Raises `ValueError`.
    """
    folded = names.fold(target)
    simple = _SIMPLE.get(folded)
    if simple is not None:
        return SIMPLE[simple]
    if names.last_labels(folded, 1).startswith(_RESERVED, 1):
        raise ValueError(f"{names.to_text(folded)} is no action; {nearest(names.to_text(folded), SPECIAL)}")
    return SIMPLE[Kind.PASSTHRU] if folded == trigger else _leading(target, ttl)


@lru_cache(MAX_SHARED)
def _leading(target: bytes, ttl: int) -> Action:
    """A CNAME that leads to `target`."""
    if target.startswith(_WILDCARD):
        return Action(Kind.CNAME, (), target[len(_WILDCARD) :], ttl, below=True)
    return Action(Kind.CNAME, (), target, ttl)


def with_data(action: Action | None, rtype: int, ttl: int, rdata: bytes) -> Action:
    """`action` with one record more to be told. Raises `ValueError`."""
    if rtype in _UNUSABLE:
        raise ValueError(f"{types.to_text(rtype)} cannot be told as data")
    if action is None:
        return _alone(rtype, ttl, rdata)
    if action.kind is not Kind.DATA:
        raise ValueError("a CNAME stands for the same trigger already")
    if sum(len(rrset.rdatas) for rrset in action.rrsets) >= MAX_DATA:
        raise ValueError(f"the trigger has {MAX_DATA} records already; write fewer, of which a client needs one")
    rrsets = list(action.rrsets)
    for at, rrset in enumerate(rrsets):
        if rrset.type == rtype:
            if rdata not in rrset.rdatas:
                rrsets[at] = rrset._replace(ttl=min(rrset.ttl, ttl), rdatas=(*rrset.rdatas, rdata))
            return action._replace(rrsets=tuple(rrsets))
    return action._replace(rrsets=(*rrsets, RRset(b"", rtype, Class.IN, ttl, (rdata,))))


@lru_cache(MAX_SHARED)
def _alone(rtype: int, ttl: int, rdata: bytes) -> Action:
    """The data of one record."""
    return Action(Kind.DATA, (RRset(b"", rtype, Class.IN, ttl, (rdata,)),))
