"""Decides which DNS cookies are ours, and makes new ones (RFC 7873, in the interoperable form of RFC 9018).

Rules:
* A server cookie is version 1, three octets reserved, the time in seconds, and SipHash-2-4 over the client's cookie,
  these fields and the client's address (RFC 9018 section 4). Nothing is kept per client.
* It is good for an hour, and up to five minutes ahead of our clock; after half an hour a new one is sent in its
  place (section 4.3). Times are compared as RFC 1982 serial numbers.
* We do not require cookies: whoever sends none, or one that is not ours, is answered all the same and gets a good
  one (RFC 7873 sections 5.2.3 and 5.2.4, third choice). BADCOOKIE is for queries without a question alone, whose
  only subject the cookie is (section 5.4).

Limits: one secret. Behind one address, or across a restart, `server.cookie_secret` keeps it the same; when it changes,
old cookies are as good as none, which costs a client nothing but a new one.
"""

from __future__ import annotations

import enum
import ipaddress
from typing import Final

from resolver.errors import WireError
from resolver.network.base import Clock, Entropy
from resolver.server.siphash import KEY, siphash24

OPTION: Final = 10
"""The code of COOKIE (RFC 7873 section 4)."""

CLIENT: Final = 8
"""Octets of a client's cookie."""

_SERVER: Final = 16
"""Octets of a server cookie that we make."""

_LENGTHS: Final = frozenset((CLIENT, *range(CLIENT + 8, CLIENT + 32 + 1)))
"""Octets that the option may have: RFC 7873 section 5.2.2."""

_HEAD: Final = b"\x01\0\0\0"
"""Version and reserved octets."""

GOOD_S: Final = 3600
"""Seconds for which a cookie is accepted (RFC 9018 section 4.3)."""
RENEWED_S: Final = 1800
"""Seconds after which it is renewed."""
AHEAD_S: Final = 300
"""Seconds that it may be ahead: clocks of servers behind one address differ."""


class Standing(enum.Enum):
    """What a client's COOKIE option shows."""

    NEW = "only the client's cookie"
    GOOD = "a server cookie of ours, for this client, not too old"
    BAD = "another server cookie"


class Cookies:
    """The server's side of DNS cookies."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        """`secret` has 16 octets."""
        self._secret, self._clock = secret, clock

    def answer(self, option: bytes, host: str) -> tuple[Standing, bytes]:
        """What `option` of the client at `host` shows, and the option to send back.

        Raises `WireError` for a length that RFC 7873 section 5.2.2 does not allow.
        """
        if len(option) not in _LENGTHS:
            raise WireError(f"a COOKIE of {len(option)} octets")
        client, presented = option[:CLIENT], option[CLIENT:]
        address = ipaddress.ip_address(host.partition("%")[0]).packed
        now = int(self._clock.wall()) & 0xFFFFFFFF
        standing = Standing.NEW
        if presented:
            age = self._age(client, presented, address, now)
            standing = Standing.BAD if age is None else Standing.GOOD
            if age is not None and age <= RENEWED_S:
                return standing, option
        head = _HEAD + now.to_bytes(4, "big")
        return standing, client + head + siphash24(self._secret, client + head + address)

    def _age(self, client: bytes, presented: bytes, address: bytes, now: int) -> int | None:
        """Seconds since `presented` was made; None when it is not ours or not good any more."""
        head, tag = presented[:CLIENT], presented[CLIENT:]
        if len(presented) != _SERVER or head[0] != 1:
            return None
        age = ((now - int.from_bytes(head[4:], "big") + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        if not -AHEAD_S <= age <= GOOD_S:
            return None
        # Compared in one piece: what a difference in time would tell, 64 bits by way of a network, is nothing.
        return age if siphash24(self._secret, client + head + address) == tag else None


def drawn(entropy: Entropy) -> bytes:
    """A secret that nobody knows."""
    return entropy.bits(KEY * 8).to_bytes(KEY, "big")
