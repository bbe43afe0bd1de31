"""The tables `[[rules]]`: what becomes of a query, by who asks what and how."""

from __future__ import annotations

from typing import Literal

from resolver.config.sections.base import Section


class Rule(Section):
    """What is done with queries that fit. Rules are tried in their order; the first one that decides ends it."""

    action: Literal["pool", "refuse"]
    """What is done."""

    pool: str | None = None
    """The pool of `action = "pool"`."""
