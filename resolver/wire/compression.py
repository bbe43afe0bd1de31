"""Decides how names are packed into a message and unpacked from it (RFC 1035 section 4.1.4).

Reading: a pointer leads to a *prior* occurrence: its target starts and ends before the run of labels that the
pointer ends begins, and not in the header, where no name can have occurred. So no chain of pointers can loop.
What a pointer leads to is read once and remembered. The label types 01 and 10 are refused (RFC 6891 section
5, RFC 6895).

Writing: a name is written as its longest suffix that already stands in the message *in the same spelling*
allows. Whoever wants to lose the spelling (of an owner that equals the question, say) decides so and passes
the pointer.

Limits: the labels that are passed by following pointers are counted for the whole message, and are at most
`MAX_STEPS`; without that, some thousand owners could each lead through 127 labels of other names.
"""

from __future__ import annotations

from typing import Final

from resolver.errors import BadName, WireError
from resolver.wire.names import MAX_NAME, ROOT

HEADER: Final = 12
"""Octets of a message header (RFC 1035 section 4.1.1)."""

POINTER: Final = 0xC000
"""The bits that make two octets a pointer."""

MAX_STEPS: Final = 0x4000
"""Labels and pointers passed in following pointers, in one message: as many as pointers have offsets."""


Memo = dict[int, bytes]
"""Names already read from one message, by the pointer (both octets as a number) that leads to each."""

STEPS: Final = -1
"""Where a memo has the labels and pointers passed so far in following pointers, four octets; no pointer is negative."""


def read(wire: bytes, start: int, memo: Memo) -> tuple[bytes, int]:
    """The name at `start`, uncompressed, and the offset behind it; names are read in their order in `wire`.

    Raises `BadName`, or `IndexError` when `wire` ends within the name.
    """
    pos = start
    while length := wire[pos]:
        if length < 64:
            pos += length + 1
        elif length >= 0xC0:
            pointer = length << 8 | wire[pos + 1]
            # All that is in the memo stands before `start`, because names are read in their order.
            name = wire[start:pos] + (memo.get(pointer) or _follow(wire, pointer, start, memo))
            pos += 2
            break
        else:
            raise BadName(f"a label of the reserved type {length >> 6:02b} at octet {pos}")
    else:
        pos += 1
        name = wire[start:pos]
    if len(name) > MAX_NAME:
        raise BadName(f"a name of {len(name)} octets at octet {start}")
    memo[POINTER + start] = name  # beyond 0x3fff this is no pointer, and is never asked for
    return name, pos


def read_plain(wire: bytes, start: int) -> tuple[bytes, int]:
    """The name at `start`, which must not be compressed, and the offset behind it.

    Raises `BadName`, or `IndexError` when `wire` ends within the name.
    """
    pos = start
    while length := wire[pos]:
        if length >= 64:
            raise BadName(f"a pointer or reserved label at octet {pos}, where neither may be")
        pos += length + 1
    pos += 1
    if pos - start > MAX_NAME:
        raise BadName(f"a name of {pos - start} octets at octet {start}")
    return wire[start:pos], pos


def _follow(wire: bytes, pointer: int, before: int, memo: Memo) -> bytes:
    """The name that `pointer` leads to, which must begin before the octet `before`; it is kept in `memo`."""
    first = pointer
    name = b""
    steps = int.from_bytes(memo.get(STEPS, b""), "big")
    while True:
        start = pos = pointer & 0x3FFF
        if not HEADER <= start < before:
            raise BadName(f"a pointer to octet {start} from the name at octet {before}")
        while 0 < (length := wire[pos]) < 64:
            pos += length + 1
            steps += 1
        steps += 1
        if steps > MAX_STEPS:
            memo[STEPS] = steps.to_bytes(4, "big")
            raise WireError(f"pointers lead through more than {MAX_STEPS} labels")
        if 0 < length < 0xC0:
            raise BadName(f"a label of the reserved type {length >> 6:02b} at octet {pos}")
        name += wire[start:pos]
        if len(name) >= MAX_NAME:
            raise BadName(f"a name of more than {MAX_NAME} octets at octet {first & 0x3FFF}")
        if pos + (2 if length else 1) > before:
            raise BadName(f"a pointer to octet {start}, to a name that does not end before octet {before}")
        if not length:
            memo[STEPS] = steps.to_bytes(4, "big")
            memo[first] = name = name + ROOT
            return name
        before, pointer = start, length << 8 | wire[pos + 1]


def write(out: bytearray, name: bytes, table: dict[bytes, int]) -> None:
    """`name` stands at the end of `out`, compressed against `table`, which learns what can be led to now."""
    here = len(out)
    pos = 0
    while length := name[pos]:
        suffix = name[pos:]
        pointer = table.get(suffix)
        if pointer is not None:
            out += name[:pos]
            out += pointer.to_bytes(2, "big")
            return
        if here + pos < 0x4000:
            table[suffix] = POINTER | (here + pos)
        pos += length + 1
    out += name
