"""Decides what a test sees of a response: its records as text, its flags by name, and how long it took.

Rules: names are absolute and in the spelling of their owner, values in presentation format (RFC 1035 section 5.1).
`addresses` and `values` are of the name that the aliases lead to, so a test need not follow them. What a test forgot to
look at shows in `repr`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from resolver.message import AA, AD, RA, TC, Ede, Message, RRset
from resolver.observe import presenting
from resolver.testing.tried import not_there
from resolver.wire import types

if TYPE_CHECKING:
    from resolver.explain.cause import Explanation


class Record(NamedTuple):
    """One record: `ttl` in seconds, `value` in presentation format."""

    name: str
    ttl: int
    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.value}"


class WrongRcode(AssertionError):
    """An answer has another response code than it was to have."""


def _unknown() -> Explanation:
    raise LookupError("why an answer is what it is, is known in the process of its internet")


@dataclass(frozen=True)
class Answer:
    """The response to one question, as a client got it."""

    name: str
    """What was asked for, absolute."""
    type: str
    """The type that was asked for, as in `"A"`."""
    message: Message
    """The whole response as it came."""
    ms: float
    """Milliseconds of the internet's time until it came: 0 where no fault delays a server."""
    explain: Callable[[], Explanation] = field(default=_unknown, repr=False, compare=False)
    """Gives the explanation."""

    @property
    def rcode(self) -> str:
        """The response code by its name, as in `"NXDOMAIN"`."""
        return types.rcode_to_text(self.message.rcode)

    @cached_property
    def records(self) -> list[Record]:
        """The answer section, aliases included."""
        return list(_records(self.message.answer))

    @cached_property
    def authority(self) -> list[Record]:
        """The authority section: of a denial, the SOA."""
        return list(_records(self.message.authority))

    @property
    def values(self) -> list[str]:
        """What the records of the type that was asked for say."""
        return [each.value for each in self.records if each.type == self.type]

    @property
    def addresses(self) -> list[str]:
        """The IPv4 and IPv6 addresses in the answer."""
        return [each.value for each in self.records if each.type in ("A", "AAAA")]

    @property
    def texts(self) -> list[str]:
        """What the TXT records say: each with its strings joined and without quotation marks."""
        found = (rdata for rrset in self.message.answer if types.to_text(rrset.type) == "TXT" for rdata in rrset.rdatas)
        return [_joined(rdata).decode("utf-8", "backslashreplace") for rdata in found]

    @property
    def ttl(self) -> int | None:
        """For how many seconds it may be kept: the lowest TTL of the answer, of a denial that of its SOA; None where
        neither is there."""
        if self.records:
            return min(each.ttl for each in self.records)
        return min((each.ttl for each in self.authority if each.type == "SOA"), default=None)

    @property
    def aa(self) -> bool:
        """Whether it is authoritative, as that of a resolver is not."""
        return self._has(AA)

    @property
    def ad(self) -> bool:
        """Whether all of it was proven (RFC 4035 section 3.2.3)."""
        return self._has(AD)

    @property
    def tc(self) -> bool:
        """Whether it was cut short."""
        return self._has(TC)

    @property
    def ra(self) -> bool:
        """Whether recursion is offered."""
        return self._has(RA)

    @cached_property
    def ede(self) -> list[Ede]:
        """The extended errors (RFC 8914), each with a `code` and a `text`."""
        return presenting.extended_errors(self.message)

    @cached_property
    def explanation(self) -> Explanation:
        """Why it is what it is: `cause`, `text` and `advice`, and as text a sentence or two; worked out when it is
        first asked for."""
        return self.explain()

    def raise_for_rcode(self, expected: str = "NOERROR") -> Answer:
        """The answer itself if its response code is the `expected` one. Raises `WrongRcode`, which says why it is
        not."""
        __tracebackhide__ = True
        if self.rcode != expected:
            raise WrongRcode(f"{expected} was expected of {self!r}\n{self.explanation}")
        return self

    def __bool__(self) -> bool:
        """Whether there are records of the type that was asked for."""
        return bool(self.values)

    if not TYPE_CHECKING:

        def __getattr__(self, word: str) -> NoReturn:
            """Raises AttributeError, which says what was meant."""
            __tracebackhide__ = True
            raise not_there(self, word, dir(type(self)))

    def __str__(self) -> str:
        return "\n".join([repr(self), *(f"  {each}" for each in (*self.records, *self.authority))])

    def __repr__(self) -> str:
        said = ", ".join(self.values or [f"{each.type} {each.value}" for each in self.records])
        flags = "".join(f" {name}" for name in ("AA", "AD", "TC") if getattr(self, name.lower()))
        parts = [f"{self.name} {self.type} {self.rcode}{flags}{f': {said}' if said else ''}"]
        parts += [] if self.ttl is None else [f"TTL {self.ttl}"]
        parts += [f"{self.ms:.0f} ms"] if self.ms else []
        parts += [f"EDE {each.code}{f': {each.text}' if each.text else ''}" for each in self.ede]
        return f"<Answer {'; '.join(parts)}>"

    def _has(self, flag: int) -> bool:
        return bool(self.message.flags & flag)


def _records(rrsets: tuple[RRset, ...]) -> Iterator[Record]:
    for rrset in rrsets:
        for line in presenting.lines(rrset):
            name, ttl, _, rtype, *value = line.split(" ", 4)
            yield Record(name, int(ttl), rtype, value[0] if value else "")


def _joined(rdata: bytes) -> bytes:
    """The strings in `rdata`, which is that of a TXT record, one behind the other."""
    found, at = b"", 0
    while at < len(rdata):
        found += rdata[at + 1 : at + 1 + rdata[at]]
        at += 1 + rdata[at]
    return found
