"""Decides how a drawn world is written: a hierarchy.toml and a master file for each zone, the same for the same
recording.

Rules: the directory is written whole, or not at all: beside the place where it is to be, and then renamed. What is in
the way is only replaced where that is asked for, and only if it is a recording or empty. Names, records and servers
stand in the order of their names, with all TTLs; what our keys take the place of stands in comments.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import dns.name

from resolver.auth.declaration import master_name
from resolver.auth.presented import rdata_of, rdata_text
from resolver.auth.shipped import FILE
from resolver.errors import ConfigError
from resolver.message import Type
from resolver.recording import securing
from resolver.recording.drawn import PRESENT, Drawn, DrawnServer, DrawnZone
from resolver.recording.evidence import Evidence
from resolver.recording.walking import Asked
from resolver.text import printable
from resolver.version import VERSION
from resolver.wire import names, types

MARK: Final = "# Recorded by resolverd"
"""How the first line of a recording's hierarchy.toml begins."""
LONGEST_FILE: Final = 200
"""Octets of the name of a file, where file systems take 255."""


def check(directory: Path, *, force: bool) -> None:
    """Raises `ConfigError` where nothing may be written to `directory`."""
    if not directory.exists() and not directory.is_symlink():
        return
    if not directory.is_dir():
        raise ConfigError("is no directory", where=str(directory), instead="name another place with -o")
    if not any(directory.iterdir()):
        return
    if not _is_recording(directory):
        raise ConfigError("holds what is no recording", where=str(directory), instead="name another place with -o")
    if not force:
        raise ConfigError("holds a recording", where=str(directory), instead="replace it with --force")


def _is_recording(directory: Path) -> bool:
    try:
        with (directory / FILE).open(encoding="utf-8", errors="replace") as file:
            return file.readline().startswith(MARK)
    except OSError:
        return False


def write(directory: Path, files: dict[str, str], *, examine: Callable[[Path], None]) -> None:
    """`directory` holds `files`, and nothing else. `examine` is called with them before they take its place; what it
    raises leaves everything as it was. Raises OSError."""
    directory = Path(os.path.abspath(directory))
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name[:LONGEST_FILE]}-", dir=directory.parent) as name:
        made, old = Path(name, "new"), Path(name, "old")
        made.mkdir()
        for file, text in files.items():
            (made / file).write_text(text, encoding="utf-8")
        examine(made)
        if directory.is_dir():
            directory.rename(old)
        try:
            made.rename(directory)
        except OSError:
            if old.is_dir():
                old.rename(directory)
            raise
        shutil.rmtree(old, ignore_errors=True)


def files(drawn: Drawn, asked: Sequence[Asked], evidence: Evidence, *, origin: str, wall: float) -> dict[str, str]:
    """The files of the world by their names. `origin` says whose servers were asked, `wall` when."""
    when = datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = _named(drawn)
    made = {FILE: _text(_hierarchy(drawn, asked, named, f"{MARK} {VERSION}, {when}, from {origin}."))}
    for apex, zone in drawn.zones.items():
        head = f"; {names.to_text(apex)} as it was on {when}; recorded by resolverd {VERSION} from {origin}."
        made[named[apex]] = _text(_master(zone, evidence, head))
    return made


