r"""Decides how the records of a script are read.

Rules: `OWNER [TTL] [CLASS] TYPE RDATA`, TTL and class in either order, names without a last dot below the root, a TTL
that is not given 3600. Rdata in the form of RFC 3597 (`\# 4 0A000001`) is taken as it is, so that a script can send
what is malformed.

Limits: dnspython reads the rdata; this is never on the way of a query.
"""

from __future__ import annotations

import re
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

from resolver.message import Class, Question, RRset, Type
from resolver.wire import names, types

TTL: Final = 3600
"""Seconds that a record lives whose script does not say: that of the peers' players."""

_ADDRESSES: Final = (Type.A, Type.AAAA)
"""The types whose rdata is an address in whatever class a script puts them."""

_CLASSES: Final = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}


def question(text: str) -> Question:
    """The question in a line of SECTION QUESTION. Raises ValueError."""
    words = text.split()
    if len(words) == 3 and words[1].upper() in _CLASSES:
        return Question(names.from_text(words[0]), rtype(words[2]), _CLASSES[words[1].upper()])
    if len(words) == 2:
        return Question(names.from_text(words[0]), rtype(words[1]))
    raise ValueError("a question is `NAME CLASS TYPE`")


def record(text: str) -> RRset:
    """The record in a line of another section. Raises ValueError."""
    words = text.split(None, 1)
    owner, rest = words[0], words[1] if len(words) > 1 else ""
    ttl, cls = TTL, int(Class.IN)
    while True:
        word, _, after = _first(rest)
        if word.isdecimal():
            ttl = int(word)
        elif word.upper() in _CLASSES:
            cls = _CLASSES[word.upper()]
        else:
            break
        rest = after
    if not word:
        raise ValueError("a record is `OWNER [TTL] [CLASS] TYPE RDATA`")
    number = rtype(word)
    return RRset(names.from_text(owner), number, cls, ttl, (_rdata(number, cls, after),))


def _first(text: str) -> tuple[str, str, str]:
    word, space, after = text.replace("\t", " ").strip().partition(" ")
    return word, space, after.strip()


def rtype(text: str) -> int:
    """The number of a type. Raises ValueError."""
    try:
        return types.from_text(text)
    except ValueError:
        try:
            return int(dns.rdatatype.from_text(text))
        except dns.exception.DNSException:
            raise ValueError(f"{text!r} is no record type") from None


def _rdata(number: int, cls: int, text: str) -> bytes:
    generic = re.fullmatch(r"\\#\s+(\d+)((?:\s+[0-9A-Fa-f]+)*)\s*", text)
    if generic is not None:
        octets = bytes.fromhex("".join(generic[2].split()))
        if len(octets) != int(generic[1]):
            raise ValueError(f"{generic[1]} octets are announced and {len(octets)} stand there")
        return octets
    kind = dns.rdatatype.RdataType.make(number)
    kept = dns.rdataclass.IN if number in _ADDRESSES else dns.rdataclass.RdataClass.make(cls)
    try:
        made = dns.rdata.from_text(kept, kind, text, origin=dns.name.root, relativize=False)
        wire = made.to_wire()
    except (dns.exception.DNSException, ValueError) as wrong:
        raise ValueError(f"no rdata of type {types.to_text(number)}: {text[:60]!r} ({wrong})") from None
    assert wire is not None
    return wire
