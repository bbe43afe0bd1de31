"""The sections of any number of tables, `[pools.NAME]`, `[[rules]]` and `[[rpz]]`: their models are made when a
configuration has such a table, for most have none, and to make them would cost each start a tenth of its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pydantic import PlainValidator, TypeAdapter
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from resolver.config.sections.base import Section

Fields = dict[str, FieldInfo]


class Tables(Mapping[str, Fields]):
    """The keys of a table of each section, by the name of the section, which is that of the module of its model."""

    def __init__(self, models: Mapping[str, str]) -> None:
        self._models = models

    def __getitem__(self, section: str) -> Fields:
        return self.model(section).model_fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, section: object) -> bool:
        return section in self._models

    def model(self, section: str) -> type[Section]:
        """What a table of `section` is read by."""
        found: type[Section] = getattr(import_module(f"resolver.config.sections.{section}"), self._models[section])
        return found


NAMED: Final = Tables({"pools": "Pool"})
"""Sections of any number of tables, each under a name: `[pools.NAME]`."""

LISTED: Final = Tables({"rules": "Rule", "rpz": "Rpz"})
"""Sections that are an array of tables: `[[rules]]`."""


def named(section: str) -> PlainValidator:
    """Reads the tables of a section of `NAMED`."""
    return PlainValidator(lambda value: {} if value == {} else _named(section).validate_python(value))


def listed(section: str) -> PlainValidator:
    """Reads the tables of a section of `LISTED`, from a list or a tuple."""
    return PlainValidator(lambda value: () if value in ([], ()) else _listed(section).validate_python(value))


@cache
def _named(section: str) -> TypeAdapter[Any]:
    return TypeAdapter(dict[str, NAMED.model(section)])  # type: ignore[arg-type, misc]


@cache
def _listed(section: str) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[LISTED.model(section), ...])  # type: ignore[arg-type, misc]
