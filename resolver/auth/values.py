"""Decides which values the keys of `hierarchy.toml` take.

Rules: each key has one converter here, from what TOML gives to what the program uses. A value that cannot
be used raises `Wrong`, with what to write instead.

Limits: a converter sees one value; what keys say of one another is checked in `declaration`.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from resolver.auth.presented import MAX_TTL
from resolver.errors import BadName, InputError
from resolver.network.faults import rule
from resolver.wire import names

Schema = Mapping[str, Callable[[Any], Any]]

WORLD_V4: Final = ipaddress.IPv4Network("127.53.0.0/16")
"""Where all servers of a world are: loopback, so that nothing leaves the machine."""
WORLD_V6: Final = ipaddress.IPv6Network("fd00::/8")
"""Unique local addresses (RFC 4193): routed nowhere, never bound, led to the same servers."""
MAX_LATENCY_MS: Final = 60_000
"""A minute: no client waits longer, and a server that never replies is `fault = "silent"`."""


class Wrong(Exception):
    """A value that cannot be used, and what to write instead."""

    def __init__(self, text: str, instead: str) -> None:
        super().__init__(text)
        self.instead = instead


def text(value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Wrong(f"{value!r} is no text", "write it in quotes")
    return value


def domain(value: Any) -> bytes:
    """A name in wire form, absolute with or without its final dot."""
    try:
        return names.from_text(text(value))
    except BadName as error:
        raise Wrong(f"{value!r} is no domain name: {error}", 'write it as "www.example.com"') from None


def domains(value: Any) -> tuple[bytes, ...]:
    """A list of names."""
    if not isinstance(value, list):
        raise Wrong(f"{value!r} is no list", f"write [{value!r}]".replace("'", '"'))
    return tuple(domain(item) for item in value)


def texts(value: Any) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list):
        raise Wrong(f"{value!r} is no list", 'write records = ["www A 192.0.2.1"]')
    return tuple(text(item) for item in value)


def ipv4(value: Any) -> str:
    """An address of the world, in canonical form."""
    try:
        address = ipaddress.IPv4Address(text(value))
    except ValueError:
        raise Wrong(f"{value!r} is no IPv4 address", "write one like 127.53.2.10") from None
    if address not in WORLD_V4:
        raise Wrong(f"{address} is outside {WORLD_V4}", "servers of the world bind addresses 127.53.x.y")
    return str(address)


def ipv6(value: Any) -> str | None:
    """An address of the world, in canonical form; None for `false`, a server without one."""
    if value is False:
        return None
    try:
        address = ipaddress.IPv6Address(text(value))
    except ValueError:
        raise Wrong(f"{value!r} is no IPv6 address", "write one like fd53::2:10, or false for none") from None
    if address not in WORLD_V6 or address.scope_id:
        raise Wrong(f"{address} is outside {WORLD_V6}", "leave the key out, or write one like fd53::2:10")
    return str(address)


def derived_ipv6(address: str) -> str:
    """The IPv6 address that leads to the server at 127.53.x.y: fd53::x:y, spelled with the same digits."""
    third, fourth = address.split(".")[2:]
    return str(ipaddress.IPv6Address(f"fd53::{third}:{fourth}"))


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong(f"{value!r} is neither true nor false", "write true or false, without quotes")
    return value


def number(low: float, high: float) -> Callable[[Any], float]:
    """A converter for a number from `low` to `high`."""

    def convert(value: Any) -> float:
        # TOML has inf and nan; a bool is an int for Python.
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Wrong(f"{value!r} is no number", f"write a number from {low:g} to {high:g}")
        if not low <= value <= high:
            raise Wrong(f"{value!r} is out of range", f"write a number from {low:g} to {high:g}")
        return float(value)

    return convert


def ttl(value: Any) -> int:
    """Seconds, as an integer."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TTL:
        raise Wrong(f"{value!r} is no TTL", f"write whole seconds, 0 to {MAX_TTL}")
    return value


def fault(value: Any) -> str:
    """One of the known faults that need nothing said beside them."""
    try:
        return rule({"kind": text(value)}).kind
    except InputError as error:
        raise Wrong(error.what, error.instead) from None


SERVER: Final[Schema] = {
    "name": domain,
    "address": ipv4,
    "ipv6": ipv6,
    "zones": domains,
    "latency_ms": number(0, MAX_LATENCY_MS),
    "loss": number(0, 1),
    "recursion": flag,
    "fault": fault,
}
"""The keys of `[[server]]`."""

ZONE: Final[Schema] = {
    "servers": domains,
    "nameservers": domains,
    "file": text,
    "records": texts,
    "ttl": ttl,
    "negative_ttl": ttl,
    "include": flag,
    "broken": text,
}
"""The keys of `[zone."NAME"]`."""

SAMPLES: Final = {"name": '"ns1.example.com"', "address": '"127.53.2.10"'}
"""What to write for a key that must be there."""
