"""Which environment variables are settings, and what their texts mean.

Rules: `RESOLVER_SECTION__KEY` sets `section.key`. Only a name with two underscores somewhere after
`RESOLVER_` is taken for a setting, so what Kubernetes (`RESOLVER_PORT_53_TCP`) and continuous integration
(`RESOLVER_CI`) put there does no harm. Lists and tables are JSON; everything else is written plainly, and
nothing at all unsets a setting that may be unset.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

from resolver.config.values import shown

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX: Final = "RESOLVER_"
INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?")
WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def variable(section: str, key: str) -> str:
    """The name of the variable that sets `section.key`."""
    return f"{PREFIX}{section}__{key}".upper()


def settings_in(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The variables that are settings, in order of their names: (name, section, key)."""
    found = []
    for name in sorted(environ):
        section, separator, key = name.removeprefix(PREFIX).partition("__")
        if name.startswith(PREFIX) and section and separator:
            found.append((name, section.lower(), key.lower()))
    return found


def parts_of(annotation: Any) -> list[Any]:
    """The alternatives of a type: those of a union, each without its metadata; else the type alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for one in get_args(annotation) for part in parts_of(one)]
    if hasattr(annotation, "__metadata__"):
        return parts_of(annotation.__origin__)
    return [annotation]


def value_of(text: str, field: FieldInfo) -> object:
    """What `text` means for `field`; a text that means nothing is returned as it is, for the model to refuse.

    Raises `ValueError` with what is wrong and what to write instead if a list or table is no JSON.
    """
    parts = parts_of(field.annotation)
    if text and not text.startswith("[") and any(_holds_paths(part) for part in parts):
        return [text]
    if any(get_origin(part) in (tuple, dict) for part in parts):
        return _from_json(text, table=any(get_origin(part) is dict for part in parts))
    if not text and type(None) in parts:
        return None
    if bool in parts and text.lower() in WORDS:
        return WORDS[text.lower()]
    if int in parts and INTEGER.fullmatch(text):
        return int(text)
    if float in parts and NUMBER.fullmatch(text):
        return float(text)
    return text


def _holds_paths(part: Any) -> bool:
    """Whether `part` is a list of paths, of which one may stand alone."""
    return get_origin(part) is tuple and any(Path in parts_of(inner) for inner in get_args(part))


def table_of(text: str) -> dict[str, object]:
    """The table that `text` is, as JSON. Raises `ValueError` with what is wrong and what to write instead."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f'{shown(text)} is no JSON object; write one, as in {{"members": ["192.0.2.1"]}}')
    return value


def _from_json(text: str, *, table: bool) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        example = '{"example.com": ["192.0.2.1"]}' if table else '["127.0.0.1:5300", "[::1]:5300"]'
        raise ValueError(
            f"{shown(text)} is no JSON; write a JSON {'object' if table else 'list'}, as in {example}"
        ) from None
