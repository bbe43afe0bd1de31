"""Decides which answers could make a browser attack the network it is in: those from outside with private addresses
(DNS rebinding).

Rules
* A private address is one that nobody reaches from elsewhere: of this host or network, of RFC 1918, RFC 4193, RFC 6598,
  link-local, loopback; also as IPv4-mapped IPv6, or behind the prefixes of a translator (NAT64), where a client comes
  to the IPv4 address all the same.
* An answer that has one is refused as a whole, with an extended error (15): the rest of it would only hide what was
  tried. Hints of SVCB and HTTPS records are addresses, too.
* Names at or below an exception may have them, and so may those of zones that the configuration sends elsewhere: such
  are no names of the Internet. It is the name asked for that counts, by which a page is known to its browser: an alias
  of anybody's may lead to an exception.
* `localhost` and what is below it are nobody's but this machine's (RFC 6761 section 6.3): they are exceptions.

Limits: what is answered from local data is not from outside, and does not pass here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from resolver.filters import told
from resolver.filters.policy import Cause, Result, Settled
from resolver.filters.prefixes import MAPPED, PRIVATE, WELL_KNOWN, Networks, Prefix, Ranges
from resolver.message import Ede, Query, Reply, RRset, Type
from resolver.wire import names

REBINDING: Final = "rebinding"
"""The kind of cause."""
_LOCALHOST: Final = names.from_text("localhost.")
_V4_HINT: Final = 4
_V6_HINT: Final = 6
"""The parameters of SVCB that hold addresses (RFC 9460 section 7.3)."""


class Rebinding:
    """The policy against answers from outside that lead inside."""

    by_client = False
    looks_back = True

    def __init__(
        self,
        exceptions: Collection[bytes],
        allowed: Networks = (),
        translated: Sequence[Prefix] = (),
    ) -> None:
        """`exceptions` are names, folded; addresses in `allowed` are not private; in those that are `translated` there
        are IPv4 addresses."""
        self._exceptions = frozenset((*exceptions, _LOCALHOST))
        self._private = Ranges(PRIVATE, allowed)
        self._translated = (MAPPED, WELL_KNOWN, *translated)

    def before(self, query: Query) -> None:
        """Of a question there is nothing to say."""
        return

    def after(self, query: Query, result: Result) -> Settled | None:
        """The refusal of an answer with a private address."""
        if not isinstance(result, Reply):
            return None
        for rrset in result.answer:
            for address in _addresses(rrset):
                if self._is_private(address):
                    excepted = self._is_excepted(query.question.name.lower())
                    return None if excepted else _refused(rrset, address)
        return None

    def _is_excepted(self, name: bytes) -> bool:
        return any(each in self._exceptions for each in names.ancestors(name))

    def _is_private(self, address: bytes) -> bool:
        if address in self._private:
            return True
        if len(address) == 4:
            return False
        inside = (each.extract(address) for each in self._translated)
        return any(each is not None and each in self._private for each in inside)


def _addresses(rrset: RRset) -> Iterator[bytes]:
    """The addresses in the records of `rrset`."""
    if rrset.type in (Type.A, Type.AAAA):
        yield from rrset.rdatas
    elif rrset.type in (Type.SVCB, Type.HTTPS):
        for rdata in rrset.rdatas:
            yield from _hints(rdata)


def _hints(rdata: bytes) -> Iterator[bytes]:
    """The addresses among the parameters of an SVCB record (RFC 9460 section 2.2); of one that is broken, none."""
    at = 2
    while at < len(rdata) and rdata[at]:
        at += rdata[at] + 1
    at += 1
    while at + 4 <= len(rdata):
        key, length = int.from_bytes(rdata[at : at + 2], "big"), int.from_bytes(rdata[at + 2 : at + 4], "big")
        value = rdata[at + 4 : at + 4 + length]
        width = 4 if key == _V4_HINT else 16 if key == _V6_HINT else 0
        for begin in range(0, len(value) - width + 1, width) if width else ():
            yield value[begin : begin + width]
        at += 4 + length


def _refused(rrset: RRset, address: bytes) -> Settled:
    shown, name = str(ipaddress.ip_address(address)), names.to_text(rrset.name.lower())
    text = f"{name} leads to {shown}, a private address, from outside [RBND]"
    return Settled(Cause(REBINDING, shown, "filters.rebinding"), told.refusal((Ede(told.BLOCKED, text),)))
