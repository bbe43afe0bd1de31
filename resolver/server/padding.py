"""Decides how a query that is padded, and a plain one otherwise, gets its answer from the stored octets (RFC 8467).

Most clients of encrypted transports pad. What is stored answers queries without options, so the padding is taken off,
what is stored is looked up, and the response is padded to a multiple of `BLOCK` octets (section 4.1).

Limits: where a response has an option of its own, such as an extended error, it is made by `saying.py` instead.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final

from resolver.cache.answers import Serve
from resolver.errors import WireError
from resolver.message import Type
from resolver.server.options import BLOCK, PADDING
from resolver.wire.compression import HEADER, read_plain

_COUNTS: Final = b"\x00\x01\x00\x00\x00\x00\x00\x01"
"""A question and one additional record."""

_OPT: Final = b"\x00" + int(Type.OPT).to_bytes(2, "big")
_OPTION: Final = Struct("!HHH").unpack_from
"""The length of all options, the code of the first and its length."""
_PADDED: Final = Struct("!HHH").pack
_FIXED: Final = 9
"""Octets of an OPT before the length of its options."""


class Padding:
    """Gives stored responses as `serve` does, also to queries that are padded."""

    __slots__ = ("_serve",)

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    def __call__(self, query: bytes) -> bytes | None:
        """The stored response to `query`, if there is one."""
        response = self._serve(query)
        if response is not None:
            return response
        plain = unpadded(query)
        return None if plain is None else padded(self._serve(plain))


def unpadded(query: bytes) -> bytes | None:
    """`query` without its padding, which must be the only option that it has; None if it is not such a query."""
    if query[4:HEADER] != _COUNTS:
        return None
    try:
        at = read_plain(query, HEADER)[1] + 4
        if query[at : at + 3] != _OPT:
            return None
        options, code, length = _OPTION(query, at + _FIXED)
    except (IndexError, WireError, error):
        return None
    end = at + _FIXED + 2 + options
    if code != PADDING or options != length + 4 or end != len(query):
        return None
    return query[: at + _FIXED] + b"\x00\x00"


def padded(response: bytes | None) -> bytes | None:
    """`response`, which ends in an OPT without options, padded; None where it ends otherwise."""
    if response is None or response[-11:-8] != _OPT or response[-2:] != b"\x00\x00":
        return None
    octets = -(len(response) + 4) % BLOCK
    return response[:-2] + _PADDED(octets + 4, PADDING, octets) + bytes(octets)
