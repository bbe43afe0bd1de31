"""Which settings are in force and where each comes from: defaults < TOML file < environment < command line.

Rules: all problems of all sources are reported together, one line each: where (`file:line`, the variable, the
command line), what is wrong, what to write instead. A relative path in a file is relative to that file's
directory; one from the environment or the command line, to the working directory.

Limits: that a path exists is checked now; what stands in the file is checked by whoever reads it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from resolver.config import environment
from resolver.config.contradictions import Contradictions
from resolver.config.describe import allowed
from resolver.config.layers import MAX_TABLES, Layers, Source, fields_of, tables_in, written
from resolver.config.nearest import nearest_key, nearest_section, nearest_variable
from resolver.config.positions import key_lines
from resolver.config.sections import LISTED, NAMED, SECTIONS, Config
from resolver.config.values import shown, shown_path
from resolver.errors import ConfigError
from resolver.text import printable

DEFAULT_FILE: Final = Path("resolver.toml")
MAX_FILE: Final = 1 << 20
"""Octets of a configuration file; a larger one is a mistake, such as a zone given in its place."""

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""The name of a table below a section."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, where each of them (`section.key`) comes from, and the file that was read, if
    any."""

    config: Config
    sources: Mapping[str, str]
    file: Path | None


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """The settings in force.

    `file` None means ./resolver.toml if that is there; `environ` None means the process's; `overrides` maps
    `section.key` to what the command line says. Raises `ConfigError` with a line for each problem.
    """
    layers = Layers()
    if file is None and DEFAULT_FILE.is_file():
        file = DEFAULT_FILE
    if file is not None:
        _read_file(layers, file)
    _read_environment(layers, os.environ if environ is None else environ)
    for dotted, value in (overrides or {}).items():
        section, _, key = dotted.partition(".")
        layers.put(section, key, value, Source("command line"))
    config = _validated(layers)
    if config is not None:
        _check_files(layers, config)
    if layers.problems or config is None:
        raise ConfigError("\n".join(str(problem) for problem in sorted(layers.problems, key=_line)))
    return Loaded(config, layers.all_sources(), file)


def from_tables(tables: Mapping[str, Mapping[str, object]], where: str) -> Config:
    """The settings that `tables` of sections say `where`. Raises `ConfigError` with a line for each problem."""
    layers = Layers()
    for section, table in tables.items():
        if section not in SECTIONS:
            layers.report(where, f"unknown section [{printable(section)}]", nearest_section(section))
            continue
        for key, value in table.items():
            if key in SECTIONS[section]:
                layers.put(section, key, value, Source(where))
            else:
                layers.report(where, printable(f"unknown key '{key}' in [{section}]"), nearest_key(section, key))
    config = _validated(layers)
    if layers.problems or config is None:
        raise ConfigError("\n".join(map(str, layers.problems)))
    return config


def _line(problem: ConfigError) -> int:
    """Where `problem` stands among the others: by its line; what is in no file comes last."""
    position = re.search(r":(\d+)$", problem.where)
    return int(position[1]) if position else MAX_FILE


def _read_file(layers: Layers, file: Path) -> None:
    try:
        with file.open("rb") as opened:
            octets = opened.read(MAX_FILE + 1)
        if len(octets) > MAX_FILE:
            layers.report(str(file), f"larger than {MAX_FILE} octets", "give a configuration file in TOML")
            return
        text = octets.decode()
        tables = tomllib.loads(text)
    except OSError as wrong:
        layers.report(str(file), f"cannot be read: {wrong.strerror}", "give a file that can be read with --config")
    except UnicodeDecodeError as wrong:
        line = octets.count(b"\n", 0, wrong.start) + 1
        layers.report(f"{file}:{line}", "is not UTF-8", "save the file as UTF-8")
    except (ValueError, RecursionError) as wrong:
        _report_syntax(layers, file, str(wrong), text.count("\n") + 1)
    else:
        layers.lines = key_lines(text)
        for section, table in tables.items():
            _read_section(layers, file, section, table)


