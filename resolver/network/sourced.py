"""Decides from which address of this machine a message in plain leaves: by whom it goes to.

Rules: a server is found by where it is, so that a datagram and the stream that follows a truncated reply leave from the
same address. What is encrypted knows it by its terms (`peers`).

Limits: it knows the servers of one configuration; all others are asked as by `inner`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from resolver.message import Transport
from resolver.network.base import Deliver, Endpoint, Network, Reuse, Sending

_PLAIN: Final = (Transport.UDP, Transport.TCP)


class Sourced:
    """A `Network` in which some servers are asked by networks of their own."""

    def __init__(self, inner: Network, table: Mapping[Endpoint, Network]) -> None:
        self._inner, self._table = inner, table

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`; see `base.Network`."""
        network = self._table.get(to, self._inner) if transport in _PLAIN else self._inner
        return network.send(to, wire, transport, deliver, reuse=reuse)
