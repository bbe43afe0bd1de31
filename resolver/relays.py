"""Which relays are open: pools that pass on what arrives at addresses of their own, bound with all else and started
when all could be bound.

Rules
* Each relay that is opened is one event of the log, with the port that was really taken.
* A relay lives as long as settings name its address: a reload changes what it works with, and who may ask,
  and what is under way goes on.
* To stop is to finish: nothing new is taken, replies that are waited for are given back, streams go on for at most
  `drain_s`, those that carry nothing for `QUIET_S`.

Limits: each of several workers has its part of the clients, and counts for itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.config import Config
from resolver.listeners import Bound
from resolver.network.base import Clock, Endpoint, Entropy, Network
from resolver.network.datagrams import batched
from resolver.observe.log import Log
from resolver.server.access import UNANSWERED, is_loopback
from resolver.server.places import Places, TcpLimits
from resolver.server.udp import UdpListener

if TYPE_CHECKING:
    from resolver.balance.pool import Pool
    from resolver.config.sections.pools import Pool as Settings
    from resolver.network.poller import Poller
    from resolver.network.splicing import Acceptor
    from resolver.server.relayed import Datagrams, Relayed, Relaying, Streams

QUIET_S: Final = 1.0
COUNTED: Final = ("datagrams", "replies", "silent", "dropped", "streams", "unreached")
"""What each relay counts, and all together are told of."""

Allows = Callable[[str], bool] | None


def wanted(config: Config) -> Iterator[Endpoint]:
    """Where relays listen."""
    return (endpoint for pool in config.pools.values() for endpoint in pool.listen)


class _Meant(NamedTuple):
    """What a relay is to be."""

    pool: Pool
    network: Network
    settings: Settings
    per_client: int
    """Streams of one client."""


@dataclass(slots=True)
class _Relay:
    """One that is open."""

    endpoint: Endpoint
    relaying: Relaying
    relayed: Relayed
    datagrams: Datagrams
    udp: UdpListener
    streams: Streams
    acceptor: Acceptor


class Relays:
    """The relays of a program, by where they were asked to listen."""

    def __init__(self, clock: Clock, entropy: Entropy, log: Log) -> None:
        self._clock, self._entropy, self._log = clock, entropy, log
        self._meant: dict[Endpoint, _Meant] = {}
        self._open: dict[Endpoint, _Relay] = {}
        self._poller: Poller | None = None
        self._before: Counter[str] = Counter()
        """What relays have counted that are closed."""

    def __contains__(self, asked: Endpoint) -> bool:
        return asked in self._open

    @property
    def endpoints(self) -> list[tuple[str, Endpoint]]:
        """The pool and the place of each, with the ports that were really taken."""
        return [(relay.relaying.pool.name, relay.endpoint) for relay in self._open.values()]

    def adjust(self, config: Config, pools: Mapping[str, Pool], network: Network) -> None:
        """Relays are what `config` says, over these pools and this network, those that are open from now on."""
        per_client = config.server.tcp_max_per_client
        self._meant = {
            endpoint: _Meant(pools[name], network, settings, per_client)
            for name, settings in config.pools.items()
            for endpoint in settings.listen
        }
        for asked, relay in self._open.items():
            if (meant := self._meant.get(asked)) is not None:
                relay.relaying.pool, relay.relaying.network = meant.pool, meant.network
                relay.relaying.patience_s = meant.settings.relay_timeout_ms / 1000
                relay.relaying.pending = meant.settings.relay_max_pending
                relay.streams.places.limits = _limits(meant)

    def admit(self, allows: Allows) -> None:
        """`allows` says who may ask from now on."""
        for relay in self._open.values():
            relay.udp.allows = relay.streams.allows = None if is_loopback(relay.endpoint.host) else allows

    def start(self, bound: Bound, allows: Allows) -> None:
        """What arrives at `bound` is passed on as `adjust` said."""
        from resolver.network.poller import new_poller
        from resolver.network.splicing import Acceptor
        from resolver.server.relayed import Datagrams, Relayed, Relaying, Streams

        loop = asyncio.get_running_loop()
        if self._poller is None:
            self._poller = new_poller(loop)
        meant = self._meant[bound.asked]
        settings = meant.settings
        patience_s, pending = settings.relay_timeout_ms / 1000, settings.relay_max_pending
        relaying = Relaying(meant.pool, meant.network, patience_s, pending)
        relayed = Relayed()
        datagrams = Datagrams(relaying, relayed, self._clock, self._entropy)
        udp = UdpListener(loop, batched(bound.udp, UNANSWERED), datagrams)
        streams = Streams(relaying, relayed, self._clock, Places(_limits(meant)))
        acceptor = Acceptor(bound.tcp, self._poller, self._clock, streams.take)
        self._open[bound.asked] = _Relay(bound.endpoint, relaying, relayed, datagrams, udp, streams, acceptor)
        self.admit(allows)
        udp.start()
        acceptor.begin()
        self._log.info("relaying", pool=meant.pool.name, at=bound.endpoint)

    async def keep_only(self, places: Sequence[Endpoint], seconds: float) -> None:
        """Relays that are at no place of these are closed, after at most `seconds` for what is under way."""
        going = [self._open.pop(place) for place in tuple(self._open) if place not in places]
        if not going:
            return
        for relay in going:
            relay.udp.stop_reading()
            relay.acceptor.close()
            relay.streams.places.limits = TcpLimits(idle_seconds=QUIET_S)
        drained = [asyncio.ensure_future(each) for relay in going for each in _ending(relay)]
        _, late = await asyncio.wait(drained, timeout=seconds)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for relay in going:
            relay.datagrams.give_up()
            relay.streams.cut()
            relay.udp.close()
            self._before.update(_counts(relay))
        if not self._open and self._poller is not None:
            self._poller.close()
            self._poller = None

    def counts(self) -> Mapping[str, int]:
        """What relays count, under the names of `resolver stats`."""
        total = Counter(self._before)
        for relay in self._open.values():
            total.update(_counts(relay))
        return {
            **{f"relay.{name}": total[name] for name in COUNTED},
            "relay.refused": total["refused"],
            "relay.denied": total["denied"],
            "relay.pending": sum(len(relay.datagrams) for relay in self._open.values()),
            "relay.streams_open": sum(len(relay.streams) for relay in self._open.values()),
        }


def _limits(meant: _Meant) -> TcpLimits:
    settings = meant.settings
    return TcpLimits(
        connections=settings.relay_max_streams,
        per_client=meant.per_client,
        idle_seconds=settings.relay_idle_s,
    )


def _counts(relay: _Relay) -> dict[str, int]:
    places = relay.streams.places
    own = {each.name: getattr(relay.relayed, each.name) for each in fields(relay.relayed)}
    return {**own, "refused": places.refused, "denied": places.denied}


async def _answered(relay: _Relay) -> None:
    while relay.udp.outstanding:
        await relay.udp.drained()


async def _emptied(relay: _Relay) -> None:
    empty = asyncio.Event()
    relay.streams.when_empty(empty.set)
    await empty.wait()


def _ending(relay: _Relay) -> tuple[Coroutine[None, None, None], ...]:
    return _answered(relay), _emptied(relay)
