r"""Decides how a message is written as an entry of a scenario, so that `entries` reads the same out of it.

Rules: a record is written as in a master file, and in the form of RFC 3597 where it would be read as another one. What
cannot be written at all (an extended rcode, a class without a name, octets that are no message) stands there as octets.
Of the options in the OPT of a server extended errors are kept: cookies are good for one asker.

Limits: an OPT is written with its DO bit and options, not with its payload.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from resolver.errors import WireError
from resolver.message import EDE_OPTION, Edns, Message, Question, RRset
from resolver.observe import presenting
from resolver.testing.replay.entries import RCODES, EntryReader, Unreadable
from resolver.wire import names, types
from resolver.wire.parse import parse
from resolver.wire.render import render

OCTETS_A_LINE: Final = 32
"""Of what is written in hexadecimal."""

_NAMES: Final = {code: text for text, code in RCODES.items()}


class Unwritable(ValueError):
    """A message that has no text of its own."""


def entry(head: Iterable[str], message: Message | bytes, question: Question | None = None) -> list[str]:
    """The lines of an entry that says `message`, behind the lines of its rules in `head`. `question` is the one that it
    fits, where that is another than its own, or its own cannot be read."""
    if not isinstance(message, bytes):
        made = ["ENTRY_BEGIN", *head, *_text(message), "ENTRY_END"]
        if _same(made, message):
            return made
        raise Unwritable("a message that would be read as another one")
    asked = () if question is None else ("SECTION QUESTION", _question(question))
    return ["ENTRY_BEGIN", *head, *_octets("HEX_ANSWER", message), *asked, "ENTRY_END"]


def _text(message: Message) -> Iterator[str]:
    if message.rcode not in _NAMES:
        raise Unwritable("an rcode that no header holds")
    flags = [name for name, bit in presenting.FLAGS.items() if message.flags & bit]
    edns = message.edns
    yield " ".join(["REPLY", *flags, *(["DO"] if edns is not None and edns.do else []), _NAMES[message.rcode]])
    if message.question is not None:
        yield "SECTION QUESTION"
        yield _question(message.question)
    for title, section in (("ANSWER", message.answer), ("AUTHORITY", message.authority)):
        if section:
            yield f"SECTION {title}"
            yield from (line for rrset in section for line in _records(rrset))
    options = () if edns is None else edns.options
    bare = edns is not None and not edns.do
    if message.additional or options or bare:
        yield "SECTION ADDITIONAL"
        yield from (line for rrset in message.additional for line in _records(rrset))
    if options or bare:
        data = b"".join(code.to_bytes(2, "big") + len(each).to_bytes(2, "big") + each for code, each in options)
        yield from _octets("HEX_EDNSDATA", data)


def _question(question: Question) -> str:
    name, rtype, cls = question
    text = presenting.class_text(cls)
    if text.startswith("CLASS"):
        raise Unwritable("a class without a name")
    return f"{_name(name)} {text} {types.to_text(rtype)}"


def _name(name: bytes) -> str:
    """`name` without the characters that mean something in a script."""
    return re.sub(r"\\(\D)", lambda found: f"\\{ord(found[1]):03d}", names.to_text(name))


def _records(rrset: RRset) -> Iterator[str]:
    cls = presenting.class_text(rrset.cls)
    if cls.startswith("CLASS"):
        raise Unwritable("a class without a name")
    head = f"{_name(rrset.name)} {rrset.ttl} {cls} {types.to_text(rrset.type)}"
    for rdata, line in zip(rrset.rdatas, presenting.lines(rrset), strict=True):
        text = f"{head} {line.split(' ', 4)[4]}" if len(line.split(" ", 4)) == 5 else head
        one = rrset._replace(rdatas=(rdata,), proof=None)
        yield text if _reads(text, one) else f"{head} \\# {len(rdata)} {rdata.hex()}".rstrip()


def _reads(text: str, rrset: RRset) -> bool:
    """Whether `text` stands for the one record of `rrset`, on a line of its own."""
    reader = EntryReader(0)
    try:
        reader.take("SECTION ANSWER")
        reader.take(text)
        return reader.entry().answer == (rrset,)
    except (Unreadable, ValueError):
        return False


def _octets(word: str, octets: bytes) -> Iterator[str]:
    yield f"{word}_BEGIN"
    yield from (octets[at : at + OCTETS_A_LINE].hex() for at in range(0, len(octets), OCTETS_A_LINE))
    yield f"{word}_END"


def _same(lines: Iterable[str], message: Message) -> bool:
    """Whether `lines` are read as `message`."""
    reader = EntryReader(0)
    try:
        for line in list(lines)[1:]:
            reader.take(line)
        made = reader.entry()
    except (Unreadable, ValueError):
        return False
    sections = ("answer", "authority", "additional")
    return (made.rcode, made.question) == (message.rcode, message.question) and all(
        _flat(getattr(made, each)) == _flat(getattr(message, each)) for each in sections
    )


def _flat(rrsets: Iterable[RRset]) -> list[tuple[bytes, int, int, int, bytes]]:
    return [(each.name, each.type, each.cls, each.ttl, rdata) for each in rrsets for rdata in each.rdatas]


def said_by_server(message: Message) -> Message:
    """What of `message` counts where a server plays it: with no id, and no options but extended errors. Owners that are
    spelled at random because they point to a question that was (0x20) are in lower case."""
    edns = message.edns
    if edns is not None:
        kept = tuple((code, data) for code, data in edns.options if code == EDE_OPTION)
        edns = Edns(do=edns.do, options=kept) if kept else None
    message = message._replace(id=0, edns=edns)
    if message.question is None:
        return message
    asked = message.question.name
    return message._replace(
        question=message.question._replace(name=names.fold(asked)),
        answer=_plainly(message.answer, asked),
        authority=_plainly(message.authority, asked),
        additional=_plainly(message.additional, asked),
    )


def _plainly(rrsets: tuple[RRset, ...], asked: bytes) -> tuple[RRset, ...]:
    """`rrsets`, their owners in lower case where they are spelled as the end of the name that was `asked` is."""
    return tuple(
        each._replace(name=names.fold(each.name)) if names.is_below(asked, each.name) else each for each in rrsets
    )


def said_to_client(message: Message) -> Message:
    """What of `message` counts as an answer that is wanted: with no id, and no options."""
    edns = None if message.edns is None else Edns(do=message.edns.do)
    return message._replace(id=0, edns=edns)


def errors(message: Message) -> list[int]:
    """The codes of the extended errors in `message`."""
    return [each.code for each in presenting.extended_errors(message)]


def read(octets: bytes | None) -> Message | None:
    """The message that `octets` are, if they are one."""
    try:
        return None if octets is None else parse(octets)
    except WireError:
        return None


def octets(message: Message) -> bytes:
    """`message` as octets."""
    return render(message)
