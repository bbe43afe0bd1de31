"""Decides which values the parameters of faults take, however they come: from TOML, JSON, a command line or Python.

Rules: each reader gives the one form in which a value is kept and told again. A time is a number, or a text with its
unit: `250ms`, `1.5s`, `5m`, `2h`, `1d`. What is a list may be given as one item. A number may be given as its text,
since a command line has nothing else. A value that cannot be used raises `Unfit`, with what to write instead.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from resolver.errors import BadName
from resolver.text import nearest
from resolver.wire import names, types

Read = Callable[[Any], Any]

MAX_ITEMS: Final = 256
"""Items of one list: servers, zones, types and so on."""

RESOLVER: Final = "resolver"
"""Who asks, if it is this resolver."""
CLIENTS: Final = "clients"
"""Who asks, if it is neither this resolver nor a simulated server."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_TIME: Final = re.compile(r"\s*([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*(ms|s|m|h|d)?\s*")


class Unfit(Exception):
    """A value that cannot be used, and what to write instead."""

    def __init__(self, text: str, instead: str) -> None:
        super().__init__(text)
        self.instead = instead


def number(low: float, high: float) -> Read:
    """A reader of numbers from `low` to `high`."""

    def read(value: Any) -> float:
        given = _number(value)
        hint = f"write a number from {low:.15g} to {high:.15g}"
        if given is None:
            raise Unfit(f"{value!r} is no number", hint)
        if not low <= given <= high:
            raise Unfit(f"{value!r} is out of range", hint)
        return given

    return read


def whole(low: int, high: int) -> Read:
    """A reader of whole numbers from `low` to `high`."""

    def read(value: Any) -> int:
        given = _number(value)
        hint = f"write a whole number from {low} to {high}"
        if given is None or given != int(given):
            raise Unfit(f"{value!r} is no whole number", hint)
        if not low <= given <= high:
            raise Unfit(f"{value!r} is out of range", hint)
        return int(given)

    return read


def seconds(low: float, high: float) -> Read:
    """A reader of times from `low` to `high` seconds; a bare number is in seconds."""
    return _time(low, high, 1.0, "seconds")


def milliseconds(low: float, high: float) -> Read:
    """A reader of times from `low` to `high` milliseconds; a bare number is in milliseconds."""
    return _time(low, high, 0.001, "milliseconds")


def one_of(*words: str) -> Read:
    """A reader of one of `words`."""

    def read(value: Any) -> str:
        word = _text(value)
        if word not in words:
            raise Unfit(f"{word!r} is unknown", nearest(word, words))
        return word

    return read


def rcode(value: Any) -> str:
    """A response code by name or number, as its mnemonic."""
    given = _number(value)
    try:
        return types.rcode_to_text(types.rcode_from_text(_text(value) if given is None else f"{given:g}"))
    except ValueError:
        raise Unfit(f"{value!r} is no response code", nearest(str(value).upper(), types.RCODES.values())) from None


def text(value: Any) -> str:
    """A text of at most 255 characters."""
    given = _text(value)
    if len(given) > 255:
        raise Unfit(f"a text of {len(given)} characters", "255 are the most")
    return given


def servers(value: Any) -> tuple[str, ...]:
    """Servers by name or address."""
    return _each(value, lambda item: _address(item) or _name(item))


def domains(value: Any) -> tuple[str, ...]:
    """Names, absolute with or without the final dot, folded."""
    return _each(value, _name)


def rtypes(value: Any) -> tuple[str, ...]:
    """Record types."""

    def read(item: str) -> str:
        try:
            return types.to_text(types.from_text(item))
        except ValueError:
            raise Unfit(f"{item!r} is no record type", "write one like A, AAAA, MX, or TYPE65280") from None

    return _each(value, read)


def transports(value: Any) -> tuple[str, ...]:
    """`udp` or `tcp`."""
    return _each(value, one_of("udp", "tcp"))


def sources(value: Any) -> tuple[str, ...]:
    """Who asks: `resolver`, `clients`, a server's name, an address or a network."""

    def read(item: str) -> str:
        if item in (RESOLVER, CLIENTS):
            return item
        try:
            network = ipaddress.ip_network(item, strict=False)
        except ValueError:
            return _name(item)
        return str(network.network_address if network.prefixlen == network.max_prefixlen else network)

    return _each(value, read)


def groups(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two groups of those whom `sources` takes. As text they stand with a `|` between them."""
    hint = 'write two groups, [["ns1.example.com"], ["resolver", "clients"]], or "ns1.example.com | resolver, clients"'
    if isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Unfit(f"{value!r} is not two groups", hint)
    first, second = sources(value[0]), sources(value[1])
    if shared := sorted(set(first) & set(second)):
        raise Unfit(f"{shared[0]} stands in both groups", hint)
    return first, second


def _each(value: Any, read: Read) -> tuple[str, ...]:
    """What `read` makes of each item; one text may hold several, with commas or spaces between them."""
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, Iterable) or isinstance(items, bytes | dict):
        raise Unfit(f"{value!r} is no list", f'write ["{value}"]')
    given = list(items)
    if not given:
        raise Unfit("an empty list", "leave it out: that is for all")
    if len(given) > MAX_ITEMS:
        raise Unfit(f"a list of {len(given)} items", f"{MAX_ITEMS} are the most")
    return tuple(dict.fromkeys(read(_text(item)) for item in given))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unfit(f"{value!r} is no text", "write it in quotes")
    return str(value.strip())


def _number(value: Any) -> float | None:
    """A finite number; None for what is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    # A bool is an int for Python; TOML has inf and nan.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        given = float(value)
    except OverflowError:
        return None
    return given if math.isfinite(given) else None


def _time(low: float, high: float, unit: float, named: str) -> Read:
    def read(value: Any) -> float:
        hint = f'write {named} as a number from {low:.15g} to {high:.15g}, or a text like "250ms", "30s", "5m"'
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            given: float | None = float(match[1]) * (_SECONDS[match[2]] / unit if match[2] else 1.0)
        else:
            given = None if isinstance(value, str) else _number(value)
        if given is None:
            raise Unfit(f"{value!r} is no time", hint)
        if not low <= given <= high:
            raise Unfit(f"{value!r} is out of range", hint)
        return round(given, 6)

    return read


def _address(item: str) -> str | None:
    try:
        return str(ipaddress.ip_address(item))
    except ValueError:
        return None


def _name(item: str) -> str:
    try:
        return names.to_text(names.fold(names.from_text(item)))
    except BadName as error:
        raise Unfit(f"{item!r} is no domain name: {error}", 'write it as "www.example.com"') from None
