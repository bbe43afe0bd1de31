"""Decides how a message to an encrypted upstream is sent: by what is configured of that upstream, never otherwise.

Rules: a server is found by where it is and its transport, so one place is spoken to in one way by each transport. What
goes over TLS or HTTPS to any other place is `Trouble.FORBIDDEN`: it is not known whom its certificate must be for, and
to take the first that comes would protect against nobody who can change what is on its way (RFC 8310 section 5).

Limits: it knows the upstreams of one configuration. A later one has a table of its own, over the same connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Endpoint, Network, Reuse, Sending, Trouble
from resolver.network.undelivered import Undelivered

if TYPE_CHECKING:
    from resolver.network.encrypted import Encrypted, Terms

_ENCRYPTED: Final = (Transport.TLS, Transport.HTTPS)


class Speaking:
    """A `Network` in which upstreams over TLS and HTTPS are spoken to on their terms, all others as by `inner`."""

    def __init__(
        self, inner: Network, clock: Clock, encrypted: Encrypted, table: Mapping[tuple[Endpoint, Transport], Terms]
    ) -> None:
        self._inner, self._clock, self._encrypted, self._table = inner, clock, encrypted, table

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`, encrypted if `transport` says so; see `base.Network`."""
        if transport not in _ENCRYPTED:
            return self._inner.send(to, wire, transport, deliver, reuse=reuse)
        terms = self._table.get((to, transport))
        if terms is None:
            return Undelivered(self._clock, deliver, Trouble.FORBIDDEN)
        return self._encrypted.send(terms, wire, deliver)
