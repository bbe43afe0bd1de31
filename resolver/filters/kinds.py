"""Which words say what becomes of a local zone, and what is told of a blocked name."""

from __future__ import annotations

import enum
from typing import Final


class LocalKind(enum.StrEnum):
    """What becomes of the names of a local zone that have no records here: the types of Unbound's `local-zone`."""

    STATIC = "static"
    TRANSPARENT = "transparent"
    TYPETRANSPARENT = "typetransparent"
    REDIRECT = "redirect"
    REFUSE = "refuse"
    DENY = "deny"
    BLOCK_A = "block_a"
    ALWAYS_TRANSPARENT = "always_transparent"
    ALWAYS_NXDOMAIN = "always_nxdomain"
    ALWAYS_NODATA = "always_nodata"
    ALWAYS_REFUSE = "always_refuse"
    ALWAYS_NULL = "always_null"
    ALWAYS_DENY = "always_deny"
    NODEFAULT = "nodefault"


LETS_THROUGH: Final = frozenset(
    (
        LocalKind.TRANSPARENT,
        LocalKind.TYPETRANSPARENT,
        LocalKind.ALWAYS_TRANSPARENT,
        LocalKind.NODEFAULT,
        LocalKind.BLOCK_A,
    )
)
"""The types whose names are looked up, so that a special-use name among them is none (`pipeline/reserved.py`)."""


class BlockAnswer(enum.StrEnum):
    """What is told of a blocked name, where it is no address of somebody's choice."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    NULL = "null"
    REFUSED = "refused"
