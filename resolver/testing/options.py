"""Decides what can be said of the internet of a test: the options of the marker `dns`, of `dns_options` and of the
context managers.

Rules: an option that is unknown, or cannot be used, is an `InputError` with the right spelling. What the resolver is
set to differs from the daemon in three points, so that a test sees what it arranges and nothing else: it renews nothing
before its time, tells nothing that has expired, and keeps what was sent. `settings` changes that back.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from resolver.errors import InputError
from resolver.testing.virtual_time import WALL_START
from resolver.text import nearest

if TYPE_CHECKING:
    from resolver.config import Config

MAX_TTL: Final = 0x7FFF_FFFF
"""Seconds (RFC 2181 section 8)."""
MAX_WALL: Final = 4_102_444_800.0
"""The year 2100: the times of signatures wrap around soon after (RFC 4034 section 3.1.5)."""
SEED: Final = 1
"""What chance is drawn from unless a test says otherwise: so a test that passes passes again."""

MODES: Final = ("iterative", "recursive")
UNDECLARED: Final = ("fail", "nxdomain")
DENIALS: Final = ("nsec", "nsec3")

_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "server": {"listen": ["127.0.0.1:0"], "drain_s": 0},
    "world": {"in_memory": True, "port": 53},
    "cache": {"prefetch": False, "serve_stale": False},
    # Where each query is logged nothing is served as stored octets, so that each can be explained; and nothing of that
    # is written.
    "log": {"level": "error", "queries": True},
}


class Given(TypedDict, total=False):
    """The words of `Options`, as a test may write their values."""

    ttl: int
    seed: int
    wall: float | str | datetime.datetime
    dnssec: Literal["nsec", "nsec3"] | bool | None
    mode: Literal["iterative", "recursive"]
    undeclared: Literal["fail", "nxdomain"]
    settings: Mapping[str, Mapping[str, Any]]
    world: str | PathLike[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the internet of a test is like."""

    ttl: int = 60
    """Seconds, for records without one."""
    seed: int = SEED
    """All chance is drawn from it."""
    wall: float = WALL_START
    """What the wall clock begins with: seconds since 1970, a text like `2026-01-01T00:00:00Z`, or a datetime."""
    dnssec: str | None = None
    """How zones are signed that do not say so themselves: `nsec`, `nsec3`, or not at all."""
    mode: str = "iterative"
    """Who walks the tree: the resolver itself, or servers on its behalf (`resolver.mode`)."""
    undeclared: str = "fail"
    """What becomes of names that nobody declared: `fail` or `nxdomain`."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of the resolver by section, as in its configuration file."""
    world: Path | None = None
    """A directory with hierarchy.toml and master files to begin with."""

    def config(self) -> Config:
        """The configuration of the resolver. Raises `ConfigError`."""
        from resolver.config.load import from_tables

        tables: dict[str, dict[str, Any]] = {section: dict(keys) for section, keys in _SETTINGS.items()}
        tables["resolver"] = {"mode": self.mode}
        for section, keys in self.settings.items():
            tables[section] = {**tables.get(section, {}), **keys}
        return from_tables(tables, "settings")


def options(given: Mapping[str, Any]) -> Options:
    """The options that `given` says. Raises `InputError`."""
    known = {each.name for each in fields(Options)}
    for word in given:
        if word not in known:
            raise InputError(f"there is no option {word!r}", instead=nearest(word, known))
    return Options(**{word: _READ[word](value) for word, value in given.items()})


def _ttl(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TTL:
        raise InputError(f"ttl is {value!r}", instead=f"write whole seconds from 0 to {MAX_TTL}")
    return value


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"seed is {value!r}", instead="write a whole number")
    return value


def _wall(value: Any) -> float:
    hint = 'write a time like "2026-01-01T00:00:00Z", or seconds since 1970'
    made = value
    if isinstance(made, str):
        try:
            made = datetime.datetime.fromisoformat(made)
        except ValueError:
            raise InputError(f"wall is {value!r}", instead=hint) from None
    if isinstance(made, datetime.datetime):
        made = (made if made.tzinfo is not None else made.replace(tzinfo=datetime.UTC)).timestamp()
    if isinstance(made, bool) or not isinstance(made, int | float) or not math.isfinite(made):
        raise InputError(f"wall is {value!r}", instead=hint)
    if not 0 <= made <= MAX_WALL:
        raise InputError(f"wall is {value!r}", instead="write a time between 1970 and 2100")
    return float(made)


def _dnssec(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return DENIALS[0] if value else None
    return _one_of("dnssec", value, DENIALS)


def _mode(value: Any) -> str:
    return _one_of("mode", value, MODES)


def _undeclared(value: Any) -> str:
    return _one_of("undeclared", value, UNDECLARED)


def _settings(value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(value, Mapping) or not all(isinstance(each, Mapping) for each in value.values()):
        raise InputError(f"settings is {value!r}", instead='write sections with keys, {"cache": {"serve_stale": True}}')
    return value


def _world(value: Any) -> Path | None:
    if value is None:
        return None
    try:
        directory = Path(value)
    except TypeError:
        raise InputError(f"world is {value!r}", instead="write the path of a directory") from None
    if not (directory / "hierarchy.toml").is_file():
        raise InputError(f"world is {str(directory)!r}", instead="name a directory that holds a hierarchy.toml")
    return directory


def _one_of(word: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InputError(f"{word} is {value!r}", instead=nearest(str(value), known))
    return str(value)


_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "ttl": _ttl,
    "seed": _seed,
    "wall": _wall,
    "dnssec": _dnssec,
    "mode": _mode,
    "undeclared": _undeclared,
    "settings": _settings,
    "world": _world,
}
