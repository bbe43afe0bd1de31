"""The section `[limits]`: how much one client may ask."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from resolver.config.sections.base import Doc, Section


class Limits(Section):
    """How much one client may ask, and be answered."""

    queries_per_s: Annotated[int, Field(ge=0, le=1_000_000), Doc("queries per second")] = 0
    """Queries of one client prefix that are answered; 0 is no limit."""
