"""Which addresses are open: pairs of a UDP and a TCP listener, or listeners for TLS or HTTPS, bound first and started
when all could be bound.

Binding and starting are two steps, so that a start or a reload which fails has opened nothing, and so that
the ports are known before anything that depends on them is made.

A listener on loopback never asks who may ask: nobody else can reach it, and those who do may.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resolver.errors import ListenError
from resolver.message import Respond
from resolver.network import listening
from resolver.network.base import Clock, Endpoint
from resolver.network.datagrams import batched
from resolver.observe.log import Log
from resolver.server.access import UNANSWERED, is_loopback
from resolver.server.handshakes import Handshakes
from resolver.server.hits import Hits
from resolver.server.places import Places, TcpLimits
from resolver.server.tcp import TcpListener
from resolver.server.terms import Https
from resolver.server.udp import UdpListener

_EPHEMERAL_TRIES: Final = 16
"""How often a port that is free for UDP is sought until TCP has it too."""


class Kind(enum.StrEnum):
    """What is spoken at an endpoint."""

    PLAIN = "plain"
    """DNS over UDP and TCP."""
    TLS = "tls"
    HTTPS = "https"
    RELAY = "relay"
    """Whatever it is, over UDP and TCP: nobody looks."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Sockets on one endpoint; only those for plain DNS have a `udp`. `asked` is what was asked for: its port may be
    0."""

    asked: Endpoint
    endpoint: Endpoint
    udp: Any
    tcp: Any
    kind: Kind = Kind.PLAIN

    @property
    def sockets(self) -> tuple[Any, ...]:
        """Those that it has: for UDP, if it is for plain DNS, and for TCP."""
        return (self.tcp,) if self.udp is None else (self.udp, self.tcp)

    def share(self) -> None:
        """Others may join its endpoint."""
        for each in self.sockets:
            listening.share(each)

    def close(self) -> None:
        """The sockets are closed."""
        for each in self.sockets:
            each.close()


BindAll = Callable[[Iterable[Endpoint], int, Kind], list[Bound]]
"""Binds each endpoint or none, for what is spoken there: plain DNS has a receive buffer of so many octets. Raises
`ListenError`."""


def bind(endpoint: Endpoint, receive_buffer: int, kind: Kind = Kind.PLAIN, *, joins: bool = False) -> Bound:
    """Both sockets on `endpoint`; a port 0 becomes one that is free for both. Raises `ListenError`.

    It `joins` those that are shared there.
    """
    for tries_left in range(_EPHEMERAL_TRIES - 1, -1, -1):
        udp = listening.bind_udp(endpoint, receive_buffer, joins=joins)
        real = listening.bound_to(udp)
        try:
            return Bound(endpoint, real, udp, listening.bind_tcp(real, joins=joins), kind)
        except ListenError:
            udp.close()
            if endpoint.port or not tries_left:
                raise
    raise AssertionError("unreachable")


def bind_stream(endpoint: Endpoint, kind: Kind, *, joins: bool = False) -> Bound:
    """The one socket that this `kind` needs on `endpoint`; a port 0 becomes one that is free. Raises `ListenError`.

    It `joins` those that are shared there.
    """
    tcp = listening.bind_tcp(endpoint, joins=joins)
    return Bound(endpoint, listening.bound_to(tcp), None, tcp, kind)


def bind_one(endpoint: Endpoint, receive_buffer: int, kind: Kind, *, joins: bool = False) -> Bound:
    """`bind` for plain DNS and for relays, else `bind_stream`. Raises `ListenError`."""
    if kind in (Kind.PLAIN, Kind.RELAY):
        return bind(endpoint, receive_buffer, kind, joins=joins)
    return bind_stream(endpoint, kind, joins=joins)


def bind_all(endpoints: Iterable[Endpoint], receive_buffer: int, kind: Kind = Kind.PLAIN) -> list[Bound]:
    """`bind_one` for each of `endpoints`, or for none. Raises `ListenError`."""
    bound: list[Bound] = []
    try:
        for endpoint in endpoints:
            bound.append(bind_one(endpoint, receive_buffer, kind))
    except ListenError:
        for each in bound:
            each.close()
        raise
    return bound


def bind_front(wanted: Sequence[Endpoint], receive_buffer: int, kind: Kind, bind_all: BindAll, log: Log) -> list[Bound]:
    """`bind_all` of `wanted`. On a machine without IPv6 its loopback and wildcard are left out, with a warning."""
    try:
        return bind_all(wanted, receive_buffer, kind)
    except ListenError as error:
        without = [each for each in wanted if each.host not in ("::1", "::")]
        if not listening.has_no_such_address(error) or not without or without == wanted:
            raise
        bound = bind_all(without, receive_buffer, kind)
        log.warning("no_ipv6", reason=str(error))
        return bound


class Listeners:
    """Listeners that are open, by the endpoint that was asked for. Their connections share `places`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        places: Places | None = None,
        handshakes: Handshakes | None = None,
        https: Https | None = None,
    ) -> None:
        """Pairs of UDP and TCP; with `handshakes`, listeners for TLS, or with `https` besides for HTTPS."""
        self._loop, self._clock, self._https = loop, clock, https
        self.places, self._handshakes = Places() if places is None else places, handshakes
        self._pairs: dict[Endpoint, tuple[Endpoint, UdpListener | None, TcpListener]] = {}

    def __contains__(self, asked: Endpoint) -> bool:
        return asked in self._pairs

    def place(self, asked: Endpoint) -> Endpoint:
        """Where the pair that was `asked` for is. Raises KeyError when there is none."""
        return self._pairs[asked][0]

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where clients are answered, with the ports that were really taken."""
        return [endpoint for endpoint, _, _ in self._pairs.values()]

    def counts(self) -> dict[str, int]:
        """What the listeners that are open have counted, by public name."""
        udps = [udp for _, udp, _ in self._pairs.values() if udp is not None]
        places = self.places
        return {
            "udp.dropped_full": sum(udp.dropped_full for udp in udps),
            "udp.dropped_port": sum(udp.dropped_port for udp in udps),
            "tcp.connections": len(places),
            "tcp.accepted": places.accepted,
            "tcp.refused": places.refused,
            "tcp.denied": places.denied,
            "tcp.evicted": places.evicted,
            "tcp.timed_out": places.timed_out,
        }

    async def start(
        self,
        bound: Bound,
        respond: Respond,
        datagrams: Hits | None = None,
        streams: Hits | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        """What arrives at `bound` is answered by `respond`, but for what `datagrams` or `streams` has stored.

        `allows` says of an address whether a client there may ask.
        """
        allows = None if is_loopback(bound.endpoint.host) else allows
        udp = None if bound.udp is None else self._udp(bound, respond, datagrams, allows)
        tcp = self._tcp(bound, respond, streams, allows)
        self._pairs[bound.asked] = (bound.endpoint, udp, tcp)
        if udp is not None:
            udp.start()
        await tcp.start()

    def _udp(
        self, bound: Bound, respond: Respond, hits: Hits | None, allows: Callable[[str], bool] | None
    ) -> UdpListener:
        return UdpListener(self._loop, batched(bound.udp, UNANSWERED), respond, hits, allows)

    def _tcp(
        self, bound: Bound, respond: Respond, hits: Hits | None, allows: Callable[[str], bool] | None
    ) -> TcpListener:
        given = self._loop, bound.tcp, respond, self._clock, self.places, hits, allows, self._handshakes
        if bound.kind is not Kind.HTTPS:
            return TcpListener(*given)
        from resolver.server.https import HttpsListener

        return HttpsListener(*given, self._https)

    def adjust(self, limits: TcpLimits, allows: Callable[[str], bool] | None) -> None:
        """Connections that are accepted from now on keep `limits`, and who may ask is what `allows` says."""
        self.places.limits = limits
        for endpoint, udp, tcp in self._pairs.values():
            tcp.allows = None if is_loopback(endpoint.host) else allows
            if udp is not None:
                udp.allows = tcp.allows

    async def keep_only(self, wanted: Iterable[Endpoint], seconds: float, *, relieved: bool = False) -> None:
        """Listeners that are not `wanted` are closed, after at most `seconds` for what is in progress.

        Where others on the same ports have `relieved` us, queries over UDP are answered until nothing is in progress:
        as long as a socket is open the kernel brings it its part of the clients, who would wait in vain.
        """
        kept = set(wanted)
        going = [self._pairs.pop(asked) for asked in tuple(self._pairs) if asked not in kept]
        open_ones = [each for _, udp, tcp in going for each in (udp, tcp) if each is not None]
        for each in open_ones:
            if not (relieved and isinstance(each, UdpListener)):
                each.stop_reading()
        drained = [asyncio.ensure_future(_end(each)) for each in open_ones]
        if drained:
            _, late = await asyncio.wait(drained, timeout=seconds)
            for waiting in late:
                waiting.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for each in open_ones:
            each.close()


async def _end(listener: UdpListener | TcpListener) -> None:
    """`listener` is closed as soon as nothing is in progress."""
    await listener.drained()
    while listener.outstanding:  # what came while this waited for its turn
        await listener.drained()
    listener.close()
