"""What is counted: plain integers, incremented where things happen, read by `stats`.

A counter costs one attribute increment; names are those of `resolver stats` with a dot in place of the first
underscore.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """Counts since the start."""

    queries_udp: int = 0
    queries_tcp: int = 0
    queries_tls: int = 0
    queries_https: int = 0
    queries_malformed: int = 0
    queries_ignored: int = 0
    queries_denied: int = 0
    queries_denied_told: int = 0
    queries_dropped_busy: int = 0
    queries_dropped_client: int = 0
    queries_in_flight: int = 0
    limits_queries_dropped: int = 0
    limits_queries_truncated: int = 0
    limits_queries_refused: int = 0
    limits_responses_dropped: int = 0
    limits_responses_truncated: int = 0
    answers_local: int = 0
    answers_cached: int = 0
    answers_referred: int = 0
    answers_hidden: int = 0
    answers_stale: int = 0
    answers_resolved: int = 0
    answers_secure: int = 0
    answers_insecure: int = 0
    answers_bogus: int = 0
    answers_noerror: int = 0
    answers_nxdomain: int = 0
    answers_servfail: int = 0
    answers_other: int = 0
    answers_ruled: int = 0
    answers_untold: int = 0
    answers_internal_error: int = 0
    upstream_sent: int = 0
    upstream_ignored: int = 0
    upstream_suspected: int = 0
    upstream_timeouts: int = 0
    upstream_failures: int = 0
    upstream_zone_busy: int = 0
    questions_joined: int = 0
    forwarded_hedged: int = 0
    forwarded_retried: int = 0
    forwarded_looped: int = 0
    failures_cached: int = 0
    filters_local: int = 0
    filters_blocked: int = 0
    filters_rebinding: int = 0
    filters_dns64: int = 0
    filters_rpz: int = 0
    filters_rpz_disabled: int = 0
    cache_prefetched: int = 0
    signatures_checked: int = 0
    signatures_refuted: int = 0

    def as_dict(self) -> dict[str, int]:
        """Each count by its public name, such as `queries.udp`."""
        return {field.name.replace("_", ".", 1): getattr(self, field.name) for field in fields(self)}
