"""Decides what a table of TRAFFIC says, and whether the queries that were sent are as it says.

A line says how often, to whom, for what, and if that counts over which transport:

    1        192.0.2.1    . NS               exactly once
    1..2     *            www.example. A     once or twice, to whatever address
    0        192.0.2.9    * *                that server was asked nothing
    1..      2001:db8::1  *.example. * TCP   at least once something below example., over TCP
    ..3      *            * *                at most three queries in all

Rules: a query counts in every line that it fits; letter case does not matter. A class may stand before the type, and
only IN is there. Lines are met when traffic has stopped. With ONLY, a query that fits no line is a mistake, too.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from resolver.message import Transport
from resolver.testing.replay import records
from resolver.testing.replay.entries import Unreadable
from resolver.testing.replay.script import Tally, Traffic
from resolver.wire import names, types

MAX_COUNT: Final = 1_000_000
"""More queries than any scenario may cause (`network.MAX_SENT`)."""

FORM: Final = "write `COUNT ADDRESS NAME TYPE`, such as `1..2 192.0.2.1 www.example. A`; * is any, 0 none"
_COUNT: Final = re.compile(r"(\d{1,7})|(\d{0,7})\.\.(\d{0,7})")
_TRANSPORTS: Final = {"UDP": Transport.UDP, "TCP": Transport.TCP}


class Query(NamedTuple):
    """What of a message that was sent counts: the address, the folded name, the type, the transport."""

    address: str
    name: bytes
    type: int
    transport: Transport


def tally(text: str, line: int) -> Tally:
    """What the `line` of a table says that is `text`. Raises `Unreadable`."""
    words = text.split()
    transport = _TRANSPORTS.get(words[-1]) if len(words) > 4 else None
    if transport is not None:
        words.pop()
    if len(words) == 5 and words[3].upper() == "IN":
        del words[3]
    if len(words) != 4:
        raise Unreadable(f"{text[:60]!r} is no line of TRAFFIC", FORM)
    count, address, name, rtype = words
    least, most = _counts(count)
    below = name.startswith("*.")
    try:
        owner = None if name == "*" else names.fold(names.from_text(name[2:] or "." if below else name))
        number = None if rtype == "*" else records.rtype(rtype)
    except ValueError as wrong:
        raise Unreadable(str(wrong), FORM) from None
    return Tally(line, text, least, most, _address(address), owner, below, number, transport)


def _counts(text: str) -> tuple[int, int | None]:
    found = _COUNT.fullmatch(text)
    if found is None:
        raise Unreadable(f"{text[:60]!r} is no count", "write 2, 1..3, 1.. or ..3")
    exactly, least, most = found.groups()
    if exactly is not None:
        return int(exactly), int(exactly)
    if not least and not most:
        raise Unreadable("'..' says nothing of the count", "write 2, 1..3, 1.. or ..3")
    low, high = int(least or 0), int(most) if most else None
    if high is not None and high < low:
        raise Unreadable(f"{text!r} is no count: nothing lies between", f"write {high}..{low}")
    return low, high


def _address(text: str) -> str | None:
    if text == "*":
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Unreadable(f"{text[:60]!r} is no IP address", "write one like 192.0.2.1 or 2001:db8::1, or *") from None


def _fits(one: Tally, query: Query) -> bool:
    return (
        one.address in (None, query.address)
        and one.type in (None, query.type)
        and one.transport in (None, query.transport)
        and (one.name is None or (_below(query.name, one.name) if one.below else query.name == one.name))
    )


def _below(name: bytes, zone: bytes) -> bool:
    return name != zone and names.is_below(name, zone)


class Counted(NamedTuple):
    """How often the lines of a table were met, in their order, and the queries that none of them fits."""

    wanted: Traffic
    times: tuple[int, ...]
    others: tuple[Query, ...]

    def over(self) -> bool:
        """Whether there is already more than there may be."""
        return bool(self.wanted.only and self.others) or any(
            one.most is not None and times > one.most
            for one, times in zip(self.wanted.tallies, self.times, strict=True)
        )

    def met(self) -> bool:
        """Whether all is as wanted."""
        enough = all(times >= one.least for one, times in zip(self.wanted.tallies, self.times, strict=True))
        return enough and not self.over()

    def mistakes(self) -> list[str]:
        """A few words on each line that is not met, and on queries that no line has."""
        found = [
            f"{times} for {_shown(one)}: {' '.join(one.text.split()[1:])}"
            for one, times in zip(self.wanted.tallies, self.times, strict=True)
            if times < one.least or (one.most is not None and times > one.most)
        ]
        if self.wanted.only and self.others:
            found.append(f"{len(self.others)} that no line has")
        return found

    def lines(self, sent: Sequence[Query], where: str) -> Iterator[str]:
        """The table with what is wrong in it, and all that was `sent`, for people."""
        yield f"wanted ({where})"
        for one, times in zip(self.wanted.tallies, self.times, strict=True):
            right = times >= one.least and (one.most is None or times <= one.most)
            yield f"{' ' if right else '-'}{one.text}{'' if right else f'   there were {times}'}"
        yield "sent"
        strange = set(self.others) if self.wanted.only else set()
        yield from table(sent, strange) if sent else (" nothing",)


def count(wanted: Traffic, sent: Sequence[Query]) -> Counted:
    """How `sent` compares with `wanted`."""
    times = tuple(sum(_fits(one, query) for query in sent) for one in wanted.tallies)
    others = tuple(query for query in sent if not any(_fits(one, query) for one in wanted.tallies))
    return Counted(wanted, times, others)


def table(sent: Sequence[Query], marked: set[Query] | frozenset[Query] = frozenset()) -> Iterator[str]:
    """`sent` as lines of a table, each query once with its count, in the order in which they were first sent."""
    for query, times in Counter(sent).items():
        mark = "+" if query in marked else " "
        name, rtype = names.to_text(query.name), types.to_text(query.type)
        yield f"{mark}{times:<4} {query.address:<15} {name} {rtype} {query.transport.upper()}"


def _shown(one: Tally) -> str:
    if one.most == one.least:
        return str(one.least)
    return f"{one.least}.." if one.most is None else f"{one.least or ''}..{one.most}"
