"""Decides what a record is that somebody has written into the configuration: one of RFC 1035 section 5.1, on a line.

Rules: `NAME [TTL] [IN] TYPE RDATA`, names absolute with or without their last dot; the same without a name where the
name is that of the question. What cannot be read is told with what to write instead.

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
MAX_RDATA: Final = 0xFFFF
"""RDLENGTH has 16 bits (RFC 1035 section 3.2.1)."""
MAX_SHOWN: Final = 80
"""Characters of a record that an error repeats."""
_NAMED: Final = re.compile(r"\s*(\S+)\s+(\S.*)", re.DOTALL)
_BEHIND: Final = re.compile(r"\s*(?:(\d+)\s+)?(?:(?i:IN)\s+)?(?:(\d+)\s+)?([A-Za-z]\S*)\s+(\S.*?)\s*", re.DOTALL)
_OF_MESSAGES: Final = frozenset((0, int(Type.OPT), *range(249, 256)))
"""TKEY, TSIG and what is asked for alone (RFC 6895 section 3.1); 0 is reserved."""


class Record(NamedTuple):
    """A record; `name` keeps its letter case, `ttl` None is that of the setting; `rdata` is uncompressed wire."""

    name: bytes
    ttl: int | None
    type: int
    rdata: bytes


class Told(NamedTuple):
    """What stands behind the name of a record."""

    ttl: int | None
    type: int
    rdata: bytes


def read(text: str) -> Record:
    """The record that `text` writes. Raises ValueError with what is wrong and what to write instead."""
    words = _NAMED.fullmatch(text)
    if words is None:
        raise ValueError(f"{_shown(text)} is no record; {INSTEAD}")
    try:
        name = names.from_text(words[1])
    except BadName as wrong:
        raise ValueError(f"{_shown(text)} has no name in front ({wrong}); {INSTEAD}") from None
    if name.startswith(names.WILDCARD):
        instead = 'give its zone the type "redirect" in filters.local_zones, and the record its name'
        raise ValueError(f"{_shown(text)} is a wildcard, which stands for nothing here; {instead}")
    return Record(name, *behind(words[2], text, INSTEAD))


def behind(words: str, text: str, instead: str) -> Told:
    """What `words` say, which stand behind a name. Raises ValueError with what is wrong with the whole `text`, and
    what to write `instead`."""
    found = _BEHIND.fullmatch(words)
    if found is None:
        raise ValueError(f"{_shown(text)} is no record; {instead}")
    before, after, rtype, rdata = found.groups()
    ttl = before or after
    if ttl is not None and (len(ttl) > len(str(MAX_TTL)) or int(ttl) > MAX_TTL):
        raise ValueError(f"{_shown(text)} has a TTL beyond {MAX_TTL}; write seconds")
    try:
        number = types.from_text(rtype)
    except ValueError as wrong:
        raise ValueError(f"{_shown(text)}: {wrong}") from None
    if number in _OF_MESSAGES:
        raise ValueError(f"{_shown(text)}: {rtype} is a type of messages, not of data; {instead}")
    try:
        return Told(None if ttl is None else int(ttl), number, _rdata(number, rdata))
    except ValueError as wrong:
        what = f"{_shown(text)}: {_shown(rdata)} is no data of type {types.to_text(number)} ({wrong})"
        raise ValueError(f"{what}; {instead}") from None


def _rdata(rtype: int, text: str) -> bytes:
    """The data that `text` writes, uncompressed. Raises ValueError with why it is none."""
    import struct

    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    if "\n" in text:
        raise ValueError("it goes on behind the end of its line")
    try:
        made = dns.rdatatype.RdataType.make(rtype)
        read = dns.rdata.from_text(dns.rdataclass.IN, made, text, origin=dns.name.root, relativize=False)
        octets = bytes(read.to_wire() or b"")
    except (dns.exception.DNSException, ValueError, ArithmeticError, struct.error) as wrong:
        raise ValueError(" ".join(str(wrong).split()).rstrip(".") or type(wrong).__name__) from None
    if len(octets) > MAX_RDATA:
        raise ValueError(f"it takes {len(octets)} octets; a record holds {MAX_RDATA}")
    return octets


def _shown(text: str) -> str:
    return quoted(text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}...")
