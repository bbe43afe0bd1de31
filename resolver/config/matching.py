"""How the values of rules are read: types, patterns, times, records.

Each function takes what TOML, JSON or Python gave and either returns the value or raises `ValueError` with what is
wrong and, after a semicolon, what to write instead.

Limits: what few settings need is loaded when it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from resolver.config.values import shown
from resolver.filters import records
from resolver.message import Transport
from resolver.wire import types

RCODES: Final = ("NOERROR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""What a rule may refuse with."""
MAX_WORD: Final = 63
MAX_EDE_TEXT: Final = 120
"""Characters of the text of an extended error: it has to fit beside an answer."""
MAX_TTL_S: Final = (1 << 31) - 1
"""RFC 2181 section 8."""
GIVEN_TTL_S: Final = 60
"""The TTL of a record that is given without one: a person will change it."""
OPTIONS: Final = {
    "nsid": 3,
    "ecs": 8,
    "expire": 9,
    "cookie": 10,
    "keepalive": 11,
    "padding": 12,
    "chain": 13,
    "ede": 15,
}
"""EDNS options that may be called by a name."""


_TYPES: Final = ("A", "AAAA", "ANY", "CAA", "CNAME", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "TXT")


def one_of(value: object, known: Collection[str], what: str) -> str:
    """`value`, which is one of `known`."""
    if isinstance(value, str) and value in known:
        return value
    from resolver.text import nearest

    raise ValueError(f"{shown(value)} is no {what}; {nearest(str(value), known)}")


def type_text(value: object) -> str:
    """A record type, as its mnemonic."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no record type; write one as in " + '"AAAA"')
    try:
        return types.to_text(types.from_text(value))
    except ValueError:
        from resolver.text import nearest

        hint = nearest(value.upper(), _TYPES)
        raise ValueError(f"{shown(value)} is no record type; {hint}") from None


def transport(value: object) -> Transport:
    """How a query came."""
    return Transport(one_of(value, [each.value for each in Transport], "transport"))


def word(value: object) -> str:
    """The name of a rule, of a tag or of a class."""
    if (
        not isinstance(value, str)
        or not value.isprintable()
        or not 0 < len(value) <= MAX_WORD
        or value != value.strip()
    ):
        raise ValueError(f"{shown(value)} is no name here; write a printable text of 1 to {MAX_WORD} characters")
    return value


def ede_text(value: object) -> str | None:
    """The text of an extended error, or nothing."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MAX_EDE_TEXT:
        raise ValueError(f"{shown(value)} cannot be; write a printable text of 1 to {MAX_EDE_TEXT} characters")
    return value


def pattern(value: object) -> str:
    """A text that may end in `*`."""
    if not isinstance(value, str) or not value.isprintable() or not value or "*" in value[:-1]:
        raise ValueError(f"{shown(value)} cannot be; write a printable text, with * at its end for all that begin so")
    return value


def server_name(value: object) -> str:
    """The name that TLS is begun with, which has no final dot, or one that ends in `*`."""
    return pattern(value).lower().removesuffix(".")


def path(value: object) -> str:
    """The path of a request."""
    text = pattern(value)
    if not text.startswith("/"):
        raise ValueError(f'{shown(value)} is no path; write one as in "/dns-query" or "/team/*"')
    return text


def option(value: object) -> int:
    """The code of an EDNS option."""
    if isinstance(value, str):
        return OPTIONS[one_of(value.lower(), OPTIONS, "EDNS option")]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 0xFFFF:
        raise ValueError(f"{shown(value)} is no EDNS option; write a code of 1 to 65535, or {', '.join(OPTIONS)}")
    return value


def time_span(value: object) -> str:
    """Minutes of the week."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no time of the week; write one as in " + '"mon-fri 08:00-18:00"')
    from resolver.routing import times

    times.minutes_of(value)
    return " ".join(value.lower().split())


def time_zone(value: object) -> str:
    """A time zone of the IANA database."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is no time zone; write one as in " + '"Europe/Zurich"')
    from resolver.routing import times

    times.zone_of(value)
    return value


def record(value: object) -> str:
    """A record for the name that is asked: `[TTL] TYPE DATA`."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no record; {_RECORD}")
    parsed(value)
    return " ".join(value.split()) if '"' not in value else value


_RECORD: Final = 'write "TYPE DATA" or "TTL TYPE DATA", as in "A 192.0.2.1" or "300 MX 10 mail.example.com."'


def parsed(text: str) -> tuple[int, int, bytes]:
    """The type, the TTL in seconds and the data of the record that `text` says. Raises `ValueError`."""
    told = records.behind(text, text, _RECORD)
    return told.type, GIVEN_TTL_S if told.ttl is None else told.ttl, told.rdata