def _report_syntax(layers: Layers, file: Path, message: str, last_line: int) -> None:
    position = re.search(r" \(at line (\d+), column (\d+)\)$| \(at end of document\)$", message)
    line = int(position[1]) if position and position[1] else last_line
    what = message[: position.start()] if position else message
    column = f" at column {position[2]}" if position and position[2] else ""
    layers.report(f"{file}:{line}", f"no TOML: {what[:1].lower()}{what[1:]}{column}", "see https://toml.io")


def _read_section(layers: Layers, file: Path, section: str, table: object) -> None:
    where = f"{file}:{layers.lines.get((section,), 1)}"
    if section not in SECTIONS and section not in NAMED and section not in LISTED:
        what = f"unknown section [{section}]" if isinstance(table, dict) else f"unknown key '{section}'"
        layers.report(where, printable(what), nearest_section(section))
        return
    if section in SECTIONS:
        _read_table(layers, file, section, table)
        return
    tables = tables_in(section, table)
    if tables is None:
        header = f"[{section}.NAME]" if section in NAMED else f"[[{section}]]"
        layers.report(where, f"{section} is {shown(table)}", f"write {header} with keys below it")
    elif len(tables) > MAX_TABLES:
        layers.report(where, f"there are {len(tables)} tables in {section}", f"write {MAX_TABLES} at most")
    else:
        for label, inner in tables.items():
            source = Source(f"{file}:{_line_of(layers, label)}", file)
            if not isinstance(inner, dict) or _begins(layers, label, source):
                _read_table(layers, file, label, inner)


def _begins(layers: Layers, label: str, source: Source) -> bool:
    """Whether a table with this `label` can be; if so it is there."""
    section, _, name = label.partition(".")
    if not NAME.fullmatch(name):
        what = printable(f"{name!r} is no name for one of [{section}]")
        layers.report(source.text, what, "write at most 63 letters, digits, - and _")
        return False
    layers.begin(label, source)
    return True


def _line_of(layers: Layers, label: str, *keys: str) -> int:
    path = (*label.split(".", 1), *keys)
    return next((layers.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in layers.lines), 1)


def _read_table(layers: Layers, file: Path, label: str, table: object) -> None:
    if not isinstance(table, dict):
        section, _, key = label.partition(".")
        instead = f"write a section {written(label)} with keys below it"
        if section in NAMED and key in fields_of(label):
            instead = f"write it below a header with a name of your own, such as [{section}.office]"
        layers.report(f"{file}:{_line_of(layers, label)}", f"{label} is {shown(table)}", instead)
        return
    for key, value in table.items():
        line = _line_of(layers, label, key)
        if key in fields_of(label):
            layers.put(label, key, value, Source(f"{file}:{line}", file))
        else:
            what = printable(f"unknown key '{key}' in {written(label)}")
            layers.report(f"{file}:{line}", what, nearest_key(label, key))


def _read_environment(layers: Layers, environ: Mapping[str, str]) -> None:
    for name, section, key in environment.settings_in(environ):
        where = f"environment {name}"
        if section in NAMED:
            _read_named(layers, f"{section}.{key}", environ[name], where)
            continue
        if section not in SECTIONS or key not in SECTIONS[section]:
            layers.report(printable(where), "unknown setting", nearest_variable(name))
            continue
        try:
            value = environment.value_of(environ[name], SECTIONS[section][key])
        except ValueError as wrong:
            layers.report(where, str(wrong))
        else:
            layers.put(section, key, value, Source(where))


def _read_named(layers: Layers, label: str, text: str, where: str) -> None:
    """A whole table from the environment, as JSON: it replaces one of that name."""
    try:
        table = environment.table_of(text)
    except ValueError as wrong:
        layers.report(where, str(wrong))
        return
    if _begins(layers, label, Source(where)):
        for key, value in table.items():
            if key in fields_of(label):
                layers.put(label, key, value, Source(where))
            else:
                layers.report(where, printable(f"unknown key '{key}' in {written(label)}"), nearest_key(label, key))


