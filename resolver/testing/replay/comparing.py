"""Decides whether an answer is the one that a scenario wants.

Rules: what counts is what the entry's MATCH names: `all`, or the parts. Records are compared as sets, names in them
without regard to letter case, TTLs only with `ttl`. The level says how much of `all` counts:

* `core`: rcode, the flags except AA, the question, the answer section; when the script answers a denial with a SOA,
  that SOA. To a question for ANY some of the records that the script wants are enough (RFC 8482 section 4.1).
* `strict`: AA, all three sections, the OPT and its DO, and the extended error that MATCH ede= names, too.

A TTL may be lower than the script's by the seconds that passed while the resolver waited for silent servers: in the
peers' players that takes no time.
"""

from __future__ import annotations

import contextlib
import difflib
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from resolver.errors import WireError
from resolver.message import AA, EDE_OPTION, Message, RRset, Type
from resolver.observe import presenting
from resolver.testing.replay.script import Entry
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.rdata import canonical

_ALL_FLAGS: Final = sum(presenting.FLAGS.values())

_Record = tuple[bytes, int, int, bytes]


class Level(enum.StrEnum):
    """How much of an answer counts."""

    CORE = "core"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of an answer that is not what the script wants: `part` and a few words about it."""

    part: str
    text: str


def expected(entry: Entry) -> Message:
    """The answer that a CHECK_ANSWER describes, in text or as octets that are a message."""
    if entry.raw is not None:
        with contextlib.suppress(WireError):
            return parse(entry.raw)
    sections = (entry.answer, entry.authority, entry.additional)
    return Message(0, entry.flags, entry.rcode, entry.question, *sections, entry.edns)


def differences(entry: Entry, got: Message, level: Level, *, slack_s: int = 0) -> list[Difference]:
    """What of `got` is not as `entry` wants it, most telling first. TTLs may be lower by `slack_s` seconds."""
    want = expected(entry)
    every = "all" in entry.match or not entry.match
    parts = entry.match
    found: list[Difference] = []
    if (every or "rcode" in parts) and want.rcode != got.rcode:
        found.append(Difference("rcode", f"{types.rcode_to_text(got.rcode)} for {types.rcode_to_text(want.rcode)}"))
    if every or "flags" in parts:
        found += _flags(want, got, level)
    if every or "question" in parts or parts & {"qname", "qtype"}:
        found += _question(want, got)
    ttl = "ttl" in parts
    strict = every and level is Level.STRICT
    if every or "answer" in parts:
        wanted = want.answer if level is Level.STRICT else _enough(want, got)
        found += _records("answer", wanted, got.answer, ttl, slack_s)
    if strict or "authority" in parts:
        found += _records("authority", want.authority, got.authority, ttl, slack_s)
    elif every and _denies(want):
        soa = [each for each in want.authority if each.type == Type.SOA]
        got_soa = [each for each in got.authority if each.type == Type.SOA]
        if soa:
            found += _records("SOA", soa, got_soa, ttl, slack_s)
    if strict or "additional" in parts:
        found += _records("additional", want.additional, got.additional, ttl, slack_s)
    if strict:
        found += _opt(want, got)
    if level is Level.STRICT and entry.extended is not None:
        found += _extended(entry.extended, got)
    return found


def _flags(want: Message, got: Message, level: Level) -> list[Difference]:
    counted = _ALL_FLAGS if level is Level.STRICT else _ALL_FLAGS & ~AA
    found = []
    for name, bit in presenting.FLAGS.items():
        if (want.flags ^ got.flags) & bit & counted:
            found.append(Difference(name, f"{name} is {'not ' if want.flags & bit else ''}set"))
    return found


def _question(want: Message, got: Message) -> list[Difference]:
    one, other = want.question, got.question
    if one is None or other is None:
        same = one is other
    else:
        same = one._replace(name=names.fold(one.name)) == other._replace(name=names.fold(other.name))
    return [] if same else [Difference("question", "another question")]


def _denies(want: Message) -> bool:
    """Whether `want` says that there is no such name or data."""
    asked = want.question
    kept = (Type.CNAME, Type.DNAME, Type.RRSIG)
    return asked is not None and all(each.type in kept for each in want.answer) and asked.type not in kept


def _enough(want: Message, got: Message) -> tuple[RRset, ...]:
    """What of the answer section must be told: all; of ANY no more than was told, if anything was."""
    if want.question is None or want.question.type != Type.ANY or not got.answer:
        return want.answer
    told = _flat(got.answer).keys()
    return tuple(each for each in want.answer if _flat((each,)).keys() & told)


def _flat(rrsets: Iterable[RRset]) -> dict[_Record, int]:
    """Each record, in the form in which records are compared, with its TTL."""
    return {
        (names.fold(each.name), each.type, each.cls, canonical(each.type, rdata)): each.ttl
        for each in rrsets
        for rdata in each.rdatas
    }


def _records(part: str, want: Iterable[RRset], got: Iterable[RRset], ttl: bool, slack_s: int) -> list[Difference]:
    wanted, there = _flat(want), _flat(got)
    missing, surplus = wanted.keys() - there.keys(), there.keys() - wanted.keys()
    if missing or surplus:
        parts = [f"{len(missing)} missing"] * bool(missing) + [f"{len(surplus)} that should not be there"] * bool(
            surplus
        )
        return [Difference(part, ", ".join(parts))]
    if ttl:
        for record, seconds in wanted.items():
            if not max(0, seconds - slack_s) <= there[record] <= seconds:
                name = names.to_text(record[0])
                return [Difference(f"{part} ttl", f"{name} has {there[record]} s for {seconds} s")]
    return []


def _opt(want: Message, got: Message) -> list[Difference]:
    if (want.edns is None) != (got.edns is None):
        return [Difference("OPT", f"{'no' if got.edns is None else 'an'} OPT")]
    if want.edns is not None and got.edns is not None and want.edns.do != got.edns.do:
        return [Difference("OPT", f"DO is {'not ' if want.edns.do else ''}set")]
    return []


def _extended(wanted: int, got: Message) -> list[Difference]:
    options = () if got.edns is None else got.edns.options
    codes = [int.from_bytes(data[:2], "big") for code, data in options if code == EDE_OPTION]
    if wanted in codes or (wanted < 0 and codes):
        return []
    told = ", ".join(map(str, codes)) or "none"
    return [Difference("EDE", f"{told} for {'any' if wanted < 0 else wanted}")]


def as_text(message: Message) -> list[str]:
    """`message` for people, its records sorted."""
    flags = " ".join(name for name, bit in presenting.FLAGS.items() if message.flags & bit)
    lines = [f"{types.rcode_to_text(message.rcode)}, flags {flags or 'none'}"]
    if message.edns is not None:
        told = "".join(f", {_shown(data)}" for code, data in message.edns.options if code == EDE_OPTION)
        lines.append(f"OPT{', DO' if message.edns.do else ''}{told}")
    if message.question is not None:
        name, rtype, _ = message.question
        lines.append(f"question {names.to_text(names.fold(name))} {types.to_text(rtype)}")
    for title, section in (
        ("answer", message.answer),
        ("authority", message.authority),
        ("additional", message.additional),
    ):
        lines += sorted(f"{title} {line}" for each in section for line in presenting.lines(each))
    return lines


def _shown(extended: bytes) -> str:
    """An extended error (RFC 8914 section 2), its text behind its code."""
    text = extended[2:].decode("utf-8", "replace")
    return f"EDE {int.from_bytes(extended[:2], 'big')}" + (f" {text}" if text else "")


def diff(entry: Entry, got: Message, where: str) -> list[str]:
    """Both messages as a unified diff; `where` is the place of `entry`."""
    one, other = as_text(expected(entry)), as_text(got)
    return list(difflib.unified_diff(one, other, f"wanted ({where})", "answered", lineterm="", n=1000))
