"""Decides which octets say a message, and what is left out when they are too many.

Spelling: an owner that equals the question's name, ignoring case, is a pointer to the question, so that a
client finds its own spelling again. All other names keep theirs exactly; they are compressed against names
spelled the same, in owners and in rdata of the types of RFC 1035 only (RFC 3597 section 4).

Too long for the limit: the OPT always stays (RFC 6891 section 7). RRsets are written whole or not at all, in
their order. The first of the answer or authority section that does not fit ends the message and sets TC (RFC
2181 section 9). An additional RRset that does not fit is left out silently, and a smaller one behind it still
gets its chance; but when it is glue that a referral needs, an address of a name server below the cut, TC is
set (RFC 9471 section 3.1).

Limits: a limit below 512 octets is taken as 512, which everybody must accept (RFC 1035 section 4.2.1, RFC
6891 section 6.2.3). EDNS options that even then do not fit are left out from the last. A rcode above 15 needs
an OPT; without one it is rendered as SERVFAIL. Nothing is put behind the OPT, so a TSIG cannot be rendered
here.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from resolver.message import AA, RD, TC, Edns, Message, Question, Rcode, RRset, Type
from resolver.message import CD as CHECKING_DISABLED
from resolver.wire.compression import HEADER, POINTER, read_plain, write
from resolver.wire.names import ROOT, fold, is_below
from resolver.wire.rdata import COMPRESSED, NAME, Layout

MIN_LIMIT: Final = 512
"""Octets that every receiver accepts (RFC 1035 section 4.2.1)."""

MAX_LIMIT: Final = 0xFFFF
"""Octets of the longest message that TCP can frame (RFC 1035 section 4.2.2)."""

_HEADER: Final = Struct("!6H").pack
_HEADER_INTO: Final = Struct("!6H").pack_into
_ASKED: Final = Struct("!HH").pack
_FIXED: Final = Struct("!HHIH").pack
_POINTED: Final = Struct("!HHHIH").pack
_OPTION: Final = Struct("!HH").pack
_LENGTH: Final = Struct("!H").pack_into
_OPT: Final = Struct("!BHHBBHH").pack
_OPT_WITH_ONE: Final = Struct("!BHHBBHHHH").pack

_QUESTION: Final = POINTER | HEADER
"""The pointer to the question's name."""

_TYPE_OPT: Final = int(Type.OPT)
_BARE_OPT: Final = 11
"""Octets of an OPT without options."""

_ADDRESSES: Final = (Type.A, Type.AAAA)

_Table = dict[bytes, int]


def render_query(
    id: int,
    question: Question,
    *,
    rd: bool,
    edns: Edns | None,
    cd: bool = False,
) -> bytes:
    """A query for `question`: a header, the question, and an OPT if `edns` is given."""
    flags = (RD if rd else 0) | (CHECKING_DISABLED if cd else 0)
    name, rtype, cls = question
    if edns is None:
        return _HEADER(id, flags, 1, 0, 0, 0) + name + _ASKED(rtype, cls)
    return _HEADER(id, flags, 1, 0, 0, 1) + name + _ASKED(rtype, cls) + _opt(edns, 0, MAX_LIMIT)


def render(message: Message, limit: int = MAX_LIMIT) -> bytes:
    """`message` in at most `limit` octets, with TC set if something was left out that the asker needs."""
    if not MIN_LIMIT <= limit <= MAX_LIMIT:
        limit = MIN_LIMIT if limit < MIN_LIMIT else MAX_LIMIT
    ident, flags, rcode, question, answer, authority, additional, edns = message
    if edns is None and rcode > 0xF:
        rcode = Rcode.SERVFAIL
    standing = asked = b""
    if question is not None:
        name, rtype, cls = question
        standing = name + _ASKED(rtype, cls)
        asked = name.lower()
    opt = b"" if edns is None else _opt(edns, rcode, limit - HEADER - len(standing))
    if len(answer) == 1 and not authority and not additional:
        owner, rtype, cls, ttl, rdatas, _ = answer[0]
        if rtype not in COMPRESSED and owner.lower() == asked != ROOT:  # as in most: there is nothing to compress
            head = _HEADER(ident, flags & 0xFFF0 | rcode & 0xF, 1, len(rdatas), 0, 1 if opt else 0)
            records = b"".join([_POINTED(_QUESTION, rtype, cls, ttl, len(rdata)) + rdata for rdata in rdatas])
            if len(octets := head + standing + records + opt) <= limit:
                return octets
    out = bytearray(HEADER)
    out += standing
    table: _Table = {}
    room = limit - len(opt)
    answers = authorities = additionals = 0
    whole = True
    if answer:
        answers, whole = _until_full(out, answer, table, asked, room)
    if authority and whole:
        authorities, whole = _until_full(out, authority, table, asked, room)
    if additional and whole:
        cuts = () if answer or flags & AA else _cuts(authority)
        additionals, whole = _as_fits(out, additional, table, asked, room, cuts)
    if opt:
        out += opt
        additionals += 1
    flags = flags & 0xFFF0 | rcode & 0xF | (0 if whole else TC)
    _HEADER_INTO(out, 0, ident, flags, question is not None, answers, authorities, additionals)
    return bytes(out)


