"""Decides how many TLS handshakes are under way, how many go on in a turn of the loop, and which one goes when there
are too many.

A handshake costs some 0.4 ms with a key of the curve P-256 and 1 ms with one of RSA, as much as a hundred answers. So
few of them go on in one turn, clients by turns, and whoever has a connection already does not notice a flood of them.

Rules:
* A newcomer gets in. When `AT_ONCE` are under way, the client with the most of them loses the one that began first, as
  the most likely to be idle: who opens many costs others, who may be far away, nothing (`holders.py`). As many wait for
  their turn; beyond, the client with the most gives up its youngest (`waiting.py`).
* A handshake that failed is counted, never logged: anybody can send garbage to a port.
* The certificate is that of the context in force when a connection's first octets come. Older connections go on.

* Sessions are resumed by tickets, which cost us nothing. For a client of TLS 1.2 that takes none OpenSSL remembers the
  session itself, 20,480 of them, and `ssl` cannot say how many, nor whether. But it forgets one whose connection ends
  without our close_notify (RFC 2246 section 7.2.1). So beyond `SESSIONS` such a client gets none: the end of the stream
  says that it is over, and the next handshake is a whole one.

Limits: the key of session tickets is the context's own, and lives as long as that: from one reload to the next.
`SESSIONS` is of each context, of which more than one lives as long as connections that are older than a reload do.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final, Protocol, cast

from resolver.message import Transport
from resolver.network.base import Clock
from resolver.server.holders import oldest_of_the_greediest
from resolver.server.waiting import Waiting

AT_ONCE: Final = 64
"""Handshakes under way at once: a quarter of the places that there are for connections."""

PER_TURN: Final = 4
"""Handshakes that go on in one turn: whoever has a stored answer waits for 2 to 4 ms at most."""

SESSIONS: Final = 1024
"""Sessions that OpenSSL may remember beyond those of open connections: 1.5 MiB. Clients of TLS 1.2 without tickets are
rare enough for that, while one that makes sessions for nothing would fill 29 MiB."""


class Spoken(ssl.SSLObject):
    """What speaks TLS for a connection, and has heard by which name the client calls us."""

    server_name = ""
    """The name in lower case (SNI, RFC 6066 section 3); "" where the client has told none."""

    began_with: ssl.SSLContext
    """The context that has its session, whichever has its certificate."""


class Shaking(Protocol):
    """A connection whose handshake is under way."""

    @property
    def host(self) -> str:
        """The address of its client."""
        ...

    def shake(self) -> None:
        """The handshake goes on with what has come in."""
        ...

    def abort(self) -> None:
        """The connection is cut now."""
        ...


class Handshakes:
    """The handshakes of all listeners for TLS together."""

    def __init__(self, clock: Clock, contexts: Mapping[Transport, ssl.SSLContext] | None = None) -> None:
        self.contexts: Mapping[Transport, ssl.SSLContext] = contexts or {}
        """Of connections to come, by what is spoken there. There must be one when the first comes."""
        self._under_way: dict[Shaking, None] = {}
        self._waiting: Waiting[Shaking] = Waiting(clock, _go_on, PER_TURN)
        self.done = 0
        """Handshakes that succeeded."""
        self.resumed = 0
        """Of those, the ones that took up an earlier session."""
        self.failed = 0
        """Handshakes that did not."""

    def __len__(self) -> int:
        """Handshakes under way."""
        return len(self._under_way)

    def counts(self) -> dict[str, int]:
        """What has been counted, by public name."""
        return {
            "tls.handshakes": self.done,
            "tls.resumed": self.resumed,
            "tls.failed": self.failed,
            "tls.under_way": len(self._under_way),
        }

    def begin(
        self, newcomer: Shaking, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, transport: Transport
    ) -> Spoken:
        """The handshake of `newcomer` is under way; another may have had to go. What speaks TLS for it is returned."""
        context = self.contexts.get(transport)
        if context is None:
            raise RuntimeError("a listener for TLS was started without a certificate")
        if len(self._under_way) >= AT_ONCE:
            victim = oldest_of_the_greediest(self._under_way, 2) or next(iter(self._under_way))
            self.fail(victim)
            victim.abort()
        self._under_way[newcomer] = None
        spoken = cast("Spoken", context.wrap_bio(incoming, outgoing, server_side=True))
        spoken.began_with = context
        return spoken

    def go_on(self, one: Shaking) -> None:
        """`one` goes on with its handshake, now or in a later turn."""
        given_up = self._waiting.put(one.host, one, AT_ONCE)
        if given_up is not None:
            self.fail(given_up)
            given_up.abort()

    def succeed(self, one: Shaking, *, resumed: bool) -> None:
        """The handshake of `one` is done."""
        self._under_way.pop(one, None)
        self.done += 1
        self.resumed += resumed

    def fail(self, one: Shaking) -> None:
        """The handshake of `one` will not succeed; calling it again does nothing."""
        if one in self._under_way:
            del self._under_way[one]
            self.failed += 1


def may_be_remembered(tls: Spoken) -> bool:
    """Whether the connection of `tls` may end with a close_notify, after which OpenSSL remembers what it has stored."""
    session = tls.session
    if session is None or not session.id or tls.version() != "TLSv1.2":  # its client has tickets, and we store nothing
        return True
    return tls.began_with.session_stats()["number"] <= SESSIONS


def _go_on(one: Shaking) -> None:
    one.shake()
