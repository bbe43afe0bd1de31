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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from resolver.config import environment
from resolver.config.contradictions import Contradictions
from resolver.config.describe import allowed
from resolver.config.positions import key_lines
from resolver.config.sections import (
    Admin,
    Budget,
    Cache,
    Config,
    Control,
    Dnssec,
    History,
    Log,
    Resolver,
    Server,
    World,
)
from resolver.config.values import shown
from resolver.errors import ConfigError
from resolver.text import printable

DEFAULT_FILE: Final = Path("resolver.toml")
MAX_FILE: Final = 1 << 20
"""Octets of a configuration file; a larger one is a mistake, such as a zone given in its place."""

Fields = dict[str, FieldInfo]


SECTIONS: Final[dict[str, Fields]] = {
    "server": Server.model_fields,
    "world": World.model_fields,
    "resolver": Resolver.model_fields,
    "dnssec": Dnssec.model_fields,
    "budget": Budget.model_fields,
    "cache": Cache.model_fields,
    "log": Log.model_fields,
    "control": Control.model_fields,
    "admin": Admin.model_fields,
    "history": History.model_fields,
}


class Source(NamedTuple):
    """Where a setting comes from, and the lines of the keys inside it if that is a file."""

    text: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, where each of them (`section.key`) comes from, and the file that was read, if
    any."""

    config: Config
    sources: Mapping[str, str]
    file: Path | None


@dataclass(slots=True)
class _Layers:
    """What the sources say so far, each over the one before, and what is wrong with it."""

    data: dict[str, dict[str, object]] = field(default_factory=dict)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)

    def put(self, section: str, key: str, value: object, source: Source) -> None:
        if source.file is not None and _is_path(SECTIONS[section][key]):
            value = _from_directory(source.file.parent, value)
        self.data.setdefault(section, {})[key] = value
        self.sources[section, key] = source

    def report(self, where: str, what: str, instead: str = "") -> None:
        self.problems.append(ConfigError(what, where=where, instead=instead))

    def where(self, section: str, *keys: str) -> str:
        """Where what stands under `section` and `keys` was written, as closely as that is known."""
        source = self.sources.get((section, keys[0])) if keys else None
        if source is None:
            return ""
        if source.file is None:
            return source.text
        for length in range(len(keys), 0, -1):
            line = self.lines.get((section, *keys[:length]))
            if line:
                return f"{source.file}:{line}"
        return source.text


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """The settings in force.

    `file` None means ./resolver.toml if that is there; `environ` None means the process's; `overrides` maps
    `section.key` to what the command line says. Raises `ConfigError` with a line for each problem.
    """
    layers = _Layers()
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
    return Loaded(config, _all_sources(layers), file)


def from_tables(tables: Mapping[str, Mapping[str, object]], where: str) -> Config:
    """The settings that `tables` of sections say `where`. Raises `ConfigError` with a line for each problem."""
    layers = _Layers()
    for section, table in tables.items():
        if section not in SECTIONS:
            layers.report(where, f"unknown section [{printable(section)}]", _nearest_section(section))
            continue
        for key, value in table.items():
            if key in SECTIONS[section]:
                layers.put(section, key, value, Source(where))
            else:
                layers.report(where, printable(f"unknown key '{key}' in [{section}]"), _nearest_key(section, key))
    config = _validated(layers)
    if layers.problems or config is None:
        raise ConfigError("\n".join(map(str, layers.problems)))
    return config


def _line(problem: ConfigError) -> int:
    """Where `problem` stands among the others: by its line; what is in no file comes last."""
    position = re.search(r":(\d+)$", problem.where)
    return int(position[1]) if position else MAX_FILE


def _read_file(layers: _Layers, file: Path) -> None:
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


def _report_syntax(layers: _Layers, file: Path, message: str, last_line: int) -> None:
    position = re.search(r" \(at line (\d+), column (\d+)\)$| \(at end of document\)$", message)
    line = int(position[1]) if position and position[1] else last_line
    what = message[: position.start()] if position else message
    column = f" at column {position[2]}" if position and position[2] else ""
    layers.report(f"{file}:{line}", f"no TOML: {what[:1].lower()}{what[1:]}{column}", "see https://toml.io")


def _read_section(layers: _Layers, file: Path, section: str, table: object) -> None:
    line = layers.lines.get((section,), 1)
    where = f"{file}:{line}"
    if section not in SECTIONS:
        what = f"unknown section [{section}]" if isinstance(table, dict) else f"unknown key '{section}'"
        layers.report(where, printable(what), _nearest_section(section))
    elif not isinstance(table, dict):
        layers.report(where, f"{section} is {shown(table)}", f"write a section [{section}] with keys below it")
    else:
        for key, value in table.items():
            line = layers.lines.get((section, key), line)
            if key in SECTIONS[section]:
                layers.put(section, key, value, Source(f"{file}:{line}", file))
            else:
                what = printable(f"unknown key '{key}' in [{section}]")
                layers.report(f"{file}:{line}", what, _nearest_key(section, key))


def _read_environment(layers: _Layers, environ: Mapping[str, str]) -> None:
    for name, section, key in environment.settings_in(environ):
        where = f"environment {name}"
        if section not in SECTIONS or key not in SECTIONS[section]:
            layers.report(printable(where), "unknown setting", _nearest_variable(name))
            continue
        try:
            value = environment.value_of(environ[name], SECTIONS[section][key])
        except ValueError as wrong:
            layers.report(where, str(wrong))
        else:
            layers.put(section, key, value, Source(where))


def _validated(layers: _Layers) -> Config | None:
    try:
        return Config.model_validate(layers.data)
    except ValidationError as wrong:
        seen: set[tuple[str, ...]] = set()
        for error in wrong.errors(include_url=False):
            cause = error.get("ctx", {}).get("error")
            if isinstance(cause, Contradictions):
                for found in cause.found:
                    layers.report(layers.where(found.section, found.key), found.what, found.instead)
                continue
            path, given = _reached(layers.data, error["loc"])
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


def _report_value(layers: _Layers, path: tuple[str, ...], given: object, cause: str) -> None:
    section, key, *inner = path
    name = ".".join((section, key, *(f'"{step}"' for step in inner if not step.isdigit())))
    where = layers.where(section, key, *inner)
    if cause:
        layers.report(where, f"{printable(name)}: {cause}")
    else:
        layers.report(where, f"{printable(name)} is {shown(given)}", f"write {allowed(SECTIONS[section][key])}")


def _check_files(layers: _Layers, config: Config) -> None:
    hints, world = config.resolver.hints_file, config.world.directory
    if hints is not None and not _is_file(hints):
        where = layers.where("resolver", "hints_file")
        layers.report(where, f"hints_file {shown(str(hints))} is no file", "give the path of a master file")
    for key, path in (("tls_certificate", config.server.tls_certificate), ("tls_key", config.server.tls_key)):
        if path is not None and not _is_file(path):
            layers.report(layers.where("server", key), f"{key} {shown(str(path))} is no file", "give a file in PEM")
    anchored = [("trust_anchor_files", path) for path in config.dnssec.trust_anchor_files]
    if config.dnssec.auto_trust_anchor_file is not None:
        anchored.append(("auto_trust_anchor_file", config.dnssec.auto_trust_anchor_file))
    for key, path in anchored:
        if not _is_file(path):
            what = f"{key} {shown(str(path))} is no file"
            layers.report(layers.where("dnssec", key), what, "give a file with DS or DNSKEY records")
    if config.admin.token_file is not None and not _is_file(config.admin.token_file):
        what = f"token_file {shown(str(config.admin.token_file))} is no file"
        layers.report(layers.where("admin", "token_file"), what, "give a file that holds the token")
    if world is not None and not _is_file(world / "hierarchy.toml"):
        where = layers.where("world", "directory")
        layers.report(where, f"directory {shown(str(world))} has no hierarchy.toml", "give a directory that has one")


def _is_file(path: Path) -> bool:
    """Whether there is a file at `path` as far as we may look; a path that cannot be one is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_path(info: FieldInfo) -> bool:
    """Whether a path is written for it, or a list of them."""
    parts = environment.parts_of(info.annotation)
    within = (inner for part in parts if get_origin(part) is tuple for inner in get_args(part))
    return Path in parts or any(Path in environment.parts_of(inner) for inner in within)


