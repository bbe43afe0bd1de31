"""What the settings of `[server]` and `[limits]` come to: who may ask and how much, how queries are treated, what
connections may use, cookies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from resolver.config import Config
from resolver.config.contradictions import beyond_loopback
from resolver.message import Client, Reply
from resolver.network import descriptors
from resolver.network.base import Clock
from resolver.observe.counters import Counters
from resolver.observe.log import Log
from resolver.server.access import PRIVATE, Access
from resolver.server.conduct import Conduct, Explains, KindOf
from resolver.server.cookies import Cookies
from resolver.server.flights import affordable
from resolver.server.places import TcpLimits
from resolver.server.terms import Terms
from resolver.wire.parse import Bounds

if TYPE_CHECKING:
    from resolver.cache.buckets import RateClass
    from resolver.server.limiting import Limiting, Limits


def access(config: Config, clock: Clock) -> Access | None:
    """Who may ask; None when nobody but this machine can."""
    server = config.server
    if not beyond_loopback(config):
        return None
    return Access(PRIVATE if server.allow is None else server.allow, clock, server.refusals_per_s, server.deny)


def limiting(config: Config, clock: Clock, counters: Counters, log: Log, before: Limiting | None) -> Limiting | None:
    """What keeps the limits of clients, None where there are none; the one `before` if its limits have not changed."""
    given = config.limits
    answered = (given.responses_per_s, given.nodata_per_s, given.nxdomains_per_s, given.errors_per_s)
    if not given.queries_per_s and not any(answered):
        return None
    from resolver.server.limiting import Limiting

    limits = _limits(config)
    return before if before is not None and before.limits == limits else Limiting(limits, clock, counters, log)


def limits_held(limiting: Limiting | None) -> Mapping[str, int]:
    """How much is held to keep the limits, by public name."""
    return {"limits.networks": 0, "limits.responses": 0} if limiting is None else limiting.counts()


def _limits(config: Config) -> Limits:
    from resolver.server.limiting import Limits
    from resolver.wire import responses

    given = config.limits
    rates = {
        responses.ANSWER: given.responses_per_s,
        responses.NODATA: given.nodata_per_s,
        responses.NXDOMAIN: given.nxdomains_per_s,
        responses.ERROR: given.errors_per_s,
    }
    return Limits(
        queries_per_s=given.queries_per_s,
        burst_s=given.burst_s,
        prefixes=(given.ipv4_prefix, given.ipv6_prefix),
        exempt=given.exempt,
        responses_per_s={kind: given.responses_per_s if each is None else each for kind, each in rates.items()},
        response_prefixes=(given.responses_ipv4_prefix, given.responses_ipv6_prefix),
        window_s=given.responses_window_s,
        slip=given.slip,
        table=given.max_entries,
    )


def limiter(config: Config, clock: Clock) -> Callable[[str, Client], Reply | None] | None:
    """What counts queries against the classes of `limits.classes`; None where there are none."""
    if not config.limits.classes:
        return None
    from resolver.server.limiting import Classes

    return Classes(rate_classes(config, clock), config.limits.slip)


def rate_classes(config: Config, clock: Clock) -> dict[str, RateClass]:
    """The classes of `limits.classes`, by name."""
    given = config.limits
    if not given.classes:
        return {}
    from resolver.cache.buckets import Buckets, Prefixes, RateClass

    prefixes = Prefixes(given.ipv4_prefix, given.ipv6_prefix, given.exempt)
    return {
        name: RateClass(Buckets(rate, rate * given.burst_s, given.max_entries), prefixes, clock)
        for name, rate in given.classes.items()
    }


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


def https_terms(config: Config) -> Terms:
    """On which terms HTTPS is answered; of header fields, what rules look at is told of a query."""
    server = config.server
    fields = frozenset(field.lower().encode() for rule in config.rules for field in rule.headers)
    return Terms(frozenset(path.encode() for path in server.https_paths), server.https_streams, fields)


def cookies(config: Config, drawn: bytes, clock: Clock) -> Cookies:
    """The cookies of the secret that is configured, or of the one that was `drawn`."""
    given = config.server.cookie_secret
    return Cookies(drawn if given is None else bytes.fromhex(given), clock)