def _until_full(out: bytearray, rrsets: tuple[RRset, ...], table: _Table, asked: bytes, room: int) -> tuple[int, bool]:
    """How many records were written, and whether all: the first RRset that does not fit is the end."""
    records = 0
    for rrset in rrsets:
        if not _write(out, rrset, table, asked, room):
            return records, False
        records += len(rrset[4])
    return records, True


def _as_fits(
    out: bytearray,
    rrsets: tuple[RRset, ...],
    table: _Table,
    asked: bytes,
    room: int,
    cuts: tuple[bytes, ...],
) -> tuple[int, bool]:
    """How many records were written, and whether all glue for name servers below `cuts` is among them."""
    records = 0
    whole = True
    for rrset in rrsets:
        if _write(out, rrset, table, asked, room):
            records += len(rrset[4])
        elif cuts and whole and rrset[1] in _ADDRESSES:
            owner = fold(rrset[0])
            whole = not any(is_below(owner, cut) for cut in cuts)
    return records, whole


def _cuts(authority: tuple[RRset, ...]) -> tuple[bytes, ...]:
    """The names that a referral delegates, folded."""
    return tuple(fold(rrset[0]) for rrset in authority if rrset[1] == Type.NS)


def _write(out: bytearray, rrset: RRset, table: _Table, asked: bytes, room: int) -> bool:
    """Whether `rrset` stands at the end of `out`, then of at most `room` octets; else `out` is as it was.

    `table` has no entries before a name is written that is no pointer to the question.
    """
    name, rtype, cls, ttl, rdatas, _ = rrset
    fields = COMPRESSED.get(rtype)
    same = name.lower() == asked and asked != ROOT
    if not table and asked and not (same and fields is None):  # the first that has a use for it
        write(bytearray(HEADER), bytes(out[HEADER : HEADER + len(asked)]), table)
    mark, known = len(out), len(table)
    pointer = _QUESTION if same else table.get(name)
    for rdata in rdatas:
        if pointer is None:
            write(out, name, table)
            pointer = table.get(name)
            out += _FIXED(rtype, cls, ttl, len(rdata))
        else:
            out += _POINTED(pointer, rtype, cls, ttl, len(rdata))
        if fields is None or not rdata:
            out += rdata
        else:
            _write_names(out, rdata, fields, table)
        if len(out) > room:
            del out[mark:]
            while len(table) > known:
                table.popitem()  # the youngest: what has just been cut off must not be pointed to
            return False
    return True


def _write_names(out: bytearray, rdata: bytes, fields: Layout, table: _Table) -> None:
    """`rdata` stands at the end of `out` with its names compressed, and its length before it is right."""
    start = len(out)
    if fields == (NAME,):
        write(out, rdata, table)
    else:
        pos = 0
        for field in fields:
            if field == NAME:
                name = read_plain(rdata, pos)[0]
                write(out, name, table)
                pos += len(name)
            else:
                out += rdata[pos : pos + field]
                pos += field
    _LENGTH(out, start - 2, len(out) - start)


def _opt(edns: Edns, rcode: int, room: int) -> bytes:
    """The OPT for `edns` with the upper bits of `rcode`, and with the options that fit into `room` octets."""
    payload, version, do, options = edns
    if not options:
        return _OPT(0, _TYPE_OPT, payload, rcode >> 4, version, 0x8000 if do else 0, 0)
    if len(options) == 1 and room >= _BARE_OPT + 4 + len(options[0][1]):
        ((code, value),) = options
        size = len(value)
        do_bit = 0x8000 if do else 0
        return _OPT_WITH_ONE(0, _TYPE_OPT, payload, rcode >> 4, version, do_bit, 4 + size, code, size) + value
    parts = []
    room -= _BARE_OPT
    for code, value in options:
        room -= 4 + len(value)
        if room < 0:
            break
        parts.append(_OPTION(code, len(value)) + value)
    data = b"".join(parts)
    return _OPT(0, _TYPE_OPT, payload, rcode >> 4, version, 0x8000 if do else 0, len(data)) + data
