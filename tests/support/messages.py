"""Messages written as the lines of master files."""

from __future__ import annotations

from collections.abc import Iterable

from resolver.message import AA, QR, RA, RD, TC, Edns, Message, Question, RRset
from resolver.wire import names
from tests.support import zone_text

Lines = Iterable[str] | str


def sets(lines: Lines) -> tuple[RRset, ...]:
    """The RRsets of some lines, or of one."""
    return tuple(zone_text.rrsets([lines] if isinstance(lines, str) else lines))


def rrset(line: str) -> RRset:
    """The RRset of one line."""
    (made,) = sets(line)
    return made


def name(text: str) -> bytes:
    """A name from its text."""
    return names.from_text(text)


def soa(zone: str, ttl: int = 900, minimum: int = 300) -> str:
    """The line of a SOA."""
    return f"{zone} {ttl} IN SOA ns.{zone if zone != '.' else ''} admin.{zone if zone != '.' else ''} 1 2 3 4 {minimum}"


def reply(
    question: Question | None,
    answer: Lines = (),
    authority: Lines = (),
    additional: Lines = (),
    *,
    aa: bool = True,
    tc: bool = False,
    ra: bool = False,
    rd: bool = False,
    rcode: int = 0,
    id: int = 0,
    edns: Edns | None = None,
) -> Message:
    """A response to `question`."""
    flags = QR | AA * aa | TC * tc | RA * ra | RD * rd
    return Message(id, flags, rcode, question, sets(answer), sets(authority), sets(additional), edns)


def told(*rrsets: RRset) -> list[str]:
    """RRsets in presentation form."""
    return [line for one in rrsets for line in zone_text.lines([one])]
