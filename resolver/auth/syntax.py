"""Decides where an entry of a master file begins and ends, and what a $GENERATE line stands for.

Rules (RFC 1035 section 5.1): an entry ends with its line unless parentheses are open; `;` starts a comment
outside quotes; a backslash takes the meaning from the next character. $GENERATE is BIND's:
`$GENERATE first-last[/step] owner [TTL] [IN] TYPE data` with `$` or `${offset,width,base}` for the counter.

Limits: `MAX_ENTRY` characters in one entry; a quoted string ends on its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_ENTRY: Final = 300_000
"""Characters of one entry: 65,535 octets, each written as \\DDD, and room for the rest."""
MAX_WIDTH: Final = 127
"""Digits that ${offset,width,base} may ask for: no longer label exists."""
MAX_COUNTER: Final = 0x7FFFFFFF
"""The largest counter of $GENERATE, as in BIND."""

DIRECTIVES: Final = {
    "$TTL": "$TTL 3600",
    "$ORIGIN": "$ORIGIN example.com.",
    "$INCLUDE": "$INCLUDE file [origin]",
    "$GENERATE": "$GENERATE 1-20 host-$ A 192.0.2.$",
}
_EXAMPLES: Final = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CAA": '0 issue "ca.example.net"',
    "CNAME": "www.example.com.",
    "DNAME": "example.net.",
    "HTTPS": "1 . alpn=h2",
    "MX": "10 mail.example.com.",
    "NS": "ns1.example.com.",
    "PTR": "www.example.com.",
    "SOA": "ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300",
    "SRV": "0 5 5060 sip.example.com.",
    "TXT": '"some text of at most 255 octets"',
}

_SPECIAL: Final = re.compile(r'["();]')
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|;.*|[()]|(?:[^"();\\]|\\.)+|.', re.DOTALL)
_WORD: Final = re.compile(r'\s*((?:[^\s"\\]|\\.)+)(?=\s|$)')
_TEMPLATE: Final = re.compile(r'((?:[^\s"]+\s+){1,3})"(.*)"', re.DOTALL)
_SPAN: Final = re.compile(r"(\d{1,10})-(\d{1,10})(?:/(\d{1,10}))?")
_COUNTER: Final = re.compile(
    r"\\.|\$\$|\$(?:\{([+-]?\d{1,10})(?:,(\d{1,4})(?:,([doxXnN]))?)?\})?|[^$\\]+|\\$", re.DOTALL
)


class Entry(NamedTuple):
    """An entry on one line, without comments and parentheses; or what is wrong with it."""

    line: int
    text: str
    problem: str = ""
    instead: str = ""


def entries(text: str, line: int = 1) -> Iterator[Entry]:
    """The entries of `text`, whose first line has the number `line`; blank ones are left out."""
    parts: list[str] = []
    start = length = depth = 0
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), line):
        if depth == 0 and not _SPECIAL.search(raw):
            if raw and not raw.isspace():
                yield Entry(number, raw.rstrip())
            continue
        if depth == 0:
            start, length, parts = number, 0, []
        flat, depth, problem = _flatten(raw, depth)
        length += len(flat)
        if length > MAX_ENTRY:
            depth, problem = 0, f"the entry has more than {MAX_ENTRY} characters"
        if problem:
            yield Entry(number, "", problem, "close what was opened, or write \\DDD for an odd octet")
            depth, parts = 0, []
            continue
        parts.append(flat)
        if depth == 0 and not (whole := " ".join(parts).rstrip()).isspace() and whole:
            yield Entry(start, whole)
    if depth:
        yield Entry(start, "", "the parenthesis that is opened here is never closed", "write ) after the data")


def _flatten(line: str, depth: int) -> tuple[str, int, str]:
    """The line without parentheses and comment, the parentheses open after it, and what is wrong."""
    flat: list[str] = []
    for match in _PIECE.finditer(line):
        piece = match[0]
        if piece[0] == ";":
            break
        if piece == "(":
            depth += 1
            piece = " "
        elif piece == ")":
            depth -= 1
            piece = " "
            if depth < 0:
                return "", 0, "a ) without its ("
        elif piece == '"':
            return "", 0, "a quoted string does not end on its line"
        flat.append(piece)
    return "".join(flat), depth, ""


def word(text: str, position: int) -> tuple[str | None, int]:
    """The unquoted word at `position` and where it ends; None at the end or at a quoted string."""
    match = _WORD.match(text, position)
    return (match[1], match.end()) if match else (None, position)


def example(kind: str) -> str:
    """What to write for a record of this type, "" when there is no example."""
    return f"write: {kind} {_EXAMPLES[kind]}" if kind in _EXAMPLES else ""


def steps(span: str) -> range:
    """The counters of a $GENERATE line. Raises ValueError when the range is none."""
    match = _SPAN.fullmatch(span)
    if not match:
        raise ValueError(f"{span!r} is no range")
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if first > last or step == 0 or last > MAX_COUNTER:
        raise ValueError(f"the range {span} is empty or too large")
    return range(first, last + 1, step)


def template(rest: str) -> str:
    """What stands behind the owner in a $GENERATE line, without BIND's quotes around data of several words."""
    match = _TEMPLATE.fullmatch(rest)
    return f"{match[1]}{match[2]}" if match and '"' not in match[2] else rest


def expand(template: str, counter: int) -> str:
    """`template` with the counter in it. Raises ValueError for a modifier that is none."""
    out: list[str] = []
    for match in _COUNTER.finditer(template):
        piece = match[0]
        if piece == "$$":
            piece = "$"
        elif piece[0] == "$":
            if piece == "$" and template.startswith("{", match.end()):
                raise ValueError("${offset,width,base} has base d, o, x, X, n or N")
            piece = _digits(counter + int(match[1] or 0), int(match[2] or 0), match[3] or "d")
        out.append(piece)
    return "".join(out)


def _digits(value: int, width: int, base: str) -> str:
    if width > MAX_WIDTH:
        raise ValueError(f"the width {width} is over {MAX_WIDTH}")
    if base not in "nN":
        return format(value, base).zfill(width)
    if value < 0:
        raise ValueError("no nibbles of a negative number")
    # Nibbles, lowest first, with dots; the width counts the dots too, as in ip6.arpa names.
    nibbles = format(value, "x" if base == "n" else "X").zfill((width + 1) // 2)
    return ".".join(reversed(nibbles))
