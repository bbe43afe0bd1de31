"""Decides which names are special: they never lead into the DNS of the Internet, whatever it may say of them.

Rules
* `localhost.` and what is below it is this machine (RFC 6761 section 6.3), and so are the reverse names of 127.0.0.1
  and ::1.
* `invalid.` (RFC 6761 section 6.4), `local.` (RFC 6762 section 22.1), `onion.` (RFC 7686 section 2), `alt.` (RFC 9476)
  and `internal.` (reserved by ICANN for private use) do not exist.
* `home.arpa.` (RFC 8375 section 4), `service.arpa.` (RFC 9665) and the reverse zones of addresses that are not of the
  Internet (RFC 6303 section 4, RFC 7793) are empty zones: an apex with SOA and NS, and nothing below.
* `resolver.arpa.` has no data, whatever is asked: there is no designated resolver (RFC 9462 section 4).

Limits: `test.` and `example.` are names as any other here; so are the zones of fe80::/10 but by whole nibbles.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from resolver.wire import names


class Kind(enum.Enum):
    """What a special name and all below it are."""

    LOCALHOST = "localhost"
    LOOPBACK = "loopback"
    ABSENT = "absent"
    EMPTY = "empty"
    NODATA = "nodata"


_REVERSED_V4: Final = (
    *("0", "10", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255", "168.192"),
    *(f"{number}.172" for number in range(16, 32)),
    *(f"{number}.100" for number in range(64, 128)),
)
_REVERSED_V6: Final = ("0." * 31 + "0", "d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2")
_TEXTS: Final = {
    Kind.LOCALHOST: ("localhost",),
    Kind.LOOPBACK: ("1.0.0.127.in-addr.arpa", "1." + "0." * 31 + "ip6.arpa"),
    Kind.ABSENT: ("invalid", "local", "onion", "alt", "internal"),
    Kind.NODATA: ("resolver.arpa",),
    Kind.EMPTY: (
        "home.arpa",
        "service.arpa",
        *(f"{each}.in-addr.arpa" for each in _REVERSED_V4),
        *(f"{each}.ip6.arpa" for each in _REVERSED_V6),
    ),
}

SPECIAL: Final[Mapping[bytes, Kind]] = MappingProxyType(
    {names.from_text(text): kind for kind, texts in _TEXTS.items() for text in texts}
)
"""Special names, folded, and what they are."""

_TOPS: Final = tuple({names.last_labels(name, 1) for name in SPECIAL})

NEVER_ASKED: Final = frozenset(
    name
    for name, kind in SPECIAL.items()
    if kind in (Kind.LOCALHOST, Kind.LOOPBACK, Kind.NODATA) or name in map(names.from_text, ("invalid", "onion", "alt"))
)
"""Those that must not be sent to any other resolver, also where everything is forwarded; the others may mean something
there, in a private network."""


def special_above(name: bytes) -> bytes | None:
    """The special name that `name`, folded, is or is below; the nearest. None for the names of the Internet."""
    if not name.endswith(_TOPS):
        return None
    return next((ancestor for ancestor in names.ancestors(name) if ancestor in SPECIAL), None)
