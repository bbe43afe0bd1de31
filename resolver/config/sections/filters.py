"""The section `[filters]` and the tables `[[rpz]]`: names and answers that are decided here, whatever others say."""

from __future__ import annotations

from pydantic import Field

from resolver.config.sections.base import OptionalPath, Section


class Filters(Section):
    """Names and answers that are decided here: local data, block lists, rebinding, DNS64."""

    rebinding: bool = False
    """Whether answers of others that lead to private addresses are refused."""


class Rpz(Section):
    """A response policy zone. Those that come first win."""

    file: OptionalPath = Field()
    """Its master file."""
