"""Decides which addresses may be asked at all: on the Internet, and in a simulated world.

Rules:
* In a simulated world only declared addresses exist; each stands for the endpoint that really serves it.
  Everything else is `Trouble.UNDECLARED` and no packet leaves the process.
* On the Internet a name server's address comes from whoever owns the zone, so it must not lead back into
  our own network (RFC 6890 lists the special-purpose addresses): never an address that cannot be a server
  elsewhere, never our own listeners, and private addresses only when a person allowed them.
* An IPv6 address that carries an IPv4 address is judged by that one (6to4 RFC 3056, NAT64 RFC 6052, Teredo
  RFC 4380); IPv4-mapped addresses never belong into an AAAA record and are refused whole.
* What a person configured (a forwarder, a stub, a hint) may be asked, except our own listeners: that is a
  loop.

Limits: at most `MAX_JUDGED` verdicts are remembered. A listener on a wildcard is recognised on those
addresses that the kernel gives us as the source of a packet to themselves, and on all of loopback.
"""

from __future__ import annotations

import enum
import ipaddress
import socket
from collections.abc import Collection, Container, Mapping
from typing import Final

from resolver.message import Transport
from resolver.network.base import Clock, Deliver, Endpoint, Network, Reuse, Sending, Trouble
from resolver.network.listening import WILDCARDS
from resolver.network.undelivered import Undelivered

MAX_JUDGED: Final = 4096
"""Verdicts remembered; the oldest makes room. A busy resolver talks to a few thousand servers an hour."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(enum.Enum):
    """Where an address lies."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Behind somebody's router, or set aside: reachable only where a person arranged for it."""
    NEVER = "never"
    """Cannot be a name server on another machine of the Internet."""


_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 791); Linux sends 0.0.0.0 to itself
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local (RFC 3927); cloud metadata services live here
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved (RFC 1112 section 4), with 255.255.255.255
        "::/96",  # unspecified, loopback, IPv4-compatible (RFC 4291 section 2.5.5.1)
        "::ffff:0:0/96",  # IPv4-mapped
        "fe80::/10",  # link-local
        "ff00::/8",  # multicast
        "100::/64",  # discard-only (RFC 6666)
    )
)

_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # shared address space of carriers (RFC 6598)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737): nobody answers there, except in somebody's laboratory
        "198.51.100.0/24",
        "203.0.113.0/24",
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "fc00::/7",  # unique local (RFC 4193)
        "fec0::/10",  # site-local, deprecated (RFC 3879)
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "2001:db8::/32",  # documentation (RFC 3849)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment identifiers (RFC 9602)
    )
)

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def reach_of(host: str) -> Reach:
    """Where `host`, an address as text, lies. What is no address is `NEVER`."""
    try:
        address: _Address = ipaddress.ip_address(host)
    except ValueError:
        return Reach.NEVER
    return max((_judge(one) for one in (address, *_embedded(address))), key=_SEVERITY.index)


_SEVERITY: Final = (Reach.PUBLIC, Reach.PRIVATE, Reach.NEVER)


def _judge(address: _Address) -> Reach:
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    if any(address in network for network in _PRIVATE):
        return Reach.PRIVATE
    return Reach.PUBLIC


def _embedded(address: _Address) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses that a packet to `address` would be handed to by a gateway."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


class OnlyDeclared:
    """A `Network` in which only the hosts of `servers` exist; each is really served at its endpoint."""

    def __init__(self, inner: Network, clock: Clock, servers: Mapping[str, Endpoint]) -> None:
        self._inner, self._clock, self._servers = inner, clock, servers

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to the endpoint that serves `to.host`, whatever port was asked."""
        served_at = self._servers.get(to.host)
        if served_at is None:
            return Undelivered(self._clock, deliver, Trouble.UNDECLARED)
        return self._inner.send(served_at, wire, transport, deliver, reuse=reuse)


class Apart:
    """A `Network` in which endpoints that a person configured are reached through one, all others through another.

    `configured` is asked for each message: what it holds may change."""

    def __init__(self, configured: Container[Endpoint], through: Network, others: Network) -> None:
        self._configured, self._through, self._others = configured, through, others

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to` by the network that is for it."""
        network = self._through if to in self._configured else self._others
        return network.send(to, wire, transport, deliver, reuse=reuse)


class OnlyPublic:
    """A `Network` on which nothing but the public Internet, and what a person configured, can be asked."""

    def __init__(
        self,
        inner: Network,
        clock: Clock,
        *,
        own: Collection[Endpoint],
        allow_private: bool = False,
        allowed: Container[Endpoint] = (),
    ) -> None:
        """What is `allowed` may change."""
        self._inner, self._clock = inner, clock
        self._own = frozenset(own)
        self._allow_private = allow_private
        self._allowed = allowed
        self._verdicts: dict[Endpoint, bool] = {}

    def send(
        self, to: Endpoint, wire: bytes, transport: Transport, deliver: Deliver, *, reuse: Reuse = Reuse.NONE
    ) -> Sending:
        """`wire` is on its way to `to`, or `Trouble.FORBIDDEN` is."""
        verdict = self._verdicts.get(to)
        if verdict is None or (not verdict and to in self._allowed):
            verdict = self._remember(to)
        if not verdict:
            return Undelivered(self._clock, deliver, Trouble.FORBIDDEN)
        return self._inner.send(to, wire, transport, deliver, reuse=reuse)

    def may_ask(self, to: Endpoint) -> bool:
        """Whether `to` may be asked, by the rules of this module."""
        if is_ours(to, self._own):
            return False
        if to in self._allowed:
            return True
        reach = reach_of(to.host)
        return reach is Reach.PUBLIC or (reach is Reach.PRIVATE and self._allow_private)

    def _remember(self, to: Endpoint) -> bool:
        if len(self._verdicts) >= MAX_JUDGED and to not in self._verdicts:
            del self._verdicts[next(iter(self._verdicts))]
        verdict = self._verdicts[to] = self.may_ask(to)
        return verdict


def is_ours(to: Endpoint, own: Collection[Endpoint]) -> bool:
    """Whether a message to `to` comes to a listener at one of `own`."""
    return to in own or (any(each.port == to.port and each.host in WILDCARDS for each in own) and _is_here(to.host))


def _is_here(host: str) -> bool:
    """Whether `host` is an address of this machine: the kernel then reaches it from that same address.

    Connecting a UDP socket sends nothing.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if address.is_loopback or address.is_unspecified or (mapped is not None and _is_here(str(mapped))):
            return True
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 53))
            return ipaddress.ip_address(probe.getsockname()[0]) == address
    except (ValueError, OSError):
        return False
