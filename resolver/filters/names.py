"""Decides whether a name is in a set of many, or below one that is.

Rules: a name that is in the set stands for all below it; one that was added as a wildcard, for what is below it alone.
What both cover is the whole. Each name has a number, such as that of the list it came from; the first that added it
counts.

A set holds a million names in 45 MB or so, where one of Python's takes 130: the names stand behind one another in one
buffer, and a table of 64-bit words, open addressing, leads from the hash of a name to where it is. Names are compared
whole, so that none is found that is not there. The hash is Python's own, with a key of each process, so nobody can
write a list whose names all meet.

They are held as text, `ads.example`, because lists are text: to turn a million names into their wire form would take as
long as all else. A label with a dot of its own, or an end of line, is in no such name, nor is one that stands above it.

Limits: 127 numbers, four GiB of names; the root, which would be all names, is none of them. What is added is never
taken out; one who wants a smaller set makes another.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from resolver.wire import names

MAX_NUMBER: Final = 0x7F
_BELOW_ONLY: Final = 0x80
_FIRST_SLOTS: Final = 64
_SHIFT: Final = 32
_LOW: Final = 0xFFFFFFFF
_FULL: Final = 5, 8
"""What part of the slots may be taken: at five eighths a name that is not there takes 4 looks in the mean, and the
next table is made at half of that."""
_END: Final = b"\n"
"""What ends a name in the buffer, so that none is taken for the beginning of another."""


class Found(NamedTuple):
    """The name in the set that covers another, and its number."""

    name: bytes
    number: int


class Names:
    """A set of names, folded, that grows."""

    __slots__ = ("_blob", "_count", "_limit", "_mask", "_table")

    def __init__(self) -> None:
        self._blob = bytearray(1)  # so that no name begins at 0, which is an empty slot
        self._count = 0
        self._make(_FIRST_SLOTS)

    def __len__(self) -> int:
        """How many names there are, each once."""
        return self._count

    def __iter__(self) -> Iterator[Found]:
        """Each name in the order in which it was added, wildcards without their label."""
        at = 1
        blob = self._blob
        while at < len(blob):
            end = blob.index(_END, at + 1)
            yield Found(names.from_text(f"{blob[at + 1 : end].decode('ascii')}."), blob[at] & MAX_NUMBER)
            at = end + 1

    def add(self, text: bytes, number: int = 0, *, below_only: bool = False) -> bool:
        """The name that is written `text`, in lower case and without its last dot, is in the set with all below it, or
        only what is below it; whether that is new."""
        before = self._count
        at = self._find(text + _END)
        if not at:
            self.add_all((text,), number | _BELOW_ONLY if below_only else number)
        elif not below_only:
            self._widen(at, number)
        return self._count > before

    def add_all(self, texts: Iterable[bytes], number: int = 0) -> int:
        """All names of `texts` are in the set, with what is below them; how many of them are new.

        In one loop, because a million calls take a second.
        """
        before = self._count
        table, blob, mask, left = self._table, self._blob, self._mask, self._limit - self._count
        for text in texts:
            key = text + _END
            hashed = hash(key) & _LOW
            slot = hashed & mask
            while word := table[slot]:
                if word >> _SHIFT == hashed and blob.startswith(key, (word & _LOW) + 1):
                    self._widen(word & _LOW, number)
                    break
                slot = (slot + 1) & mask
            else:
                table[slot] = hashed << _SHIFT | len(blob)
                blob.append(number)
                blob += key
                self._count += 1
                left -= 1
                if not left:
                    self._grow()
                    table, mask, left = self._table, self._mask, self._limit - self._count
        return self._count - before

    def above(self, name: bytes) -> Found | None:
        """The nearest in the set that covers `name`, which is in wire form and folded."""
        if not self._count:
            return None
        key = _key_of(name)
        table, blob, mask = self._table, self._blob, self._mask
        while True:  # as `_find` does, which would be a call for each label
            hashed = hash(key) & _LOW
            slot = hashed & mask
            while word := table[slot]:
                if word >> _SHIFT == hashed and blob.startswith(key, (word & _LOW) + 1):
                    number = blob[word & _LOW]
                    # The text of a name is two octets shorter than its wire form, and here it has an end.
                    if not number & _BELOW_ONLY or len(key) + 1 < len(name):
                        return Found(name[len(name) - len(key) - 1 :], number & MAX_NUMBER)
                    break
                slot = (slot + 1) & mask
            _, dot, key = key.partition(b".")
            if not dot:
                return None

    def octets(self) -> int:
        """How many octets of memory the set takes."""
        return len(self._blob) + len(self._table) * self._table.itemsize

    def _find(self, key: bytes) -> int:
        """Where the number and the name of `key` stand in the buffer; 0 where there is no such name."""
        hashed = hash(key) & _LOW
        table, blob, mask = self._table, self._blob, self._mask
        slot = hashed & mask
        while word := table[slot]:
            if word >> _SHIFT == hashed and blob.startswith(key, (word & _LOW) + 1):
                return word & _LOW
            slot = (slot + 1) & mask
        return 0

    def _widen(self, at: int, number: int) -> None:
        """The name that begins at `at` stands for itself, too."""
        if self._blob[at] & _BELOW_ONLY:
            self._blob[at] = number

    def _make(self, slots: int) -> None:
        self._table = array("Q", bytes(8 * slots))
        self._mask = slots - 1
        part, whole = _FULL
        self._limit = slots * part // whole

    def _grow(self) -> None:
        """There are twice as many slots."""
        old = self._table
        self._make(2 * len(old))
        table, mask = self._table, self._mask
        for word in old:
            if word:
                slot = word >> _SHIFT & mask
                while table[slot]:
                    slot = (slot + 1) & mask
                table[slot] = word


def _key_of(name: bytes) -> bytes:
    """`name` as it would stand in the buffer; of one with a label that no text has, what is below that label."""
    labels: list[bytes] = []
    pos = 0
    while length := name[pos]:
        pos += length + 1
        labels.append(name[pos - length : pos])
    key = b".".join(labels) + _END
    if key.count(b".") + 1 == (len(labels) or 1) and key.count(_END) == 1:
        return key
    odd = max(at for at, label in enumerate(labels) if b"." in label or _END in label)
    return b".".join(labels[odd + 1 :]) + _END


def text_of(name: bytes) -> bytes:
    """How `name`, folded, is written for a set. Raises ValueError where it cannot be."""
    key = _key_of(name)
    if len(key) + 1 != len(name) and name != names.ROOT:
        raise ValueError(f"{names.to_text(name)} has a label that no list has")
    return key[:-1]
