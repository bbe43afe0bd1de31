"""What a contradiction between settings is, for the modules that look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from resolver.network.base import Endpoint


class Contradiction(NamedTuple):
    """Two settings that exclude each other: the key to report it under, what is wrong, what to write
    instead."""

    section: str
    key: str
    what: str
    instead: str


def wildcard(endpoint: Endpoint) -> Endpoint:
    """All addresses of its family, on its port."""
    return endpoint._replace(host="::" if ":" in endpoint.host else "0.0.0.0")  # noqa: S104
