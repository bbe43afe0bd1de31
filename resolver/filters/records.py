"""Decides what a record is that somebody has written into the configuration: one of RFC 1035 section 5.1, on a line.

Rules: `NAME [TTL] [IN] TYPE RDATA`, names absolute with or without their last dot. What cannot be read is told with
what to write instead.

Limits: class IN, data types only. dnspython reads what stands behind the type; it is loaded for that alone.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from resolver.errors import BadName
from resolver.message import Type
from resolver.text import quoted
from resolver.wire import names, types

INSTEAD: Final = 'write "NAME [TTL] TYPE DATA", as in "www.example.com 300 A 192.0.2.1"'
MAX_TTL: Final = 2_147_483_647
"""RFC 2181 section 8."""
_WORDS: Final = re.compile(r"\s*(\S+)(?:\s+(\d+))?(?:\s+(?i:IN))?(?:\s+(\d+))?\s+([A-Za-z]\S*)\s+(\S.*?)\s*", re.DOTALL)


class Record(NamedTuple):
    """A record; `name` keeps its letter case, `ttl` None is that of the setting; `rdata` is uncompressed wire."""

    name: bytes
    ttl: int | None
    type: int
    rdata: bytes


def read(text: str) -> Record:
    """The record that `text` writes. Raises ValueError with what is wrong and what to write instead."""
    words = _WORDS.fullmatch(text)
    if words is None:
        raise ValueError(f"{quoted(text)} is no record; {INSTEAD}")
    owner, before, behind, rtype, rdata = words.groups()
    ttl = before or behind
    if ttl is not None and int(ttl) > MAX_TTL:
        raise ValueError(f"{quoted(text)} has a TTL beyond {MAX_TTL}; write seconds")
    try:
        name = names.from_text(owner)
    except BadName as wrong:
        raise ValueError(f"{quoted(text)} has no name in front ({wrong}); {INSTEAD}") from None
    if name.startswith(names.WILDCARD):
        instead = 'give its zone the type "redirect" in filters.local_zones, and the record its name'
        raise ValueError(f"{quoted(text)} is a wildcard, which stands for nothing here; {instead}")
    try:
        number = types.from_text(rtype)
    except ValueError as wrong:
        raise ValueError(f"{quoted(text)}: {wrong}") from None
    if number in (Type.OPT, Type.TSIG) or 249 <= number <= 255:
        raise ValueError(f"{quoted(text)}: {rtype} is a type of messages, not of data; {INSTEAD}")
    return Record(name, None if ttl is None else int(ttl), number, _rdata(text, number, rdata))


def _rdata(text: str, rtype: int, rdata: str) -> bytes:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    try:
        made = dns.rdatatype.RdataType.make(rtype)
        read = dns.rdata.from_text(dns.rdataclass.IN, made, rdata, origin=dns.name.root, relativize=False)
        return bytes(read.to_wire() or b"")
    except (dns.exception.DNSException, ValueError, ArithmeticError) as wrong:
        why = " ".join(str(wrong).split()) or type(wrong).__name__
        what = f"{quoted(text)}: {quoted(rdata)} is no data of type {types.to_text(rtype)} ({why})"
        raise ValueError(f"{what}; {INSTEAD}") from None
