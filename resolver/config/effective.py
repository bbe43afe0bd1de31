"""How the settings in force are shown: as a TOML file that, read again, gives the same settings, but for secrets:
those are not shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from resolver.config.upstreams import PoolMember, shown_pins
from resolver.network.base import Upstream

if TYPE_CHECKING:
    from resolver.config.load import Loaded
    from resolver.config.sections import Config
    from resolver.config.sections.base import Section

_SECRETS: Final = frozenset(("cookie_secret", "sticky_password", "token"))
_HIDDEN: Final = "set, and not shown"


def to_toml(loaded: Loaded) -> str:
    """The settings of `loaded` as TOML, each with a comment that says where it comes from."""
    lines: list[str] = []
    for label, header, values in _tables(loaded.config):
        if lines:
            lines.append("")
        lines.append(header)
        for key, value in values:
            source = loaded.sources[f"{label}.{key}"]
            if key in _SECRETS and value is not None:
                lines.append(f"# {key} is {_HIDDEN}  # {source}")
            elif value is None or _is_left_out(label, value):
                lines.append(f"# {key} is not set  # {source}")
            else:
                lines.append(f"{key} = {toml(value)}  # {source}")
    return "\n".join(lines) + "\n"


def _is_left_out(label: str, value: object) -> bool:
    """Whether what says nothing must not be said: what a rule looks at is not nothing, but not looked at."""
    return label.startswith("rules.") and value in ((), {})


def _tables(config: Config) -> Iterator[tuple[str, str, Section]]:
    """Each table of `config`: its label, its header and its values."""
    for section, values in config:
        if isinstance(values, dict):
            yield from ((f"{section}.{name}", f"[{section}.{name}]", inner) for name, inner in values.items())
        elif isinstance(values, tuple):
            yield from ((f"{section}.{number}", f"[[{section}]]", inner) for number, inner in enumerate(values, 1))
        else:
            yield section, f"[{section}]", values


def to_data(loaded: Loaded) -> dict[str, object]:
    """The settings of `loaded` as JSON can carry them, by section."""
    made: dict[str, object] = {}
    for section, values in loaded.config:
        if isinstance(values, dict):
            made[section] = {name: _table(inner) for name, inner in values.items()}
        elif isinstance(values, tuple):
            made[section] = [_table(inner) for inner in values]
        else:
            made[section] = _table(values)
    return made


def _table(values: Section) -> dict[str, object]:
    return {key: _shown(key, value) for key, value in values}


def _shown(key: str, value: object) -> object:
    return _HIDDEN if key in _SECRETS and value is not None else _plain(value)


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, BaseModel):
        return {key: _plain(inner) for key, inner in _said(value).items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [_plain(inner) for inner in value]
    return str(value)


def _said(table: BaseModel) -> dict[str, object]:
    """What was said of a table within a table."""
    return {key: getattr(table, key) for key in type(table).model_fields if key in table.model_fields_set}


def _upstream(value: Upstream) -> dict[str, object]:
    """The keys of a table that describes `value`."""
    return {"address": str(value), **({"pins": shown_pins(value)} if value.pins else {})}


def toml(value: object) -> str:
    """`value` as TOML writes it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, BaseModel):
        return toml(_said(value))
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, PoolMember) and (value.name or value.weight != 1):
        return toml({**_upstream(value.upstream), "weight": value.weight, "name": value.name})
    if isinstance(value, PoolMember):
        return toml(value.upstream)
    if isinstance(value, Upstream) and value.pins:
        return toml(_upstream(value))
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return f"[{', '.join(toml(inner) for inner in value)}]"
    text = str(value.absolute()) if isinstance(value, Path) else str(value)
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
