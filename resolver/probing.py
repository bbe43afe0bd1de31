"""Decides what a check of a pool asks of its members, by the settings of `[pools.NAME]`.

Rules: certificates are trusted by the `tls_ca` of the pool, or by those of the system. A query is sent as the questions
of clients are, to the same place over the same transport. Streams are opened to `check_port`, or to the member's own
port where it speaks there what the check does, or to the usual one. Pins of a member hold for its own port: who answers
at another has another key. All of it leaves from the `source` of the pool.

Limits: streams are opened on sockets, so that servers which are in memory alone can be checked with queries only.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from resolver.message import Question, Transport
from resolver.network.base import Clock, Endpoint, Entropy, Network, Upstream
from resolver.network.probes import DnsProbe, Wanted
from resolver.wire import names, types

if TYPE_CHECKING:
    from resolver.balance.checking import Probe
    from resolver.config import Config
    from resolver.config.sections.pools import Pool
    from resolver.network.stream_probes import Tls

_PROTOCOLS: Final[Mapping[str, list[str]]] = {"tls": ["dot", "h2", "http/1.1"], "https": ["http/1.1"]}
"""The checks that look at certificates, with the names in ALPN of what may be spoken then: behind a handshake alone,
anything (RFC 7858, RFC 9113, RFC 9112)."""

_OWN: Final[Mapping[str, frozenset[Transport]]] = {
    "tcp": frozenset(Transport),
    "tls": frozenset((Transport.TLS, Transport.HTTPS)),
    "http": frozenset(),
    "https": frozenset((Transport.HTTPS,)),
}
"""Members of which kinds speak on their own port what a check does."""

_USUAL: Final[Mapping[str, int]] = {"tls": 853, "http": 80, "https": 443}


def probing(
    name: str, pool: Pool, network: Network, clock: Clock, entropy: Entropy
) -> Callable[[Upstream], Probe] | None:
    """What makes the checks of members of `pool`, which has that name; None where nothing checks them."""
    if pool.check == "none":
        return None
    if pool.check == "dns":
        wanted = _wanted(pool)
        return lambda upstream: DnsProbe(network, entropy, upstream.endpoint, upstream.transport, wanted)
    return _over_streams(name, pool, clock)


def place(pool: Pool, upstream: Upstream) -> Endpoint:
    """Where a stream for a check of `upstream` leads to."""
    if pool.check_port is not None:
        return upstream.endpoint._replace(port=pool.check_port)
    if upstream.transport in _OWN[pool.check]:
        return upstream.endpoint
    return upstream.endpoint._replace(port=_USUAL[pool.check])


def _wanted(pool: Pool) -> Wanted:
    rtype = types.from_text(pool.check_type)
    rdatas: tuple[bytes, ...] = ()
    if pool.check_answer is not None:
        from resolver.config.checks import rdata

        rdatas = (rdata(pool.check_type, pool.check_answer),)
    rcodes = frozenset(map(types.rcode_from_text, pool.check_rcodes))
    return Wanted(Question(names.from_text(pool.check_name), rtype), rcodes, rdatas)


def _over_streams(name: str, pool: Pool, clock: Clock) -> Callable[[Upstream], Probe]:
    from resolver.network.stream_probes import Http, StreamProbe, Tls

    loop = asyncio.get_running_loop()
    context, unchecked = cache(partial(_context, name, pool)), cache(partial(_context, name, pool, checked=False))

    def tls(upstream: Upstream) -> Tls | None:
        if pool.check not in _PROTOCOLS:
            return None
        name = pool.check_host or upstream.name
        pins = upstream.pins if place(pool, upstream) == upstream.endpoint else frozenset[bytes]()
        how = context if name or not pins else unchecked
        return Tls(how, name or upstream.endpoint.host, pool.check_certificate_days, pins)

    def http(upstream: Upstream) -> Http | None:
        if pool.check not in ("http", "https"):
            return None
        host = pool.check_host or upstream.name or _in_url(upstream.endpoint.host)
        return Http(host, pool.check_path, pool.check_status, pool.check_body.encode())

    def probe(each: Upstream) -> Probe:
        return StreamProbe(loop, clock, place(pool, each), tls(each), http(each), pool.source_of(each.endpoint.host))

    return probe


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def certify(config: Config) -> None:
    """What checks of certificates go by can be used. Raises `ConfigError`."""
    for name, pool in config.pools.items():
        if pool.check in _PROTOCOLS:
            _context(name, pool)


def _context(name: str, pool: Pool, *, checked: bool = True) -> ssl.SSLContext:
    from resolver.encrypting import trusting
    from resolver.network.trust import client_context

    protocols = _PROTOCOLS[pool.check]
    make = partial(client_context, protocol=protocols[0], checked=checked)
    context = trusting(name, pool.tls_ca, make) if checked else make(None)
    context.set_alpn_protocols(protocols)
    return context
