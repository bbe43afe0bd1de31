"""Decides what the rules of a configuration come to with what stands in the files that they name.

Rules: files of names have one name a line, `#` begins a comment; a zone file is the zone of its one SOA. All are read
with each reload, by a thread that keeps nobody waiting; a file that is wrong is an error with its line, and what was in
force stays.

Limits: `MAX_OCTETS` of one file of names, `MAX_NAMES` of all of them: larger lists are for `[filters]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.config.ruling import rules_of
from resolver.errors import BadName, ConfigError, ZoneError
from resolver.message import Type
from resolver.network.clock import breathe
from resolver.routing.actions import FromZones
from resolver.routing.matchers import Matcher, Names, Zones
from resolver.routing.rules import Rule
from resolver.routing.table import BREATH, ByName
from resolver.wire import names

if TYPE_CHECKING:
    from resolver.auth.authority import Authority
    from resolver.auth.hierarchy import World
    from resolver.auth.zone import Zone
    from resolver.config import Config

MAX_OCTETS: Final = 16 << 20
MAX_NAMES: Final = 200_000
"""Names of all files together, some 150 octets each."""


class Files(NamedTuple):
    """What was read: the rules with what stands in their files, and by number the zones of those that have files of
    zones. It is never changed."""

    rules: tuple[Rule, ...]
    zones: Mapping[int, tuple[Zone, ...]]
    by_name: ByName | None
    """The rules, sorted; None where those are not complete that answer from the world."""


class Book(NamedTuple):
    """The rules, complete, and by number what those answer from that answer from zones; sorted, where that is done."""

    rules: tuple[Rule, ...]
    authorities: Mapping[int, Authority]
    by_name: ByName | None = None


def read(config: Config) -> Files:
    """What stands in the files of the rules of `config`. It touches nothing but them, so a thread may do it. Raises
    `ConfigError` and `ZoneError`."""
    known: dict[str, frozenset[bytes]] = {}
    made: list[Rule] = []
    zones: dict[int, tuple[Zone, ...]] = {}
    complete = True
    for rule in rules_of(config.rules):
        matchers = [_filled(each, known) for each in rule.matchers]
        unless = tuple(_filled(each, known) for each in rule.unless)
        if isinstance(rule.action, FromZones):
            if rule.action.files:
                zones[rule.number] = tuple(_zone(Path(each)) for each in rule.action.files)
                matchers.append(_below(zones[rule.number]))
            complete = complete and bool(rule.action.files)
        made.append(replace(rule, matchers=tuple(matchers), unless=unless))
    return Files(tuple(made), zones, ByName(made, breathe) if complete else None)


def book(files: Files, world: World | None, wall: Callable[[], float]) -> Book:
    """The rules that were read from `files`, of which those that answer from zones and name none do so from those of
    the `world`; `wall` gives the seconds since 1970."""
    of_world: tuple[Zone, ...] = () if world is None else tuple(world.zones.values())
    made: list[Rule] = []
    authorities: dict[int, Authority] = {}
    for rule in files.rules:
        if isinstance(rule.action, FromZones):
            authorities[rule.number] = _authority(files.zones.get(rule.number, of_world), wall)
            if rule.number not in files.zones:
                rule = replace(rule, matchers=(*rule.matchers, _below(of_world)))
        made.append(rule)
    return Book(tuple(made), authorities, files.by_name)


def _below(zones: Sequence[Zone]) -> Zones:
    return Zones(below=frozenset(each.apex for each in zones))


def _authority(zones: Sequence[Zone], wall: Callable[[], float]) -> Authority:
    from resolver.auth.authority import Authority

    return Authority(zones, wall)


def _filled(matcher: Matcher, read: dict[str, frozenset[bytes]]) -> Matcher:
    """`matcher` with the names of its files, if it has any; `read` are those that were read."""
    if not isinstance(matcher, Names) or not matcher.files:
        return matcher
    exact, below = matcher.exact, matcher.below
    for path, kind in sorted(matcher.files):
        if path not in read:
            read[path] = _names_of(path, MAX_NAMES - sum(map(len, read.values())))
        # What is joined with nothing stays the same set, so that many rules may share a large file.
        if kind == "names":
            exact = exact | read[path] if exact else read[path]
        else:
            below = below | read[path] if below else read[path]
    return replace(matcher, exact=exact, below=below)


def _names_of(path: str, most: int) -> frozenset[bytes]:
    """The names in the file at `path`, of which there may be `most`."""
    found: set[bytes] = set()
    for name in names_in(Path(path)):
        found.add(name)
        if len(found) > most:
            what = f"with this file there are more than {MAX_NAMES} names in the files of rules"
            raise ConfigError(what, where=path, instead="put large lists under [filters]")
    return frozenset(found)


def names_in(path: Path) -> Iterator[bytes]:
    """The names in the file at `path`, folded. Raises `ConfigError`."""
    try:
        with path.open("rb") as opened:
            octets = opened.read(MAX_OCTETS + 1)
    except OSError as wrong:
        raise ConfigError(f"cannot be read: {wrong.strerror}", where=str(path), instead="check the path") from None
    if len(octets) > MAX_OCTETS:
        what = f"the file is larger than {MAX_OCTETS} octets"
        raise ConfigError(what, where=str(path), instead="put large lists under [filters]")
    for number, line in enumerate(octets.splitlines(), 1):
        if not number % BREATH:
            breathe()
        text = line.partition(b"#")[0].strip().decode(errors="replace")
        if not text:
            continue
        try:
            if len(text.split()) > 1:
                raise BadName(f"{text[:80]!r} holds a blank")
            yield names.fold(names.from_text(text))
        except BadName as wrong:
            raise ConfigError(str(wrong), where=f"{path}:{number}", instead="write one name a line") from None


def _zone(path: Path) -> Zone:
    from resolver.auth import master, presigned

    found = master.read(path, names.ROOT, include=True)
    apexes = {record.name.lower(): record for record in found.records if record.type == Type.SOA}
    if len(apexes) != 1:
        what = f"has {len(apexes)} SOA records" if apexes else "has no SOA record"
        raise ZoneError(what, where=str(path), instead="write one, at the name of the zone; names are absolute here")
    (apex,) = apexes
    for record in found.records:
        if not names.is_below(record.name.lower(), apex):
            what = f"{names.to_text(record.name)} is not in the zone {names.to_text(apex)}"
            raise ZoneError(what, where=f"{record.file}:{record.line}", instead="write absolute names, or $ORIGIN")
    try:
        return presigned.zone_of(apex, found.rrsets())
    except ZoneError as wrong:
        raise ZoneError(wrong.what, where=wrong.where or str(path), instead=wrong.instead) from None
