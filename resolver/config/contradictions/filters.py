"""Which settings about filters, policy zones and limits cannot stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.config.contradictions.base import Contradiction

if TYPE_CHECKING:
    from resolver.config.sections import Config


def find(config: Config) -> Iterator[Contradiction]:
    """Every contradiction among the filters, policy zones and limits of `config`."""
    yield from ()
