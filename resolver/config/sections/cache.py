"""The section `[cache]`: what is remembered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from resolver.config.sections.base import Section


class Cache(Section):
    """What is remembered, how much of it and for how long."""

    size_mb: Annotated[int, Field(ge=1, le=1048576)] = 64
    """Bound of the stored answers and records together; what was used longest ago goes first."""

    min_ttl_s: Annotated[int, Field(ge=0, le=3600)] = 0
    """Floor of the TTL of positive answers. Above 0, changes of a zone become visible later than its owner
    says."""

    max_ttl_s: Annotated[int, Field(ge=1, le=604800)] = 86400
    """Ceiling of the TTL of positive answers (RFC 8767 section 4 wants one of days, at most a week)."""

    negative_max_ttl_s: Annotated[int, Field(ge=0, le=86400)] = 3600
    """Ceiling of the TTL of negative answers (RFC 2308 section 5 finds one to three hours sensible)."""

    failure_ttl_s: Annotated[int, Field(ge=1, le=5)] = 1
    """How long a failed resolution is not tried again. Each further failure in a row doubles the time, up to 300 s
    (RFC 9520 section 3.2: at least 1 s, at most 5 minutes), but not while the network itself is silent. Peers: Unbound
    5 s, BIND 1 s (`servfail-ttl`), Knot Resolver 5 s, PowerDNS 60 s (`packetcache-servfail-ttl`)."""
