"""Decides what the words of a record in presentation format mean: its type, its TTL, and its data.

Rules: names and data are read by dnspython, relative names below an origin. What cannot be read is `Bad`, which says
what to write instead; unknown words come with the nearest that is known.

Limits: class IN only. Types that are for questions alone are no data.
"""

from __future__ import annotations

import struct
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.ttl

from resolver.auth import syntax
from resolver.text import nearest

MAX_TTL: Final = 0x7FFFFFFF
"""RFC 2181 section 8."""
MAX_RDATA: Final = 0xFFFF
"""RDLENGTH has 16 bits."""
MAX_SHOWN: Final = 60
"""Characters of data that an error repeats."""

_TYPES: Final[dict[str, int]] = {}


class Bad(Exception):
    """What is wrong with the words at hand, and what to write instead."""

    def __init__(self, text: str, instead: str = "") -> None:
        super().__init__(text)
        self.instead = instead


def type_of(text: str) -> int:
    """The type of that mnemonic. Raises `Bad`."""
    number = _TYPES.get(text)
    if number is None:
        try:
            number = int(dns.rdatatype.from_text(text))
        except (dns.exception.DNSException, ValueError):
            known = [kind.name for kind in dns.rdatatype.RdataType]
            hint = nearest(text.upper(), known) if len(text) < 12 else ""
            hint = hint if hint.startswith("did") else "write a type such as A, or TYPE65280 for one without a name"
            raise Bad(f"unknown record type {text!r}", hint) from None
        if dns.rdatatype.is_metatype(dns.rdatatype.RdataType(number)) or number == 0:
            raise Bad(f"{text} is a type for questions, not for data", "remove the record")
        if len(_TYPES) < 256:
            _TYPES[text] = number
    return number


def ttl_of(text: str) -> int:
    """Seconds. Raises `Bad`."""
    try:
        ttl = dns.ttl.from_text(text)
    except (dns.exception.DNSException, ValueError):
        raise Bad(f"{text!r} is no TTL", "write seconds, as 3600, or units, as 1h30m") from None
    if ttl > MAX_TTL:
        raise Bad(f"the TTL {text} is too large", f"at most {MAX_TTL} (RFC 2181 section 8)")
    return ttl


def name_of(text: str, origin: dns.name.Name) -> dns.name.Name:
    """The name, below `origin` unless it is absolute. Raises `Bad`."""
    try:
        return dns.name.from_text(text, origin)
    except (dns.exception.DNSException, ValueError) as error:
        raise Bad(f"{text!r} is no domain name: {_why(error)}", "labels have 1 to 63 octets") from None


def rdata_of(rtype: int, text: str, origin: dns.name.Name) -> bytes:
    """The data of a record as uncompressed wire. Raises `Bad`."""
    kind = dns.rdatatype.RdataType(rtype)
    try:
        wire = dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin, False).to_wire() or b""
    except (dns.exception.DNSException, ValueError, OverflowError, struct.error) as error:
        word = dns.rdatatype.to_text(kind)
        raise Bad(f"bad {word} data {text[:MAX_SHOWN]!r}: {_why(error)}", syntax.example(word)) from None
    if len(wire) > MAX_RDATA:
        raise Bad(f"the data has {len(wire)} octets", f"a record holds at most {MAX_RDATA}")
    return wire


def rdata_text(rtype: int, rdata: bytes) -> str:
    """The data of a record, uncompressed wire that was read before, in presentation format with absolute names."""
    return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.RdataType(rtype), rdata, 0, len(rdata)).to_text()


def _why(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".").lower()
