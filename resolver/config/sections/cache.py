"""The section `[cache]`: what is remembered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from resolver.config.sections.base import Doc, Section


class Cache(Section):
    """What is remembered, how much of it and for how long."""

    size_mb: Annotated[int, Field(ge=1, le=1048576)] = 64
    """Bound of the stored answers and records together; what was used longest ago goes first. Peers: Unbound 4
    for messages and 4 for records (`msg-cache-size`, `rrset-cache-size`), BIND 90 % of the memory (`max-cache-size`),
    Knot Resolver 100 (`cache.size`), PowerDNS a million records (`max-cache-entries`)."""

    min_ttl_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """Floor of the TTL of positive answers. Above 0, changes of a zone become visible later than its owner says; what
    is proven is never held for longer than that. Peers: Unbound 0 (`cache-min-ttl`), BIND 0 (`min-cache-ttl`), PowerDNS
    1 (`minimum-ttl-override`), Knot Resolver 5 (`cache.min_ttl`)."""

    max_ttl_s: Annotated[int, Field(ge=1, le=604800)] = 86400
    """Ceiling of the TTL of positive answers (RFC 8767 section 4 wants one of days, at most a week).
    Peers: Unbound 86,400 (`cache-max-ttl`), BIND 604,800 (`max-cache-ttl`), PowerDNS 86,400 (`max-cache-ttl`)."""

    negative_max_ttl_s: Annotated[int, Field(ge=0, le=86400)] = 3600
    """Ceiling of the TTL of negative answers (RFC 2308 section 5 finds one to three hours sensible).
    Peers: Unbound 3,600 (`cache-max-negative-ttl`), BIND 10,800 (`max-ncache-ttl`), PowerDNS 3,600
    (`max-negative-ttl`)."""

    prefetch: bool = True
    """What is asked for in the last tenth of its TTL is answered and renewed, so that those who ask often never wait.
    It costs a few messages more. Peers: Unbound has the same, off (`prefetch`); BIND renews
    in the last 2 s of TTLs of 9 s and more (`prefetch`); Knot Resolver in the last hundredth or 5 s, by a module;
    PowerDNS off (`refresh-on-ttl-perc`)."""

    rrset_max_records: Annotated[int, Field(ge=1, le=65535), Doc("records")] = 100
    """An RRset of more records is answered and kept for 1 s only, so that nobody can fill the cache, or slow it down,
    with what no client uses (CVE-2024-1737). Peers: BIND 100 (`max-records-per-type`) and
    PowerDNS 256 (`max-rrset-size`) refuse it."""

    entry_max_kb: Annotated[int, Field(ge=1, le=64)] = 8
    """An RRset with more data, or a stored response with more octets, is answered and kept for 1 s only: so a cache of
    the default size cannot be filled by a few thousand questions. Peers: PowerDNS 8 (`max-recordcache-entry-size`,
    `max-packetcache-entry-size`), the others have no such setting."""

    serve_stale: bool = True
    """An answer that has expired is given when no newer one is to be had in time (RFC 8767), with a low TTL and an
    extended error that says so: an outage of a zone's servers, or of the way to them, is then no outage of what is
    looked up every day. Peers have it off: Unbound (`serve-expired`), BIND (`stale-answer-enable`), Knot Resolver
    (`serve-stale`), PowerDNS (`serve-stale-extensions`)."""

    stale_client_timeout_ms: Annotated[int, Field(ge=0, le=4900)] = 1800
    """How long a client waits for a newer answer before it is given one that has expired; 0 gives it at once and
    refreshes it then. RFC 8767 section 5 suggests 1.8 s, below the 2 s of most stub resolvers. Peers: Unbound 1,800,
    earlier 0 (`serve-expired-client-timeout`), BIND off (`stale-answer-client-timeout`)."""

    stale_ttl_s: Annotated[int, Field(ge=1, le=3600)] = 30
    """The TTL of an answer that has expired. RFC 8767 section 4 recommends 30 s. Peers: Unbound 30
    (`serve-expired-reply-ttl`), BIND 30 (`stale-answer-ttl`)."""

    stale_max_age_s: Annotated[int, Field(ge=1, le=604800)] = 86400
    """For how long after its end an answer may be given. RFC 8767 section 5 suggests one to three days; what is older
    does more harm than an error. Peers: Unbound 86,400, earlier without end
    (`serve-expired-ttl`), BIND 86,400 (`max-stale-ttl`)."""

    failure_ttl_s: Annotated[int, Field(ge=1, le=5)] = 1
    """How long a failed resolution is not tried again (RFC 9520 section 3.2 wants at least 1 s). Each further failure
    in a row doubles the time, up to `failure_max_ttl_s`, but not while the network itself, or the root, is silent.
    Peers: Unbound 5 s, BIND 1 s (`servfail-ttl`), PowerDNS 60 s (`packetcache-servfail-ttl`)."""

    failure_max_ttl_s: Annotated[int, Field(ge=1, le=300)] = 300
    """What that time grows to at most (RFC 9520 section 3.2: at most 5 minutes): a zone that is broken for long is
    asked little, and is found again within this time when it is repaired. Peers: no such setting; theirs do not grow,
    and BIND takes 30 s at most (`servfail-ttl`)."""
