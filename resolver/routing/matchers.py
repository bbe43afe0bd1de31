"""Decides whether a query fits what a rule looks at; here: who asks what, by which transport. One matcher looks at one
thing; `circumstances` has those of how and when.

Rules
* A matcher can say in short why a query does not fit, and how it stands to another of its kind: whether it *covers* it
  (all that fits the other fits it) and whether they are *apart* (nothing fits both). What cannot be told is no.
* Names are compared folded.

Limits: what a file holds is not compared with what another holds; the same file is the same.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from resolver.message import Transport
from resolver.routing.seen import Seen
from resolver.wire import names, types

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

T = TypeVar("T")

MAX_TOLD: Final = 4
"""Values of a matcher that are told; of more it is said how many there are."""


class Matcher(Protocol):
    """What a rule looks at. `key` is the setting that says it."""

    key: ClassVar[str]

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        ...

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        ...

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        ...

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        ...

    def __str__(self) -> str:
        """What fits, as a person would say it."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """Names of `exact`, and all at or below those of `below`; `files` are those whose names are among them."""

    key: ClassVar[str] = "names"
    exact: frozenset[bytes] = frozenset()
    below: frozenset[bytes] = frozenset()
    files: frozenset[tuple[str, str]] = frozenset()

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return seen.name in self.exact or self.suffix(seen.name) is not None

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"{names.to_text(seen.name)} is not {self}"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        if type(other) is not type(self):
            return False
        listed = all(each in self.exact or self.suffix(each) is not None for each in other.exact)
        return listed and all(self.suffix(each) is not None for each in other.below) and other.files <= self.files

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        if not isinstance(other, Names) or self.files or other.files:
            return False
        below = any(self.suffix(each) is not None for each in (*other.exact, *other.below))
        above = any(other.suffix(each) is not None for each in (*self.exact, *self.below))
        return not (below or above or self.exact & other.exact)

    def suffix(self, name: bytes) -> bytes | None:
        """The nearest of `below` that `name`, folded, is in."""
        if not self.below:
            return None
        return next((each for each in names.ancestors(name) if each in self.below), None)

    def __str__(self) -> str:
        exact = [names.to_text(each) for each in self.exact]
        below = [f"in {names.to_text(each)}" for each in self.below]
        files = [f"in {path}" for path, _ in self.files]
        return told(files if self.files else sorted(exact) + sorted(below))


@dataclass(frozen=True, slots=True)
class Zones(Names):
    """Names of the zones that a rule answers from."""

    key: ClassVar[str] = "zone_files"

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"{names.to_text(seen.name)} is in none of its zones"


@dataclass(frozen=True, slots=True)
class OneOf(Generic[T]):
    """What is one of several."""

    values: frozenset[T]

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        return isinstance(other, type(self)) and other.values <= self.values

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return isinstance(other, type(self)) and not other.values & self.values


@dataclass(frozen=True, slots=True)
class Types(OneOf[int]):
    """Questions for one of these types."""

    key: ClassVar[str] = "types"

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return seen.type in self.values

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"the type {types.to_text(seen.type)} is not {self}"

    def __str__(self) -> str:
        return told([types.to_text(each) for each in sorted(self.values)])


@dataclass(frozen=True, slots=True)
class Transports(OneOf[Transport]):
    """Queries that came by one of these."""

    key: ClassVar[str] = "transports"

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return seen.client.transport in self.values

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"it came over {seen.client.transport}, not {self}"

    def __str__(self) -> str:
        return told(sorted(self.values))


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients in one of these networks."""

    key: ClassVar[str] = "clients"
    networks: tuple[Network, ...]

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return any(_address(seen.client.host) in each for each in self.networks)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"the client {seen.client.host} is not in {self}"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        return isinstance(other, Clients) and all(
            any(_is_within(inner, outer) for outer in self.networks) for inner in other.networks
        )

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return isinstance(other, Clients) and not any(
            _is_within(one, two) or _is_within(two, one) for one in self.networks for two in other.networks
        )

    def __str__(self) -> str:
        return told([str(each) for each in self.networks])


@lru_cache(1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host)


def _is_within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # of one version


def percent(share: float) -> str:
    """`share`, of 0 to 1, as a person would say it: one of a thousand is not nothing."""
    return f"{share * 100:.6g}%"


def told(values: list[str]) -> str:
    """`values` as one text, not too long."""
    if len(values) > MAX_TOLD:
        return f"one of {len(values)}: {', '.join(values[: MAX_TOLD - 1])}, ..."
    return " or ".join(values)
