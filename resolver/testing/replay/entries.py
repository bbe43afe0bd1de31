"""Decides what an entry of a scenario says: a message in text, with the rules of its use.

Rules: REPLY names flags and rcode, of which none means NOERROR; DO there means an OPT with that bit. In SECTION
ADDITIONAL, HEX_EDNSDATA_BEGIN and HEX_EDNSDATA_END hold the options of the OPT as octets. HEX_ANSWER_BEGIN and
HEX_ANSWER_END, or a line behind RAW, hold the whole message as octets instead.
"""

from __future__ import annotations

import re
from typing import Final

from resolver.message import Edns, Question, RRset
from resolver.observe.presenting import FLAGS
from resolver.testing.replay import records
from resolver.testing.replay.script import Entry
from resolver.text import nearest
from resolver.wire import types

RCODES: Final = {text: code for code, text in types.RCODES.items() if code < 1 << 4}
"""The response codes that a header can hold, by their names."""

_OF_QUERIES: Final = ("opcode", "qtype", "qname", "qclass", "subdomain", "question", "UDP", "TCP", "DO", "noedns")
_OF_ANSWERS: Final = ("all", "rcode", "flags", "answer", "authority", "additional", "ttl")
MATCHES: Final = frozenset((*_OF_QUERIES, *_OF_ANSWERS))
"""The words of MATCH besides ede=."""

ADJUSTS: Final = frozenset(("copy_id", "copy_query", "do_not_answer", "wrong_id"))
"""The words of ADJUST besides sleep= and packet_sleep=."""

_SECTIONS: Final = ("QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL")


class Unreadable(Exception):
    """A line that is not understood: `what` it is, and what to write `instead`."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what, self.instead = what, instead


class EntryReader:
    """Takes the lines of one entry, from behind its ENTRY_BEGIN in line `line`."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._match: set[str] = set()
        self._adjust: set[str] = set()
        self._flags = self._rcode = 0
        self._do = self._mandatory = False
        self._question: Question | None = None
        self._sections: dict[str, list[RRset]] = {name: [] for name in _SECTIONS}
        self._section = ""
        self._options: bytearray | None = None
        self._raw: bytearray | None = None
        self._hex: bytearray | None = None
        self._pending = ""
        self._extended: int | None = None
        self._delay_s = 0.0

    def take(self, text: str) -> bool:
        """Whether `text` was the end of the entry. Raises `Unreadable`, or ValueError for records."""
        text = _stripped(text)
        if not text:
            return False
        if self._pending:
            self._records(f"{self._pending} {text}")
            return False
        word, *words = text.split()
        if word == "ENTRY_END":
            return True
        if self._hex is not None and not re.match(r"HEX_\w+_END$|SECTION$", word):
            self._octets(text)
            return False
        match word:
            case "MATCH":
                self._matching(words)
            case "ADJUST":
                self._adjusting(words)
            case "REPLY":
                self._replying(words)
            case "SECTION":
                self._open(words)
            case "MANDATORY":
                self._mandatory = True
            case "HEX_ANSWER_BEGIN" | "RAW":
                self._raw = self._hex = bytearray()
            case "HEX_EDNSDATA_BEGIN":
                self._options = self._hex = bytearray()
            case "HEX_ANSWER_END" | "HEX_EDNSDATA_END":
                self._hex = None
            case _:
                self._records(text)
        return False

    def entry(self) -> Entry:
        """What the lines said."""
        edns = None
        if self._options is not None or self._do:
            edns = Edns(4096, do=self._do, options=_options(bytes(self._options or b"")))
        return Entry(
            self._line,
            frozenset(self._match),
            frozenset(self._adjust),
            self._flags,
            self._rcode,
            self._question,
            tuple(self._sections["ANSWER"]),
            tuple(self._sections["AUTHORITY"]),
            tuple(self._sections["ADDITIONAL"]),
            edns,
            None if self._raw is None else bytes(self._raw),
            self._extended,
            self._delay_s,
            self._mandatory,
        )

    def _matching(self, words: list[str]) -> None:
        for word in words:
            if extended := re.fullmatch(r"ede=(\d+|any)", word):
                self._extended = -1 if extended[1] == "any" else int(extended[1])
            elif word not in MATCHES:
                raise Unreadable(f"MATCH does not know {word[:60]!r}", nearest(word, (*MATCHES, "ede=N")))
            self._match.add(word)

    def _adjusting(self, words: list[str]) -> None:
        for word in words:
            if delay := re.fullmatch(r"(?:packet_)?sleep=(\d+(?:\.\d+)?)", word):
                self._delay_s += float(delay[1])
            elif word not in ADJUSTS:
                raise Unreadable(f"ADJUST does not know {word[:60]!r}", nearest(word, (*ADJUSTS, "sleep=N")))
            self._adjust.add(word)

    def _replying(self, words: list[str]) -> None:
        for word in words:
            if word in FLAGS:
                self._flags |= FLAGS[word]
            elif word in RCODES:
                self._rcode = RCODES[word]
            elif word == "DO":
                self._do = True
            else:
                raise Unreadable(f"REPLY does not know {word[:60]!r}", nearest(word, (*FLAGS, "DO", *RCODES)))

    def _open(self, words: list[str]) -> None:
        self._hex = None
        if len(words) != 1 or words[0] not in _SECTIONS:
            word = " ".join(words)
            raise Unreadable(f"there is no section {word[:60]!r}", nearest(word, _SECTIONS))
        self._section = words[0]

    def _octets(self, text: str) -> None:
        assert self._hex is not None
        try:
            self._hex += bytes.fromhex(text)
        except ValueError:
            raise Unreadable(f"{text[:40]!r} are no octets", "write them in hexadecimal") from None

    def _records(self, text: str) -> None:
        """Takes a question or a record, when it is whole: parentheses join lines."""
        if not self._section:
            raise Unreadable(f"{text[:60]!r} has no meaning here", "write MATCH, ADJUST, REPLY, SECTION or ENTRY_END")
        bare = re.sub(r'"[^"]*"', "", text)
        if bare.count("(") > bare.count(")"):
            self._pending = text
            return
        self._pending = ""
        if self._section != "QUESTION":
            self._sections[self._section].append(records.record(text))
        elif self._question is not None:
            raise Unreadable("a second question", "write one, as RFC 9619 has it")
        else:
            self._question = records.question(text)


def _stripped(text: str) -> str:
    """`text` without its comment: from a `;` that is neither quoted nor escaped."""
    found = re.match(r'(?:[^;"\\]|\\.|"(?:[^"\\]|\\.)*"|")*', text)
    return found[0].strip() if found else ""


def _options(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """The EDNS options that `data` are. Raises `Unreadable`."""
    found = []
    while data:
        code, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if len(data) < 4 + length:
            raise Unreadable("an EDNS option is longer than the octets that are there", "mend its length")
        found.append((code, data[4 : 4 + length]))
        data = data[4 + length :]
    return tuple(found)
