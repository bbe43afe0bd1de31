"""Decides what two responses have in common for those who count them, and what is left of one that is cut short.

Rules
* Responses with records are alike when they answer the same question, empty ones when they are of the same name, name
  errors when they are of the same zone, for who floods makes up names; and all errors are alike.
* Names are made up below wildcards, too, and of an answer it cannot be seen whether one made it. But whatever it makes
  says the same. So responses with records are alike also when they say the same, in whatever order, of names of one
  domain: that of the last two labels, or of one for names that have no more. What a DNAME made is alike by the DNAME.
* What is cut short says TC and keeps its question and its OPT (RFC 2181 section 9, RFC 6891 section 7).

Limits: for responses that were rendered here; what is malformed is taken for an error, and is not cut. Empty answers
that a wildcard has made are told apart by name, and so are answers of a server that makes up what it says, too.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final

from resolver.errors import WireError
from resolver.message import Rcode, Type
from resolver.wire.compression import HEADER, read, read_plain

ANSWER: Final = b"a"
NODATA: Final = b"n"
NXDOMAIN: Final = b"x"
ERROR: Final = b"e"
"""What the likeness of a response begins with."""

_NXDOMAIN: Final = int(Rcode.NXDOMAIN)
_SOA: Final = int(Type.SOA)
_OPT: Final = int(Type.OPT)
_DNAME: Final = int(Type.DNAME)
_ERRORS: Final = (ERROR,)
_BEFORE_NAME: Final[dict[int, int]] = {Type.CNAME: 0, Type.NS: 0, Type.PTR: 0, Type.DNAME: 0, Type.SOA: 0, Type.MX: 2}
"""Octets of rdata before the name in it that is perhaps compressed; other types have none, or hardly ever are asked."""
_COUNTS: Final = Struct("!4H").unpack_from
_FIXED: Final = Struct("!HHIH").unpack_from
_TC: Final = 0x02


def likenesses(response: bytes) -> tuple[bytes, ...]:
    """What `response` has in common with those that it is counted with; each begins with its kind, which is one."""
    rcode = response[3] & 0xF
    if rcode and rcode != _NXDOMAIN:
        return _ERRORS
    try:
        end = _behind(response, HEADER)
        name = response[HEADER:end].lower()
        if rcode:
            return (NXDOMAIN + (_zone(response, end + 4) or _domain(name)),)
        answers = response[6] << 8 | response[7]
        if not answers:
            return (NODATA + name,)
        asked = response[end : end + 4]
        return ANSWER + name + asked, ANSWER + _domain(name) + asked + _said(response, end + 4, answers)
    except (IndexError, WireError, error):
        return _ERRORS


def cut(response: bytes) -> bytes:
    """`response` with TC and without its records. Raises `WireError` for what is malformed."""
    try:
        asked, *counts = _COUNTS(response, 4)
        if asked > 1:
            raise WireError(f"a response to {asked} questions")
        end = pos = (read_plain(response, HEADER)[1] + 4) if asked else HEADER
        opt = b""
        for _ in range(sum(counts)):
            start, pos = pos, _behind(response, pos)
            rtype, _, _, size = _FIXED(response, pos)
            pos += 10 + size
            if rtype == _OPT:
                opt = response[start:pos]
    except (IndexError, error) as wrong:
        raise WireError("a response that ends too early") from wrong
    head = response[:2] + bytes((response[2] | _TC, response[3], 0, asked, 0, 0, 0, 0, 0, bool(opt)))
    return head + response[HEADER:end] + opt


def _zone(response: bytes, pos: int) -> bytes | None:
    """The owner, in lower case, of the SOA among the records at `pos`."""
    _, answers, authority, _ = _COUNTS(response, 4)
    for _ in range(answers + authority):
        start, pos = pos, _behind(response, pos)
        rtype, _, _, size = _FIXED(response, pos)
        if rtype == _SOA:
            return read(response, start, {})[0].lower()
        pos += 10 + size
    return None


def _domain(name: bytes) -> bytes:
    """The last two labels of `name`; of one that has no more the last."""
    starts = []
    at = 0
    while length := name[at]:
        starts.append(at)
        at += length + 1
    return name[starts[-2 if len(starts) > 2 else -1] :] if starts else name


def _said(response: bytes, pos: int, answers: int) -> bytes:
    """What the `answers` records at `pos` say, whoever their owners are, as a digest."""
    said = set()
    for _ in range(answers):
        pos = _behind(response, pos)
        rtype, _, _, size = _FIXED(response, pos)
        pos += 10
        before = _BEFORE_NAME.get(rtype)
        if before is None:
            data = response[pos : pos + size]
        else:  # which is compressed, against the name that is asked for
            data = response[pos : pos + before] + read(response, pos + before, {})[0].lower()
        if rtype == _DNAME:
            said = {(rtype, data)}
            break
        said.add((rtype, data))
        pos += size
    return hash(frozenset(said)).to_bytes(8, "big", signed=True)


def _behind(wire: bytes, pos: int) -> int:
    """The offset behind the name at `pos`, whatever it points to."""
    while length := wire[pos]:
        if length >= 0xC0:
            return pos + 2
        pos += length + 1
    return pos + 1
