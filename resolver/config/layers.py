"""What the sources of settings say, each over the one before, and what is wrong with it.

Rules: what is said stands under a *label* and a key. The label of a section is its name; that of a table below one is
`pools.office`, and that of one in an array of tables has its number, from 1: `rules.2`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from resolver.config import environment
from resolver.config.sections import LISTED, NAMED, SECTIONS, Fields
from resolver.errors import ConfigError

MAX_TABLES: Final = 1000
"""Tables below one section: of pools, of rules."""


class Source(NamedTuple):
    """Where a setting comes from, and the file if it is one."""

    text: str
    file: Path | None = None


def fields_of(label: str) -> Fields:
    """The keys that may stand under `label`."""
    section = label.partition(".")[0]
    return SECTIONS.get(section) or NAMED.get(section) or LISTED[section]


def written(label: str) -> str:
    """`label` as the header of a table."""
    section = label.partition(".")[0]
    return f"[[{section}]]" if section in LISTED else f"[{label}]"


@dataclass(slots=True)
class Layers:
    """What the sources say so far."""

    data: dict[str, dict[str, object]] = field(default_factory=dict)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    tables: dict[str, Source] = field(default_factory=dict)
    """Where each table of several was begun, by its label."""
    problems: list[ConfigError] = field(default_factory=list)

    def put(self, label: str, key: str, value: object, source: Source) -> None:
        """`key` under `label` is `value` from now on."""
        info = fields_of(label)[key]
        if source.file is not None and _is_path(info):
            value = _from_directory(source.file.parent, value)
        elif source.file is not None and isinstance(value, dict) and (table := _table_of(info)) is not None:
            value = {
                name: _from_directory(source.file.parent, inner) if name in table and _is_path(table[name]) else inner
                for name, inner in value.items()
            }
        self.data.setdefault(label, {})[key] = value
        self.sources[label, key] = source

    def begin(self, label: str, source: Source) -> None:
        """There is a table `label`, of which nothing is said yet; what was said of one before is gone."""
        self.tables[label] = source
        self.data[label] = {}

    def report(self, where: str, what: str, instead: str = "") -> None:
        """`what` is wrong."""
        self.problems.append(ConfigError(what, where=where, instead=instead))

    def where(self, label: str, *keys: str) -> str:
        """Where what stands under `label` and `keys` was written, as closely as that is known."""
        source = (self.sources.get((label, keys[0])) if keys else None) or self.tables.get(label)
        if source is None:
            return ""
        if source.file is None:
            return source.text
        path = tuple(label.split("."))
        for length in range(len(keys), -1, -1):
            line = self.lines.get((*path, *keys[:length]))
            if line:
                return f"{source.file}:{line}"
        return source.text

    def nested(self) -> dict[str, object]:
        """All that is said, as the model takes it."""
        made: dict[str, object] = {section: {} for section in NAMED} | {section: [] for section in LISTED}
        for label, values in self.data.items():
            section, _, name = label.partition(".")
            inside = made.get(section)
            if isinstance(inside, dict) and section in NAMED:
                inside[name] = values
            elif isinstance(inside, list):
                inside.append(values)
            else:
                made[label] = values
        return made

    def label_of(self, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The label that the `path` of a value begins with, and the rest of it."""
        if path[0] in NAMED and len(path) > 1:
            return f"{path[0]}.{path[1]}", path[2:]
        if path[0] in LISTED and len(path) > 1:
            return f"{path[0]}.{int(path[1]) + 1}", path[2:]
        return path[0], path[1:]

    def all_sources(self) -> dict[str, str]:
        """Where each setting comes from, by `section.key`."""
        default = Source("default")
        labels: Iterable[str] = (*SECTIONS, *self.tables)
        return {
            f"{label}.{key}": self.sources.get((label, key), default).text
            for label in labels
            for key in fields_of(label)
        }


def _is_path(info: FieldInfo) -> bool:
    """Whether a path is written for it, or a list of them."""
    parts = environment.parts_of(info.annotation)
    within = (inner for part in parts if get_origin(part) is tuple for inner in get_args(part))
    return Path in parts or any(Path in environment.parts_of(inner) for inner in within)


def _table_of(info: FieldInfo) -> Fields | None:
    """The keys of the table that is written for it, if one is."""
    parts = environment.parts_of(info.annotation)
    return next((part.model_fields for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


def _from_directory(directory: Path, value: object) -> object:
    """`value` with each path in it taken from `directory`; what is none is left for the model to refuse."""
    if isinstance(value, str):
        return os.path.normpath(directory / value)
    return [_from_directory(directory, each) for each in value] if isinstance(value, list) else value


def tables_in(section: str, table: object) -> Mapping[str, object] | None:
    """The tables below `section` by label, if `table` holds such."""
    if section in NAMED and isinstance(table, dict):
        return {f"{section}.{name}": inner for name, inner in table.items()}
    if section in LISTED and isinstance(table, list):
        return {f"{section}.{number}": inner for number, inner in enumerate(table, 1)}
    return None
