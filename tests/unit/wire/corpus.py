"""Messages for the tests of the wire, from a seed: well-formed ones of many types, and damaged copies of them.

They are written octet by octet, not by a renderer, so that names are compressed in every way that is allowed, in every
place where a sender might do it, and in some where none may.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

WORDS = (
    b"a",
    b"B",
    b"www",
    b"Mail",
    b"example",
    b"EXAMPLE",
    b"com",
    b"net",
    b"_sip",
    b"\0",
    b"x\x07example",
    b".",
    b"x" * 63,
)


def any_name(rng: random.Random) -> bytes:
    """A name of up to five labels, most often a plain one."""
    labels = [rng.choice(WORDS) for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 3, 4, 5)))]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


class Draft:
    """A message in the making: its octets so far, and where names stand in them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.out = bytearray(12)
        self.places: dict[bytes, int] = {}

    def name(self, name: bytes, *, pointers: bool = True) -> None:
        """Append `name`: compressed as well as possible, or halfway, or not at all."""
        reluctant = self.rng.random() < 0.2
        pos = 0
        while name[pos]:
            place = self.places.get(name[pos:])
            if pointers and place is not None and not (reluctant and self.rng.random() < 0.5):
                self.out += (0xC000 | place).to_bytes(2, "big")
                return
            if len(self.out) < 0x4000:
                self.places[name[pos:]] = len(self.out)
            self.out += name[pos : pos + name[pos] + 1]
            pos += name[pos] + 1
        self.out.append(0)

    def record(self, owner: bytes, rtype: int, cls: int, ttl: int, rdata: Callable[[Draft], None]) -> None:
        """Append a record whose rdata is what `rdata` appends."""
        self.name(owner)
        self.out += rtype.to_bytes(2, "big") + cls.to_bytes(2, "big") + ttl.to_bytes(4, "big") + b"\0\0"
        start = len(self.out)
        rdata(self)
        self.out[start - 2 : start] = (len(self.out) - start).to_bytes(2, "big")


def _octets(low: int, high: int | None = None) -> Callable[[Draft], None]:
    def append(draft: Draft) -> None:
        draft.out += draft.rng.randbytes(draft.rng.randint(low, low if high is None else high))

    return append


def _string(draft: Draft) -> None:
    text = draft.rng.randbytes(draft.rng.choice((0, 1, 5, 5, 20, 255)))
    draft.out.append(len(text))
    draft.out += text


def _name(draft: Draft) -> None:
    draft.name(any_name(draft.rng))


def _plain(draft: Draft) -> None:
    draft.name(any_name(draft.rng), pointers=draft.rng.random() < 0.05)


def _fixed(octets: bytes) -> Callable[[Draft], None]:
    def append(draft: Draft) -> None:
        draft.out += octets

    return append


_BITMAP = _fixed(b"\0\x06\x40\x01\0\0\0\x03")

RDATA: dict[int, tuple[Callable[[Draft], None], ...]] = {
    1: (_octets(4),),
    2: (_name,),
    5: (_name,),
    6: (_name, _name, _octets(20)),
    12: (_name,),
    13: (_string, _string),
    14: (_name, _name),
    15: (_octets(2), _name),
    16: (_string, _string),
    17: (_name, _name),
    18: (_octets(2), _name),
    24: (_octets(18), _name, _octets(8)),
    26: (_octets(2), _name, _name),
    28: (_octets(16),),
    30: (_name, _octets(4)),
    33: (_octets(6), _name),
    35: (_octets(4), _string, _string, _string, _name),
    36: (_octets(2), _name),
    39: (_name,),
    43: (_octets(2), _fixed(b"\x08\x02"), _octets(32)),
    44: (_fixed(b"\x01\x01"), _octets(20)),
    46: (_octets(18), _plain, _octets(8)),
    47: (_plain, _BITMAP),
    48: (_fixed(b"\x01\x01\x03\x08"), _octets(8)),
    50: (_fixed(b"\x01\0\0\x05"), _string, _fixed(b"\x14"), _octets(20), _BITMAP),
    51: (_fixed(b"\x01\0\0\x05"), _string),
    52: (_fixed(b"\x03\x01\x01"), _octets(32)),
    64: (_fixed(b"\0\x01"), _plain, _fixed(b"\0\x03\0\x02\x01\xbb")),
    65: (_fixed(b"\0\x01"), _plain, _fixed(b"\0\x01\0\x03\x02h3")),
    99: (_string,),
    108: (_octets(6),),
    256: (_octets(4), _fixed(b"https://example/")),
    257: (_fixed(b"\0\x05issue"), _fixed(b"ca.example")),
    65280: (_octets(0, 40),),
}
"""How well-formed rdata of each type is written."""

OFTEN = (1, 1, 1, 2, 2, 5, 6, 15, 16, 28, 33)
"""The types that most records have, as in real life."""

OPTIONS = (b"\0\x03\0\0", b"\0\x0a\0\x08abcdefgh", b"\0\x0f\0\x06\0\x16[ABC", b"\xff\x00\0\x03xyz")
"""EDNS options: NSID, a cookie, an extended error, and one that nobody knows."""


