"""Decides what the words of a scenario about local zones, private addresses and DNS64 mean for our `[filters]`."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from resolver.config.filtering import dns64_prefix, local_kind, local_record
from resolver.config.values import ip_network, parsed_zone
from resolver.filters.prefixes import PRIVATE, WELL_KNOWN

WORDS: Final = frozenset(
    ("local-zone", "local-data", "local-data-ptr", "dns64-prefix", "private-address", "private-domain")
)
"""The words that are read here."""
_INFORMING: Final = {"inform": "transparent", "inform_deny": "deny", "inform_redirect": "redirect"}
"""Types that log besides, by those that do the same else."""


class Filters:
    """The filters of a scenario, as far as they have been read."""

    def __init__(self) -> None:
        self.synthesises = False
        """Whether the module dns64 is there; its prefix has a default."""
        self._prefixes: list[ipaddress.IPv6Network] = []
        self._zones: dict[str, str] = {}
        self._records: list[str] = []
        self._private: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._private_names: list[str] = []

    def takes(self, key: str) -> bool:
        """Whether the word `key` is read here."""
        return key in WORDS

    def take(self, key: str, value: str) -> None:
        """The word `key` says `value`. Raises ValueError with what is wrong and what to write instead."""
        match key:
            case "local-zone":
                zone, _, kind = value.partition(" ")
                kind = kind.strip()
                self._zones[parsed_zone(zone)] = local_kind(_INFORMING.get(kind, kind))
            case "local-data":
                self._records.append(local_record(value))
            case "local-data-ptr":
                address, _, name = value.partition(" ")
                self._records.append(local_record(f"{ipaddress.ip_address(address).reverse_pointer} PTR {name}"))
            case "dns64-prefix":
                self._prefixes.append(dns64_prefix(value))
            case "private-address":
                self._private.append(ip_network(value))
            case "private-domain":
                self._private_names.append(parsed_zone(value))

    def settings(self) -> dict[str, Any]:
        """The keys of the section `[filters]`."""
        made: dict[str, Any] = {"local_zones": self._zones, "local_data": self._records}
        if self._prefixes or self.synthesises:
            made["dns64"] = self._prefixes or [WELL_KNOWN.network]
        if self._private:
            made |= {"rebinding": True, "rebinding_names": self._private_names}
            made["rebinding_networks"] = [
                each for each in PRIVATE if not any(_holds(own, each) for own in self._private)
            ]
        return made


def _holds(network: ipaddress.IPv4Network | ipaddress.IPv6Network, other: object) -> bool:
    """Whether all of `other` is in `network`."""
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and other.subnet_of(network)
    return isinstance(other, ipaddress.IPv6Network) and other.subnet_of(network)
