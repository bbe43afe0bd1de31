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
from resolver.wire.compression import HEADER, POINTER, Memo, read
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
_OWNED: Final = Struct("!BHHIH").unpack_from
_OPTION: Final = Struct("!HH").unpack_from

# Making a named tuple this way takes half the time of calling its class.
_make: Final = tuple.__new__

# Plain numbers and dicts of them: members of an IntEnum are slower to compare and to hash.
_ADDRESSES: Final = {int(Type.A): 4, int(Type.AAAA): 16}
_NAMES: Final = frozenset(map(int, (Type.NS, Type.CNAME, Type.PTR)))
_OPT: Final = int(Type.OPT)
_TSIG: Final = int(Type.TSIG)
_EMPTY: Final = frozenset(map(int, (Class.NONE, Class.ANY)))
_IN: Final = int(Class.IN)

_TO_QUESTION: Final = POINTER | HEADER
"""The pointer to the question's name."""

_STRAY_OPT: Final = "an OPT that is not the only one, not the root's or not additional"
_STRAY_TSIG: Final = "a TSIG that is not the last record"

_Key = tuple[bytes, int, int]
_Opt = tuple[int, int, bytes]
"""What an OPT record says in its class, its TTL and its rdata."""


def parse(
    wire: bytes, bounds: Bounds = DEFAULT_BOUNDS, question: Question | None = None, *, whole: bool = True
) -> Message:
    """The message that `wire` is. Raises `WireError`, and nothing else, when it is none.

    It is `Oversized` where the message has more records than `bounds` allows. `question` is the one that stands in it,
    where the caller has seen to that already: it is not read again. Unless the message is wanted `whole`, what stands
    behind an answer of nothing but the addresses that were asked for is checked, and left out.
    """
    try:
        ident, flags, asked, answers, authorities, additionals = _HEADER(wire)
        end = len(wire)
        pos = HEADER
        memo: Memo = {}
        if question is not None:
            memo[_TO_QUESTION] = name = question[0]
            pos += len(name) + 4
        elif asked:
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
            if counted * MIN_RECORD > end - pos or counted > bounds.records:
                raise _too_many(counted, end - pos, bounds)
            # One octet more lets even a last record that the root owns be unpacked as if it began with a pointer.
            longer = wire + ROOT
            opt: _Opt | None = None
            counts = answers, authorities, additionals
            plain = None if whole or question is None else _addresses(longer, pos, counts, memo, question)
            if plain is not None:
                answer, pos, opt = plain
                authorities = additionals = 0
            elif answers:
                answer, pos, _ = _section(longer, pos, answers, memo, final=False)
            if authorities:
                authority, pos, _ = _section(longer, pos, authorities, memo, final=False)
            if additionals:
                owner, rtype, payload, ttl, size = _OWNED(wire, pos)
                if additionals == 1 and rtype == _OPT and not owner and pos + MIN_RECORD + size == end:
                    opt = (payload, ttl, wire[pos + MIN_RECORD :])  # as it ends most messages
                    pos = end
                else:
                    additional, pos, opt = _section(longer, pos, additionals, memo, final=True)
            if opt is not None:
                payload, ttl, options = opt
                rcode |= ttl >> 20 & 0xFF0
                told = _options(options, bounds.options) if options else ()
                edns = _make(Edns, (payload, ttl >> 16 & 0xFF, ttl & 0x8000 != 0, told))
        if pos != end:
            raise WireError(f"the records end at octet {pos}, the message at {end}")
        return _make(Message, (ident, flags & 0xFFF0, rcode, question, answer, authority, additional, edns))
    except (IndexError, error):
        raise WireError(f"the message ends early, at octet {len(wire)}") from None


def _too_many(counted: int, octets: int, bounds: Bounds) -> WireError:
    """What is wrong with a message that says it has `counted` records in so many octets."""
    if counted * MIN_RECORD > octets:
        return WireError(f"{counted} records announced in {octets} octets")
    return Oversized(f"{counted} records; {bounds.records} are read of one message")