def _validated(layers: Layers) -> Config | None:
    try:
        return Config.model_validate(layers.nested())
    except ValidationError as wrong:
        seen: set[tuple[str, ...]] = set()
        for error in wrong.errors(include_url=False):
            cause = error.get("ctx", {}).get("error")
            if isinstance(cause, Contradictions):
                for found in cause.found:
                    layers.report(layers.where(found.section, found.key), found.what, found.instead)
                continue
            path, given = _reached(layers.nested(), error["loc"])
            # Each alternative of a union complains, and so does what holds a value that was refused.
            if not any(known[: len(path)] == path for known in seen):
                seen.add(path)
                _report_value(layers, path, given, str(cause) if isinstance(cause, ValueError) else "")
        return None


def _reached(data: object, loc: tuple[int | str, ...]) -> tuple[tuple[str, ...], object]:
    """The path of the value that is wrong, without what the checker adds to it, and that value."""
    path: list[str] = []
    for step in loc:
        match data:
            case dict() if step in data:
                data = data[step]
            case list() | tuple() if isinstance(step, int) and step < len(data):
                data = data[step]
            case _:
                break
        path.append(str(step))
    return tuple(path), data


def _report_value(layers: Layers, path: tuple[str, ...], given: object, cause: str) -> None:
    label, rest = layers.label_of(path)
    where = layers.where(label, *rest)
    if not rest:
        missing = [
            key for key, info in fields_of(label).items() if info.is_required() and key not in layers.data[label]
        ]
        layers.report(where, f"{written(label)} has no {' and no '.join(missing)}", "see docs/configuration.md")
        return
    key, *inner = rest
    name = ".".join((label, key, *(f'"{step}"' for step in inner if not step.isdigit())))
    if cause:
        layers.report(where, f"{printable(name)}: {cause}")
    else:
        layers.report(where, f"{printable(name)} is {shown(given)}", f"write {allowed(fields_of(label)[key])}")


def _check_files(layers: Layers, config: Config) -> None:
    for label, key, path, instead in _files(config):
        if not _is_file(path):
            layers.report(layers.where(label, key), f"{key} {shown_path(path)} is no file", instead)
    world = config.world.directory
    if world is not None and not _is_file(world / "hierarchy.toml"):
        where = layers.where("world", "directory")
        layers.report(where, f"directory {shown_path(world)} has no hierarchy.toml", "give a directory that has one")


def _files(config: Config) -> Iterator[tuple[str, str, Path, str]]:
    """The files that settings name: the label of a table, the key, the path, and what to give instead."""
    server, dnssec = config.server, config.dnssec
    named: list[tuple[str, str, Sequence[Path | None], str]] = [
        ("resolver", "hints_file", [config.resolver.hints_file], "give the path of a master file"),
        ("server", "tls_certificate", server.tls_certificate, "give a file in PEM"),
        ("server", "tls_key", server.tls_key, "give a file in PEM"),
        ("dnssec", "trust_anchor_files", dnssec.trust_anchor_files, "give a file with DS or DNSKEY records"),
        ("dnssec", "auto_trust_anchor_file", [dnssec.auto_trust_anchor_file], "give a file with DS or DNSKEY records"),
        ("admin", "token_file", [config.admin.token_file], "give a file that holds the token"),
    ]
    for key in ("block_lists", "allow_lists", "hosts_files"):
        named.append(("filters", key, getattr(config.filters, key), "give a file of names, or remove it"))
    for number, table in enumerate(config.rpz, 1):
        named.append((f"rpz.{number}", "file", [table.file], "give the master file of a policy zone"))
    for name, pool in config.pools.items():
        named.append((f"pools.{name}", "tls_ca", [pool.tls_ca], "give a file of certificates in PEM, or remove it"))
    for label, key, paths, instead in named:
        yield from ((label, key, path, instead) for path in paths if path is not None)


def _is_file(path: Path) -> bool:
    """Whether there is a file at `path` as far as we may look; a path that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
