"""Decides what `hierarchy.toml` declares: servers, the zones each serves, how well, and where their data are.

Rules: names are absolute with or without a final dot. A server's address is in 127.53.0.0/16, because that
is what it binds; its IPv6 address leads to the same server and is derived unless it is given: 127.53.2.10
is fd53::2:10. A zone is served by the servers that list it in `zones` and by those in its own `servers`.
Its data are the master file `NAME.zone` beside the declaration (`root.zone` for the root), or `file`, and
its `records`; all may be missing. How it is signed is `signing`'s. Unknown and repeated keys, wrong values
and names that nobody declares are fatal findings with their line.

Limits: `MAX_DECLARED` servers and as many zones and faults; `MAX_TEXT` octets of text. Zones and servers are in no
classes but IN.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from resolver.auth import signing, values
from resolver.auth.findings import Finding, Report, Where
from resolver.auth.places import Places, Section, explain
from resolver.auth.shipped import FILE
from resolver.auth.signing import Keeping, Signing
from resolver.auth.values import Wrong
from resolver.errors import InputError, ZoneError
from resolver.network.faults import Place, Rule, check, rule
from resolver.text import nearest
from resolver.wire import names

MAX_DECLARED: Final = 10_000
_TABLES: Final = ("server", "zone", "dnssec", "fault")
MAX_TEXT: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class ServerDeclaration:
    """A `[[server]]` table. Names are wire form as written; `latency_ms` is added to each reply."""

    name: bytes
    ipv4: str
    ipv6: str | None
    where: Where
    zones: tuple[bytes, ...] = ()
    latency_ms: float = 0.0
    loss: float = 0.0
    recursion: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ZoneDeclaration:
    """A `[zone."NAME"]` table. `servers` are folded names, from here and from the servers' own lists.

    `nameservers` are the NS that are generated instead of `servers`; `records` are lines of a master file
    with their places; TTLs are in seconds; `broken` is the reason why the lint says nothing about the zone,
    "" when it speaks; `dnssec` is None where the zone is not signed here.
    """

    apex: bytes
    where: Where
    servers: tuple[bytes, ...] = ()
    nameservers: tuple[bytes, ...] | None = None
    file: Path | None = None
    records: tuple[tuple[str, Where], ...] = ()
    ttl: int = 3600
    negative_ttl: int = 300
    include: bool = False
    broken: str = ""
    dnssec: Signing | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that a `hierarchy.toml` says. Zones and servers are under their folded names."""

    file: str
    servers: Mapping[bytes, ServerDeclaration]
    zones: Mapping[bytes, ZoneDeclaration]
    keeping: Keeping = field(default_factory=Keeping)
    faults: tuple[Rule, ...] = ()


def read(directory: Path, report: Report) -> Declaration:
    """What `directory/hierarchy.toml` declares; mistakes go to `report`.

    Raises `ZoneError` when the file cannot be read.
    """
    path = directory / FILE
    try:
        text = path.read_bytes()[: MAX_TEXT + 1].decode("utf-8")
    except OSError as error:
        raise ZoneError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            instead=f"name a directory that holds a {FILE}",
        ) from None
    except UnicodeDecodeError:
        raise ZoneError("not UTF-8 text", where=f"{path}:1", instead="save the file as UTF-8") from None
    if len(text) > MAX_TEXT:
        raise ZoneError(f"longer than {MAX_TEXT} octets", where=f"{path}:1", instead="use master files")
    return parse(text, str(path), directory, report)


def parse(text: str, file: str, directory: Path, report: Report) -> Declaration:
    """What `text` declares, as if it were `file` in `directory`; mistakes go to `report`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what, instead = explain(error, text)
        report(Finding(file, line, what, instead, fatal=True))
        return Declaration(file, {}, {})
    except (ValueError, RecursionError):
        report(Finding(file, 1, "a number is too long, or brackets are nested too deeply", "write less", fatal=True))
        return Declaration(file, {}, {})
    return _Builder(file, directory, Places(text), report).build(raw)


def stem(apex: bytes) -> str:
    """What the names of a zone's files begin with; a `/` of RFC 2317 becomes `-`."""
    return (names.to_text(names.fold(apex))[:-1] or "root").replace("/", "-")


def master_name(apex: bytes) -> str:
    """The name of the master file of a zone that names none."""
    return f"{stem(apex)}.zone"