def _text(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _named(drawn: Drawn) -> dict[bytes, str]:
    """The master file of each zone."""
    named: dict[bytes, str] = {}
    for number, apex in enumerate(drawn.zones):
        name = master_name(apex)
        usable = len(name) <= LONGEST_FILE and name not in named.values() and "\\" not in name and name[0] not in ".-"
        named[apex] = name if usable else f"zone-{number}.zone"
    return named


def _hierarchy(drawn: Drawn, asked: Sequence[Asked], named: dict[bytes, str], head: str) -> Iterator[str]:
    yield head
    yield "# Play it back with `resolver serve --world DIR` or `resolver trace --world DIR NAME`. What was asked for:"
    yield "#"
    yield from (f"# {told(each)}" for each in asked)
    for remark in drawn.remarks:
        yield f"# Otherwise than it was: {printable(remark)}"
    for apex, zone in drawn.zones.items():
        yield ""
        yield f"[zone.{_quoted(_plain(apex))}]"
        if named[apex] != master_name(apex):
            yield f"file = {_quoted(named[apex])}"
        if zone.dnssec is not None:
            yield f"dnssec = {{ {', '.join(f'{key} = {_value(each)}' for key, each in zone.dnssec.items())} }}"
        if zone.broken:
            yield f"broken = {_quoted(zone.broken)}"
    for server in drawn.servers.values():
        yield from _server(server)


def told(asked: Asked) -> str:
    """A question and what came of it, in a line."""
    question = f"{names.to_text(asked.question.name)} {types.to_text(asked.question.type)}"
    if asked.reply is None:
        return printable(f"{question}: {asked.failure}")
    secure = ", secure" if asked.reply.ad else ""
    nothing = "" if asked.reply.answer or asked.reply.rcode else ", no such data"
    return f"{question}: {types.rcode_to_text(asked.reply.rcode)}{nothing}{secure}"


def _server(server: DrawnServer) -> Iterator[str]:
    yield ""
    if server.ipv4 not in server.seen:
        yield f"# It was asked at {', '.join(server.seen)}."
    yield "[[server]]"
    yield f"name = {_quoted(_plain(server.name))}"
    yield f"address = {_quoted(server.ipv4)}"
    yield f"ipv6 = {'false' if server.ipv6 is None else _quoted(server.ipv6)}"
    yield f"zones = [{', '.join(_quoted(_plain(each)) for each in server.zones)}]"
    if server.fault:
        yield f"fault = {_quoted(server.fault)}"
    if server.latency_ms:
        yield f"latency_ms = {server.latency_ms:g}"


def _master(zone: DrawnZone, evidence: Evidence, head: str) -> Iterator[str]:
    yield head
    yield from (f"; Otherwise than it was: {printable(each)}" for each in zone.remarks)
    seen = list(securing.keys_seen(evidence, zone.apex)) if zone.dnssec is not None else []
    if seen:
        yield "; It is signed by keys of this world. Its own were:"
        yield from (f";   {types.to_text(rtype)} {_readable(rtype, each) or each.hex()}" for rtype, each in seen)
    for (name, rtype), rrset in sorted(zone.records.items(), key=_order):
        note = " ; it exists; what it has was not asked for" if rtype == PRESENT else ""
        for rdata in rrset.rdatas:
            text = _readable(rtype, rdata)
            begins = f"{names.to_text(name)} {rrset.ttl} IN {types.to_text(rtype)}"
            yield (
                f"; {begins} {rdata.hex()} ; no master file can say this" if text is None else f"{begins} {text}{note}"
            )


def _order(item: tuple[tuple[bytes, int], object]) -> tuple[tuple[bytes, ...], bool, int]:
    """Names in canonical order (RFC 4034 section 6.1), the SOA before all."""
    (name, rtype), _ = item
    return tuple(reversed(names.labels(name))), rtype != Type.SOA, rtype


def _readable(rtype: int, rdata: bytes) -> str | None:
    """The data as a master file says them; None where they would not be read as the same: malformed ones of a type."""
    for write in (rdata_text, _unknown):
        try:
            text = write(rtype, rdata)
            if text.isprintable() and rdata_of(rtype, text, dns.name.root) == rdata:
                return text
        except Exception:  # noqa: S112 - whatever dnspython makes of data that our parser lets through
            continue
    return None


def _unknown(rtype: int, rdata: bytes) -> str:
    """As those of a type that nobody knows (RFC 3597 section 5)."""
    return f"\\# {len(rdata)} {rdata.hex()}"


def _plain(name: bytes) -> str:
    """A name without its final dot."""
    return names.to_text(name)[:-1] or "."


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(value: object) -> str:
    return json.dumps(value)
