"""Decides what the signed zone of a run is: many names with an address each, and a signature of ECDSA P-256 over each.

Rules
* It is signed by our own signer with keys derived from a seed, so that its trust anchor is the same in every run.
* Each name has a record set and so a signature of its own: a wildcard's would be one for all, with a denial beside it.

Limits: no NSEC, as nothing in it is ever denied. Its signatures are valid for a fortnight and more.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from typing import Final

from resolver.dnssec.algorithms import ECDSAP256
from resolver.dnssec.keys import derived
from resolver.dnssec.records import read_rrsig
from resolver.dnssec.sign import Signer
from resolver.message import Class, RRset, Type
from resolver.wire import names

SIGNED_ZONE: Final = "signed.com"
TTL: Final = 3600
_APEX: Final = names.from_text(f"{SIGNED_ZONE}.")
_ADDRESS: Final = bytes((192, 0, 2, 2))


@cache
def signer() -> Signer:
    """The keys of the zone at work."""
    return Signer(_APEX, derived("bench", _APEX, ECDSAP256))


def anchor() -> str:
    """Its trust anchor."""
    ds = signer().ds
    return f"{SIGNED_ZONE}. IN DS {int.from_bytes(ds[:2], 'big')} {ds[2]} {ds[3]} {ds[4:].hex()}"


def signed_name(number: int) -> str:
    """The name of this number in the zone."""
    return f"s{number}.{SIGNED_ZONE}"


def signed_zone(address: str, count: int) -> str:
    """The zone as a master file with `count` names, served at `address`."""
    return "".join(f"{line}\n" for line in _lines(address, count))


def _lines(address: str, count: int) -> Iterator[str]:
    yield f"$TTL {TTL}"
    host = names.from_text(f"ns1.{SIGNED_ZONE}")
    who = names.from_text(f"host.{SIGNED_ZONE}")
    soa = host + who + b"".join(each.to_bytes(4, "big") for each in (1, 3600, 900, 604800, 3600))
    yield from _signed("@", f"SOA ns1 host 1 3600 900 604800 {TTL}", _set(_APEX, Type.SOA, soa))
    yield from _signed("@", "NS ns1", _set(_APEX, Type.NS, host))
    keys = RRset(_APEX, Type.DNSKEY, Class.IN, TTL, signer().dnskeys)
    for key in keys.rdatas[1:]:
        yield f"@ {_key(key)}"
    yield from _signed("@", _key(keys.rdatas[0]), keys)
    there = bytes(map(int, address.split(".")))
    yield from _signed("ns1", f"A {address}", _set(host, Type.A, there))
    yield from _signed("www", "A 192.0.2.2", _set(names.from_text(f"www.{SIGNED_ZONE}"), Type.A, _ADDRESS))
    for number in range(count):
        name = signed_name(number)
        yield from _signed(name.partition(".")[0], "A 192.0.2.2", _set(names.from_text(name), Type.A, _ADDRESS))


def _set(owner: bytes, rtype: int, rdata: bytes) -> RRset:
    return RRset(owner, rtype, Class.IN, TTL, (rdata,))


def _key(rdata: bytes) -> str:
    flags = int.from_bytes(rdata[:2], "big")
    return f"DNSKEY {flags} {rdata[2]} {rdata[3]} {b64encode(rdata[4:]).decode()}"


def _signed(owner: str, record: str, rrset: RRset) -> Iterator[str]:
    """The line of a record, and that of the signature of its set."""
    yield f"{owner} {record}"
    made = signer().rrsig(rrset, time.time())
    assert made is not None
    rrsig = read_rrsig(made.rdatas[0])
    expires, begins = (time.strftime("%Y%m%d%H%M%S", time.gmtime(each)) for each in (rrsig.expires, rrsig.begins))
    told = f"{Type(rrset.type).name} {rrsig.algorithm} {rrsig.labels} {rrsig.original_ttl} {expires} {begins}"
    yield f"{owner} RRSIG {told} {rrsig.tag} {SIGNED_ZONE}. {b64encode(rrsig.signature).decode()}"
