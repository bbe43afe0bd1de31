"""What dig and kdig print, read back: a message is what a person would see of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Record(NamedTuple):
    """A line of a section."""

    owner: str
    ttl: int
    cls: str
    type: str
    data: str


class ExtendedError(NamedTuple):
    """An EDE option: RFC 8914."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One response, as the client shows it."""

    text: str
    status: str
    opcode: str
    id: int
    flags: frozenset[str]
    counts: tuple[int, int, int, int]
    """Question, answer, authority, additional; the OPT record is counted with the last."""
    question: str
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]
    edns: bool
    dnssec_ok: bool
    payload: int | None
    ede: tuple[ExtendedError, ...]
    transport: str
    ms: float
    size: int

    @property
    def data(self) -> list[str]:
        """`TYPE rdata` of the answer's records, in their order."""
        return [f"{record.type} {record.data}" for record in self.answer]

    @property
    def ede_codes(self) -> set[int]:
        """The info-codes of the extended errors."""
        return {each.code for each in self.ede}

    @property
    def tags(self) -> set[str]:
        """The four-letter tags in the texts of the extended errors."""
        return {tag for each in self.ede for tag in re.findall(r"\[([A-Z]{4})\]", each.text)}

    @property
    def warnings(self) -> list[str]:
        """What the client finds odd."""
        return re.findall(r"^;; (?:WARNING|Warning|ERROR).*$", self.text, re.MULTILINE)


def read(text: str) -> list[Heard]:
    """The responses in what dig or kdig printed, in their order."""
    parts = re.split(r"^(?=;; ->>HEADER<<-)", text, flags=re.MULTILINE)
    return [_read(part) for part in parts if part.startswith(";; ->>HEADER<<-")]


def only(text: str) -> Heard:
    """The one response in what dig or kdig printed."""
    responses = read(text)
    assert len(responses) == 1, text
    return responses[0]


def _read(text: str) -> Heard:
    head = re.search(r"opcode: (\w+)[,;] status: (\w+)[,;] id: (\d+)", text)
    flags = re.search(r"^;; [Ff]lags:([a-z ]*)", text, re.MULTILINE)
    assert head, text
    assert flags, text
    counts = re.search(r"(?:QUERY|QUESTION|ZONE): (\d+)[,;] \w+: (\d+)[,;] \w+: (\d+)[,;] \w+: (\d+)", text)
    edns = re.search(r"^;? ?;* ?(?:EDNS: v|V)ersion: \d+[,;] flags:([a-z ]*);.* (?:udp|UDP size): (\d+)", text, re.M)
    question = re.search(r"QUESTION SECTION:\n;+ ?(.*)$", text, re.MULTILINE)
    return Heard(
        text=text,
        status=head[2],
        opcode=head[1],
        id=int(head[3]),
        flags=frozenset(flags[1].split()),
        counts=_four(counts),
        question=" ".join(question[1].split()) if question else "",
        answer=_section(text, "ANSWER"),
        authority=_section(text, "AUTHORITY"),
        additional=_section(text, "ADDITIONAL"),
        edns=edns is not None,
        dnssec_ok=edns is not None and "do" in edns[1].split(),
        payload=int(edns[2]) if edns else None,
        ede=tuple(
            ExtendedError(int(code), words.strip("()'"))
            for code, words in re.findall(r"^;+ EDE: (\d+)(?: \([^)]*\))?(?:: (.*))?$", text, re.MULTILINE)
        ),
        transport=_one(r"\((UDP|TCP)\)", text),
        ms=float(_one(r"Query time: (\d+) msec|in ([\d.]+) ms", text)),
        size=int(_one(r"MSG SIZE  rcvd: (\d+)|Received (\d+) B", text)),
    )


def _section(text: str, name: str) -> tuple[Record, ...]:
    found = re.search(rf"^;; {name} SECTION:\n((?:[^;\n].*\n)*)", text, re.MULTILINE)
    rows = [line.strip().split(None, 4) for line in found[1].splitlines()] if found else []
    return tuple(Record(owner, int(ttl), cls, rtype, data) for owner, ttl, cls, rtype, data in rows)


def _four(counts: re.Match[str] | None) -> tuple[int, int, int, int]:
    assert counts
    one, two, three, four = map(int, counts.groups())
    return one, two, three, four


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return next(group for group in found.groups() if group is not None)
