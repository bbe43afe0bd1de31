"""Decides how many files and sockets this process may have open: as many as the system lets it."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = 8192
"""What is assumed where the system sets no such limit, or does not tell."""


def limit() -> int:
    """How many descriptors this process may have open now."""
    try:
        import resource
    except ImportError:  # Windows
        return UNKNOWN
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNKNOWN if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> tuple[int, int]:
    """The soft limit is the hard one, where that can be had; what it was, and what it is."""
    before = limit()
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, OSError, ValueError):
        return before, before  # macOS has hard limits that it does not keep
    return before, limit()
