"""Who is to be asked for a zone: delegations, their glue, and which name a server is asked for.

Rules
* Glue is believed for names in that referral's NS set that lie inside the zone of the server that sent it
  (in-domain or sibling, RFC 9499), and used for that delegation only. A delegation is good for as long as its NS set
  and all of its glue are.
* At most `Trim.names` names of a delegation and `Trim.addresses` of each are kept, a random choice: NXNS attacks live
  on long lists, and whoever orders a list must not decide who is asked. One name with an address is always among them
  if there is any, so that what is left can be asked at once.
* A minimised name has one label more than the zone (RFC 9156 section 3); after `MAX_MINIMISED` of them the
  full name is asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, MutableSequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from resolver.message import Class, Message, Question, RRset, Type
from resolver.network.base import Endpoint
from resolver.wire import names

T = TypeVar("T")

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

_ADDRESSES: Final = frozenset(map(int, (Type.A, Type.AAAA)))
_IN: Final = int(Class.IN)

MAX_MINIMISED: Final = 10
"""RFC 9156 section 2.3, MAX_MINIMISE_COUNT."""


class NameServer(NamedTuple):
    """One name of an NS set, folded, with the addresses that its glue gave."""

    name: bytes
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """The servers of `zone` (folded), good for `ttl` seconds. `configured`: a stub zone or root hints, not learnt.

    `parent` is the zone whose server said so; empty where nobody did.
    """

    zone: bytes
    servers: tuple[NameServer, ...]
    ttl: int
    configured: bool = False
    parent: bytes = b""
    streams: frozenset[Endpoint] = frozenset()
    """Those that the configuration has asked over TCP alone."""


def _as_they_stand(_: MutableSequence[Any]) -> None:
    """The order of a list is left as it is."""


@dataclass(frozen=True, slots=True)
class Trim:
    """How much is used of a delegation; `shuffle` brings a list into random order, so that chance chooses."""

    names: int = 13
    addresses: int = 8
    shuffle: Callable[[MutableSequence[Any]], None] = _as_they_stand

    def names_of(self, listed: list[bytes], placed: Container[bytes]) -> list[bytes]:
        """At most `names` of `listed`, one of `placed` among them if there is any."""
        chosen = self._some(listed, self.names)
        if len(chosen) < len(listed) and not any(each in placed for each in chosen):
            chosen[-1:] = self._some([each for each in listed if each in placed], 1) or chosen[-1:]
        return chosen

    def addresses_of(self, found: list[Endpoint]) -> list[Endpoint]:
        """At most `addresses` of the addresses of one name server."""
        return self._some(found, self.addresses)

    def _some(self, items: list[T], most: int) -> list[T]:
        if len(items) <= most:
            return items
        mixed = items.copy()
        self.shuffle(mixed)
        return mixed[:most]


UNTOUCHED: Final = Trim()
"""The first of each list: for replies that no stranger sent."""


def of_referral(message: Message, ns: RRset, sender_zone: bytes, port: int, trim: Trim = UNTOUCHED) -> Delegation:
    """The delegation that a referral with the NS set `ns`, sent by a server of `sender_zone`, makes."""
    owned, _, _, ttl, targets, _ = ns
    listed = dict.fromkeys([target.lower() for target in targets])
    glue: dict[bytes, list[RRset]] = {}
    for rrset in message.additional:
        name, rtype, cls, _, _, _ = rrset
        owner = name.lower()
        if rtype in _ADDRESSES and cls == _IN and owner in listed and names.is_below(owner, sender_zone):
            glue.setdefault(owner, []).append(rrset)
    servers = []
    for name in trim.names_of(list(listed), glue):
        found: list[Endpoint] = []
        for rrset in glue.get(name, ()):
            found.extend(endpoints(rrset, port))
            ttl = min(ttl, rrset.ttl)
        servers.append(_make(NameServer, (name, tuple(trim.addresses_of(found)))))
    return Delegation(owned.lower(), tuple(servers), ttl, parent=sender_zone)


def endpoints(rrset: RRset, port: int) -> list[Endpoint]:
    """The endpoints that an A or AAAA RRset names."""
    return [_make(Endpoint, (address_text(each), port)) for each in rrset.rdatas]


def address_text(octets: bytes) -> str:
    """An address in canonical text form (RFC 5952), from the 4 or 16 octets of an A or AAAA."""
    if len(octets) == 4:
        return "%d.%d.%d.%d" % tuple(octets)  # noqa: UP031 - takes three fifths of the time
    return ipaddress.IPv6Address(octets).compressed


def minimised(question: Question, zone: bytes, extra_labels: int) -> Question:
    """What a server of `zone`, in which `question` is, is asked for it: `extra_labels` more than the zone, type A."""
    name = question.name
    below = len(name) - len(zone)
    starts = [0]
    pos = name[0] + 1
    if pos >= below:
        return question
    while pos < below:
        starts.append(pos)
        pos += name[pos] + 1
    if extra_labels > MAX_MINIMISED or extra_labels >= len(starts):
        return question
    return _make(Question, (name[starts[-extra_labels] :], Type.A, question.cls))
