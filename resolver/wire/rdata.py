"""Decides what stands in the rdata of each type, as far as the wire needs to know it.

A layout is a row of fields. It says which names are compressed, where names are that are looked up next, and
what length or structure is checked when a record is received:

* names of the types of RFC 1035 section 3.3 are compressed and decompressed (RFC 3597 section 4);
* names of the types that RFC 3597 section 4 lists, and of DNAME, are decompressed, and never compressed;
* names of other types must not come compressed (RFC 4034 section 3.1.7, RFC 9460 section 2.2): such rdata is
  refused;
* types without a layout are opaque (RFC 3597 section 3), and so are types that RFC 1035 or their own RFC
  define for class IN alone when they come in another class, whose rdata may look otherwise (class CH has an A
  of its own).

Limits: only structure is checked, and only where that is cheap: that an SVCB parameter or a NAPTR flag makes
sense is for whoever uses it to find out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from resolver.errors import WireError
from resolver.message import Class, Type
from resolver.wire.compression import Memo, read, read_plain

NAME: Final = -1
"""A field: a name that may come compressed."""

PLAIN: Final = -2
"""A field: a name that must not come compressed."""

STRING: Final = -3
"""A field: a length octet and as many octets (RFC 1035 section 3.3)."""

STRINGS: Final = -4
"""The last field: one or more strings."""

REST: Final = -5
"""The last field: whatever there is, even nothing."""

Layout = tuple[int, ...]
"""Fields in order; one that is not negative is a number of octets."""

COMPRESSED: Final[Mapping[int, Layout]] = {
    Type.NS: (NAME,),
    3: (NAME,),  # MD
    4: (NAME,),  # MF
    Type.CNAME: (NAME,),
    Type.SOA: (NAME, NAME, 20),
    7: (NAME,),  # MB
    8: (NAME,),  # MG
    9: (NAME,),  # MR
    Type.PTR: (NAME,),
    14: (NAME, NAME),  # MINFO
    Type.MX: (2, NAME),
}
"""The types whose names are compressed when a message is rendered: those of RFC 1035, and no others, ever."""

DECOMPRESSED: Final[Mapping[int, Layout]] = {
    17: (NAME, NAME),  # RP
    18: (2, NAME),  # AFSDB
    21: (2, NAME),  # RT
    24: (18, NAME, REST),  # SIG
    26: (2, NAME, NAME),  # PX
    30: (NAME, REST),  # NXT
    Type.SRV: (6, NAME),
    35: (4, STRING, STRING, STRING, NAME),  # NAPTR
    Type.DNAME: (NAME,),
}
"""The types whose names are decompressed besides: old senders compressed them (RFC 3597 section 4, RFC 2672)."""

CHECKED: Final[Mapping[int, Layout]] = {
    Type.A: (4,),
    11: (5, REST),  # WKS
    13: (STRING, STRING),  # HINFO
    Type.TXT: (STRINGS,),
    19: (STRING,),  # X25
    25: (4, REST),  # KEY
    27: (STRING, STRING, STRING),  # GPOS
    Type.AAAA: (16,),
    36: (2, PLAIN),  # KX
    Type.DS: (4, REST),
    44: (2, REST),  # SSHFP
    Type.RRSIG: (18, PLAIN, REST),
    Type.NSEC: (PLAIN, REST),
    Type.DNSKEY: (4, REST),
    Type.NSEC3: (4, STRING, STRING, REST),
    51: (4, STRING),  # NSEC3PARAM
    52: (3, REST),  # TLSA
    53: (3, REST),  # SMIMEA
    58: (PLAIN, PLAIN),  # TALINK
    59: (4, REST),  # CDS
    60: (4, REST),  # CDNSKEY
    Type.SVCB: (2, PLAIN, REST),
    Type.HTTPS: (2, PLAIN, REST),
    99: (STRINGS,),  # SPF
    104: (10,),  # NID
    105: (6,),  # L32
    106: (10,),  # L64
    107: (2, PLAIN),  # LP
    108: (6,),  # EUI48
    109: (8,),  # EUI64
    256: (4, REST),  # URI
    Type.CAA: (1, STRING, REST),
}
"""The types whose names, if any, are never compressed, and whose structure is checked."""

IN_ONLY: Final = frozenset((Type.A, 11, 26, Type.AAAA, Type.SRV, 35, 36, Type.SVCB, Type.HTTPS))
"""The types that are defined for class IN alone."""

LAYOUTS: Final[Mapping[int, Layout]] = {**COMPRESSED, **DECOMPRESSED, **CHECKED}

_TARGETS: Final[Mapping[int, int]] = {
    **dict.fromkeys((Type.NS, 3, 4, 7), 0),
    **dict.fromkeys((Type.MX, 18, 21, 36, Type.SVCB, Type.HTTPS), 2),
    Type.SRV: 6,
}
"""Where the name stands whose addresses are additional data (RFC 1035, RFC 1183, RFC 2782, RFC 9460)."""

_FOLDED: Final[Mapping[int, Layout]] = {
    **COMPRESSED,
    **DECOMPRESSED,
    36: CHECKED[36],
    Type.RRSIG: CHECKED[Type.RRSIG],
}
"""The types whose names are folded in canonical form (RFC 4034 section 6.2, RFC 6840 section 5.1)."""


def layout(rtype: int, cls: int) -> Layout | None:
    """The layout of a type in a class; None where the rdata is opaque."""
    if rtype in IN_ONLY and cls != Class.IN:
        return None
    return LAYOUTS.get(rtype)


def decode(wire: bytes, pos: int, stop: int, fields: Layout, memo: Memo) -> bytes:
    """The rdata between two offsets of a message, its names decompressed.

    Raises `WireError` when it is not what `fields` say, or `IndexError` when `wire` ends within it.
    """
    start = pos
    expanded = b""
    for field in fields:
        if field >= 0:
            pos += field
        elif field == NAME:
            before = wire[start:pos]
            name, start = read(wire, pos, memo)
            expanded += before + name
            pos = start
        elif field == PLAIN:
            pos = read_plain(wire, pos)[1]
        elif field == STRING:
            pos += wire[pos] + 1
        elif field == STRINGS:
            pos = _strings(wire, pos, stop)
        else:
            pos = max(pos, stop)
    if pos != stop:
        raise WireError(f"rdata that should end at octet {pos} ends at octet {stop}")
    return expanded + wire[start:stop]


def _strings(wire: bytes, pos: int, stop: int) -> int:
    """The offset behind the strings at `pos`, of which there must be one (RFC 1035 section 3.3.14)."""
    if pos == stop:
        raise WireError(f"no string in the rdata at octet {pos}")
    while pos < stop:
        pos += wire[pos] + 1
    return pos


def target(rtype: int, rdata: bytes) -> bytes | None:
    """The name whose addresses are sent along with such a record; None where it names none.

    So it is where it says `.`: in HTTPS and SVCB that stands for the owner (RFC 9460 section 2.5), in MX and
    SRV it means that the service is not offered (RFC 7505, RFC 2782).
    """
    offset = _TARGETS.get(rtype)
    if offset is None or len(rdata) <= offset + 1:
        return None
    name = rdata[offset:]
    if rtype in (Type.SVCB, Type.HTTPS):
        name = read_plain(name, 0)[0]
    return name if len(name) > 1 else None


def soa_minimum(rdata: bytes) -> int:
    """The last field of an SOA, in seconds: with its TTL it bounds negative answers (RFC 2308 section 4)."""
    return int.from_bytes(rdata[-4:], "big")


def canonical(rtype: int, rdata: bytes) -> bytes:
    """Uncompressed `rdata` in the form in which records are compared and signed.

    The signer of an RRSIG is folded, the next name of an NSEC is not (RFC 4034 section 6.2, RFC 6840 section
    5.1).
    """
    fields = _FOLDED.get(rtype)
    if fields is None or not rdata:
        return rdata
    pos = 0
    result = b""
    for field in fields:
        start = pos
        if field in (NAME, PLAIN):
            name, pos = read_plain(rdata, pos)
            result += name.lower()
        else:
            pos = len(rdata) if field == REST else pos + (rdata[pos] + 1 if field == STRING else field)
            result += rdata[start:pos]
    return result
