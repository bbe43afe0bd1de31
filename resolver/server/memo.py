"""Decides which header blocks of HTTP/2 need be neither read nor written twice: those whose like was before.

Most requests of a client look alike, and to read one costs h2 as much as ten answers. A header block that changed
nothing in the table of HPACK (RFC 7541 section 2.3.2) means the same whenever that table is the same again, on any
connection. So what was found of it, by h2, is kept under the table and its octets.

Of answers nothing differs but their length, and how long they are fresh. What is written here of them does not touch
the table of the client.

Limits: `TABLES` tables and `BLOCKS` blocks of `LONGEST` octets; then all are forgotten. As many heads of answers are
kept as `BLOCKS`, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from typing import Final, NamedTuple

from resolver.message import Session
from resolver.server.doh import MEDIA_TYPE

TABLES: Final = 1_024
"""States of tables that are told apart: clients of a kind have the same."""

BLOCKS: Final = 4_096
"""Blocks that are known, some 500 octets each with what they say."""

LONGEST: Final = 512
"""Octets of a block, and of what it says; a request for the longest of names has less."""


class Known(NamedTuple):
    """What a request asks: the message of a GET, or None for a POST, with the length that its body must have if the
    client tells one."""

    wire: bytes | None
    session: Session
    length: int = -1

    def size(self) -> int:
        """Octets of it: a short block may stand for much, by what is in the table of HPACK."""
        session = self.session
        told = sum(len(name) + len(value) for name, value in session.headers)
        return len(self.wire or b"") + len(session.path) + told


class Memo:
    """What is known of header blocks."""

    __slots__ = ("_blocks", "_numbers", "_tables", "get")

    def __init__(self) -> None:
        self._tables: dict[Hashable, int] = {}
        self._numbers = itertools.count(1)
        self._blocks: dict[tuple[int, bytes], Known] = {}
        self.get = self._blocks.get

    def __len__(self) -> int:
        return len(self._blocks)

    def table(self, state: Hashable) -> int:
        """The number of a table that is in this `state`; equal ones have the same."""
        number = self._tables.get(state)
        if number is None:
            if len(self._tables) >= TABLES:
                self._tables.clear()
                self._blocks.clear()
            number = self._tables[state] = next(self._numbers)
        return number

    def keep(self, table: int, block: bytes, known: Known) -> None:
        """`block` means `known` where the table has the number `table`."""
        if len(block) > LONGEST or known.size() > LONGEST:
            return
        if len(self._blocks) >= BLOCKS:
            self._blocks.clear()
        self._blocks[table, block] = known


_FIELDS: Final = b"\x88\x0f\x10" + bytes((len(MEDIA_TYPE),)) + MEDIA_TYPE
"""The status 200, which is 8 in the table that all have, and the content type, a literal without indexing."""
_LENGTH: Final = b"\x0f\x0d"
_CACHE: Final = b"\x0f\x09"
_HEADERS_WHOLE: Final = b"\x01\x04"
_DATA_WHOLE: Final = b"\x00\x01"

_heads: Final[dict[tuple[int, int], tuple[bytes, bytes]]] = {}


def head_of_answer(length: int, age: int) -> tuple[bytes, bytes]:
    """What stands before the two numbers of the stream, in the HEADERS and in the DATA, of an answer of `length` octets
    that is fresh for `age` seconds: it says what `doh.answered` does (RFC 7541 section 6.2.2)."""
    known = _heads.get((length, age))
    if known is None:
        told, fresh = b"%d" % length, b"max-age=%d" % age
        fields = b"".join((_FIELDS, _LENGTH, bytes((len(told),)), told, _CACHE, bytes((len(fresh),)), fresh))
        known = len(fields).to_bytes(3, "big") + _HEADERS_WHOLE, fields + length.to_bytes(3, "big") + _DATA_WHOLE
        if len(_heads) >= BLOCKS:
            _heads.clear()
        _heads[length, age] = known
    return known
