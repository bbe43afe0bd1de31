"""How the values of `[filters]` are read: types of local zones, records, names, prefixes, what blocked names are told.

Each function takes what TOML, JSON or Python gave and either returns the value or raises `ValueError` with what is
wrong and, after a semicolon, what to write instead.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from resolver.config.values import Network, ip_network, parsed_zone, shown
from resolver.filters import records
from resolver.filters.kinds import BlockAnswer, LocalKind
from resolver.filters.names import text_of
from resolver.filters.prefixes import LENGTHS, Prefix
from resolver.text import closest, nearest
from resolver.wire.names import from_text

MAX_ADDRESSES: Final = 8
"""Addresses that are told in the place of those of a blocked name."""

_ODD: Final = re.compile(r"[^a-z0-9_.\\-]")
"""What is in URLs and patterns, and in no name that a list could have; what is escaped is told by itself."""
_PREFIX: Final = 'write one like "64:ff9b::/96"'


def local_kind(value: object) -> str:
    """A type of a local zone."""
    known = [str(each) for each in LocalKind]
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{shown(value)} is no type of a local zone; {nearest(str(value), known)}")
    return value


def local_record(value: object) -> str:
    """A record that can be told, without blanks around it."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no record; {records.INSTEAD}")
    records.read(value)
    return value.strip()


def listed_name(value: object) -> str:
    """A name, or `*.` and a name: absolute, lower-cased, in presentation format."""
    below = isinstance(value, str) and value.startswith("*.")
    name = parsed_zone(value[2:] if isinstance(value, str) and below else value)
    if name == ".":
        raise ValueError(f'{shown(value)} would be all names; write one as in "ads.example"')
    if _ODD.search(name) or name.rstrip(".").rpartition(".")[2].isdigit():
        raise ValueError(f'{shown(value)} is no name of a host; write one as in "ads.example"')
    text_of(from_text(name))
    return f"*.{name}" if below else name


def block_answer(value: object) -> str | tuple[str, ...]:
    """What is told of blocked names: a word, or addresses."""
    known = [str(each) for each in BlockAnswer]
    instead = 'write a list of addresses, as in ["192.0.2.1", "2001:db8::1"]'
    if isinstance(value, str):
        if value not in known:
            raise ValueError(f"{shown(value)} is no answer to blocked names; {_hint(value, known, instead)}")
        return value
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_ADDRESSES:
        raise ValueError(f"{shown(value)} is no answer to blocked names; {_hint('', known, instead)}")
    return tuple(_address(each, instead) for each in value)


def _hint(word: str, known: Sequence[str], instead: str) -> str:
    """The nearest of `known`; where none is near, all of them, or `instead`."""
    near = closest(word, known)
    return f"did you mean {near!r}?" if near else f"use one of: {', '.join(known)}; or {instead}"


def _address(value: object, instead: str) -> str:
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f"{shown(value)} is no address; {instead}") from None


def dns64_prefix(value: object) -> ipaddress.IPv6Network:
    """A prefix behind which IPv4 addresses stand (RFC 6052)."""
    network: Network = ip_network(value)
    if not isinstance(network, ipaddress.IPv6Network):
        raise ValueError(f"{shown(value)} is a network of IPv4; {_PREFIX}")
    if network.prefixlen not in LENGTHS:
        lengths = ", ".join(map(str, LENGTHS))
        raise ValueError(f"{shown(value)} has {network.prefixlen} bits; a prefix has one of {lengths} (RFC 6052)")
    try:
        Prefix(network)
    except ValueError as wrong:
        raise ValueError(f"{shown(value)}: {wrong}; {_PREFIX}") from None
    return network
