"""Who is to be asked for a zone: delegations, their glue, and which name a server is asked for.

Rules
* Glue is believed for names in that referral's NS set that lie inside the zone of the server that sent it
  (in-domain or sibling, RFC 9499), and used for that delegation only. A delegation is good for as long as its NS set
  and all of its glue are.
* At most `MAX_NS` names of a delegation and `MAX_ADDRESSES` per name are kept, a choice that the order of the
  records decides; NXNS attacks live on long lists.
* A minimised name has one label more than the zone (RFC 9156 section 3); after `MAX_MINIMISED` of them the
  full name is asked.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final, NamedTuple

from resolver.message import Class, Message, Question, RRset, Type
from resolver.network.base import Endpoint
from resolver.wire import names

MAX_NS: Final = 13
"""The names that the root itself has; no zone needs more."""
MAX_ADDRESSES: Final = 8
MAX_MINIMISED: Final = 10
"""RFC 9156 section 2.3, MAX_MINIMISE_COUNT."""


class NameServer(NamedTuple):
    """One name of an NS set, folded, with the addresses that its glue gave."""

    name: bytes
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """The servers of `zone` (folded), good for `ttl` seconds. `configured`: a stub zone or root hints, not learnt."""

    zone: bytes
    servers: tuple[NameServer, ...]
    ttl: int
    configured: bool = False


def of_referral(message: Message, ns: RRset, sender_zone: bytes, port: int) -> Delegation:
    """The delegation that a referral with the NS set `ns`, sent by a server of `sender_zone`, makes."""
    listed = tuple(dict.fromkeys(names.fold(target) for target in ns.rdatas))[:MAX_NS]
    believed = {name for name in listed if names.is_below(name, sender_zone)}
    glue: dict[bytes, list[Endpoint]] = {}
    ttl = ns.ttl
    for rrset in message.additional:
        owner = names.fold(rrset.name)
        if owner in believed and rrset.type in (Type.A, Type.AAAA) and rrset.cls == Class.IN:
            glue.setdefault(owner, []).extend(endpoints(rrset, port))
            ttl = min(ttl, rrset.ttl)
    servers = tuple(NameServer(name, tuple(glue.get(name, ())[:MAX_ADDRESSES])) for name in listed)
    return Delegation(names.fold(ns.name), servers, ttl)


def endpoints(rrset: RRset, port: int) -> list[Endpoint]:
    """The endpoints that an A or AAAA RRset names."""
    return [Endpoint(address_text(each), port) for each in rrset.rdatas]


def address_text(octets: bytes) -> str:
    """An address in canonical text form (RFC 5952), from the 4 or 16 octets of an A or AAAA."""
    if len(octets) == 4:
        return f"{octets[0]}.{octets[1]}.{octets[2]}.{octets[3]}"
    return ipaddress.IPv6Address(octets).compressed


def minimised(question: Question, zone: bytes, extra_labels: int) -> Question:
    """What a server of `zone` is asked in place of `question`: `extra_labels` more than the zone, of type A."""
    count = names.depth(zone) + extra_labels
    if extra_labels > MAX_MINIMISED or count >= names.depth(question.name):
        return question
    return Question(names.last_labels(question.name, count), Type.A, question.cls)
