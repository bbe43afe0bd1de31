"""Decides which network the labels of an address trigger name, and which of many networks an address is in.

Rules: `24.0.2.0.192.rpz-ip` is 192.0.2.0/24: the length comes first, then the octets from the last on. An IPv6 network
has its 16-bit words in hexadecimal, from the last on, and `zz` once for as many words of 0 as are missing (draft
section 4.1.1). Host bits must be 0, and a number has no zeros before it.

Limits: one action for each network. The longest prefix wins; a look costs one probe for each length that there is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

_OCTET: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_WORD: Final = re.compile(r"0|[1-9a-f][0-9a-f]{0,3}")
_WORDS: Final = 8
_OCTETS: Final = 4
_GAP: Final = "zz"


class Network(NamedTuple):
    """A prefix of `length` bits: of `bits` that an address of its family has; `number` is the prefix alone."""

    bits: int
    length: int
    number: int

    def __str__(self) -> str:
        base = self.number << self.bits - self.length
        return f"{ipaddress.IPv4Address(base) if self.bits == 32 else ipaddress.IPv6Address(base)}/{self.length}"


def read(labels: Sequence[str]) -> Network:
    """The network that `labels` name, those before `rpz-ip` or its like, in lower case. Raises `ValueError`."""
    if not labels:
        raise ValueError("no address stands before the trigger")
    length, *parts = labels
    if not _OCTET.fullmatch(length):
        raise ValueError(f"{length!r} is no prefix length")
    if len(parts) == _OCTETS and _GAP not in parts:
        return _network([_number(each, _OCTET, 10, 255) for each in parts], 8, int(length))
    if _GAP in parts:
        if parts.count(_GAP) > 1 or len(parts) > _WORDS:
            raise ValueError("zz stands for words of 0 once, and for one at least")
        at = parts.index(_GAP)
        parts[at : at + 1] = ["0"] * (_WORDS - len(parts) + 1)
    if len(parts) != _WORDS:
        raise ValueError(f"{len(parts)} parts are neither the 4 octets of IPv4 nor the 8 words of IPv6")
    return _network([_number(each, _WORD, 16, 0xFFFF) for each in parts], 16, int(length))


def _number(text: str, form: re.Pattern[str], base: int, most: int) -> int:
    if not form.fullmatch(text) or int(text, base) > most:
        raise ValueError(f"{text!r} is no part of an address")
    return int(text, base)


def _network(reversed_parts: Sequence[int], width: int, length: int) -> Network:
    bits = width * len(reversed_parts)
    number = 0
    for each in reversed(reversed_parts):
        number = number << width | each
    if not 1 <= length <= bits:
        raise ValueError(f"the prefix length {length} is none of 1 to {bits}")
    prefix = number >> bits - length
    if prefix << bits - length != number:
        right = _written(Network(bits, length, prefix), width)
        raise ValueError(f"the address has bits behind the prefix; write {right}")
    return Network(bits, length, prefix)


def _written(network: Network, width: int) -> str:
    """The labels that name `network`."""
    whole = network.number << network.bits - network.length
    parts = [whole >> at & (1 << width) - 1 for at in range(0, network.bits, width)]
    return ".".join((str(network.length), *(f"{each:{'x' if width == 16 else 'd'}}" for each in parts)))


class Networks(Generic[T]):
    """What is said of networks."""

    __slots__ = ("_four", "_six", "count")

    def __init__(self) -> None:
        self._four: dict[int, dict[int, T]] = {}
        self._six: dict[int, dict[int, T]] = {}
        self.count = 0
        """Networks that something is said of."""

    def put(self, network: Network, value: T) -> None:
        """`value` is said of `network`."""
        tables = self._four if network.bits == 32 else self._six
        if network.length not in tables:
            tables[network.length] = {}
            for length in sorted(tables, reverse=True):  # the longest first
                tables[length] = tables.pop(length)
        self.count += network.number not in tables[network.length]
        tables[network.length][network.number] = value

    def get(self, network: Network) -> T | None:
        """What is said of just this `network`."""
        return (self._four if network.bits == 32 else self._six).get(network.length, {}).get(network.number)

    def find(self, address: bytes) -> tuple[Network, T] | None:
        """What is said of the smallest network that the packed `address` is in."""
        tables = self._four if len(address) == 4 else self._six
        if not tables:
            return None
        bits = 8 * len(address)
        number = int.from_bytes(address, "big")
        for length, table in tables.items():
            value = table.get(number >> bits - length)
            if value is not None:
                return Network(bits, length, number >> bits - length), value
        return None
