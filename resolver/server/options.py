"""Decides what the EDNS options of a query ask of us, and how ours are written.

Rules:
* COOKIE is answered with a good one (`cookies.py`); of several the first counts (RFC 7873 section 5.2).
* edns-tcp-keepalive is answered over TCP and TLS with the time for which the connection may be idle now, and ignored
  over UDP (RFC 7828 section 3.3), and over HTTPS, which has ways of its own.
* Both must have a length that they may have; else the query is malformed (RFC 7873 section 5.2.2, RFC 7828 section
  3.1). All other options are ignored (RFC 6891 section 6.1.2).
* Who pads over TLS or HTTPS gets a response that is padded (RFC 7830 section 4) to a multiple of `BLOCK` octets (RFC
  8467 section 4.1). Over anything else there is no padding.
* Extended errors (RFC 8914 section 2) are shortened in the middle, so that their tag stays.

Limits: an OPT has no room for everything beside the longest of names in 512 octets; what is written last is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from resolver.errors import WireError
from resolver.message import EDE_OPTION, Client, Ede, Edns, Transport
from resolver.server import cookies
from resolver.server.cookies import Cookies, Standing

Options = tuple[tuple[int, bytes], ...]
NONE: Final[Options] = ()

KEEPALIVE: Final = 11
"""The code of edns-tcp-keepalive (RFC 7828 section 3.1)."""
PADDING: Final = 12
"""The code of padding (RFC 7830 section 3)."""
BLOCK: Final = 468
"""Octets of which the length of a padded response is a multiple (RFC 8467 section 4.1)."""
ENCRYPTED: Final = (Transport.TLS, Transport.HTTPS)
"""Where padding is of use: what is not encrypted shows more than its length (RFC 7830 section 6)."""
_KEPT_ALIVE: Final = (Transport.TCP, Transport.TLS)
_LONGEST: Final = 65_535
_UNPADDED: Final = (PADDING, b"")
_AT_THE_END: Final = PADDING.to_bytes(2, "big") + bytes(2)
"""The code of an extended error (RFC 8914 section 2)."""

MAX_EDE_TEXT: Final = 200
"""Octets: with the longest name as question, an option of this size still fits into 512 (RFC 8914 section 2)."""
_EDE_TAIL: Final = 60
_CUT: Final = b" ... "


class Heard(NamedTuple):
    """What the options of a query say: the standing of its cookie, if it has one, and the options it is answered."""

    cookie: Standing | None = None
    told: Options = ()


NOTHING: Final = Heard()


def hear(edns: Edns, client: Client, jar: Cookies | None, idle_seconds: Callable[[], float] | None) -> Heard:
    """What the options of `edns` ask of a server with these `Cookies`, whose connections may be idle so long.

    What it has not got it ignores. Raises `WireError` for an option of a length that it cannot have.
    """
    cookie: Standing | None = None
    told: dict[int, bytes] = {}
    for code, data in edns.options:
        if code == cookies.OPTION and jar is not None and cookie is None:
            cookie, told[code] = jar.answer(data, client.host)
        elif code == KEEPALIVE and idle_seconds is not None and client.transport in _KEPT_ALIVE:
            if len(data) not in (0, 2):
                raise WireError(f"an edns-tcp-keepalive of {len(data)} octets")
            told[code] = min(0xFFFF, int(idle_seconds() * 10)).to_bytes(2, "big")
        elif code == PADDING and client.transport in ENCRYPTED:
            told[code] = b""
    return Heard(cookie, tuple(told.items()))


def written(told: Options, ede: tuple[Ede, ...]) -> Options:
    """All options of a response in the order in which they are written: padding is the last of them."""
    padding = tuple(each for each in told if each[0] == PADDING)
    return (*(each for each in told if each[0] != PADDING), *extended_errors(ede), *padding)


def padded(response: bytes, options: Options) -> bytes:
    """`response`, padded if `options`, those of the OPT at its end, say so by an empty padding as the last of them.

    A padding that was left out, for want of room, stays out.
    """
    if not options or options[-1] != _UNPADDED or not response.endswith(_AT_THE_END):
        return response
    octets = min(-len(response) % BLOCK, _LONGEST - len(response))
    length = sum(4 + len(data) for _, data in options)
    at = len(response) - length - 2
    return b"".join(
        (
            response[:at],
            (length + octets).to_bytes(2, "big"),
            response[at + 2 : -2],
            octets.to_bytes(2, "big"),
            bytes(octets),
        )
    )


def extended_errors(ede: tuple[Ede, ...]) -> Options:
    """Extended errors as EDNS options."""
    return tuple((EDE_OPTION, each.code.to_bytes(2, "big") + _ede_text(each.text)) for each in ede)


def _ede_text(text: str) -> bytes:
    """`text` as octets, shortened in the middle so that its tag stays and the option fits into any response."""
    octets = text.encode()
    if len(octets) <= MAX_EDE_TEXT:
        return octets
    head = octets[: MAX_EDE_TEXT - _EDE_TAIL - len(_CUT)].decode(errors="ignore")
    return head.encode() + _CUT + octets[-_EDE_TAIL:].decode(errors="ignore").encode()
