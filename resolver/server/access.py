"""Decides who may ask, and what is never answered for the port it came from.

Rules:
* Loopback may always ask: who sends from there is on this machine, and `resolver healthcheck` is.
* Without `server.allow` the private addresses may ask too, those of `PRIVATE`; with it, the networks it names and no
  others. An open resolver is a weapon (RFC 5358 section 3).
* The networks of `server.deny` never may, whatever allows them, and never hear anything.
* Others are told REFUSED over UDP, a bounded number of times a second in all: sources are easily forged, and the
  victim of a forgery must not get more from us than that. Beyond it they hear nothing. Over TCP their connections are
  closed at once, so that they take no places.
* Datagrams from ports on which anything is answered by anything, or nothing legitimate asks, are dropped: answering
  them begins loops, or strikes a third party.

Limits: verdicts are kept for `VERDICTS` addresses, then all are forgotten and made again; one costs a few
microseconds. Listeners on loopback do not ask at all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from resolver.network.base import Clock

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNANSWERED: Final = frozenset((0, 7, 13, 19, 37, 464))
"""Source ports that get no answer: none at all, echo, daytime, chargen, time, kpasswd."""

PRIVATE: Final[tuple[Network, ...]] = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",  # RFC 1918
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",  # RFC 6598
            "169.254.0.0/16",  # RFC 3927
            "fc00::/7",  # RFC 4193
            "fe80::/10",  # RFC 4291 section 2.5.6
        ),
    )
)
"""Who may ask a listener that is not on loopback, unless networks are named."""

VERDICTS: Final = 10_000
"""Addresses whose verdict is kept, some 100 octets each."""


def is_loopback(host: str) -> bool:
    """Whether `host`, an address as text, is on this machine."""
    return host.startswith("127.") or host == "::1"


class Access:
    """Who may ask."""

    def __init__(
        self, networks: Iterable[Network], clock: Clock, refusals_per_s: int, denied: Iterable[Network] = ()
    ) -> None:
        """Those in `networks` that are not `denied`, and on loopback; others are told so at most `refusals_per_s` times
        a second."""
        self._allowed, self._denied = Networks(networks), Networks(denied)
        self._verdicts: dict[str, bool] = {}
        self._clock, self._refusals = clock, refusals_per_s
        self._second = self._told = 0

    def allows(self, host: str) -> bool:
        """Whether the client at `host` may ask."""
        verdict = self._verdicts.get(host)
        if verdict is None:
            if len(self._verdicts) >= VERDICTS:
                self._verdicts.clear()
            verdict = self._verdicts[host] = self._decide(host)
        return verdict

    def tells(self) -> bool:
        """Whether one more refusal may be sent in this second; if so it is counted as sent."""
        second = int(self._clock.monotonic())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= self._refusals

    def denies(self, host: str) -> bool:
        """Whether the client at `host`, which may not ask, is to hear nothing of it."""
        return self._denied.has(host)

    def _decide(self, host: str) -> bool:
        return is_loopback(host) or (self._allowed.has(host) and not self._denied.has(host))


class Networks:
    """Networks of both families, to look an address up in."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._four: list[tuple[int, int]] = []
        self._six: list[tuple[int, int]] = []
        for network in networks:
            masked = int(network.network_address), int(network.netmask)
            (self._four if network.version == 4 else self._six).append(masked)

    def has(self, host: str) -> bool:
        """Whether the address `host`, as text, is in one of them."""
        address = ipaddress.ip_address(host.partition("%")[0])
        number = int(address)
        return any(number & mask == base for base, mask in (self._four if address.version == 4 else self._six))