def _addresses(
    wire: bytes, pos: int, counts: tuple[int, int, int], memo: Memo, question: Question
) -> tuple[tuple[RRset, ...], int, _Opt | None] | None:
    """What `_section` would give of the answers at `pos`, the offset behind all sections, and the OPT; None where the
    answers are anything else than the addresses that `question` asks for, with an owner that points to it."""
    asked, rtype, cls = question
    octets = _ADDRESSES.get(rtype)
    answers, authorities, additionals = counts
    if octets is None or cls != _IN or not answers:
        return None
    lowest = MAX_TTL
    rdatas = []
    for _ in range(answers):
        pointer, its, cls, ttl, size = _POINTED(wire, pos)
        if pointer != _TO_QUESTION or its != rtype or cls != _IN or size != octets:
            return None
        pos += 12
        rdatas.append(wire[pos : pos + octets])  # where that is cut short, the message ends before its last record does
        pos += octets
        if ttl < lowest:
            lowest = ttl
        elif ttl > MAX_TTL:
            lowest = 0
    distinct = rdatas if answers == 1 else dict.fromkeys(rdatas)
    answer = (_make(RRset, (asked, its, cls, lowest, tuple(distinct), None)),)
    if not (authorities or additionals):
        return answer, pos, None
    return answer, *_passed(wire, pos, authorities + additionals, additionals, memo, question)


def _passed(
    wire: bytes, pos: int, count: int, additionals: int, memo: Memo, question: Question
) -> tuple[int, _Opt | None]:
    """The offset behind `count` records at `pos`, the last `additionals` of them additional, and their OPT: all that
    `_section` would find wrong with them is, but no RRset is made."""
    asked = question[0]
    # Most often they belong to the zone, and that is one label above what was asked.
    memo[_TO_QUESTION + asked[0] + 1] = asked[asked[0] + 1 :] or ROOT
    opt: _Opt | None = None
    for left in range(count - 1, -1, -1):
        pointer, rtype, cls, ttl, size = _POINTED(wire, pos)
        name = memo.get(pointer)
        if name is not None:
            pos += 12
        elif pointer < 0x100:
            name = ROOT
            _, rtype, cls, ttl, size = _OWNED(wire, pos)
            pos += 11
        else:
            name, pos = read(wire, pos, memo)
            rtype, cls, ttl, size = _FIXED(wire, pos)
            pos += 10
        stop = pos + size
        if size != _ADDRESSES.get(rtype):
            if rtype == _OPT:
                if name != ROOT or opt is not None or left >= additionals:
                    raise WireError(_STRAY_OPT)
                opt = cls, ttl, wire[pos:stop]
            elif rtype == _TSIG and (left or not additionals):
                raise WireError(_STRAY_TSIG)
            else:
                _rdata(wire, pos, stop, rtype, cls, memo)
        pos = stop
    return pos, opt


def _section(
    wire: bytes, pos: int, count: int, memo: Memo, *, final: bool
) -> tuple[tuple[RRset, ...], int, _Opt | None]:
    """The RRsets of `count` records at `pos`, the offset behind them, and the OPT of the final section.

    `wire` has an octet more than the message, whose end the caller compares.
    """
    sets: dict[_Key, RRset] = {}
    more: dict[_Key, list[bytes]] = {}
    opt: _Opt | None = None
    for left in range(count - 1, -1, -1):
        pointer, rtype, cls, ttl, size = _POINTED(wire, pos)
        name = memo.get(pointer)
        if name is not None:
            pos += 12
        elif pointer < 0x100:
            name = ROOT
            _, rtype, cls, ttl, size = _OWNED(wire, pos)
            pos += 11
        else:
            name, pos = read(wire, pos, memo)
            rtype, cls, ttl, size = _FIXED(wire, pos)
            pos += 10
        stop = pos + size
        if size == _ADDRESSES.get(rtype):
            rdata = wire[pos:stop]  # where that is cut short, the message ends before its last record does
        elif rtype == _OPT:
            if name != ROOT or opt is not None or not final:
                raise WireError(_STRAY_OPT)
            opt = cls, ttl, wire[pos:stop]
            pos = stop
            continue
        else:
            if rtype == _TSIG and (left or not final):
                raise WireError(_STRAY_TSIG)
            rdata = _rdata(wire, pos, stop, rtype, cls, memo)
        pos = stop
        if ttl > MAX_TTL:
            ttl = 0
        if count == 1:  # as in most sections: there is nothing to gather
            return (_make(RRset, (name, rtype, cls, ttl, (rdata,), None)),), pos, None
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


def _options(rdata: bytes, most: int) -> tuple[tuple[int, bytes], ...]:
    """The options of an OPT with this `rdata`."""
    options: list[tuple[int, bytes]] = []
    pos, end = 0, len(rdata)
    while pos < end:
        code, size = _OPTION(rdata, pos)
        pos += 4 + size
        if pos > end:
            raise WireError(f"an EDNS option of {size} octets in an OPT that has fewer")
        if len(options) == most:
            raise WireError(f"more than {most} EDNS options")
        options.append((code, rdata[pos - size : pos]))
    return tuple(options)
