"""Decides how a world is written down: as files that `hierarchy.load` reads, or as values that a plan takes.

Rules: what somebody declared is written, and what was generated is not, as it is generated again. Each zone has a
master file beside the hierarchy.toml, in which names are absolute and each record has its TTL. A directory that holds a
world is never written to.

Limits: key files stay where they are, and are named by their absolute path. Comments, $GENERATE and $INCLUDE of files
that were read are gone: their records are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.auth import presented, shape, signing, zonecheck
from resolver.auth.declaration import Declaration, ServerDeclaration, ZoneDeclaration, master_name
from resolver.auth.draft import Draft, ZoneDraft
from resolver.auth.generate import NS_TTL
from resolver.auth.shipped import FILE
from resolver.auth.values import derived_ipv6
from resolver.dnssec import keys
from resolver.errors import ZoneError
from resolver.message import Type
from resolver.wire import names

MAX_FILE_NAME: Final = 200
"""Characters of a file's name; file systems take 255 octets."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_*-][A-Za-z0-9._*-]*")


def write(draft: Draft, directory: Path) -> None:
    """`directory`, which is made, declares what is drafted and not yet completed. Raises `ZoneError`."""
    top = directory / FILE
    files = dict(_files(draft.zones.values()))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in (top, *(directory / file for file in files.values())):
            if path.exists():
                raise ZoneError("is there already", where=str(path), instead="write to another directory")
        for apex, file in files.items():
            (directory / file).write_text("".join(_records(draft.zones[apex])), encoding="utf-8")
        top.write_text("\n".join(_hierarchy(draft, files)), encoding="utf-8")
    except OSError as error:
        where = error.filename or str(directory)
        raise ZoneError(f"cannot be written: {error.strerror}", where=where, instead="name another directory") from None


def described(zone: ZoneDraft, servers: Mapping[bytes, ServerDeclaration]) -> dict[str, Any]:
    """What `Plan.zone` takes for the zone."""
    declared = zone.declared
    said: dict[str, Any] = {
        "name": names.to_text(declared.apex),
        "data": shape.data_of(declared.apex, declared.ttl, zone.sets),
        "servers": [names.to_text(servers[name].name) for name in declared.servers],
        "ttl": declared.ttl,
        "negative_ttl": declared.negative_ttl,
    }
    if declared.nameservers is not None and (zone.apex, Type.NS) not in zone.sets:
        hosts = [names.to_text(host) for host in declared.nameservers]
        said["data"].setdefault("@", {})["NS"] = {"ttl": NS_TTL, "values": hosts}
    if declared.dnssec is not None:
        said["dnssec"] = signing.described(declared.dnssec)
    return said


def _files(zones: Iterable[ZoneDraft]) -> Iterator[tuple[bytes, str]]:
    """The name of the master file of each zone that has records, by folded apex."""
    taken: set[str] = set()
    for number, zone in enumerate(zones):
        if zone.sets:
            usual = master_name(zone.apex)
            good = len(usual) <= MAX_FILE_NAME and _PLAIN.fullmatch(usual) and usual not in taken
            file = usual if good else f"zone-{number}.records"
            taken.add(file)
            yield zone.apex, file


def _records(zone: ZoneDraft) -> Iterator[str]:
    for records in zone.sets.values():
        for record in records:
            data = presented.rdata_text(record.type, record.rdata)
            yield f"{names.to_text(record.name)}\t{record.ttl}\t{zonecheck.kind(record.type)}\t{data}\n"


def _hierarchy(draft: Draft, files: Mapping[bytes, str]) -> Iterator[str]:
    """The lines of the hierarchy.toml."""
    declaration = draft.declaration
    yield from _keeping(declaration)
    for apex, zone in draft.zones.items():
        yield from _zone(zone.declared, declaration, files.get(apex))
    for server in declaration.servers.values():
        yield from _server(server)
    for fault in declaration.faults:
        yield "[[fault]]"
        yield from (f"{key} = {_value(value)}" for key, value in fault.as_data().items())
        yield ""


def _keeping(declaration: Declaration) -> Iterator[str]:
    keeping = declaration.keeping
    if keeping.seed != keys.SEED or keeping.directory is not None:
        yield "[dnssec]"
        yield f"seed = {_quoted(keeping.seed)}"
        if keeping.directory is not None:
            yield f"keys = {_quoted(str(keeping.directory.absolute()))}"
        yield ""


def _zone(zone: ZoneDeclaration, declaration: Declaration, file: str | None) -> Iterator[str]:
    yield f"[zone.{_quoted(_short(zone.apex))}]"
    yield f"servers = {_list(declaration.servers[name].name for name in zone.servers)}"
    if zone.nameservers is not None:
        yield f"nameservers = {_list(zone.nameservers)}"
    if file is not None:
        yield f"file = {_quoted(file)}"
    yield f"ttl = {zone.ttl}"
    yield f"negative_ttl = {zone.negative_ttl}"
    if zone.broken:
        yield f"broken = {_quoted(zone.broken)}"
    if zone.dnssec is not None:
        words = signing.described(zone.dnssec)
        yield f"dnssec = {{ {', '.join(f'{key} = {_value(each)}' for key, each in words.items())} }}"
    yield ""


def _server(server: ServerDeclaration) -> Iterator[str]:
    yield "[[server]]"
    yield f"name = {_quoted(_short(server.name))}"
    yield f"address = {_quoted(server.ipv4)}"
    if server.ipv6 != derived_ipv6(server.ipv4):
        yield f"ipv6 = {'false' if server.ipv6 is None else _quoted(server.ipv6)}"
    for key in ("latency_ms", "loss", "recursion"):
        if value := getattr(server, key):
            yield f"{key} = {_value(value)}"
    if server.fault is not None:
        yield f"fault = {_quoted(server.fault)}"
    yield ""


def _short(name: bytes) -> str:
    return names.to_text(name)[:-1] or "."


def _list(hosts: Iterable[bytes]) -> str:
    return f"[{', '.join(_quoted(_short(host)) for host in hosts)}]"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    return '"' + "".join(one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08X}" for one in text) + '"'
