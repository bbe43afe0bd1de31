"""How the settings of checks are read: what is asked of a member, and what makes its answer good.

Each function takes what TOML, JSON or Python gave and either returns the value or raises `ValueError` with what is
wrong and, after a semicolon, what to write instead.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from resolver.config.values import host_name, shown
from resolver.text import nearest
from resolver.wire import types

MAX_STATUSES: Final = 16
MAX_PATH: Final = 1024
MAX_BODY_TEXT: Final = 1024
_STATUS: Final = re.compile(r"([1-5][0-9][0-9])(?:-([1-5][0-9][0-9]))?")
_STATUS_INSTEAD: Final = 'write one as in "200" or "200-299"'


class Statuses(NamedTuple):
    """The statuses of HTTP from `low` to `high`."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low}-{self.high}"


def record_type(value: object) -> str:
    """The type of a query."""
    if not isinstance(value, str):
        raise ValueError(f'{shown(value)} is no record type; write one as in "A"')
    number = types.from_text(value)
    if number in (41, *range(249, 256)):
        raise ValueError(f'{shown(value)} is no type to check with; write one as in "A" or "NS"')
    return types.to_text(number)


def rcodes(value: object) -> tuple[str, ...]:
    """Response codes."""
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f'{shown(value)} is no list of response codes; write one as in ["NOERROR", "NXDOMAIN"]')
    found = []
    for each in value:
        try:
            number = types.rcode_from_text(each if isinstance(each, str) else "")
        except ValueError:
            instead = nearest(str(each).upper(), types.RCODES.values())
            raise ValueError(f"{shown(each)} is no response code; {instead}") from None
        found.append(types.rcode_to_text(number))
    return tuple(dict.fromkeys(found))


def statuses(value: object) -> tuple[Statuses, ...]:
    """Statuses of HTTP, and ranges of them."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_STATUSES:
        raise ValueError(f'{shown(value)} is no list of 1 to {MAX_STATUSES} statuses; write one as in ["200-299"]')
    return tuple(map(_status, value))


def _status(value: object) -> Statuses:
    if isinstance(value, Statuses):
        return value
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _STATUS.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is no status of HTTP; {_STATUS_INSTEAD}")
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high:
        raise ValueError(f'{shown(value)} is no range; write "{high}-{low}"')
    return Statuses(low, high)


def path(value: object) -> str:
    """The target of a request (RFC 9112 section 3.2.1)."""
    if not isinstance(value, str) or not value.startswith("/") or len(value) > MAX_PATH:
        raise ValueError(f'{shown(value)} is no path of a URL; write one as in "/health"')
    if not value.isascii() or not value.isprintable() or set(value) & set(' "#<>\\^`{|}'):
        raise ValueError(f"{shown(value)} has characters that no path has; write them as %20, %23 and so on")
    return value


def host(value: object) -> str | None:
    """The host that a certificate must be for."""
    return None if value is None else host_name(value)


def body_text(value: object) -> str:
    """A text that must be found."""
    if not isinstance(value, str) or len(value) > MAX_BODY_TEXT:
        raise ValueError(f"{shown(value)} is no text to look for; write at most {MAX_BODY_TEXT} characters")
    return value


def rdata(rtype: str, text: str) -> bytes:
    """The record data that `text` says, in canonical form. Raises ValueError."""
    import dns.exception
    import dns.rdata

    from resolver.wire.rdata import canonical

    number = types.from_text(rtype)
    try:
        made = dns.rdata.from_text("IN", rtype, text).to_wire()
    except (dns.exception.DNSException, ValueError) as wrong:
        raise ValueError(f"{shown(text)} is no data of a record of type {rtype} ({wrong})") from None
    assert made is not None
    return canonical(number, made)
