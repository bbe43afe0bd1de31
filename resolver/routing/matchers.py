"""Decides whether a query fits what a rule looks at: who asks what, how, and when. One matcher looks at one thing.

Rules
* A matcher can say in short why a query does not fit, and how it stands to another of its kind: whether it *covers* it
  (all that fits the other fits it) and whether they are *apart* (nothing fits both). What cannot be told is no.
* Names are compared folded. A text that ends in `*` stands for all that begin with what is before it.

Limits: what a file holds is not compared with what another holds; the same file is the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from resolver.message import Transport
from resolver.routing.seen import Seen
from resolver.routing.times import WEEK, minute_of
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
        return seen.name in self.exact or self._suffix(seen.name) is not None

    def why(self, seen: Seen) -> str:
        return f"{names.to_text(seen.name)} is not {self}"

    def covers(self, other: Matcher) -> bool:
        if type(other) is not type(self):
            return False
        listed = all(each in self.exact or self._suffix(each) is not None for each in other.exact)
        return listed and all(self._suffix(each) is not None for each in other.below) and other.files <= self.files

    def is_apart(self, other: Matcher) -> bool:
        if not isinstance(other, Names) or self.files or other.files:
            return False
        below = any(self._suffix(each) is not None for each in (*other.exact, *other.below))
        above = any(other._suffix(each) is not None for each in (*self.exact, *self.below))
        return not (below or above or self.exact & other.exact)

    def suffix(self, name: bytes) -> bytes | None:
        """The nearest of `below` that `name`, folded, is in."""
        return self._suffix(name)

    def _suffix(self, name: bytes) -> bytes | None:
        if not self.below:
            return None
        return next((each for each in names.ancestors(name) if each in self.below), None)

    def __str__(self) -> str:
        exact = [names.to_text(each) for each in self.exact]
        below = [f"in {names.to_text(each)}" for each in self.below]
        files = [f"in {path}" for path, _ in self.files]
        return _told(files if self.files else sorted(exact) + sorted(below))


@dataclass(frozen=True, slots=True)
class Zones(Names):
    """Names of the zones that a rule answers from."""

    key: ClassVar[str] = "zone_files"

    def why(self, seen: Seen) -> str:
        return f"{names.to_text(seen.name)} is in none of its zones"


@dataclass(frozen=True, slots=True)
class _OneOf(Generic[T]):
    """What is one of several."""

    values: frozenset[T]

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, type(self)) and other.values <= self.values

    def is_apart(self, other: Matcher) -> bool:
        return isinstance(other, type(self)) and not other.values & self.values


@dataclass(frozen=True, slots=True)
class Types(_OneOf[int]):
    """Questions for one of these types."""

    key: ClassVar[str] = "types"

    def fits(self, seen: Seen) -> bool:
        return seen.type in self.values

    def why(self, seen: Seen) -> str:
        return f"the type {types.to_text(seen.type)} is not {self}"

    def __str__(self) -> str:
        return _told([types.to_text(each) for each in sorted(self.values)])


@dataclass(frozen=True, slots=True)
class Transports(_OneOf[Transport]):
    """Queries that came by one of these."""

    key: ClassVar[str] = "transports"

    def fits(self, seen: Seen) -> bool:
        return seen.client.transport in self.values

    def why(self, seen: Seen) -> str:
        return f"it came over {seen.client.transport}, not {self}"

    def __str__(self) -> str:
        return _told(sorted(self.values))


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients in one of these networks."""

    key: ClassVar[str] = "clients"
    networks: tuple[Network, ...]

    def fits(self, seen: Seen) -> bool:
        return any(_address(seen.client.host) in each for each in self.networks)

    def why(self, seen: Seen) -> str:
        return f"the client {seen.client.host} is not in {self}"

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, Clients) and all(
            any(_is_within(inner, outer) for outer in self.networks) for inner in other.networks
        )

    def is_apart(self, other: Matcher) -> bool:
        return isinstance(other, Clients) and not any(
            _is_within(one, two) or _is_within(two, one) for one in self.networks for two in other.networks
        )

    def __str__(self) -> str:
        return _told([str(each) for each in self.networks])


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that may end in `*`, which stands for whatever follows."""

    whole: frozenset[str]
    begin: tuple[str, ...] = ()

    def has(self, text: str) -> bool:
        """Whether `text` is one of them."""
        return text in self.whole or any(map(text.startswith, self.begin))

    def covers(self, other: Texts) -> bool:
        """Whether all of `other` are among these."""
        return all(map(self.has, other.whole)) and all(any(map(each.startswith, self.begin)) for each in other.begin)

    def is_apart(self, other: Texts) -> bool:
        """Whether no text is one of both."""
        mine = any(map(self.has, other.whole)) or any(map(other.has, self.whole))
        return not mine and not any(
            one.startswith(two) or two.startswith(one) for one in self.begin for two in other.begin
        )

    def __str__(self) -> str:
        return _told([*sorted(self.whole), *(f"{each}*" for each in self.begin)])


@dataclass(frozen=True, slots=True)
class ServerNames:
    """Connections that were begun with one of these names (SNI)."""

    key: ClassVar[str] = "server_names"
    texts: Texts

    def fits(self, seen: Seen) -> bool:
        session = seen.client.session
        return session is not None and self.texts.has(session.server_name)

    def why(self, seen: Seen) -> str:
        session = seen.client.session
        if session is None or not session.server_name:
            return "its connection has no server name"
        return f"the server name {session.server_name} is not {self}"

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, ServerNames) and self.texts.covers(other.texts)

    def is_apart(self, other: Matcher) -> bool:
        return isinstance(other, ServerNames) and self.texts.is_apart(other.texts)

    def __str__(self) -> str:
        return str(self.texts)


@dataclass(frozen=True, slots=True)
class Paths:
    """Requests over HTTPS for one of these paths."""

    key: ClassVar[str] = "paths"
    texts: Texts

    def fits(self, seen: Seen) -> bool:
        session = seen.client.session
        return session is not None and bool(session.path) and self.texts.has(session.path)

    def why(self, seen: Seen) -> str:
        session = seen.client.session
        if session is None or not session.path:
            return "it is no request over HTTPS"
        return f"the path {session.path} is not {self}"

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, Paths) and self.texts.covers(other.texts)

    def is_apart(self, other: Matcher) -> bool:
        return isinstance(other, Paths) and self.texts.is_apart(other.texts)

    def __str__(self) -> str:
        return str(self.texts)


@dataclass(frozen=True, slots=True)
class Headers:
    """Requests over HTTPS with all of these fields, by their name in lower case."""

    key: ClassVar[str] = "headers"
    fields: Mapping[str, Texts]

    def fits(self, seen: Seen) -> bool:
        return self._missing(seen) is None

    def why(self, seen: Seen) -> str:
        if seen.client.session is None:
            return "it is no request over HTTPS"
        missing = self._missing(seen)
        return f"the header {missing} is not {self.fields[missing or '']}"

    def _missing(self, seen: Seen) -> str | None:
        session = seen.client.session
        given = () if session is None else session.headers
        for key, texts in self.fields.items():
            if not any(name == key and texts.has(value) for name, value in given):
                return key
        return None

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, Headers) and all(
            key in other.fields and texts.covers(other.fields[key]) for key, texts in self.fields.items()
        )

    def is_apart(self, other: Matcher) -> bool:
        return False  # a field may come twice

    def __str__(self) -> str:
        return _told([f"{key}: {texts}" for key, texts in self.fields.items()])


@dataclass(frozen=True, slots=True)
class Options(_OneOf[int]):
    """Queries with one of these EDNS options."""

    key: ClassVar[str] = "edns_options"

    def fits(self, seen: Seen) -> bool:
        return any(code in self.values for code, _ in seen.options)

    def why(self, seen: Seen) -> str:
        return f"it has no EDNS option {self}"

    def is_apart(self, other: Matcher) -> bool:
        return False  # a query may have both

    def __str__(self) -> str:
        return _told([str(each) for each in sorted(self.values)])


@dataclass(frozen=True, slots=True)
class Tagged(_OneOf[str]):
    """Queries on which an earlier rule has put one of these tags."""

    key: ClassVar[str] = "tagged"

    def fits(self, seen: Seen) -> bool:
        return not seen.tags.isdisjoint(self.values)

    def why(self, seen: Seen) -> str:
        return f"no rule before has tagged it {self}"

    def is_apart(self, other: Matcher) -> bool:
        return False  # a query may have both

    def __str__(self) -> str:
        return _told(sorted(self.values))


@dataclass(frozen=True, slots=True)
class Times:
    """Queries that come in one of these minutes of the week, a bit for each from Monday 00:00 on, by the clocks of a
    time zone. `text` is how they were written."""

    key: ClassVar[str] = "times"
    minutes: int
    zone: str = "UTC"
    text: str = field(default="", compare=False)

    def fits(self, seen: Seen) -> bool:
        return bool(self.minutes >> minute_of(seen.wall, self.zone) & 1)

    def why(self, seen: Seen) -> str:
        return f"it is not {self} now"

    def covers(self, other: Matcher) -> bool:
        if not isinstance(other, Times):
            return False
        return self.minutes == WEEK or (other.zone == self.zone and not other.minutes & ~self.minutes)

    def is_apart(self, other: Matcher) -> bool:
        return isinstance(other, Times) and other.zone == self.zone and not other.minutes & self.minutes

    def __str__(self) -> str:
        return f"{self.text} {self.zone}"


@dataclass(frozen=True, slots=True)
class Chance:
    """This share of all queries, by chance; `salt` tells rules apart."""

    key: ClassVar[str] = "chance"
    share: float
    salt: int = field(default=0, compare=False)

    def fits(self, seen: Seen) -> bool:
        return seen.luck(self.salt) < self.share

    def why(self, seen: Seen) -> str:
        return f"it is not in the {self.share:.0%} that chance has chosen"

    def covers(self, other: Matcher) -> bool:
        return isinstance(other, Chance) and self.share >= 1

    def is_apart(self, other: Matcher) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.share:.0%} of all, by chance"


@lru_cache(1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host)


def _is_within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # of one version


def _told(values: list[str]) -> str:
    """`values` as one text, not too long."""
    if len(values) > MAX_TOLD:
        return f"one of {len(values)}: {', '.join(values[: MAX_TOLD - 1])}, ..."
    return " or ".join(values)
