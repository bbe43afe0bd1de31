"""Decides what a world is to be while it changes: servers, zones and records as they are declared, and the `World` that
follows from them.

Rules: a plan begins empty, or with what a directory declares. A change that cannot be is a `ZoneError` that says what
to write instead, and leaves the plan as it was. `world()` gives the world of the plan, in which what has not changed is
what it was; nothing that runs is touched by a change before that. Parents that nobody declared, their servers, SOA, NS
and glue appear by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resolver.auth.findings import Where
from resolver.auth.hierarchy import World

Data = Mapping[str, Mapping[str, Any]]
"""The records of a zone by owner ("@", relative, or absolute with a final dot) and type: each a value in presentation
format, a list of such, or a mapping with `ttl` and `values`."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan as it was at some moment."""


class Plan:
    """The world as it is declared, which may change."""

    def __init__(self, *, ttl: int = 60, seed: str = "") -> None:
        """Nothing is declared but the root. `ttl` (seconds) is for data without one, `seed` for keys."""
        self.version = 0
        """Grows with each change."""

    @classmethod
    def read(cls, directory: Path) -> Plan:
        """What `directory` declares. Raises `ZoneError`."""
        raise NotImplementedError

    def zone(
        self,
        name: str,
        data: Data | None = None,
        *,
        records: Sequence[str] = (),
        servers: Sequence[str] | None = None,
        ttl: int | None = None,
        negative_ttl: int | None = None,
        dnssec: str | Mapping[str, object] | None = None,
        where: Where | None = None,
    ) -> None:
        """The zone `name` is declared, or declared anew: it has these records and no others. `records` are lines of a
        master file. `servers` are names; without them those that it has, else ns1 and ns2 below it. `where` is the
        line that says so. Raises `ZoneError`."""
        raise NotImplementedError

    def sign(self, name: str, dnssec: str | Mapping[str, object] | None) -> None:
        """The zone `name` is signed as `dnssec` says, or not at all. Raises `ZoneError`."""
        raise NotImplementedError

    def without_zone(self, name: str) -> None:
        """There is no zone `name` any more. Raises `ZoneError` where there was none."""
        raise NotImplementedError

    def server(self, name: str, *, address: str | None = None, recursion: bool | None = None) -> None:
        """The server `name` is declared, or declared anew; without an address it gets a free one. Raises
        `ZoneError`."""
        raise NotImplementedError

    def put(self, name: str, rtype: str, values: Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type are `values`, in the deepest zone that encloses it. Raises `ZoneError`."""
        raise NotImplementedError

    def add(self, name: str, rtype: str, values: Sequence[str], *, ttl: int | None = None) -> None:
        """The records of that name and type have `values`, too. Raises `ZoneError`."""
        raise NotImplementedError

    def remove(self, name: str, rtype: str | None = None, value: str | None = None) -> int:
        """The records of that name, or of the type of that name, or with that value, are gone: how many. Raises
        `ZoneError` for what is no name, type or value."""
        raise NotImplementedError

    def owner(self, name: bytes) -> bytes | None:
        """The folded apex of the zone that is authoritative for the folded `name`; None where nobody here is."""
        raise NotImplementedError

    def is_automatic(self, apex: bytes) -> bool:
        """Whether the zone at the folded `apex` stands there only because another one needs a parent."""
        raise NotImplementedError

    def where(self, name: bytes, rtype: int) -> Where | None:
        """Where the records of the folded `name` and type are written down; None for those that were generated."""
        raise NotImplementedError

    def names(self) -> Sequence[str]:
        """The names that have records of their own, as text: for suggestions."""
        raise NotImplementedError

    def servers(self) -> list[dict[str, Any]]:
        """The servers with their `name`, `address`, `ipv6`, `zones` and `recursion`, as JSON can carry them."""
        raise NotImplementedError

    def described(self) -> list[dict[str, Any]]:
        """The zones with their servers and records, as JSON can carry them: what `zone` takes."""
        raise NotImplementedError

    def save(self) -> Saved:
        """The plan as it is."""
        raise NotImplementedError

    def restore(self, saved: Saved) -> None:
        """The plan is what it was."""
        raise NotImplementedError

    def write(self, directory: Path) -> None:
        """`directory` holds a hierarchy.toml and master files that declare this world. Raises `ZoneError` where it
        cannot be written, or holds a world already."""
        raise NotImplementedError

    def world(self) -> World:
        """The world that follows. Raises `ZoneError` where none does."""
        raise NotImplementedError
