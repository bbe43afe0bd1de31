"""Decides which octets are a DNS message, and reads them in one pass.

Rules: every bound is checked, and the whole message must be used up. One question or none (RFC 9619). Records
of one owner (ignoring case), type and class in a section are one RRset, in the spelling of the first, with
the lowest of their TTLs (RFC 2181 section 5.2) and without repetitions (section 5). A TTL with its top bit
set is 0 (section 8). There is at most one OPT, in the additional section, owned by the root; it becomes
`edns` and gives the rcode its upper eight bits (RFC 6891 section 6.1). A TSIG must be the last record of all
(RFC 8945 section 5.2).

Limits: a message with more records than `Bounds` allows is refused before any of them is read, one with more EDNS
options when they are counted; `UNBOUNDED` is for transfers. What else bounds the work is the length of the message,
with `compression.MAX_STEPS`. The options of an OPT are split, but not understood. Records of an UPDATE are read like
others; rdata may be empty in the classes NONE and ANY (RFC 2136 section 2.5).
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final, NamedTuple

from resolver.errors import Oversized, WireError
from resolver.message import Class, Edns, Message, Question, RRset, Type
from resolver.wire.compression import HEADER, Memo, read
from resolver.wire.names import ROOT
from resolver.wire.rdata import canonical, decode, layout

MIN_RECORD: Final = 11
"""Octets of the smallest record: root owner, type, class, TTL, length (RFC 1035 section 4.1.3)."""

MAX_TTL: Final = 0x7FFFFFFF
"""Seconds; a TTL above it counts as 0 (RFC 2181 section 8)."""


class Bounds(NamedTuple):
    """What is read of one message at most: `records` of all sections, the OPT included, and `options` of that."""

    records: int = 512
    options: int = 32


DEFAULT_BOUNDS: Final = Bounds()
UNBOUNDED: Final = Bounds(3 * 0xFFFF, 0xFFFF)
"""All that the format allows."""

_HEADER: Final = Struct("!6H").unpack_from
_ASKED: Final = Struct("!HH").unpack_from
_FIXED: Final = Struct("!HHIH").unpack_from
_POINTED: Final = Struct("!HHHIH").unpack_from
_OPTION: Final = Struct("!HH").unpack_from

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

# Plain numbers and dicts of them: members of an IntEnum are slower to compare and to hash.
_ADDRESSES: Final = {int(Type.A): 4, int(Type.AAAA): 16}
_NAMES: Final = frozenset(map(int, (Type.NS, Type.CNAME, Type.PTR)))
_OPT: Final = int(Type.OPT)
_TSIG: Final = int(Type.TSIG)
_EMPTY: Final = frozenset(map(int, (Class.NONE, Class.ANY)))

_Key = tuple[bytes, int, int]
_Opt = tuple[int, int, bytes]
"""What an OPT record says in its class, its TTL and its rdata."""


def parse(wire: bytes, bounds: Bounds = DEFAULT_BOUNDS) -> Message:
    """The message that `wire` is. Raises `WireError`, and nothing else, when it is none.

    It is `Oversized` where the message has more records than `bounds` allows.
    """
    try:
        return _parse(wire, bounds)
    except (IndexError, error):
        raise WireError(f"the message ends early, at octet {len(wire)}") from None


def _parse(wire: bytes, bounds: Bounds) -> Message:
    ident, flags, asked, answers, authorities, additionals = _HEADER(wire)
    question = None
    pos = HEADER
    memo: Memo = {}
    if asked:
        if asked > 1:
            raise WireError(f"{asked} questions")
        name, pos = read(wire, HEADER, memo)
        rtype, cls = _ASKED(wire, pos)
        question = _make(Question, (name, rtype, cls))
        pos += 4
    rcode = flags & 0xF
    edns = None
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    if counted := answers + authorities + additionals:
        if counted * MIN_RECORD > len(wire) - pos:
            raise WireError(f"{counted} records announced in {len(wire) - pos} octets")
        if counted > bounds.records:
            raise Oversized(f"{counted} records; {bounds.records} are read of one message")
        opt = _lone_opt(wire, pos) if counted == additionals == 1 else None
        if opt is not None:
            pos = len(wire)
        else:
            # One octet more lets even a last record that the root owns be unpacked as if it began with a pointer.
            longer = wire + ROOT
            if answers:
                answer, pos, _ = _section(wire, longer, pos, answers, memo, final=False)
            if authorities:
                authority, pos, _ = _section(wire, longer, pos, authorities, memo, final=False)
            if additionals:
                additional, pos, opt = _section(wire, longer, pos, additionals, memo, final=True)
        if opt is not None:
            rcode |= opt[1] >> 20 & 0xFF0
            edns = _edns(*opt, bounds.options)
    if pos != len(wire):
        raise WireError(f"the records end at octet {pos}, the message at {len(wire)}")
    return _make(Message, (ident, flags & 0xFFF0, rcode, question, answer, authority, additional, edns))


def _lone_opt(wire: bytes, pos: int) -> _Opt | None:
    """The OPT at `pos` that ends `wire`, as it ends most queries; None for anything else."""
    if wire[pos]:
        return None
    rtype, cls, ttl, size = _FIXED(wire, pos + 1)
    return (cls, ttl, wire[pos + 11 :]) if rtype == _OPT and pos + 11 + size == len(wire) else None


def _section(
    wire: bytes, longer: bytes, pos: int, count: int, memo: Memo, *, final: bool
) -> tuple[tuple[RRset, ...], int, _Opt | None]:
    """The RRsets of `count` records at `pos`, the offset behind them, and the OPT of the final section."""
    sets: dict[_Key, RRset] = {}
    more: dict[_Key, list[bytes]] = {}
    opt: _Opt | None = None
    for left in range(count - 1, -1, -1):
        pointer, rtype, cls, ttl, size = _POINTED(longer, pos)
        name = memo.get(pointer)
        if name is not None:
            pos += 12
        else:
            name, pos = read(wire, pos, memo)
            rtype, cls, ttl, size = _FIXED(wire, pos)
            pos += 10
        stop = pos + size
        if ttl > MAX_TTL and rtype != _OPT:
            ttl = 0
        if size == _ADDRESSES.get(rtype):
            rdata = wire[pos:stop]  # where that is cut short, the message ends before its last record does
        elif rtype == _OPT:
            if name != ROOT or opt is not None or not final:
                raise WireError("an OPT that is not the only one, not the root's or not additional")
            opt = cls, ttl, wire[pos:stop]
            pos = stop
            continue
        else:
            if rtype == _TSIG and (left or not final):
                raise WireError("a TSIG that is not the last record")
            rdata = _rdata(wire, pos, stop, rtype, cls, memo)
        pos = stop
        key = (name.lower(), rtype, cls)
        found = sets.get(key)
        if found is None:
            sets[key] = _make(RRset, (name, rtype, cls, ttl, (rdata,), None))
        else:
            more.setdefault(key, [found[4][0]]).append(rdata)
            if ttl < found[3]:
                sets[key] = found._replace(ttl=ttl)
    for key, rdatas in more.items():
        name, rtype, cls, ttl, _, _ = sets[key]
        sets[key] = _make(RRset, (name, rtype, cls, ttl, _distinct(rtype, rdatas), None))
    return tuple(sets.values()), pos, opt


def _rdata(wire: bytes, pos: int, stop: int, rtype: int, cls: int, memo: Memo) -> bytes:
    """The rdata between two offsets, uncompressed and, where its layout is known, checked."""
    if rtype in _NAMES and pos < stop:  # what `decode` would do, too, but more slowly
        rdata, after = read(wire, pos, memo)
        if after != stop:
            raise WireError(f"rdata that should end at octet {after} ends at octet {stop}")
        return rdata
    if pos == stop and cls in _EMPTY:
        return b""
    fields = layout(rtype, cls)
    return wire[pos:stop] if fields is None else decode(wire, pos, stop, fields, memo)


def _distinct(rtype: int, rdatas: list[bytes]) -> tuple[bytes, ...]:
    """`rdatas` in their order, without those that are equal to an earlier one."""
    if len({rdata.lower() for rdata in rdatas}) == len(rdatas):
        return tuple(rdatas)
    firsts: dict[bytes, bytes] = {}
    for rdata in rdatas:
        firsts.setdefault(canonical(rtype, rdata), rdata)
    return tuple(firsts.values())


def _edns(payload: int, ttl: int, rdata: bytes, most: int) -> Edns:
    """What an OPT says, but for the rcode."""
    options: list[tuple[int, bytes]] = []
    pos = 0
    while pos < len(rdata):
        code, size = _OPTION(rdata, pos)
        pos += 4 + size
        if pos > len(rdata):
            raise WireError(f"an EDNS option of {size} octets in an OPT that has fewer")
        if len(options) == most:
            raise WireError(f"more than {most} EDNS options")
        options.append((code, rdata[pos - size : pos]))
    return _make(Edns, (payload, ttl >> 16 & 0xFF, ttl & 0x8000 != 0, tuple(options)))