def _opt(draft: Draft) -> None:
    rng = draft.rng
    draft.out += b"\0\0\x29" + rng.choice((512, 1232, 4096)).to_bytes(2, "big")
    draft.out += bytes((rng.choice((0, 0, 0, 1)), rng.choice((0, 0, 0, 1)), rng.choice((0, 0x80)), 0))
    options = b"".join(rng.sample(OPTIONS, rng.choice((0, 0, 1, 2))))
    draft.out += len(options).to_bytes(2, "big") + options


def well_formed(rng: random.Random) -> bytes:
    """A message without a fault, but for a compressed name now and then where none may be."""
    draft = Draft(rng)
    asked = rng.random() < 0.95
    question = any_name(rng)
    if asked:
        draft.name(question)
        draft.out += rng.choice((*RDATA, 255)).to_bytes(2, "big") + b"\0\x01"
    owners = [question, question.swapcase(), any_name(rng), any_name(rng)]
    counts = [rng.choice((0, 1, 2, 3)), rng.choice((0, 0, 1, 2)), rng.choice((0, 0, 1, 3))]
    ours = rng.sample(sorted(RDATA), 2)
    for count in counts:
        for _ in range(count):
            rtype = rng.choice(OFTEN) if rng.random() < 0.5 else rng.choice(ours)
            cls = rng.choice((1,) * 30 + (3, 254, 255))
            ttl = rng.choice((0, 60, 300, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
            parts = RDATA[rtype]

            def rdata(draft: Draft, parts: tuple[Callable[[Draft], None], ...] = parts) -> None:
                for part in parts:
                    part(draft)

            draft.record(rng.choice(owners), rtype, cls, ttl, rdata)
    if rng.random() < 0.6:
        _opt(draft)
        counts[2] += 1
    flags = rng.choice((0x8180, 0x8500, 0x0100, 0x8183, 0x8380, rng.getrandbits(16) & 0x87FF))
    header = (rng.getrandbits(16), flags, int(asked), *counts)
    draft.out[:12] = b"".join(number.to_bytes(2, "big") for number in header)
    return bytes(draft.out)


def _at(rng: random.Random, wire: bytes) -> int:
    """A place to damage: anywhere, but in the header less often than its share of a short message."""
    return rng.randrange(len(wire)) if len(wire) <= 12 or rng.random() < 0.1 else rng.randrange(12, len(wire))


def _flip(rng: random.Random, wire: bytes) -> bytes:
    at = _at(rng, wire)
    return wire[:at] + bytes((wire[at] ^ 1 << rng.randrange(8),)) + wire[at + 1 :]


def _overwrite(rng: random.Random, wire: bytes) -> bytes:
    at = _at(rng, wire)
    return wire[:at] + bytes((rng.choice((0, 1, 3, 63, 64, 128, 192, 255, rng.randrange(256))),)) + wire[at + 1 :]


def _cut(rng: random.Random, wire: bytes) -> bytes:
    return wire[: rng.randrange(len(wire))]


def _insert(rng: random.Random, wire: bytes) -> bytes:
    at = rng.randrange(len(wire) + 1)
    return wire[:at] + rng.randbytes(rng.randint(1, 4)) + wire[at:]


def _delete(rng: random.Random, wire: bytes) -> bytes:
    at = _at(rng, wire)
    return wire[:at] + wire[at + rng.randint(1, 4) :]


def _point(rng: random.Random, wire: bytes) -> bytes:
    pointers = [at for at in range(12, len(wire) - 1) if wire[at] >= 0xC0]
    at = rng.choice(pointers) if pointers and rng.random() < 0.8 else min(_at(rng, wire), max(len(wire) - 2, 0))
    target = rng.choice((rng.randrange(len(wire)), rng.randrange(12, 40), max(at - rng.randrange(4), 0), 12, 0))
    return wire[:at] + (0xC000 | target & 0x3FFF).to_bytes(2, "big") + wire[at + 2 :]


def _count(rng: random.Random, wire: bytes) -> bytes:
    at = min(rng.choice((5, 7, 9, 11)), len(wire) - 1)
    return wire[:at] + bytes((wire[at] + rng.choice((1, -1, 2)) & 0xFF,)) + wire[at + 1 :]


def _swap_case(rng: random.Random, wire: bytes) -> bytes:
    at = _at(rng, wire)
    return wire[:at] + wire[at : at + 8].swapcase() + wire[at + 8 :]


def _lengthen(rng: random.Random, wire: bytes) -> bytes:
    """An octet more somewhere, and a length that is one more somewhere before it: often the right one."""
    at = rng.randrange(12, len(wire)) if len(wire) > 12 else 0
    before = max(at - rng.randint(1, 6), 0)
    longer = bytes((wire[before] + 1 & 0xFF,)) if wire else b""
    return wire[:before] + longer + wire[before + 1 : at] + b"z" + wire[at:]


DAMAGES = (
    _flip,
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _cut,
    _insert,
    _delete,
    _point,
    _point,
    _count,
    _swap_case,
    _lengthen,
)


def damaged(rng: random.Random, wire: bytes) -> bytes:
    """A copy of `wire` with one fault, or a few."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if wire:
            wire = rng.choice(DAMAGES)(rng, wire)
    return wire


def messages(seed: int, bases: int, copies: int) -> Iterator[bytes]:
    """`bases` well-formed messages, each followed by `copies` damaged ones of its own."""
    rng = random.Random(seed)
    for _ in range(bases):
        wire = well_formed(rng)
        yield wire
        for _ in range(copies):
            yield damaged(rng, wire)
