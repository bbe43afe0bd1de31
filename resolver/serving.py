"""What the settings of `[server]` come to: who may ask, how queries are treated, what connections may use, cookies."""

from __future__ import annotations

from resolver.config import Config
from resolver.config.contradictions import beyond_loopback
from resolver.network import descriptors
from resolver.network.base import Clock
from resolver.server.access import PRIVATE, Access
from resolver.server.conduct import Conduct, Explains, KindOf
from resolver.server.cookies import Cookies
from resolver.server.flights import affordable
from resolver.server.places import TcpLimits
from resolver.wire.parse import Bounds


def access(config: Config, clock: Clock) -> Access | None:
    """Who may ask; None when nobody but this machine can."""
    server = config.server
    if not beyond_loopback(config):
        return None
    return Access(PRIVATE if server.allow is None else server.allow, clock, server.refusals_per_s)


def conduct(config: Config, explains: Explains | None = None, kind_of: KindOf | None = None) -> Conduct:
    """How queries are treated, who `explains` what they are told, and what tells kinds of clients apart, if anything
    does.

    What is left open follows from the descriptors that the process may have now.
    """
    server = config.server
    most = server.max_in_flight or affordable(descriptors.limit(), server.tcp_max_connections)
    return Conduct(
        payload=server.udp_payload,
        max_in_flight=most,
        max_per_client=server.max_in_flight_per_client,
        client_timeout_s=config.resolver.client_timeout_ms / 1000,
        log_queries=config.log.queries,
        explains=explains,
        bounds=Bounds(config.budget.message_records, config.budget.edns_options),
        kind_of=kind_of,
    )


def tcp_limits(config: Config) -> TcpLimits:
    """What TCP clients may use."""
    server = config.server
    return TcpLimits(
        connections=server.tcp_max_connections,
        per_client=server.tcp_max_per_client,
        outstanding=server.tcp_pipeline,
        idle_seconds=server.tcp_idle_s,
        message_seconds=server.tcp_message_s,
        write_buffer=server.tcp_unsent_kb * 1024,
    )


def cookies(config: Config, drawn: bytes, clock: Clock) -> Cookies:
    """The cookies of the secret that is configured, or of the one that was `drawn`."""
    given = config.server.cookie_secret
    return Cookies(drawn if given is None else bytes.fromhex(given), clock)