@dataclass(slots=True)
class _Builder:
    """Turns tables into declarations and checks what they say of one another."""

    file: str
    directory: Path
    places: Places
    report: Report
    servers: dict[bytes, ServerDeclaration] = field(default_factory=dict)
    zones: dict[bytes, ZoneDeclaration] = field(default_factory=dict)
    served: dict[bytes, list[bytes]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    sections: dict[bytes, Section] = field(default_factory=dict)

    def build(self, raw: dict[str, Any]) -> Declaration:
        for key in raw.keys() - set(_TABLES):
            line = max(self.places.find(key).line, self.places.find().key(key))
            self.complain(line, f"unknown key {key!r}", nearest(key, _TABLES))
        servers, zones = raw.get("server", []), raw.get("zone", {})
        if not isinstance(servers, list) or not all(isinstance(table, dict) for table in servers):
            self.complain(self.places.find("server").line, "server is no list", "write [[server]]")
            servers = []
        if not isinstance(zones, dict):
            self.complain(self.places.find("zone").line, "zone is no table", 'write [zone."example.com"]')
            zones = {}
        if max(len(servers), len(zones)) > MAX_DECLARED:
            self.complain(1, f"more than {MAX_DECLARED} servers or zones", "declare fewer")
            return Declaration(self.file, {}, {})
        for name, table in zones.items():
            self.zone(name, table)
        for index, table in enumerate(servers):
            self.server(table, self.places.find("server", index=index))
        self.unite()
        faults = self.faults(raw.get("fault", []))
        return Declaration(self.file, self.servers, self.zones, self.keeping(raw.get("dnssec", {})), faults)

    def complain(self, line: int, text: str, instead: str) -> None:
        self.report(Finding(self.file, line, text, instead, fatal=True))

    def good(self, table: dict[str, Any], schema: values.Schema, at: Section) -> dict[str, Any]:
        """The values of the table that are good."""
        good: dict[str, Any] = {}
        for key, value in table.items():
            if key not in schema:
                self.complain(at.key(key), f"unknown key {key!r}", nearest(key, schema))
                continue
            try:
                good[key] = schema[key](value)
            except Wrong as wrong:
                self.complain(at.key(key), f"{key}: {wrong}", wrong.instead)
        return good

    def server(self, table: dict[str, Any], at: Section) -> None:
        given = self.good(table, values.SERVER, at)
        for key in ("name", "address"):
            if key not in table:
                self.complain(at.line, f"the server has no {key}", f"write {key} = {values.SAMPLES[key]}")
        if "name" not in given or "address" not in given:
            return
        ipv4 = given.pop("address")
        server = ServerDeclaration(
            ipv4=ipv4,
            ipv6=given.pop("ipv6", values.derived_ipv6(ipv4)),
            where=Where(self.file, at.line),
            **given,
        )
        name, text = names.fold(server.name), names.to_text(server.name)
        if name in self.servers:
            first = self.servers[name].where.line
            what = f"server {text} is declared twice (line {first})"
            self.complain(at.key("name"), what, "rename one of them")
            return
        for key, address in (("address", server.ipv4), ("ipv6", server.ipv6)):
            other = address and self.addresses.setdefault(address, text)
            if other and other != text:
                what = f"address clash: {other} has {address} too"
                self.complain(at.key(key), what, "give each server an address of its own")
                break
        self.servers[name] = server
        for apex in server.zones:
            self.serve(apex, name, at)

    def serve(self, apex: bytes, server: bytes, at: Section) -> None:
        text = names.to_text(apex)
        serving = self.served.setdefault(names.fold(apex), [])
        if names.fold(apex) not in self.zones:
            known = [names.to_text(zone.apex)[:-1] or "." for zone in self.zones.values()]
            hint = nearest(text[:-1] or ".", known)
            hint = hint if hint.startswith("did") else f'declare it: [zone."{text[:-1] or "."}"]'
            line = at.string("zones", text[:-1] or ".")
            self.complain(line, f"the server serves {text}, which is no zone of this world", hint)
        elif server in serving:
            self.complain(at.string("zones", text[:-1]), f"the server lists {text} twice", "keep one of them")
        else:
            serving.append(server)

    def zone(self, name: str, table: Any) -> None:
        at = self.places.find("zone", name)
        try:
            apex = values.domain(name)
        except Wrong as wrong:
            self.complain(at.line, str(wrong), wrong.instead)
            return
        inner = "com" if not isinstance(table, dict) else next(filter(_is_zone, table.items()), ("", None))[0]
        if inner:
            line = max(at.line, self.places.find("zone", name, inner).line)
            self.complain(line, "a zone's name is not quoted", f'write [zone."{name}.{inner}"]')
            return
        if names.fold(apex) in self.zones:
            first = self.zones[names.fold(apex)].where.line
            what = f"zone {names.to_text(apex)} is declared twice (line {first})"
            self.complain(at.line, what, "keep one of them")
            return
        signed = self.signing(name, table.pop("dnssec"), at) if "dnssec" in table else None
        given = self.good(table, values.ZONE, at)
        file = self.path_of(apex, given.pop("file", None), at)
        records = tuple((record, Where(self.file, at.string("records", record))) for record in given.pop("records", ()))
        self.sections[names.fold(apex)] = at
        self.zones[names.fold(apex)] = ZoneDeclaration(
            apex=apex, where=Where(self.file, at.line), file=file, records=records, dnssec=signed, **given
        )

    def signing(self, name: str, value: Any, at: Section) -> Signing | None:
        """How the zone `name` is signed, as far as that can be made out."""
        inner = self.places.find("zone", name, "dnssec")
        own = inner.path == ("zone", name, "dnssec")

        def complain(key: str, text: str, instead: str) -> None:
            line = inner.key(key) if own and key else at.key(f"dnssec.{key}", "dnssec")
            self.complain(line, text, instead)

        return signing.read(value, Where(self.file, inner.line if own else at.key("dnssec")), complain)

    def keeping(self, value: Any) -> Keeping:
        """Where the keys of the world come from."""
        at = self.places.find("dnssec")
        if not isinstance(value, dict):
            self.complain(self.places.find().key("dnssec"), "dnssec is no table", 'write [dnssec] and seed = "a text"')
            return Keeping()
        given = self.good(value, signing.WORLD, at)
        keys = given.pop("keys", None)
        return Keeping(**given, directory=None if keys is None else self.directory / keys)

    def faults(self, tables: Any) -> tuple[Rule, ...]:
        """The rules that can be made out."""
        line = max(self.places.find("fault").line, self.places.find().key("fault"))
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.complain(line, "fault is no list", "write [[fault]]")
            return ()
        if len(tables) > MAX_DECLARED:
            self.complain(line, f"more than {MAX_DECLARED} faults", "declare fewer")
            return ()
        servers = [Place.of(server.name, server.ipv4, server.ipv6) for server in self.servers.values()]
        signed = [names.to_text(apex) for apex, zone in self.zones.items() if zone.dnssec is not None]
        rules: list[Rule] = []
        for index, table in enumerate(tables):
            at = self.places.find("fault", index=index)
            try:
                made = rule(table)
                check(made, servers, signed)
            except InputError as error:
                self.complain(at.key(error.where), f"{error.where}: {error.what}", error.instead)
            else:
                rules.append(made)
        return tuple(rules)

    def path_of(self, apex: bytes, given: str | None, at: Section) -> Path | None:
        """The master file of the zone: the one given, else the one with its name if there is one."""
        path = self.directory / (given or master_name(apex))
        if path.is_file():
            return path
        if given is not None:
            near = nearest(given, (entry.name for entry in self.directory.iterdir() if entry.is_file()))
            hint = near if near.startswith("did") else f"paths are relative to {self.directory}"
            self.complain(at.key("file"), f"there is no file {given}", hint)
        return None

    def unite(self) -> None:
        """What servers and zones say of one another is put into the zones."""
        for apex, zone in self.zones.items():
            at = self.sections[apex]
            servers = self.served.get(apex, [])
            for server in map(names.fold, zone.servers):
                if server not in self.servers:
                    known = [names.to_text(other.name)[:-1] for other in self.servers.values()]
                    text = names.to_text(server)[:-1]
                    line = max(zone.where.line, at.string("servers", text))
                    self.complain(line, f"servers: no server {text} is declared", nearest(text, known))
                elif server not in servers:
                    servers.append(server)
            self.zones[apex] = replace(zone, servers=tuple(servers))
        root = self.zones.get(names.ROOT)
        if root is None or not root.servers:
            line = root.where.line if root else 1
            hint = 'declare [zone."."] and a [[server]] with zones = ["."]'
            self.complain(line, "no server serves the root", hint)


def _is_zone(item: tuple[str, Any]) -> bool:
    """Whether an entry of a zone's table looks like a zone below it: the name of this one is not quoted."""
    key, value = item
    return isinstance(value, dict) and key != "dnssec"
