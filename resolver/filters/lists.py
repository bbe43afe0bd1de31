"""Decides which names a block list or an allow list holds, in whichever of three forms it is written.

Rules
* *plain*: a name on each line. *hosts*: an address that leads nowhere, and names (hosts(5)). *adblock*: `||name^`, and
  `@@||name^` for what is allowed. The form is the one that most of the first lines of the file have.
* A name stands for all below it; `*.name` for what is below it alone.
* `#` begins a comment, and in adblock form `!` or `[` a line of it. Names that each machine has for itself, such as
  `localhost`, are left out.
* What an adblock rule says of parts of pages, of paths or of who asks cannot be told from a name: it is skipped, and
  counted. So is a bad line, and the first few are told with their number.
* A file with more bad lines than good ones is no list: nobody wants what is left of it in force.

Limits: of a line the first 64 KiB are seen. `MAX_TOLD` bad lines are told of each file; after `MAX_BAD` of them, it is
not read to its end if there are fewer good ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from resolver.errors import ConfigError
from resolver.filters.names import Names
from resolver.text import quoted

MAX_TOLD: Final = 3
MAX_LINE: Final = 1 << 16
"""Octets of a line that are seen."""
MAX_BAD: Final = 10_000
"""Bad lines that are read before it is looked whether a file is a list at all: one that was named by mistake may be
large."""
FORMS: Final = "a name on each line, lines of a hosts file, or adblock rules like ||name^"
_BLOCK: Final = 1 << 14
"""Octets that are read at once: some 600 names, in a millisecond."""
_SAMPLE: Final = 200
"""Lines by which the form of a file is decided."""
_SHOWN: Final = 60

_NAME: Final = re.compile(rb"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}").fullmatch
_MAX_TEXT: Final = 253
"""Characters of the longest name, without its last dot."""
_ADDRESS: Final = re.compile(rb"\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%\w+)?").fullmatch
_SIMPLE: Final = rb"((?:[a-zA-Z0-9_-]{1,63}\.)+[a-zA-Z][a-zA-Z0-9-]{0,62})"
_FAST: Final = {
    "plain": re.compile(rb"^" + _SIMPLE + rb"\r?$", re.MULTILINE),
    "hosts": re.compile(rb"^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+" + _SIMPLE + rb"\r?$", re.MULTILINE),
    "adblock": re.compile(rb"^\|\|" + _SIMPLE + rb"\^\r?$", re.MULTILINE),
}
"""Nearly all lines of nearly all lists, of which many are taken in one look: a million must not take ten seconds."""
_NOWHERE: Final = frozenset((b"0.0.0.0", b"127.0.0.1", b"::", b"::1", b"127.0.1.1", b"0", b"::0"))
_OF_EACH_MACHINE: Final = frozenset(
    b"localhost localhost.localdomain local broadcasthost localhost4 localhost6 ip6-localhost ip6-loopback "
    b"ip6-localnet ip6-mcastprefix ip6-allnodes ip6-allrouters ip6-allhosts 0.0.0.0".split()
)
_OF_PAGES: Final = re.compile(rb"(?:^|[^\s#])#[@?$%]?#(?!#*(?:\s|$))").search
"""What an adblock rule about parts of a page has in it; `#` in a row, or before a blank, begin a comment."""
_HARMLESS: Final = frozenset((b"important", b"all", b"document", b"doc"))
"""Options of an adblock rule that change nothing about a name."""


class Bad(Exception):
    """A line that cannot be read; the text says why."""


class Mistake(NamedTuple):
    """A line that was skipped because it cannot be read."""

    line: int
    text: str
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {quoted(self.text)} {self.what}"


@dataclass(slots=True)
class Report:
    """What came of reading a file: its form, names that no file before had, how often a name stood there already, rules
    that do not concern names, and bad lines, the first of them with their number."""

    path: Path
    form: str = ""
    names: int = 0
    repeated: int = 0
    skipped: int = 0
    bad: int = 0
    told: list[Mistake] = field(default_factory=list)
    blocks: bool = False
    """Whether its names are blocked."""

    @property
    def is_empty(self) -> bool:
        """Whether it blocks nothing: what it blocked before, if it did, is told again."""
        return self.blocks and not self.names and not self.repeated


def _go_on() -> None:
    """Nobody waits."""


class Lists:
    """Names that are blocked and names that are allowed; `files` in the order of their numbers."""

    def __init__(self, most: int, breathe: Callable[[], None] = _go_on) -> None:
        """They are `most` together. `breathe` is called often, where a thread that reads is to let others run."""
        self._breathe = breathe
        self.blocked, self.allowed = Names(), Names()
        self.reports: list[Report] = []
        self._most = most

    def read(self, path: Path, *, allows: bool = False) -> None:
        """The names of the list at `path` are added: blocked, or allowed. Raises `ConfigError`."""
        report = Report(path, blocks=not allows)
        reading = _Reading(self, report, len(self.reports), allows)
        try:
            with path.open("rb") as opened:
                reading.form = report.form = _form_of(opened.read(_BLOCK))
                opened.seek(0)
                for lines in _lines(iter(lambda: opened.read(_BLOCK), b"")):
                    reading.lines(lines)
                    self._bounded(path)
                    if report.bad > MAX_BAD:
                        _sensible(report)
                    self._breathe()
        except OSError as wrong:
            raise ConfigError(f"cannot be read: {wrong.strerror}", where=str(path), instead="give a list") from None
        _sensible(report)
        self.reports.append(report)

    def _bounded(self, path: Path) -> None:
        if len(self.blocked) + len(self.allowed) > self._most:
            what = f"with this list there are more than {self._most} names"
            raise ConfigError(what, where=str(path), instead="raise filters.max_names, or leave a list out")


def _sensible(report: Report) -> None:
    """Most of what was read could be. Raises `ConfigError`."""
    if report.bad > report.names + report.repeated + report.skipped:
        what = f"most of it cannot be read (bad lines: {report.bad}), as {report.told[0]}"
        raise ConfigError(what, where=str(report.path), instead=f"give {FORMS}")


class _Reading:
    """The lines of one file."""

    def __init__(self, lists: Lists, report: Report, number: int, allows: bool) -> None:
        self._lists, self._report, self._number, self._allows = lists, report, number, allows
        self._at = 0
        self._rule: Callable[[bytes], None] = self._plain

    @property
    def form(self) -> str:
        """How the file is written."""
        return self._report.form

    @form.setter
    def form(self, form: str) -> None:
        self._rule = {"plain": self._plain, "hosts": self._hosts, "adblock": self._adblock}[form]

    def lines(self, lines: bytes) -> None:
        """What stands in the next whole `lines` is added, or skipped, and counted."""
        fast, count = _FAST[self._report.form], lines.count(b"\n")
        simple = fast.findall(lines.lower())
        if max(map(len, simple), default=0) > _MAX_TEXT:
            simple, left = [], lines
        else:
            left = fast.sub(b"", lines) if len(simple) < count else b""
        if not _OF_EACH_MACHINE.isdisjoint(simple):
            simple = [each for each in simple if each not in _OF_EACH_MACHINE]
        if left:
            for at, line in enumerate(left.split(b"\n"), self._at + 1):
                self._slow(at, line.strip())
        self._at += count
        into = self._lists.allowed if self._allows else self._lists.blocked
        added = into.add_all(simple, self._number)
        self._report.names += added
        self._report.repeated += len(simple) - added

    def _slow(self, at: int, line: bytes) -> None:
        if not line:
            return
        try:
            self._rule(line)
        except Bad as wrong:
            report = self._report
            report.bad += 1
            if len(report.told) < MAX_TOLD:
                shown = line[:_SHOWN].decode("utf-8", "replace") + ("…" if len(line) > _SHOWN else "")
                report.told.append(Mistake(at, shown, str(wrong)))

    def _plain(self, line: bytes) -> None:
        if line[0] in b"#!;":
            return
        self._add(_without_comment(line), self._allows)

    def _hosts(self, line: bytes) -> None:
        if line[0] in b"#!;":
            return
        words = _without_comment(line).split()
        if not _ADDRESS(words[0]):
            if len(words) > 1:
                raise Bad("does not begin with an address")
            self._add(words[0], self._allows)
            return
        if len(words) == 1:
            raise Bad("has no name behind the address")
        if words[0] not in _NOWHERE and not _OF_EACH_MACHINE.issuperset(word.lower() for word in words[1:]):
            raise Bad("leads somewhere; write a file with such lines to filters.hosts_files")
        for word in words[1:]:
            self._add(word, self._allows)

    def _adblock(self, line: bytes) -> None:
        of_page = _OF_PAGES(line)
        if line[0] in b"![" or (line[0] in b"#" and not of_page):
            return
        allows = line.startswith(b"@@")
        rule, _, options = (line[2:] if allows else line).partition(b"$")
        if of_page or (options and not _HARMLESS.issuperset(options.lower().split(b","))):
            self._report.skipped += 1
        elif rule.startswith(b"||"):
            name = rule[2:].rstrip(b"|").rstrip(b"^")
            if b"/" in name or b"*" in name.removeprefix(b"*.") or b":" in name or b"=" in name:
                self._report.skipped += 1
            else:
                self._add(name, allows or self._allows)
        elif _NAME(rule.lower()) and b"." in rule:
            self._add(rule, allows or self._allows)
        elif _ADDRESS(rule.partition(b" ")[0]):
            self._hosts(line)
        else:
            self._report.skipped += 1

    def _add(self, word: bytes, allows: bool) -> None:
        if word.lower() in _OF_EACH_MACHINE:
            return
        below_only = word.startswith(b"*.")
        name = name_of(word[2:] if below_only else word)
        lists, report = self._lists, self._report
        if (lists.allowed if allows else lists.blocked).add(name, self._number, below_only=below_only):
            report.names += 1
        else:
            report.repeated += 1


def name_of(word: bytes) -> bytes:
    """The name that `word` spells, as a set of names has it. Raises `Bad`."""
    word = word.lower().removesuffix(b".")
    if not _NAME(word) or len(word) > _MAX_TEXT:
        raise Bad(_why_no_name(word))
    if word.rpartition(b".")[2].isdigit():
        raise Bad("is an address, and no name")
    return word


def _why_no_name(word: bytes) -> str:
    if not word:
        return "is the root: that would be all names"
    if len(word) > _MAX_TEXT:
        return f"is longer than the {_MAX_TEXT} characters of a name"
    if not word.isascii():
        return "is no name; write letters beyond ASCII as xn--..."
    return "is no name"


def _without_comment(line: bytes) -> bytes:
    return line.partition(b"#")[0].rstrip() if b"#" in line else line


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a file, some at a time, each with its end. Of a long one only the beginning is seen."""
    rest = next(blocks, b"").removeprefix(b"\xef\xbb\xbf")
    for block in blocks:
        lines, end, rest = (rest + block).rpartition(b"\n")
        if end:
            yield lines + end
        rest = rest[:MAX_LINE]
    yield rest + b"\n"


def _form_of(beginning: bytes) -> str:
    """The form of a file that has this `beginning`."""
    votes = {"adblock": 0, "hosts": 0, "plain": 0}
    for line in beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", _SAMPLE)[:_SAMPLE]:
        line = line.strip()
        if line.startswith((b"||", b"@@", b"[Adblock", b"! ")) or _OF_PAGES(line):
            votes["adblock"] += 1
        elif line and line[0] not in b"#!;":
            words = line.split(None, 2)
            votes["hosts" if len(words) > 1 and _ADDRESS(words[0]) else "plain"] += 1
    return max(votes, key=lambda form: votes[form])
