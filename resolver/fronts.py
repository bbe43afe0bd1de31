"""Decides how everything that clients ask is opened, changed and closed: for plain DNS, for TLS, for HTTPS, which share
places, handshakes and certificates, and relays, which share nothing with them.

Rules: what may fail comes first (`prepare`): sockets are bound, certificates read. Then nothing can (`adjust`). What is
bound listens last (`listen`), and what is not wanted any more is closed when it has answered.

Limits: without listeners for TLS or HTTPS nothing is loaded for them.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from resolver import certificates, relays, serving
from resolver.certificates import Shown
from resolver.config import Config
from resolver.errors import ConfigError
from resolver.listeners import BindAll, Bound, Kind, Listeners, bind_front
from resolver.message import Respond
from resolver.network.base import Clock, Endpoint
from resolver.observe.log import Log
from resolver.server.handshakes import Handshakes
from resolver.server.hits import Hits
from resolver.server.places import Places
from resolver.server.terms import Https

if TYPE_CHECKING:
    from resolver.renewal import Renewal


def wanted(config: Config) -> dict[Kind, Sequence[Endpoint]]:
    """Where `config` wants clients to be answered."""
    server = config.server
    return {
        Kind.PLAIN: server.listen,
        Kind.TLS: server.listen_tls,
        Kind.HTTPS: server.listen_https,
        Kind.RELAY: tuple(relays.wanted(config)),
    }


def encrypts(config: Config) -> bool:
    """Whether `config` wants anything that takes a certificate."""
    return bool(config.server.listen_tls or config.server.listen_https)


def to_show(config: Config, now: float, before: Shown | None) -> Shown | None:
    """What clients of TLS are shown by `config`, if there are to be any. Raises `ConfigError`."""
    if not encrypts(config):
        return None
    if config.server.listen_https and importlib.util.find_spec("h2") is None:
        what, instead = "DNS over HTTPS takes the library h2, which is not installed", "pip install 'resolverd[https]'"
        raise ConfigError(what, where="server.listen_https", instead=instead)
    return certificates.shown(config.server, now, before)


def warn_of_ephemeral(shown: Shown | None, before: Shown | None, log: Log) -> None:
    """Nobody takes an ephemeral certificate unwarned."""
    if shown is not None and shown.ephemeral is not None and shown is not before:
        instead = "set server.tls_certificate and server.tls_key"
        log.warning("ephemeral_certificate", pin=shown.pin, instead=instead)


@dataclass(slots=True)
class Opened:
    """What has been prepared: where all is to listen, what has been bound for it and does not listen yet, and what is
    to be shown."""

    wanted: Mapping[Kind, Sequence[Endpoint]] = field(default_factory=dict)
    bound: list[Bound] = field(default_factory=list)
    shown: Shown | None = None

    def of(self, kind: Kind) -> list[Bound]:
        """What has been bound of this `kind`."""
        return [each for each in self.bound if each.kind is kind]

    def close(self) -> None:
        """Nothing is bound."""
        for each in self.bound:
            each.close()


class Fronts:
    """Where clients are answered."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        bind: BindAll,
        log: Log,
        shown: Shown | None,
        relays: relays.Relays,
    ) -> None:
        """`bind` gives the sockets; clients of TLS were `shown` that before."""
        self._relays = relays
        self._clock, self._bind, self._log = clock, bind, log
        self.shown = shown
        """The certificate that clients of TLS are shown."""
        self.places: Final = Places()
        self._handshakes, self._https = Handshakes(clock), Https()
        self._of: Final = {
            Kind.PLAIN: Listeners(loop, clock, self.places),
            Kind.TLS: Listeners(loop, clock, self.places, self._handshakes),
            Kind.HTTPS: Listeners(loop, clock, self.places, self._handshakes, self._https),
        }
        self._allows: Callable[[str], bool] | None = None
        self._renewal: Renewal | None = None

    def endpoints(self, kind: Kind) -> list[Endpoint]:
        """Where clients are answered, with the ports that were really taken."""
        return self._of[kind].endpoints

    def of(self, kind: Kind) -> Listeners:
        """The listeners of that `kind`."""
        return self._of[kind]

    def prepare(self, config: Config, opened: Opened, *, listens: bool) -> None:
        """All that may fail: what `config` wants and is not open yet is bound, and held in `opened`.

        Nothing is to listen unless it `listens`. Raises `ListenError` and `ConfigError`.
        """
        opened.wanted = wanted(config) if listens else {}
        if listens:
            opened.shown = to_show(config, self._clock.wall(), self.shown)
        buffer = config.server.receive_buffer_kb * 1024
        for kind, endpoints in opened.wanted.items():
            there = self._relays if kind is Kind.RELAY else self._of[kind]
            missing = [each for each in endpoints if each not in there]
            if missing:
                opened.bound += bind_front(missing, buffer, kind, self._bind, self._log)

    def adjust(self, config: Config, opened: Opened, allows: Callable[[str], bool] | None) -> None:
        """Clients are treated as `config` says from their next connection on, and `allows` says who may ask."""
        self._allows = allows
        warn_of_ephemeral(opened.shown, self.shown, self._log)
        self._show(opened.shown)
        self._https.terms = serving.https_terms(config)
        limits = serving.tcp_limits(config)
        for each in self._of.values():
            each.adjust(limits, allows)
        self._relays.admit(allows)
        self._look_after(config, opened.shown)

    async def listen(
        self, opened: Opened, respond: Respond, hits: Mapping[Kind, Hits | None], datagrams: Hits | None, drain_s: float
    ) -> None:
        """What was `opened` listens and is answered by `respond`, but for what `hits` and `datagrams` have stored; what
        is not wanted any more is closed, after at most `drain_s` for what is in progress."""
        for relay in opened.of(Kind.RELAY):
            self._relays.start(relay, self._allows)
        for bound in (each for each in opened.bound if each.kind in self._of):
            udp = datagrams if bound.kind is Kind.PLAIN else None
            await self._of[bound.kind].start(bound, respond, udp, hits[bound.kind], self._allows)
        await self._keep_only(opened.wanted, drain_s)

    async def stop(self, drain_s: float, *, relieved: bool) -> None:
        """Nothing listens any more; see `Listeners.keep_only`."""
        if self._renewal is not None:
            self._renewal.stop()
        await self._keep_only({}, drain_s, relieved=relieved)

    async def _keep_only(
        self, wanted: Mapping[Kind, Sequence[Endpoint]], drain_s: float, *, relieved: bool = False
    ) -> None:
        await asyncio.gather(
            *(each.keep_only(wanted.get(kind, ()), drain_s, relieved=relieved) for kind, each in self._of.items()),
            self._relays.keep_only(wanted.get(Kind.RELAY, ()), drain_s),
        )

    def counts(self) -> dict[str, int]:
        """What has been counted, by public name."""
        shown = self.shown
        left = 0 if shown is None else max(0, int(shown.until - self._clock.wall()))
        return {
            **self._of[Kind.PLAIN].counts(),
            **self._handshakes.counts(),
            "tls.certificate_seconds": left,
            **self._https.counts(),
        }

    def _show(self, shown: Shown | None) -> None:
        """Clients of TLS are shown `shown` from their next connection on."""
        self.shown = shown
        self._handshakes.contexts = {} if shown is None else shown.contexts

    def _look_after(self, config: Config, shown: Shown | None) -> None:
        """The files of what is `shown` are looked after, if it is from files."""
        if self._renewal is None and shown is not None and shown.ephemeral is None:
            from resolver.renewal import Renewal

            self._renewal = Renewal(self._clock, self._log, self._show)
        if self._renewal is not None and shown is not None:
            self._renewal.watch(config.server, shown)
        elif self._renewal is not None:
            self._renewal.stop()
