"""Decides what a name is: its wire form as `bytes`, its presentation form, and how two names relate.

Rules: a name is its uncompressed wire form, ended by the root label: labels of 1 to 63 octets, 255 octets in
all (RFC 1035 section 2.3.4). Any octet may stand in a label (RFC 2181 section 11). Names are compared with
ASCII letters folded (RFC 4343 section 3); the functions that compare say that they want folded names, so that
the caller folds once. Folding whole names is safe because a length octet is below 64, and so is never a
letter. Presentation form is that of RFC 1035 section 5.1 and RFC 4343 section 2.1.

Limits: functions that take a name trust that it is one; octets from the network are checked in `parse`.
Non-ASCII text is refused, not converted: internationalised names are written as A-labels (RFC 5890).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.errors import BadName

ROOT: Final = b"\0"
"""The root of the tree: the one name without labels."""
WILDCARD: Final = b"\x01*"
"""The label with which the owner of a wildcard begins (RFC 4592 section 2.1.1)."""

MAX_NAME: Final = 255
"""Octets of a whole name, length octets and root included (RFC 1035 section 2.3.4)."""

MAX_LABEL: Final = 63
"""Octets of one label (RFC 1035 section 2.3.4)."""

_SPECIAL: Final = frozenset(b'"().;@$\\')
"""Octets that mean something in a master file (RFC 1035 section 5.1), and so need a backslash."""

_TEXT: Final = tuple(
    f"\\{chr(octet)}" if octet in _SPECIAL else chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03d}"
    for octet in range(256)
)
"""Each octet in presentation form: nothing that a terminal or a log would act on is left as it is."""


def from_text(text: str) -> bytes:
    r"""The name that `text` spells, taken as absolute with or without its last dot; case is kept.

    `\DDD` is the octet with that decimal value and `\X` the character X itself. Raises `BadName`.
    """
    if text in (".", ""):
        if text:
            return ROOT
        raise BadName("an empty name; the root is written '.'")
    name = bytearray()
    for label in _split(text):
        if not label:
            raise BadName(f"{_shown(text)} has an empty label")
        if len(label) > MAX_LABEL:
            raise BadName(f"{_shown(text)} has a label of {len(label)} octets; {MAX_LABEL} are allowed")
        name.append(len(label))
        name += label
    name += ROOT
    if len(name) > MAX_NAME:
        raise BadName(f"{_shown(text)} takes {len(name)} octets as a name; {MAX_NAME} are allowed")
    return bytes(name)


def _split(text: str) -> list[bytearray]:
    """The labels that `text` spells, escapes resolved; without the root label that a last dot stands for."""
    found = [bytearray()]
    pos = 0
    while pos < len(text):
        char = text[pos]
        pos += 1
        if char == ".":
            found.append(bytearray())
            continue
        octet = ord(char)
        if char == "\\":
            octet, pos = _escaped(text, pos)
        elif octet > 0x7E or octet < 0x20:
            hint = _in_a_labels(text) if octet > 0x7F else f"write it as \\{octet:03d}"
            raise BadName(f"{_shown(text)} holds {char!r}; {hint}")
        found[-1].append(octet)
    if not found[-1] and len(found) > 1:
        found.pop()
    return found


def _escaped(text: str, pos: int) -> tuple[int, int]:
    """The octet meant by what follows a backslash, and the position behind it."""
    digits = text[pos : pos + 3]
    if not digits:
        raise BadName(f"{_shown(text)} ends in a backslash that quotes nothing")
    if not "0" <= digits[0] <= "9":
        if not " " <= digits[0] <= "~":
            raise BadName(f"{_shown(text)} quotes {digits[0]!r}; only printable ASCII can be quoted")
        return ord(digits[0]), pos + 1
    if len(digits) < 3 or not (digits.isascii() and digits.isdecimal()) or int(digits) > 255:
        raise BadName(f"{_shown(text)} has \\{repr(digits)[1:-1]}; a number behind a backslash is 000 to 255")
    return int(digits), pos + 3


def _in_a_labels(text: str) -> str:
    """What to write in place of `text`, which holds letters beyond ASCII (RFC 5890 section 2.3.2.1)."""
    try:
        return f"write it in A-labels, as {text.encode('idna').decode()!r}"
    except UnicodeError:
        return "write it in A-labels (xn--...)"


def _shown(text: str) -> str:
    """`text` quoted for an error, cut short where somebody pasted a book."""
    return repr(text) if len(text) <= 80 else f"{text[:77]!r}..."


def to_text(name: bytes) -> str:
    """`name` in presentation form, absolute; what is not printable ASCII, or has a meaning, is escaped."""
    if name == ROOT:
        return "."
    return "".join("".join([_TEXT[octet] for octet in label]) + "." for label in labels(name))


def fold(name: bytes) -> bytes:
    """`name` as a key: with its ASCII letters in lower case (RFC 4343 section 3)."""
    return name.lower()


def is_below(name: bytes, ancestor: bytes) -> bool:
    """Whether `name` is `ancestor` or below it; both folded."""
    if not name.endswith(ancestor):
        return False
    # The suffix must begin at a label: x\007example.com is one label below com, not two.
    cut = len(name) - len(ancestor)
    pos = 0
    while pos < cut:
        pos += name[pos] + 1
    return pos == cut


def parent(name: bytes) -> bytes:
    """`name` without its first label; the parent of the root is the root."""
    return name[name[0] + 1 :] or ROOT


def labels(name: bytes) -> tuple[bytes, ...]:
    """The labels of `name`, first to last, without the root label."""
    found = []
    pos = 0
    while length := name[pos]:
        found.append(name[pos + 1 : pos + 1 + length])
        pos += length + 1
    return tuple(found)


def depth(name: bytes) -> int:
    """How many labels `name` has; 0 for the root."""
    count = pos = 0
    while length := name[pos]:
        pos += length + 1
        count += 1
    return count


def ancestors(name: bytes) -> Iterator[bytes]:
    """`name` itself, then each name above it, the root last."""
    yield name
    pos = 0
    while length := name[pos]:
        pos += length + 1
        yield name[pos:]


def last_labels(name: bytes, count: int) -> bytes:
    """The ancestor of `name` that has `count` labels; `name` itself where it has no more, the root for 0.

    So names are minimised (RFC 9156 section 2.2).
    """
    pos = 0
    for _ in range(depth(name) - max(count, 0)):
        pos += name[pos] + 1
    return name[pos:]


def prepend(label: bytes, name: bytes) -> bytes:
    """The child `label` of `name`. Raises `BadName` when the label or the whole is empty or too long."""
    if not 0 < len(label) <= MAX_LABEL:
        raise BadName(f"a label of {len(label)} octets; 1 to {MAX_LABEL} are allowed")
    child = bytes((len(label),)) + label + name
    if len(child) > MAX_NAME:
        raise BadName(f"{to_text(name)} is too long to have a child of {len(label)} octets")
    return child


def substitute(name: bytes, old_suffix: bytes, new_suffix: bytes) -> bytes:
    """`name` with `old_suffix` replaced by `new_suffix`, as a DNAME record does (RFC 6672 section 2.2).

    Raises `BadName` when the result has over 255 octets: the answer is then YXDOMAIN. `name` must be at or
    below `old_suffix`, ignoring case; anything else is the caller's mistake and a plain ValueError.
    """
    if not is_below(fold(name), fold(old_suffix)):
        raise ValueError(f"{to_text(name)} is not below {to_text(old_suffix)}")
    result = name[: len(name) - len(old_suffix)] + new_suffix
    if len(result) > MAX_NAME:
        raise BadName(f"{to_text(name)} has {len(result)} octets after its substitution by DNAME")
    return result
