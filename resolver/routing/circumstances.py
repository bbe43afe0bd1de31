"""Matchers of how and when a query comes: by which connection, with which options and tags, at what time, by chance.

Rules: a text that ends in `*` stands for all that begin with what is before it. Time and chance are looked at last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from resolver.routing.matchers import Matcher, OneOf, percent, told
from resolver.routing.seen import Seen
from resolver.routing.times import WEEK, minute_of


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
        return told([*sorted(self.whole), *(f"{each}*" for each in self.begin)])


@dataclass(frozen=True, slots=True)
class ServerNames:
    """Connections that were begun with one of these names (SNI)."""

    key: ClassVar[str] = "server_names"
    texts: Texts

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        session = seen.client.session
        return session is not None and self.texts.has(session.server_name)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        session = seen.client.session
        if session is None or not session.server_name:
            return "its connection has no server name"
        return f"the server name {session.server_name} is not {self}"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        return isinstance(other, ServerNames) and self.texts.covers(other.texts)

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return isinstance(other, ServerNames) and self.texts.is_apart(other.texts)

    def __str__(self) -> str:
        return str(self.texts)


@dataclass(frozen=True, slots=True)
class Paths:
    """Requests over HTTPS for one of these paths."""

    key: ClassVar[str] = "paths"
    texts: Texts

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        session = seen.client.session
        return session is not None and bool(session.path) and self.texts.has(session.path)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        session = seen.client.session
        if session is None or not session.path:
            return "it is no request over HTTPS"
        return f"the path {session.path} is not {self}"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        return isinstance(other, Paths) and self.texts.covers(other.texts)

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return isinstance(other, Paths) and self.texts.is_apart(other.texts)

    def __str__(self) -> str:
        return str(self.texts)


@dataclass(frozen=True, slots=True)
class Headers:
    """Requests over HTTPS with all of these fields, by their name in lower case."""

    key: ClassVar[str] = "headers"
    fields: Mapping[str, Texts]

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return self._missing(seen) is None

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
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
        """Whether all that fits `other` fits this one."""
        return isinstance(other, Headers) and all(
            key in other.fields and texts.covers(other.fields[key]) for key, texts in self.fields.items()
        )

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return False  # a field may come twice

    def __str__(self) -> str:
        return told([f"{key}: {texts}" for key, texts in self.fields.items()])


@dataclass(frozen=True, slots=True)
class Options(OneOf[int]):
    """Queries with one of these EDNS options."""

    key: ClassVar[str] = "edns_options"

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return any(code in self.values for code, _ in seen.options)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"it has no EDNS option {self}"

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return False  # a query may have both

    def __str__(self) -> str:
        return told([str(each) for each in sorted(self.values)])


@dataclass(frozen=True, slots=True)
class Tagged(OneOf[str]):
    """Queries on which an earlier rule has put one of these tags."""

    key: ClassVar[str] = "tagged"

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return not seen.tags.isdisjoint(self.values)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"no rule before has tagged it {self}"

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return False  # a query may have both

    def __str__(self) -> str:
        return told(sorted(self.values))


@dataclass(frozen=True, slots=True)
class Times:
    """Queries that come in one of these minutes of the week, a bit for each from Monday 00:00 on, by the clocks of a
    time zone. `text` is how they were written."""

    key: ClassVar[str] = "times"
    minutes: int
    zone: str = "UTC"
    text: str = field(default="", compare=False)

    def fits(self, seen: Seen) -> bool:
        """Whether the query fits."""
        return bool(self.minutes >> minute_of(seen.wall, self.zone) & 1)

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"it is not {self} now"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        if not isinstance(other, Times):
            return False
        return self.minutes == WEEK or (other.zone == self.zone and not other.minutes & ~self.minutes)

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
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
        """Whether the query fits."""
        return seen.luck(self.salt) < self.share

    def why(self, seen: Seen) -> str:
        """Why a query does not fit, which does not."""
        return f"it is not in the {percent(self.share)} that chance has chosen"

    def covers(self, other: Matcher) -> bool:
        """Whether all that fits `other` fits this one."""
        return isinstance(other, Chance) and self.share >= 1

    def is_apart(self, other: Matcher) -> bool:
        """Whether nothing fits both."""
        return False

    def __str__(self) -> str:
        return f"{percent(self.share)} of all, by chance"