def _from_directory(directory: Path, value: object) -> object:
    """`value` with each path in it taken from `directory`; what is none is left for the model to refuse."""
    if isinstance(value, str):
        return os.path.normpath(directory / value)
    return [_from_directory(directory, each) for each in value] if isinstance(value, list) else value


def _all_sources(layers: _Layers) -> dict[str, str]:
    default = Source("default")
    return {
        f"{section}.{key}": layers.sources.get((section, key), default).text
        for section, fields in SECTIONS.items()
        for key in fields
    }


def _nearest(word: str, known: Iterable[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), 1, 0.6)), None)


def _nearest_section(section: str) -> str:
    homes = [name for name, fields in SECTIONS.items() if section in fields]
    if homes:
        return f"'{section}' belongs below [{homes[0]}]"
    nearest = _nearest(section.lower(), SECTIONS)
    if nearest:
        return f"did you mean [{nearest}]?"
    return f"the sections are {', '.join(SECTIONS)}"


def _nearest_key(section: str, key: str) -> str:
    homes = [name for name, fields in SECTIONS.items() if key in fields]
    if homes:
        return f"'{key}' belongs below [{homes[0]}]"
    nearest = _nearest(key.lower(), SECTIONS[section])
    return f"did you mean '{nearest}'?" if nearest else f"its keys are {', '.join(SECTIONS[section])}"


def _nearest_variable(name: str) -> str:
    known = [environment.variable(section, key) for section, fields in SECTIONS.items() for key in fields]
    own_part = len(environment.PREFIX)  # compared without what all have in common
    nearest = _nearest(name[own_part:], [one[own_part:] for one in known])
    return f"did you mean {environment.PREFIX}{nearest}?" if nearest else f"known are {known[0]} and the like"
