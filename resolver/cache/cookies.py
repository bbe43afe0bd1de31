"""DNS cookies as a client keeps them: what is sent to which server, and whether what comes back fits.

RFC 7873 says what they are, RFC 9018 how they are made.

Rules
* Each address of a server has a client cookie of its own, drawn at random, so that servers cannot tell by it that they
  have the same client (RFC 9018 section 3). It is drawn anew after `LIFETIME_S`, so that nobody can follow us for long
  from one network to the next.
* A server cookie is kept only from a reply that has our client cookie: whoever sent that has seen the query. It is what
  makes a server's next datagram believable beyond id and port; `valid` tells who has shown one.
* A reply with another client cookie, or with an option that is none, does not fit. A reply without one does not fit if
  the server has given a cookie before (RFC 7873 section 5.3). Over TCP it does, and shows that the server has stopped.

Limits: at most `MAX_SERVERS` servers; those not asked for longest go first. A server that never gives a cookie costs
the option in each query, 12 octets. Nobody tells us when our address changes; a server that minds says BADCOOKIE.
"""

from __future__ import annotations

from typing import Final

from resolver.cache.table import Table
from resolver.message import Edns
from resolver.network.base import Clock, Endpoint, Entropy

COOKIE: Final = 10
"""The EDNS option (RFC 7873 section 4)."""

CLIENT_SIZE: Final = 8
"""Octets of a client cookie (RFC 7873 section 4.1)."""

SERVER_SIZES: Final = range(8, 33)
"""Octets that a server cookie may have (RFC 7873 section 4.2)."""

MAX_SERVERS: Final = 10_000
"""As many as `servers` knows of."""

LIFETIME_S: Final = 3600.0
"""For as long as server cookies are good (RFC 9018 section 4.3)."""


class _Jar:
    """The cookies of one server: `client` is ours, `server` what it gave, empty before that; `option` has both."""

    __slots__ = ("client", "option", "server")

    def __init__(self, client: bytes) -> None:
        self.client = client
        self.keep(b"")

    def keep(self, server: bytes) -> None:
        """`server` is the server's cookie from now on."""
        self.server = server
        self.option = (COOKIE, self.client + server)


class Cookies:
    """The client's side of DNS cookies, for all servers."""

    def __init__(self, clock: Clock, entropy: Entropy, maximum: int = MAX_SERVERS) -> None:
        self._entropy = entropy
        self._jars: Table[Endpoint, _Jar] = Table(maximum, clock)

    def __len__(self) -> int:
        return len(self._jars)

    def option(self, server: Endpoint) -> tuple[int, bytes]:
        """The option that is sent to `server`: our cookie for it, and its own where it has given one."""
        jar = self._jars.get(server)
        if jar is None:
            jar = _Jar(self._entropy.bits(8 * CLIENT_SIZE).to_bytes(CLIENT_SIZE, "big"))
            self._jars.put(server, jar, LIFETIME_S)
        return jar.option

    def accepts(self, server: Endpoint, sent: bytes, edns: Edns | None, *, forgeable: bool) -> bool:
        """Whether a reply of `server` with `edns` fits the query that had the cookie `sent`; its cookie is then kept.

        `forgeable`: it came as a datagram. A stream without the cookie shows that the server has given cookies up.
        """
        jar = self._jars.get(server)
        found = None
        if edns is not None:
            for code, data in edns.options:
                if code == COOKIE:
                    found = data
                    break
        if found is None:
            if jar is None or not jar.server:
                return True
            if not forgeable:
                jar.keep(b"")
            return not forgeable
        client, given = found[:CLIENT_SIZE], found[CLIENT_SIZE:]
        if client != sent[:CLIENT_SIZE] or (given and len(given) not in SERVER_SIZES):
            return False
        if given and jar is not None and jar.client == client and jar.server != given:
            jar.keep(given)
        return True

    def valid(self, server: Endpoint) -> bool:
        """Whether `server` has given a cookie, so that a datagram in its name is only believed with ours in it."""
        jar = self._jars.get(server)
        return jar is not None and bool(jar.server)
